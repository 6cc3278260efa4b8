//! The watch of a stage and what incidents mean to it: what could never be, or never end, is refused.

use gateline_model::{
    GateName, INCIDENT_LABEL_BYTES_MAX, INCIDENT_LABELS_MAX, INCIDENT_WITHIN_MAX, IncidentRules, Span,
    StageName, WATCH_EVERY_MIN, WATCH_LOOKS_MAX, Watch, WatchThen,
};

use crate::diagnostic::{Diagnostic, Sink};
use crate::fields::Fields;
use crate::gate::{self, Place};
use crate::node::Node;
use crate::yaml;

/// The fields of a watch, in the order in which people write them.
const WATCH_FIELDS: [&str; 5] = ["for", "every", "gates", "in_a_row", "then"];

/// The watch of a stage: `Some(None)` where it has none.
pub(crate) fn read(stage: &Fields<'_, '_, '_>) -> Option<Option<Watch>> {
    let Some(entry) = stage.get("watch") else {
        return Some(None);
    };
    let sink = stage.sink;
    let fields = Fields::of("a watch", &entry.value, entry.at(), &WATCH_FIELDS, sink)?;
    let lasts: Option<Span> = fields.value("for");
    let every = fields.value_or("every", Watch::every_default);
    let gates = gate::read(&fields, Place::Watch);
    gate::refuse_twins_under(&fields, Place::Watch);
    let in_a_row = fields.value_or("in_a_row", Watch::in_a_row_default);
    let then = fields.value_or("then", WatchThen::default);
    let watch = Watch {
        r#for: lasts?,
        every: every?,
        gates: gates?,
        in_a_row: in_a_row?,
        then: then?,
    };
    refuse_impossible(&fields, &watch).then_some(Some(watch))
}

fn refuse_impossible(fields: &Fields<'_, '_, '_>, watch: &Watch) -> bool {
    let refuse = |code, field: &str, message: String, help: &str| {
        let at = fields.get(field).map_or(&fields.at, |entry| entry.at());
        fields.sink.error_with(code, at, message, Some(help.to_owned()));
        false
    };
    let looks = watch.r#for.as_millis() / watch.every.as_millis().max(1);
    if watch.gates.is_empty() {
        let help = "write the checks to look at under `gates`: `http`, `command` or `metric`";
        return refuse(
            "watch.gates",
            "gates",
            "the watch looks at nothing".to_owned(),
            help,
        );
    }
    if watch.every < WATCH_EVERY_MIN {
        let message = format!(
            "`every` is {}; it may be {WATCH_EVERY_MIN} or longer",
            watch.every
        );
        return refuse("watch.looks", "every", message, "write a duration such as `1m`");
    }
    if looks < 1 {
        let message = format!(
            "the watch ends after {}, before its first look after {}",
            watch.r#for, watch.every
        );
        return refuse(
            "watch.looks",
            "for",
            message,
            "watch for longer, or look sooner with `every`",
        );
    }
    if looks > WATCH_LOOKS_MAX {
        let message = format!(
            "{} looks {} apart are {looks} of each check; there may be {WATCH_LOOKS_MAX}",
            watch.r#for, watch.every
        );
        return refuse(
            "watch.looks",
            "every",
            message,
            "look less often, or watch for a shorter time",
        );
    }
    if watch.in_a_row < 1 || i64::from(watch.in_a_row) > looks {
        let message = format!(
            "the watch can never fail: {} looks in a row must fail, and there are {looks}",
            watch.in_a_row
        );
        let help = "ask for at least one look, and for no more than fit into its time";
        return refuse("watch.in_a_row", "in_a_row", message, help);
    }
    true
}

/// What incidents mean to a stage.
pub(crate) fn incidents(stage: &Fields<'_, '_, '_>) -> Option<IncidentRules> {
    let rules = stage.value_or("incidents", IncidentRules::default)?;
    let Some(entry) = stage.get("incidents") else {
        return Some(rules);
    };
    let refuse = |code, field: &str, message: String, help: &str| {
        let at = entry.value.entry(&[field]).map_or(entry.at(), |found| found.at());
        stage.sink.error_with(code, at, message, Some(help.to_owned()));
        None
    };
    if rules.within == Span::ZERO || rules.within > INCIDENT_WITHIN_MAX {
        let message = format!(
            "`within` is {}; it may be longer than nothing and up to {INCIDENT_WITHIN_MAX}",
            rules.within
        );
        return refuse(
            "incidents.within",
            "within",
            message,
            "write a duration such as `2h`",
        );
    }
    let bad = |text: &String| text.is_empty() || text.len() > INCIDENT_LABEL_BYTES_MAX;
    let labels = &rules.r#match;
    if labels.len() > INCIDENT_LABELS_MAX || labels.iter().any(|(name, value)| bad(name) || bad(value)) {
        let message = format!(
            "`match` has at most {INCIDENT_LABELS_MAX} labels, each with a name and a value of 1 to {INCIDENT_LABEL_BYTES_MAX} bytes"
        );
        return refuse(
            "incidents.match",
            "match",
            message,
            "name the labels that tell this service's alerts apart",
        );
    }
    Some(rules)
}

/// Warns of thresholds that fire on noise, at the place where each is written: stage, gate, and how often it does.
pub fn noisy_thresholds(
    source_name: &str,
    text: &str,
    noisy: &[(StageName, GateName, String)],
) -> Vec<Diagnostic> {
    let sink = Sink::new(source_name, text);
    let Ok(Some(root)) = yaml::read(&sink) else {
        return Vec::new();
    };
    let stages = root.entry(&["spec", "stages"]).map(|entry| entry.value.items());
    for (stage, gate, says) in noisy {
        let is_it =
            |node: &&Node| node.get("name").and_then(|name| name.value.text()) == Some(stage.as_str());
        let declared = stages.unwrap_or_default().iter().find(is_it);
        let watched = declared.and_then(|stage| stage.entry(&["watch", "gates"]));
        let called = |node: &&Node| match node.get("name") {
            Some(name) => name.value.text() == Some(gate.as_str()),
            None => node.get(gate.as_str()).is_some(),
        };
        let found = watched.and_then(|gates| gates.value.items().iter().find(called));
        if let Some(threshold) = found.and_then(|node| node.entry(&["metric", "threshold"])) {
            let help = "ask for more looks `in_a_row`, a longer range in the query, or a wider limit";
            let message = format!("this threshold fires while nothing is wrong: {says}");
            sink.warning("watch.noise", threshold.at(), &message, help);
        }
    }
    sink.finish().0
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: shop, project: store}
spec:
  stages:
    - name: production
      target: {command: {apply: [./apply]}}
      watch:
        for: 2h
        gates:
          - metric: {source: {prometheus: {url: \"http://127.0.0.1:9090\"}}, query: up, threshold: \"<= 2%\"}
            name: errors
            because: Slow leaks show late.
          - metric: {source: {prometheus: {url: \"http://127.0.0.1:9090\"}}, query: up, threshold: \"<= 3%\"}
            because: Slow leaks show late.
";

    #[test]
    fn a_noisy_threshold_is_warned_of_where_it_is_written() {
        let noisy = |gate: &str| {
            let (stage, gate) = ("production".parse().unwrap(), gate.parse().unwrap());
            noisy_thresholds("shop.yaml", FILE, &[(stage, gate, "3.0 a week".to_owned())])
        };
        for (gate, line) in [("errors", 11), ("metric", 14)] {
            let found = noisy(gate);
            assert_eq!(
                (found.len(), found[0].code, found[0].line),
                (1, "watch.noise", line)
            );
            assert!(found[0].message.ends_with("3.0 a week"));
        }
        assert!(noisy("latency").is_empty());
    }
}
