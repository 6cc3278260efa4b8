//! Bills of materials: what the two formats share.
//!
//! Every component of the document is counted, whatever its type; the one that the document describes is left out.
//! Knows no licence list and opens no package.

pub(crate) mod cyclonedx;
mod purl;
pub(crate) mod spdx;

use gateline_model::{COMPONENTS_MAX, Component, Facts, LICENCES_MAX, SbomFacts, TOOLS_MAX};

use crate::read::{Body, Complete, Warnings};
use crate::text;

/// A bill, as it is read.
#[derive(Debug, Default)]
pub(super) struct Bill {
    /// Parts of what it describes, while that is read.
    parts: Vec<Component>,
    facts: SbomFacts,
    /// The first component that does not say what it is, or says it in two ways.
    unclear: Option<String>,
    warnings: Warnings,
}

impl Bill {
    pub(super) fn tool(&mut self, tool: &str) {
        let tool = text::name(tool);
        let tools = &mut self.facts.tools;
        if !tool.is_empty() && tools.len() < TOOLS_MAX && !tools.contains(&tool) {
            tools.push(tool);
        }
    }

    pub(super) fn subject(&mut self, subject: &str) {
        let subject = text::name(subject);
        self.facts.subject = Some(subject).filter(|subject| !subject.is_empty());
    }

    pub(super) fn relates(&mut self) {
        self.facts.relations = true;
    }

    pub(super) fn warn(&mut self, warning: impl FnOnce() -> String) {
        self.warnings.add(warning);
    }

    /// A component without the name that every component has.
    pub(super) fn nameless(&mut self, purl: Option<&str>) {
        self.unclear.get_or_insert_with(|| {
            let purl = purl.map(|purl| format!(" (`{}`)", text::name(purl)));
            format!("a component{} has no `name`", purl.unwrap_or_default())
        });
    }

    /// Counts a component, and keeps it while there is room.
    pub(super) fn component(&mut self, component: Component) {
        let Component {
            name,
            version,
            purl,
            licences,
        } = component;
        if let Some(other) = purl
            .as_deref()
            .and_then(|purl| purl::other_version(purl, &version))
        {
            self.unclear.get_or_insert_with(|| {
                let [name, version, other] = [&name, &version, &other].map(|word| text::name(word));
                format!("the report contradicts itself: `{name}` has the version {version}, and its package URL {other}")
            });
        }
        let component = Component {
            name: text::name(&name),
            version: text::name(&version),
            purl: purl.map(|purl| text::name(&purl)).filter(|purl| !purl.is_empty()),
            licences: licences
                .iter()
                .map(|licence| text::name(licence))
                .filter(|licence| !says_nothing(licence))
                .take(LICENCES_MAX)
                .collect(),
        };
        let facts = &mut self.facts;
        facts.total += 1;
        facts.without_version += u64::from(component.version.is_empty());
        facts.without_purl += u64::from(component.purl.is_none());
        facts.without_licence += u64::from(component.licences.is_empty());
        if facts.components.len() < COMPONENTS_MAX {
            facts.components.push(component);
        }
    }

    /// Keeps a part of what the bill describes until it is known what that is.
    pub(super) fn part(&mut self, part: Component) {
        match self.parts.len() < COMPONENTS_MAX {
            true => self.parts.push(part),
            false => self.component(part),
        }
    }

    /// Counts the parts of what the bill describes. What cargo lists there as a part, the library or the program of the
    /// same name and version, is the thing itself, unless it has a licence to tell.
    pub(super) fn settle_parts(&mut self, name: &str, version: &str) {
        for part in std::mem::take(&mut self.parts) {
            let is_itself = part.name == name && part.version == version && part.licences.is_empty();
            if !is_itself {
                self.component(part);
            }
        }
    }

    pub(super) fn into_body(self, spec: String) -> Body {
        let facts = SbomFacts { spec, ..self.facts };
        let nothing = (facts.total == 0).then(|| {
            "the bill of materials lists no component: nobody looked, or nothing was found".to_owned()
        });
        Body {
            facts: Facts::Sbom(facts),
            complete: Complete::unless(nothing.or(self.unclear)),
            warnings: self.warnings,
        }
    }
}

/// SPDX's words for `nobody looked` and `there is none`; some tools write them into CycloneDX too.
fn says_nothing(licence: &str) -> bool {
    matches!(licence, "" | "NOASSERTION" | "NONE")
}
