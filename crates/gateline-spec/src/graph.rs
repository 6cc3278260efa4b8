//! The graph of stages: it has an entry and no cycle, and nothing waits for what cannot come first.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::artifact::names;
use crate::diagnostic::Sink;
use crate::fields::refuse_twins;
use crate::nearest::meant;
use crate::node::Node;

/// A name in the file and where it stands.
type Named<'n> = (&'n str, &'n Range<usize>);

/// What each stage comes after.
struct Graph<'n> {
    after: BTreeMap<&'n str, Vec<Named<'n>>>,
}

pub(crate) fn check(stages: &[Node], at: &Range<usize>, sink: &Sink<'_>) {
    refuse_twins(sink, "stages.duplicate", "stage", names(stages));
    let graph = Graph {
        after: names(stages)
            .map(|(name, _)| name)
            .zip(named(stages).map(after))
            .collect(),
    };
    for earlier in graph.after.values() {
        refuse_twins(sink, "stages.duplicate", "earlier stage", earlier.iter().copied());
        for (name, span) in earlier.iter().filter(|(name, _)| !graph.after.contains_key(name)) {
            let help = meant(name, graph.after.keys().copied());
            sink.error_with(
                "stages.unknown",
                span,
                format!("no stage is called `{name}`"),
                help,
            );
        }
    }
    if !stages.is_empty()
        && graph.after.len() == stages.len()
        && graph.after.values().all(|earlier| !earlier.is_empty())
    {
        let help = Some("a release enters at a stage without `after`".to_owned());
        sink.error_with(
            "stages.entry",
            at,
            "no release can enter: every stage comes after another",
            help,
        );
    }
    graph.refuse_cycles(sink);
    for stage in named(stages) {
        graph.refuse_unreachable_soak(stage, stages, sink);
    }
}

/// The stages that have a name at all.
fn named(stages: &[Node]) -> impl Iterator<Item = &Node> {
    stages
        .iter()
        .filter(|stage| stage.get("name").is_some_and(|name| name.value.text().is_some()))
}

fn after(stage: &Node) -> Vec<Named<'_>> {
    let items = stage
        .get("after")
        .map(|entry| entry.value.items())
        .unwrap_or_default();
    items
        .iter()
        .filter_map(|node| Some((node.text()?, &node.span)))
        .collect()
}

impl<'n> Graph<'n> {
    fn refuse_cycles(&self, sink: &Sink<'_>) {
        let mut done = BTreeSet::new();
        for start in self.after.keys() {
            self.walk(start, &mut Vec::new(), &mut done, sink);
        }
    }

    /// Depth first; at most one level per stage, and stages have a limit.
    fn walk(&self, name: &'n str, path: &mut Vec<&'n str>, done: &mut BTreeSet<&'n str>, sink: &Sink<'_>) {
        if !done.contains(name) {
            path.push(name);
            for (earlier, span) in self.after.get(name).into_iter().flatten() {
                match path.iter().position(|visited| visited == earlier) {
                    Some(first) => {
                        // The path runs against `after`; a person reads in the order of a release.
                        let mut cycle: Vec<&str> = path[first..].iter().rev().copied().collect();
                        cycle.push(cycle[0]);
                        let message =
                            format!("stages come after each other in a cycle: {}", cycle.join(" -> "));
                        sink.error("stages.cycle", span, message);
                    }
                    None => self.walk(earlier, path, done, sink),
                }
            }
            path.pop();
            done.insert(name);
        }
    }

    /// Every stage that a release passes before this one.
    fn upstream(&self, name: &str) -> BTreeSet<&'n str> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = vec![name];
        while let Some(name) = open.pop() {
            for (earlier, _) in self.after.get(name).into_iter().flatten() {
                if found.insert(*earlier) {
                    open.push(earlier);
                }
            }
        }
        found
    }

    /// A soak waits for ever in a stage that the release never passed before, or whose health nobody looks at.
    fn refuse_unreachable_soak(&self, stage: &Node, stages: &[Node], sink: &Sink<'_>) {
        let Some(name) = stage.get("name").and_then(|name| name.value.text()) else {
            return;
        };
        let gates = stage
            .get("gates")
            .map(|gates| gates.value.items())
            .unwrap_or_default();
        for gate in gates {
            let Some(soak) = gate.get("soak").and_then(|soak| soak.value.get("in")) else {
                continue;
            };
            let Some(earlier) = soak.value.text() else {
                continue;
            };
            let upstream = self.upstream(name);
            if upstream.contains(earlier) && earlier != name {
                let target = named(stages)
                    .zip(names(stages))
                    .find(|(_, (name, _))| *name == earlier);
                let command = target.and_then(|(stage, _)| stage.entry(&["target", "command"]));
                if command.is_some_and(|command| command.value.get("health").is_none()) {
                    let message = format!(
                        "gate `soak` can never be satisfied: nobody looks at the health of `{earlier}`"
                    );
                    let help = Some(format!("give the target of `{earlier}` a command for `health`"));
                    sink.error_with("gates.unreachable", soak.at(), message, help);
                }
                continue;
            }
            let help = if upstream.is_empty() {
                Some(format!(
                    "`{name}` comes after no stage: there is nothing to soak in"
                ))
            } else {
                meant(earlier, upstream)
            };
            let message =
                format!("gate `soak` can never be satisfied: `{earlier}` does not come before `{name}`");
            sink.error_with("gates.unreachable", soak.at(), message, help);
        }
    }
}
