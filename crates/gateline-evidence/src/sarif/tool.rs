//! The tool of a run: its rules, with what they say of their results.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::MapAccess;

use super::entry::{ComponentReference, Entry};
use crate::severity;
use crate::stream::{Few, Keyed, Objects, Words, each};
use crate::text;

/// Rules that are kept of one report. Results of the others keep what they say themselves.
pub const RULES_MAX: usize = 50_000;
/// Characters that a warning shows of a score that is none.
const WORD_CHARS_MAX: usize = 20;

/// The driver of a run and its extensions.
#[derive(Default)]
pub(super) struct Tool {
    pub(super) name: Option<String>,
    driver: Vec<Rule>,
    extensions: Vec<Vec<Rule>>,
    /// The name and the guid of the driver, and of each extension.
    driver_is: Named,
    extensions_are: Vec<Named>,
    /// Where the first rule of each id is: the extension, or none for the driver; and its index.
    by_id: HashMap<String, (Option<usize>, usize)>,
}

/// How results name a part of the tool.
#[derive(Default)]
struct Named {
    name: Option<String>,
    guid: Option<String>,
}

impl Named {
    fn is(&self, reference: &ComponentReference) -> bool {
        match (reference.guid(), reference.name()) {
            (Some(guid), _) => self
                .guid
                .as_deref()
                .is_some_and(|own| own.eq_ignore_ascii_case(guid)),
            (None, name) => name.is_some() && self.name.as_deref() == name,
        }
    }
}

/// What is kept of a rule.
#[derive(Default)]
pub(super) struct Rule {
    pub(super) id: Option<String>,
    /// SARIF's word for the level of its results.
    pub(super) level: Option<String>,
    pub(super) score: Option<Score>,
    pub(super) cwe: Vec<String>,
}

/// What `security-severity` says.
#[derive(Debug, PartialEq)]
pub(super) enum Score {
    /// A CVSS score.
    Is(f64),
    /// Words that are none, shortened: how grave it is is for a person to find out.
    Odd(String),
}

/// What an invocation sets for a rule (section 3.20.5).
pub(super) struct Override {
    pub(super) id: Option<String>,
    pub(super) index: Option<usize>,
    pub(super) component: Option<ComponentReference>,
    pub(super) level: String,
}

impl Tool {
    /// Sets the levels that the invocation gave, and learns where each id is.
    pub(super) fn settle(&mut self, overrides: &[Override]) {
        let components = std::iter::once((None, &self.driver)).chain(
            self.extensions
                .iter()
                .enumerate()
                .map(|(at, rules)| (Some(at), rules)),
        );
        let mut by_id = HashMap::new();
        for (component, rules) in components {
            for (index, rule) in rules.iter().enumerate() {
                if let Some(id) = &rule.id {
                    by_id.entry(id.clone()).or_insert((component, index));
                }
            }
        }
        self.by_id = by_id;
        for Override {
            id,
            index,
            component,
            level,
        } in overrides
        {
            let at = self.place_of(id.as_deref(), *index, component.as_ref());
            if let Some(rule) = at.and_then(|at| self.rule_at_mut(at)) {
                rule.level = Some(level.clone());
            }
        }
    }

    fn rule_at(&self, (extension, index): (Option<usize>, usize)) -> Option<&Rule> {
        let rules = match extension {
            Some(at) => self.extensions.get(at)?,
            None => &self.driver,
        };
        rules.get(index)
    }

    fn rule_at_mut(&mut self, (extension, index): (Option<usize>, usize)) -> Option<&mut Rule> {
        let rules = match extension {
            Some(at) => self.extensions.get_mut(at)?,
            None => &mut self.driver,
        };
        rules.get_mut(index)
    }

    /// The rule of a result.
    pub(super) fn rule_of(&self, entry: &Entry) -> Option<&Rule> {
        let place = self.place_of(entry.rule_id(), entry.rule_index(), entry.rule_component())?;
        self.rule_at(place)
    }

    /// Where a rule is: by its index, unless the rule there has another id; else by its id, or by its id without the last
    /// part (`CA1000/1`).
    fn place_of(
        &self,
        id: Option<&str>,
        index: Option<usize>,
        component: Option<&ComponentReference>,
    ) -> Option<(Option<usize>, usize)> {
        let by_index = || {
            let place = (self.extension_of(component)?, index?);
            let own = self.rule_at(place)?.id.as_deref();
            let differs = own.zip(id).is_some_and(|(own, id)| {
                let below = id.strip_prefix(own);
                below.is_none_or(|below| !below.is_empty() && !below.starts_with('/'))
            });
            (!differs).then_some(place)
        };
        let by_id = || {
            let parent = || self.by_id.get(id?.rsplit_once('/')?.0);
            self.by_id.get(id?).or_else(parent).copied()
        };
        by_index().or_else(by_id)
    }

    /// The extension that a reference is to: `Some(None)` is the driver, and `None` a part that is not there.
    fn extension_of(&self, component: Option<&ComponentReference>) -> Option<Option<usize>> {
        let Some(component) = component else {
            return Some(None);
        };
        let is_unnamed = component.guid().is_none() && component.name().is_none();
        match component.index() {
            Some(index) => Some(Some(index)),
            None if is_unnamed || self.driver_is.is(component) => Some(None),
            None => {
                let at = self.extensions_are.iter().position(|one| one.is(component))?;
                Some(Some(at))
            }
        }
    }

    /// Whether it lists no rule at all.
    pub(super) fn is_without_rules(&self) -> bool {
        self.driver.is_empty() && self.extensions.iter().all(Vec::is_empty)
    }
}

/// Reads `tool`.
pub(super) struct Reading<'t> {
    pub(super) tool: &'t mut Tool,
    /// Rules that may still be kept.
    pub(super) room: &'t mut usize,
}

impl Keyed for Reading<'_> {
    const KEYS: &'static [&'static str] = &["driver", "extensions"];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let mut components = Components {
            read: Vec::new(),
            are: Vec::new(),
            room: self.room,
        };
        value.next_value_seed(Objects(&mut components))?;
        let Components { read, are, .. } = components;
        match key {
            "driver" => {
                self.tool.driver = read.into_iter().next().unwrap_or_default();
                self.tool.driver_is = are.into_iter().next().unwrap_or_default();
                self.tool.name = self.tool.driver_is.name.clone();
            }
            _ => (self.tool.extensions, self.tool.extensions_are) = (read, are),
        }
        Ok(())
    }
}

struct Components<'r> {
    read: Vec<Vec<Rule>>,
    are: Vec<Named>,
    room: &'r mut usize,
}

impl Keyed for Components<'_> {
    const KEYS: &'static [&'static str] = &["name", "guid", "rules"];

    fn begin(&mut self) -> Result<(), String> {
        self.read.push(Vec::new());
        self.are.push(Named::default());
        // Components count as rules do: without a limit, a list of empty ones would fill the memory.
        match self.room.checked_sub(1) {
            Some(room) => *self.room = room,
            None => return Err(format!("more than {RULES_MAX} rules and parts of tools")),
        }
        Ok(())
    }

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "name" | "guid" => {
                let named = self.are.last_mut().expect("an object has begun");
                let word = match key {
                    "name" => &mut named.name,
                    _ => &mut named.guid,
                };
                *word = value.next_value()?;
            }
            _ => {
                let rules = self.read.last_mut().expect("an object has begun");
                value.next_value_seed(each(|rule: RuleText| {
                    if let Some(room) = self.room.checked_sub(1) {
                        *self.room = room;
                        rules.push(rule.into());
                    }
                }))?;
            }
        }
        Ok(())
    }
}

/// A rule as it stands in the file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleText {
    id: Option<String>,
    default_configuration: Option<Configuration>,
    #[serde(default)]
    properties: Option<Properties>,
    #[serde(default)]
    relationships: Few<Relationship>,
}

#[derive(Deserialize)]
pub(super) struct Configuration {
    pub(super) level: Option<String>,
}

/// The properties of a rule or a result that tools agree on.
#[derive(Deserialize, Default)]
pub(super) struct Properties {
    #[serde(rename = "security-severity", default)]
    security_severity: Words,
    #[serde(default)]
    tags: Words,
    #[serde(default)]
    cwe: Words,
}

impl Properties {
    /// The score; nought stands for one that is not known, as no word at all does.
    pub(super) fn score(&self) -> Option<Score> {
        let word = self.security_severity.first()?.trim();
        match self.security_severity.number() {
            Some(0.0) => None,
            Some(score) if (0.0..=10.0).contains(&score) => Some(Score::Is(score)),
            Some(_) | None => (!word.is_empty()).then(|| Score::Odd(text::one_line(word, WORD_CHARS_MAX))),
        }
    }

    pub(super) fn weaknesses(&self) -> impl Iterator<Item = String> {
        let words = self.tags.all().iter().chain(self.cwe.all());
        words.filter_map(|word| severity::weakness(word))
    }
}

#[derive(Deserialize)]
struct Relationship {
    target: Option<TaxonReference>,
}

/// A name in a taxonomy, as of the CWE.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaxonReference {
    id: Option<String>,
    tool_component: Option<ComponentName>,
}

#[derive(Deserialize)]
struct ComponentName {
    name: Option<String>,
}

impl TaxonReference {
    pub(super) fn weakness(&self) -> Option<String> {
        let id = self.id.as_deref()?;
        let of = self
            .tool_component
            .as_ref()
            .and_then(|component| component.name.as_deref());
        match id.parse::<u32>() {
            Ok(number) => of
                .is_some_and(|of| of.eq_ignore_ascii_case("cwe"))
                .then(|| format!("CWE-{number}")),
            Err(_) => severity::weakness(id),
        }
    }
}

impl From<RuleText> for Rule {
    fn from(text: RuleText) -> Rule {
        let properties = text.properties.unwrap_or_default();
        let related = text
            .relationships
            .iter()
            .filter_map(|relation| relation.target.as_ref()?.weakness());
        let mut cwe: Vec<_> = properties.weaknesses().chain(related).collect();
        cwe.sort_unstable();
        cwe.dedup();
        Rule {
            id: text.id,
            level: text
                .default_configuration
                .and_then(|configuration| configuration.level),
            score: properties.score(),
            cwe,
        }
    }
}
