//! Rules of notifications: what is told to whom; each rule by itself, then what they say of each other.

use gateline_core::{ONCE_WORDS, TELL_FACTS};
use gateline_model::limits::TELL_RULES_MAX;
use gateline_model::{ChannelName, Notifications, ProjectName, Span, TOLD_EVENTS, TellRule, placeholders};

use crate::diagnostic::{Diagnostic, Diagnostics, Sink};
use crate::fields::{Fields, refuse_twins};
use crate::file::{self, API_VERSION, header};
use crate::nearest::meant;
use crate::node::Node;
use crate::{condition, de};

/// The `kind` of a file of notifications.
pub const NOTIFICATIONS_KIND: &str = "Notifications";
/// The longest time that something is gathered before it is told.
pub const DIGEST_MAX: Span = Span::from_secs(7 * 86_400);
/// The shortest time that something is gathered.
pub const DIGEST_MIN: Span = Span::from_secs(10);

/// A file of notifications that can be used.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadNotifications {
    /// What it says.
    pub notifications: Notifications,
    /// What hardly anybody means.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a file of notifications. `source_name` is how diagnostics call it.
///
/// # Errors
/// [`Diagnostics`] with everything that is wrong with it, warnings included.
pub fn read_notifications(source_name: &str, text: &str) -> Result<ReadNotifications, Diagnostics> {
    let sink = Sink::new(source_name, text);
    let read = file::root(&sink, NOTIFICATIONS_KIND).and_then(|root| notifications(&root, &sink));
    match (read, sink.finish()) {
        (Some(notifications), (warnings, false)) => Ok(ReadNotifications {
            notifications,
            warnings,
        }),
        (_, (found, _)) => Err(Diagnostics(found)),
    }
}

fn notifications(root: &Node, sink: &Sink<'_>) -> Option<Notifications> {
    let known = ["apiVersion", "kind", "metadata", "spec"];
    let top = Fields::of("a file of notifications", root, &root.span, &known, sink)?;
    header(&top, "apiVersion", API_VERSION);
    header(&top, "kind", NOTIFICATIONS_KIND);
    let metadata = top.required("metadata");
    let metadata =
        metadata.and_then(|entry| Fields::of("`metadata`", &entry.value, entry.at(), &["project"], sink));
    let project = metadata
        .as_ref()
        .and_then(|metadata| metadata.value::<ProjectName>("project"));
    let entry = top.required("spec")?;
    let spec = Fields::of("`spec`", &entry.value, entry.at(), &["rules", "per_hour"], sink)?;
    let nodes = spec.items("rules");
    if let Some(first) = nodes.get(TELL_RULES_MAX) {
        let message = format!("there are {} rules; there may be {TELL_RULES_MAX}", nodes.len());
        sink.error("notifications.limit", &first.span, message);
        return None;
    }
    let names = nodes.iter().filter_map(|node| {
        let entry = node.get("name")?;
        Some((entry.value.text()?, entry.at()))
    });
    refuse_twins(sink, "notifications.duplicate", "rule", names);
    let rules: Vec<Option<TellRule>> = nodes.iter().map(|node| rule(node, sink)).collect();
    let per_hour = spec.value_or("per_hour", std::collections::BTreeMap::<ChannelName, u32>::new);
    if let (Some(limits), Some(entry)) = (&per_hour, spec.get("per_hour"))
        && let Some((channel, _)) = limits.iter().find(|(_, most)| **most == 0)
    {
        let message = format!("nothing could ever go to channel `{channel}`");
        let help = Some("give a number from 1, or leave the rules for it out".to_owned());
        sink.error_with("notifications.per_hour", entry.at(), message, help);
    }
    Some(Notifications {
        project: project?,
        rules: rules.into_iter().collect::<Option<_>>()?,
        per_hour: per_hour?,
    })
}

fn rule(node: &Node, sink: &Sink<'_>) -> Option<TellRule> {
    let rule: TellRule = de::read(node, &node.span, sink)?;
    let at = |name: &str| node.get(name).map_or(&node.span, |entry| entry.at());
    if rule.on.is_empty() {
        let help = Some("name events as the log does, as in `on: [approval_asked]`".to_owned());
        sink.error_with("notifications.on", at("on"), "the rule is about nothing", help);
    }
    for named in node.get("on").into_iter().flat_map(|entry| entry.value.items()) {
        if let Some(name) = named.text().filter(|name| !TOLD_EVENTS.contains(name)) {
            let help = meant(name, TOLD_EVENTS.iter().copied());
            let message = format!("`{name}` is no event that can be told");
            sink.error_with("notifications.on", &named.span, message, help);
        }
    }
    if rule.to.is_empty() {
        let help = Some("name a channel, as in `to: [{channel: releases}]`".to_owned());
        sink.error_with("notifications.to", at("to"), "nobody is told", help);
    }
    if let Some(entry) = node.get("when") {
        condition::check(entry, TELL_FACTS, sink);
    }
    if let Some(entry) = node.get("once") {
        let text = entry.value.text().unwrap_or_default();
        for (_, word) in placeholders(text) {
            if !ONCE_WORDS.contains(&word) {
                let help = meant(word, ONCE_WORDS.iter().copied());
                let message = format!("`{{{word}}}` is not known here");
                sink.error_with("notifications.once", entry.at(), message, help);
            }
        }
    }
    if let Some(digest) = rule.digest
        && (digest < DIGEST_MIN || DIGEST_MAX < digest)
    {
        let message = format!("`{digest}` is not between {DIGEST_MIN} and {DIGEST_MAX}");
        let help = Some("leave `digest` out to tell each event at once".to_owned());
        sink.error_with("notifications.digest", at("digest"), message, help);
    }
    Some(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
apiVersion: gateline.dev/v1
kind: Notifications
metadata: {project: payments}
spec:
  per_hour: {releases: 10}
  rules:
    - name: ask
      on: [approval_asked, approval_reminded]
      when: stage.production
      to:
        - {channel: releases}
        - {channel: mail, people: [asked, owners, 'actor:corp:ana']}
    - {name: ends, on: [promotion_ended], to: [{channel: releases}], digest: 15m, once: '{promotion} {day}'}
";

    #[test]
    fn a_rule_may_be_about_incidents_and_watches() {
        for event in [
            "incident_opened",
            "incident_closed",
            "suspect_lifted",
            "watch_began",
            "watch_ended",
        ] {
            let text = GOOD.replace("promotion_ended", event);
            let read = read_notifications("n.yaml", &text).unwrap();
            assert_eq!(read.notifications.rules[1].on, [event]);
        }
    }

    #[test]
    fn a_file_of_notifications_is_read() {
        let read = read_notifications("n.yaml", GOOD).unwrap();
        let [ask, ends] = &read.notifications.rules[..] else {
            panic!("{read:?}")
        };
        assert_eq!(ask.to[1].people.len(), 3);
        assert_eq!(ends.digest, Some(Span::from_secs(900)));
        let releases = "releases".parse().unwrap();
        let other = "mail".parse().unwrap();
        let per_hour = |channel| read.notifications.per_hour(channel);
        assert_eq!(per_hour(&releases), 10);
        assert_eq!(per_hour(&other), gateline_model::limits::LETTERS_PER_HOUR);
    }

    #[test]
    fn more_rules_than_anybody_reads_are_refused() {
        let rule = "    - {name: x, on: [went_live], to: [{channel: c}]}\n";
        let text = GOOD.to_owned() + &rule.repeat(TELL_RULES_MAX);
        let found = read_notifications("n.yaml", &text).unwrap_err();
        assert!(found.0.iter().any(|one| one.code == "notifications.limit"));
    }
}
