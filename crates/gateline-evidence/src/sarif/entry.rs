//! One result of a run, as it stands in the file. Everything else in it is passed over.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::tool::{Properties, Score, TaxonReference};
use crate::stream::{Few, Words};

/// Fingerprints that do not depend on the line. GitHub's is over the text round the line, semgrep's over rule, path and
/// match. Of other names nothing is known, so they are not relied on.
const FINGERPRINTS: [&str; 2] = ["primaryLocationLineHash", "matchBasedId/v1"];

/// One result. (`Entry`, so that no type is called `Result`.)
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    rule_id: Option<String>,
    rule_index: Option<i64>,
    rule: Option<RuleReference>,
    pub(super) kind: Option<String>,
    pub(super) level: Option<String>,
    #[serde(default)]
    pub(super) message: Option<Message>,
    #[serde(default)]
    locations: Few<Location>,
    #[serde(default)]
    suppressions: Few<Suppression>,
    pub(super) baseline_state: Option<String>,
    #[serde(default)]
    properties: Option<Properties>,
    #[serde(default)]
    taxa: Few<TaxonReference>,
    #[serde(default)]
    partial_fingerprints: Option<Fingerprints>,
    #[serde(default)]
    fingerprints: Option<Fingerprints>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleReference {
    id: Option<String>,
    index: Option<i64>,
    tool_component: Option<ComponentReference>,
}

/// The driver or an extension of the tool.
#[derive(Deserialize)]
pub(super) struct ComponentReference {
    index: Option<i64>,
    guid: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize, Default)]
pub(super) struct Message {
    text: Option<String>,
    markdown: Option<String>,
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Option<PhysicalLocation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Option<ArtifactLocation>,
    region: Option<Region>,
}

#[derive(Deserialize)]
struct ArtifactLocation {
    uri: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    #[serde(default)]
    start_line: Words,
}

#[derive(Deserialize)]
struct Suppression {
    kind: Option<String>,
    status: Option<String>,
}

type Fingerprints = BTreeMap<String, Words>;

impl Message {
    /// The text, or what stands in for it; empty if there is nothing.
    pub(super) fn text(&self) -> &str {
        let texts = [&self.text, &self.markdown, &self.id];
        texts.into_iter().flatten().next().map_or("", String::as_str)
    }
}

impl RuleReference {
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Minus one is no index.
    pub(super) fn index(&self) -> Option<usize> {
        usize::try_from(self.index?).ok()
    }

    pub(super) fn component(&self) -> Option<&ComponentReference> {
        self.tool_component.as_ref()
    }

    pub(super) fn into_component(self) -> Option<ComponentReference> {
        self.tool_component
    }
}

impl ComponentReference {
    /// Its index among the extensions; minus one is none.
    pub(super) fn index(&self) -> Option<usize> {
        usize::try_from(self.index?).ok()
    }

    pub(super) fn guid(&self) -> Option<&str> {
        self.guid.as_deref()
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl Suppression {
    fn is_accepted(&self) -> bool {
        let is_known = matches!(self.kind.as_deref(), Some("inSource" | "external"));
        is_known && matches!(self.status.as_deref(), None | Some("accepted"))
    }
}

impl Entry {
    /// The id of the rule, as the result itself names it.
    pub(super) fn rule_id(&self) -> Option<&str> {
        self.rule_id.as_deref().or_else(|| self.rule.as_ref()?.id())
    }

    /// The index of the rule; minus one is none.
    pub(super) fn rule_index(&self) -> Option<usize> {
        match self.rule_index {
            Some(index) => usize::try_from(index).ok(),
            None => self.rule.as_ref()?.index(),
        }
    }

    /// The part of the tool that has the rule, where the result names one.
    pub(super) fn rule_component(&self) -> Option<&ComponentReference> {
        self.rule.as_ref()?.component()
    }

    /// Accepted by every suppression; one that is under review or rejected counts as none (section 3.27.23), and so does
    /// one that is neither in the source nor outside of it (section 3.35.2). Of more than are read, one may be rejected.
    pub(super) fn is_suppressed(&self) -> bool {
        let all = &self.suppressions;
        !all.is_empty() && !all.is_cut() && all.iter().all(Suppression::is_accepted)
    }

    pub(super) fn text(&self) -> &str {
        self.message.as_ref().map_or("", Message::text)
    }

    pub(super) fn file(&self) -> Option<&str> {
        self.place()?.artifact_location.as_ref()?.uri.as_deref()
    }

    pub(super) fn line(&self) -> Option<u64> {
        self.place()?.region.as_ref()?.start_line.line()
    }

    fn place(&self) -> Option<&PhysicalLocation> {
        let mut places = self.locations.iter();
        places.find_map(|location| location.physical_location.as_ref())
    }

    pub(super) fn score(&self) -> Option<Score> {
        self.properties.as_ref()?.score()
    }

    pub(super) fn weaknesses(&self) -> Vec<String> {
        let properties = self.properties.iter().flat_map(Properties::weaknesses);
        let taxa = self.taxa.iter().filter_map(TaxonReference::weakness);
        properties.chain(taxa).collect()
    }

    /// A fingerprint that outlives moved lines.
    pub(super) fn fingerprint(&self) -> Option<&str> {
        let maps = [&self.partial_fingerprints, &self.fingerprints];
        let mut named = maps
            .into_iter()
            .flatten()
            .flat_map(|map| FINGERPRINTS.iter().filter_map(|name| map.get(*name)?.first()));
        // What semgrep writes for each finding when nobody is logged in. An empty one is none.
        named.find(|fingerprint| !matches!(fingerprint.trim(), "" | "requires login"))
    }
}
