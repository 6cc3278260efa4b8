//! Placeholders in a stage: each text that a driver fills in has only words that the driver knows.
//! A misspelled one would be found by the first rollout otherwise, by failing it.

use gateline_model::placeholders;

use crate::artifact::names;
use crate::diagnostic::Sink;
use crate::fields::Fields;
use crate::nearest::nearest;
use crate::node::Node;

/// What a placeholder of an artifact begins with; the artifact's name follows.
const ARTIFACT: &str = "artifact.";
/// Every word that is filled in somewhere, artifacts apart.
const WORDS: [&str; 4] = ["version", "port", "nonce", "arm"];

/// How a driver takes a text.
#[derive(Clone, Copy)]
enum Filled {
    /// These words and every artifact; another word fails.
    Command(&'static [&'static str]),
    /// The version only; another word fails.
    Name,
    /// These words; other braces are the query's own, as in `{path="/users/{id}"}`.
    Query(&'static [&'static str]),
    /// Nothing: the text stays as it is written.
    Nothing,
}

/// The fields of a stage's target that are filled in, or that one could take for such.
const TARGET: [(&[&str], Filled); 7] = [
    (
        &["process", "command"],
        Filled::Command(&["version", "port", "nonce"]),
    ),
    (&["process", "env"], Filled::Nothing),
    (&["command", "apply"], Filled::Command(&["version"])),
    (&["command", "observe"], Filled::Command(&["version"])),
    (&["command", "revert"], Filled::Command(&["version"])),
    (&["command", "health"], Filled::Command(&["version"])),
    (&["command", "env"], Filled::Nothing),
];
/// The same of a gate.
const GATE: [(&[&str], Filled); 4] = [
    (&["command", "run"], Filled::Command(&["version"])),
    (&["command", "env"], Filled::Nothing),
    (&["http", "url"], Filled::Name),
    (&["metric", "query"], Filled::Nothing),
];
/// The same of a judge.
const JUDGE: [(&[&str], Filled); 4] = [
    (
        &["judge", "source", "requests"],
        Filled::Query(&["arm", "version"]),
    ),
    (&["judge", "source", "errors"], Filled::Query(&["arm", "version"])),
    (
        &["judge", "source", "latency"],
        Filled::Query(&["arm", "version"]),
    ),
    (&["judge", "source", "gauges"], Filled::Query(&["arm", "version"])),
];

/// Refuses placeholders that nothing fills in.
pub(crate) fn check(stages: &[Node], spec: &Fields<'_, '_, '_>) {
    let artifacts = spec
        .get("artifacts")
        .map(|entry| entry.value.items())
        .unwrap_or_default();
    let look = Look {
        artifacts: names(artifacts).map(|(name, _)| name).collect(),
        sink: spec.sink,
    };
    for stage in stages {
        look.at_fields(stage, &[(&["target_name"], Filled::Name)]);
        if let Some(target) = stage.get("target") {
            look.at_fields(&target.value, &TARGET);
        }
        let gates = ["gates", "before", "during", "verify"]
            .iter()
            .filter_map(|list| stage.get(list));
        let watched = stage.get("watch").and_then(|watch| watch.value.get("gates"));
        for gate in gates.chain(watched).flat_map(|list| list.value.items()) {
            look.at_fields(gate, &GATE);
        }
        let at_risk = stage.get("rollout_at_risk").map(|plans| plans.value.entries());
        let plans = stage
            .get("rollout")
            .into_iter()
            .chain(at_risk.unwrap_or_default());
        for settings in plans.flat_map(|plan| plan.value.entries()) {
            look.at_fields(&settings.value, &JUDGE);
            let mirror = settings.value.get("mirror").map(|mirror| &mirror.value);
            let steps = settings.value.get("steps").map(|steps| steps.value.items());
            for step in steps.unwrap_or_default().iter().chain(mirror) {
                look.at_fields(step, &JUDGE);
            }
        }
    }
}

struct Look<'n, 's, 'a> {
    artifacts: Vec<&'n str>,
    sink: &'s Sink<'a>,
}

impl Look<'_, '_, '_> {
    fn at_fields(&self, node: &Node, fields: &[(&[&str], Filled)]) {
        for (path, filled) in fields {
            if let Some(entry) = node.entry(path) {
                self.at_texts(&entry.value, *filled);
            }
        }
    }

    fn at_texts(&self, node: &Node, filled: Filled) {
        let entries = node.entries().iter().map(|entry| &entry.value);
        for inner in node.items().iter().chain(entries) {
            self.at_texts(inner, filled);
        }
        for (at, word) in node.text().map(placeholders).into_iter().flatten() {
            self.at_word(node, at, word, filled);
        }
    }

    fn at_word(&self, node: &Node, at: usize, word: &str, filled: Filled) {
        let brace = node.place(self.sink.text(), at);
        let place = if brace == node.span {
            brace
        } else {
            brace.start..(brace.start + word.len() + "{}".len()).min(node.span.end)
        };
        let sink = self.sink;
        match filled {
            Filled::Command(words) => match word.strip_prefix(ARTIFACT) {
                Some(name) if self.artifacts.contains(&name) => {}
                Some(name) => {
                    let message = format!("no artifact is called `{name}`");
                    let near = nearest(name, self.artifacts.iter().copied())
                        .map(|artifact| format!("{ARTIFACT}{artifact}"));
                    let help = match &self.artifacts[..] {
                        [] => format!("list it: `spec.artifacts: [{{name: {name}, kind: file}}]`"),
                        _ => self.help(near.as_deref(), words, true),
                    };
                    sink.error_with("artifacts.unknown", &place, message, Some(help));
                }
                None if words.contains(&word) => {}
                None => {
                    let artifacts = self.artifacts.iter().map(|name| format!("{ARTIFACT}{name}"));
                    let known: Vec<String> = words
                        .iter()
                        .map(|word| (*word).to_owned())
                        .chain(artifacts)
                        .collect();
                    let near = nearest(word, known.iter().map(String::as_str));
                    let mut help = self.help(near, words, true);
                    if near.is_none() {
                        help.push_str(&format!("; a shell's own variable is written `${{{word}}}`"));
                    }
                    self.unknown(&place, word, help);
                }
            },
            Filled::Name if word == "version" => {}
            Filled::Name => {
                let help = self.help(nearest(word, ["version"]), &["version"], false);
                self.unknown(&place, word, help);
            }
            Filled::Query(words) if words.contains(&word) => {}
            Filled::Query(words) => {
                if let Some(near) = nearest(word, words.iter().copied()) {
                    let help = self.help(Some(near), words, false);
                    sink.warning(
                        "placeholders.kept",
                        &place,
                        &format!("nothing is filled in for `{{{word}}}`"),
                        &help,
                    );
                }
            }
            Filled::Nothing if WORDS.contains(&word) || word.starts_with(ARTIFACT) => {
                let message = format!("`{{{word}}}` stays as it is here");
                let help = "placeholders are filled into commands, into the `url` of `http` and into a judge's queries";
                sink.warning("placeholders.kept", &place, &message, help);
            }
            Filled::Nothing => {}
        }
    }

    fn unknown(&self, place: &std::ops::Range<usize>, word: &str, help: String) {
        let message = format!("nothing is filled in for `{{{word}}}`");
        self.sink
            .error_with("placeholders.unknown", place, message, Some(help));
    }

    /// The word that was probably meant, and all that are known.
    fn help(&self, near: Option<&str>, words: &[&str], with_artifacts: bool) -> String {
        let artifacts = self.artifacts.iter().filter(|_| with_artifacts);
        let known: Vec<String> = words
            .iter()
            .map(|word| format!("`{{{word}}}`"))
            .chain(artifacts.map(|name| format!("`{{{ARTIFACT}{name}}}`")))
            .collect();
        let known = format!("known here: {}", known.join(", "));
        match near {
            Some(near) => format!("did you mean `{{{near}}}`? {known}"),
            None => known,
        }
    }
}
