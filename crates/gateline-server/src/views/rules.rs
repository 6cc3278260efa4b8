//! What is declared, through time: every version of a pipeline, a policy module or a project's roles that came into force, by
//! whom; and what two of them say differently, line by line.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use gateline_api::{Named, entry};
use gateline_model::{ActorId, Commit, Declared, Digest, Event, ProjectName, Recorded, StreamId};
use gateline_store::Search;
use jiff::Timestamp;
use similar::{ChangeTag, TextDiff};

use crate::hub::Hub;
use crate::refused::Refused;
use crate::seen::not_there;

/// Versions that are listed; older ones are in the log.
pub(crate) const VERSIONS_MAX: usize = 100;
/// Events of one kind that are looked through for them: a project has several pipelines.
const LOOKED_THROUGH_MAX: usize = 2_000;
/// Lines of a difference that are shown.
pub(crate) const DIFF_LINES_MAX: usize = 2_000;
/// Lines around a change that are shown with it.
const AROUND: usize = 3;
/// How long the shortest difference is looked for; then a longer one will do.
const DIFF_TIME_MAX: Duration = Duration::from_millis(200);

/// A version that came into force.
pub(crate) struct VersionView {
    pub(crate) version: Digest,
    /// The log number of the event.
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) by: ActorId,
    /// The commit that it was taken from, where that is known.
    pub(crate) commit: Option<Commit>,
    /// Who wrote that commit; nothing where it is not known, or was erased.
    pub(crate) author: Option<String>,
    /// The proposal that its owners approved, where it was protected.
    pub(crate) proposal: Option<u64>,
    /// Where its content is kept.
    pub(crate) content: Digest,
}

/// One file of two versions, as far as it differs.
pub(crate) struct FileDifference {
    pub(crate) name: String,
    pub(crate) lines: Vec<Line>,
}

/// One line of a difference.
pub(crate) enum Line {
    Same(String),
    Added(String),
    Removed(String),
    /// Lines that are the same stand between.
    Gap,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Same(text) => write!(f, "  {text}"),
            Line::Added(text) => write!(f, "+ {text}"),
            Line::Removed(text) => write!(f, "- {text}"),
            Line::Gap => f.write_str("  …"),
        }
    }
}

/// The versions, the newest first.
pub(crate) async fn versions(
    hub: &Hub,
    project: &ProjectName,
    what: &Declared,
) -> Result<Vec<VersionView>, Refused> {
    let name = match what {
        Declared::Pipeline(_) => "pipeline_applied",
        Declared::Policy(_) => "policy_applied",
        Declared::Calendar(_) => "calendar_applied",
        Declared::Notifications => "notifications_applied",
        Declared::Roles => "roles_applied",
    };
    let search = Search {
        stream: Some(StreamId::Project(project.clone())),
        stream_prefix: None,
        event: Some(name.to_owned()),
        actor: None,
        from: None,
        until: None,
        before: None,
        limit: LOOKED_THROUGH_MAX,
    };
    let events = hub.read(move |store| store.search(&search)).await?;
    let found: Vec<VersionView> = events
        .iter()
        .filter_map(|recorded| version(recorded, what))
        .take(VERSIONS_MAX)
        .collect();
    if found.is_empty() {
        return Err(not_there(&Named::Declared(project.clone(), what.clone())));
    }
    Ok(found)
}

fn version(recorded: &Recorded, what: &Declared) -> Option<VersionView> {
    let (version, content, origin) = match (&recorded.event, what) {
        (
            Event::PipelineApplied {
                version,
                pipeline,
                source,
                origin,
            },
            Declared::Pipeline(name),
        ) if pipeline.name == *name => (version, source, origin),
        (
            Event::PolicyApplied {
                name: applied,
                module,
                origin,
            },
            Declared::Policy(name),
        ) if applied == name => (module, module, origin),
        (
            Event::CalendarApplied {
                name: applied,
                version,
                calendar,
                origin,
            },
            Declared::Calendar(name),
        ) if applied == name => (version, &calendar.source, origin),
        (
            Event::RolesApplied {
                version,
                source,
                origin,
                ..
            },
            Declared::Roles,
        )
        | (
            Event::NotificationsApplied {
                version,
                source,
                origin,
                ..
            },
            Declared::Notifications,
        ) => (version, source, origin),
        _ => return None,
    };
    Some(VersionView {
        version: *version,
        number: recorded.number,
        at: recorded.at,
        by: recorded.actor.clone(),
        commit: origin.commit.clone(),
        author: author(recorded),
        proposal: origin.proposal,
        content: *content,
    })
}

/// Who wrote the commit of a version, as its erasable part says.
pub(super) fn author(recorded: &Recorded) -> Option<String> {
    recorded.private.as_ref()?.text.get("author").cloned()
}

/// What two versions say differently, each by where its content is kept.
pub(crate) async fn difference(
    hub: &Hub,
    what: &Declared,
    old: Option<Digest>,
    new: Digest,
) -> Result<Vec<FileDifference>, Refused> {
    let before = match old {
        Some(old) => files(hub, what, old).await?,
        None => BTreeMap::new(),
    };
    let after = files(hub, what, new).await?;
    Ok(compare(&before, &after))
}

async fn files(hub: &Hub, what: &Declared, content: Digest) -> Result<BTreeMap<String, String>, Refused> {
    let name = match what {
        Declared::Policy(_) => {
            let module = hub.policy(content).await;
            let module = module.map_err(|why| Refused::new(&entry::UNAVAILABLE, why))?;
            let files = module.files.iter();
            return Ok(files
                .map(|(path, text)| (path.to_owned(), text.to_owned()))
                .collect());
        }
        Declared::Pipeline(_) => "pipeline.yaml".to_owned(),
        Declared::Calendar(name) => format!("{name}.ics"),
        Declared::Notifications => "notifications.yaml".to_owned(),
        Declared::Roles => "roles.yaml".to_owned(),
    };
    let bytes = hub.read(move |store| store.blob(&content)).await?;
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.map(|text| (name, text)).into_iter().collect())
}

fn compare(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<FileDifference> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let text = |files: &BTreeMap<String, String>, name: &String| files.get(name).cloned().unwrap_or_default();
    let mut left = DIFF_LINES_MAX;
    let mut found = Vec::new();
    for name in names {
        let (old, new) = (text(before, name), text(after, name));
        if old == new {
            continue;
        }
        let mut lines = lines(&old, &new);
        lines.truncate(left);
        left -= lines.len();
        found.push(FileDifference {
            name: name.clone(),
            lines,
        });
    }
    found
}

fn lines(old: &str, new: &str) -> Vec<Line> {
    let diff = TextDiff::configure().timeout(DIFF_TIME_MAX).diff_lines(old, new);
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if index > 0 {
            lines.push(Line::Gap);
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = change.value().trim_end_matches(['\n', '\r']).to_owned();
            lines.push(match change.tag() {
                ChangeTag::Equal => Line::Same(text),
                ChangeTag::Delete => Line::Removed(text),
                ChangeTag::Insert => Line::Added(text),
            });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(old: &str, new: &str) -> String {
        let files = |text: &str| BTreeMap::from([("rules.rego".to_owned(), text.to_owned())]);
        let mut said = String::new();
        for file in compare(&files(old), &files(new)) {
            for line in file.lines {
                let (sign, text) = match line {
                    Line::Same(text) => (' ', text),
                    Line::Added(text) => ('+', text),
                    Line::Removed(text) => ('-', text),
                    Line::Gap => ('.', String::new()),
                };
                said.push_str(&format!("{sign}{text}\n"));
            }
        }
        said
    }

    #[test]
    fn a_difference_shows_what_changed_and_what_stands_around_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13\n";
        assert_eq!(
            said(old, new),
            " 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n.\n 10\n 11\n 12\n+13\n"
        );
        assert_eq!(said(old, old), "");
    }

    #[test]
    fn a_long_difference_ends_at_its_limit() {
        let new = "x\n".repeat(DIFF_LINES_MAX + 10);
        assert_eq!(said("", &new).lines().count(), DIFF_LINES_MAX);
    }
}
