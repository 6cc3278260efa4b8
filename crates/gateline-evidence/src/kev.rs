//! Lists of vulnerabilities that are known to be exploited.
//!
//! Layout: CISA's catalogue, `known_exploited_vulnerabilities.json`. Knows no release: which findings are on the list is
//! for its gate to say.

use gateline_model::{EXPLOITED_MAX, ExploitedFacts, ExploitedVulnerability, Facts};
use serde::Deserialize;
use serde::de::MapAccess;

use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Complete, Warnings};
use crate::stream::{Keyed, Objects, each};
use crate::text;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "kev",
    kind: "exploited",
    title: "CISA's catalogue of known exploited vulnerabilities",
    knows: |head| head.has_keys(&["catalogVersion", "vulnerabilities"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut list = Catalogue::default();
    input.json(Objects(&mut list))?;
    let Catalogue { facts, count, total } = list;
    let incomplete = if total == 0 {
        Some("the list has no vulnerability".to_owned())
    } else if count.is_some_and(|count| count != total) {
        Some(format!(
            "the list says that it has {} vulnerabilities, and has {total}",
            count.unwrap_or_default()
        ))
    } else if total > EXPLOITED_MAX as u64 {
        Some(format!(
            "the list has {total} vulnerabilities; {EXPLOITED_MAX} are read"
        ))
    } else if facts.released.is_none() {
        Some("the list does not say when it was released, so nobody knows how old it is".to_owned())
    } else {
        None
    };
    Ok(Body {
        facts: Facts::Exploited(facts),
        complete: Complete::unless(incomplete),
        warnings: Warnings::default(),
    })
}

#[derive(Default)]
struct Catalogue {
    facts: ExploitedFacts,
    /// How many the list says that it has.
    count: Option<u64>,
    /// How many it has, with those that are not kept.
    total: u64,
}

impl Keyed for Catalogue {
    const KEYS: &'static [&'static str] = &[
        "title",
        "catalogVersion",
        "dateReleased",
        "count",
        "vulnerabilities",
    ];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "title" => self.facts.title = value.next_value::<Option<String>>()?.as_deref().map(text::name),
            "catalogVersion" => self.facts.version = text::name(&value.next_value::<String>()?),
            "dateReleased" => self.facts.released = value.next_value()?,
            "count" => self.count = value.next_value()?,
            _ => {
                value.next_value_seed(each(|one: Entry| self.add(one)))?;
            }
        }
        Ok(())
    }
}

impl Catalogue {
    fn add(&mut self, entry: Entry) {
        self.total += 1;
        if self.facts.vulnerabilities.len() == EXPLOITED_MAX {
            return;
        }
        let Entry {
            name,
            added,
            due,
            ransomware,
        } = entry;
        self.facts.vulnerabilities.push(ExploitedVulnerability {
            name: text::name(&name),
            added: added.as_deref().map(text::name),
            due: due.as_deref().map(text::name),
            ransomware: ransomware.is_some_and(|word| word.eq_ignore_ascii_case("known")),
        });
    }
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "cveID")]
    name: String,
    #[serde(rename = "dateAdded")]
    added: Option<String>,
    #[serde(rename = "dueDate")]
    due: Option<String>,
    #[serde(rename = "knownRansomwareCampaignUse")]
    ransomware: Option<String>,
}
