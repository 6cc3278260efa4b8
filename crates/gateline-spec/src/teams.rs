//! Teams that layers name, held against those that are declared: by another file, or by what is in force.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Sink};
use crate::nearest::meant;
use crate::node::Node;
use crate::yaml;

/// Names in a layer that are no team's.
const OTHERS: &str = "owners";

/// Warns of teams that a pipeline's layers ask and that nobody declares: they would never answer. `known` has the names of
/// those that are declared.
pub fn unknown_teams(source_name: &str, text: &str, known: &[&str]) -> Vec<Diagnostic> {
    let sink = Sink::new(source_name, text);
    let Ok(Some(root)) = yaml::read(&sink) else {
        return Vec::new();
    };
    for (name, span) in named(&root) {
        let is_team = name != OTHERS && !name.contains(':');
        if is_team && !known.contains(&name) {
            let help = meant(name, known.iter().copied())
                .unwrap_or_else(|| "declare it under `teams` in a file of `kind: Roles`".to_owned());
            let says = format!("no team `{name}` is declared, so that nobody would answer");
            sink.warning("teams.unknown", span, &says, &help);
        }
    }
    sink.finish().0
}

/// Every name of those who are asked, with its place.
fn named(root: &Node) -> Vec<(&str, &Range<usize>)> {
    let stages = root.entry(&["spec", "stages"]).map(|entry| entry.value.items());
    let mut found = Vec::new();
    for stage in stages.unwrap_or_default() {
        let rules = stage.get("approval").map(|entry| entry.value.items());
        for rule in rules.unwrap_or_default() {
            found.extend(rule.get("authority").map(|entry| &entry.value));
            let layers = rule.get("layers").map(|entry| entry.value.items());
            for layer in layers.unwrap_or_default() {
                for asked in ["from", "escalate"].iter().filter_map(|name| layer.get(name)) {
                    match asked.value.text() {
                        Some(_) => found.push(&asked.value),
                        None => found.extend(asked.value.items()),
                    }
                }
            }
        }
    }
    let texts = found
        .into_iter()
        .filter_map(|node| Some((node.text()?, &node.span)));
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_that_nobody_declares_is_warned_of_where_it_stands() {
        let text = "spec:\n  stages:\n    - name: live\n      approval:\n        - authority: bos\n          layers:\n            - {from: tech-laed, escalate: [boss]}\n            - {from: [owners, \"actor:ana\", tech-lead]}\n";
        let found = unknown_teams("p.yaml", text, &["tech-lead", "boss"]);
        let shown: Vec<(usize, &str)> = found
            .iter()
            .map(|found| (found.line, found.message.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                (5, "no team `bos` is declared, so that nobody would answer"),
                (7, "no team `tech-laed` is declared, so that nobody would answer"),
            ]
        );
        assert!(
            found[1]
                .help
                .as_deref()
                .is_some_and(|help| help.contains("tech-lead"))
        );
        assert_eq!(unknown_teams("p.yaml", "{", &[]), []);
    }
}
