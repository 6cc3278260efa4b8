//! The parts of a SARIF log that are read, as they stand in the file. Everything else is passed over.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Deref;

use serde::Deserialize;

/// A text that borrows from the file where it has no escapes. (serde borrows a bare `Cow`, but not one in an `Option`.)
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
pub(super) struct Log<'a> {
    #[serde(borrow)]
    pub(super) version: Option<Text<'a>>,
    pub(super) runs: Option<Vec<Run<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run<'a> {
    #[serde(borrow)]
    pub(super) tool: Tool<'a>,
    pub(super) invocations: Option<Vec<Invocation<'a>>>,
    pub(super) results: Option<Vec<Entry<'a>>>,
    pub(super) external_property_file_references: Option<ExternalFiles>,
}

#[derive(Deserialize)]
pub(super) struct ExternalFiles {
    pub(super) results: Option<Vec<ExternalFile>>,
}

/// Only that it is there matters.
#[derive(Deserialize)]
pub(super) struct ExternalFile {}

#[derive(Deserialize)]
pub(super) struct Tool<'a> {
    #[serde(borrow)]
    pub(super) driver: Component<'a>,
    pub(super) extensions: Option<Vec<Component<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct Component<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    pub(super) rules: Option<Vec<Rule<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    pub(super) default_configuration: Option<Configuration<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Configuration<'a> {
    #[serde(borrow)]
    pub(super) level: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation<'a> {
    pub(super) execution_successful: Option<bool>,
    #[serde(borrow)]
    pub(super) tool_execution_notifications: Option<Vec<Notification<'a>>>,
    pub(super) tool_configuration_notifications: Option<Vec<Notification<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct Notification<'a> {
    #[serde(borrow)]
    pub(super) level: Option<Text<'a>>,
    #[serde(default)]
    pub(super) message: Message<'a>,
}

#[derive(Deserialize, Default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
    markdown: Option<Text<'a>>,
    id: Option<Text<'a>>,
}

impl Message<'_> {
    /// The text, or what stands in for it; empty if there is nothing.
    pub(super) fn text(&self) -> &str {
        [&self.text, &self.markdown, &self.id]
            .into_iter()
            .flatten()
            .next()
            .map_or("", |text| text)
    }
}

/// One result. (`Entry`, so that no type is called `Result`.)
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry<'a> {
    #[serde(borrow)]
    rule_id: Option<Text<'a>>,
    rule_index: Option<i64>,
    rule: Option<RuleReference<'a>>,
    pub(super) kind: Option<Text<'a>>,
    pub(super) level: Option<Text<'a>>,
    #[serde(default)]
    pub(super) message: Message<'a>,
    pub(super) locations: Option<Vec<Location<'a>>>,
    suppressions: Option<Vec<Suppression<'a>>>,
    pub(super) baseline_state: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleReference<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    index: Option<i64>,
    tool_component: Option<ComponentReference>,
}

#[derive(Deserialize)]
pub(super) struct ComponentReference {
    index: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location<'a> {
    #[serde(borrow)]
    pub(super) physical_location: Option<PhysicalLocation<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PhysicalLocation<'a> {
    #[serde(borrow)]
    pub(super) artifact_location: Option<ArtifactLocation<'a>>,
    pub(super) region: Option<Region>,
}

#[derive(Deserialize)]
pub(super) struct ArtifactLocation<'a> {
    #[serde(borrow)]
    pub(super) uri: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Region {
    pub(super) start_line: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct Suppression<'a> {
    #[serde(borrow)]
    status: Option<Text<'a>>,
}

impl<'a> Entry<'a> {
    /// The id of the rule, as the result itself names it.
    pub(super) fn rule_id(&self) -> Option<&str> {
        self.rule_id
            .as_deref()
            .or_else(|| self.rule.as_ref()?.id.as_deref())
    }

    /// Accepted by every suppression; one that is under review or rejected counts as none (section 3.27.23).
    pub(super) fn is_suppressed(&self) -> bool {
        let accepted = |status: Option<&str>| matches!(status, None | Some("accepted"));
        let all = self.suppressions.as_deref().unwrap_or_default();
        !all.is_empty() && all.iter().all(|one| accepted(one.status.as_deref()))
    }

    /// The rule by its index if it is there, else by its id, else by its id without the last part (`CA1000/1`).
    pub(super) fn rule_in<'t>(
        &self,
        tool: &'t Tool<'a>,
        rules: &HashMap<&str, &'t Rule<'t>>,
    ) -> Option<&'t Rule<'t>>
    where
        'a: 't,
    {
        let by_index = || {
            let reference = self.rule.as_ref();
            let extension = reference.and_then(|rule| rule.tool_component.as_ref()?.index);
            let component = match extension {
                Some(index) => tool.extensions.as_ref()?.get(usize::try_from(index).ok()?)?,
                None => &tool.driver,
            };
            let index = self.rule_index.or(reference.and_then(|rule| rule.index))?;
            component.rules.as_ref()?.get(usize::try_from(index).ok()?)
        };
        let by_id = || {
            let id = self.rule_id()?;
            let parent = || rules.get(id.rsplit_once('/')?.0);
            rules.get(id).or_else(parent).copied()
        };
        by_index().or_else(by_id)
    }
}
