//! What differs between two bills of materials. Knows no version's order: another one is another one.

use std::collections::BTreeMap;

use gateline_model::SbomFacts;

use super::package;

/// What differs from the live release, a line each.
pub(super) struct Delta {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    pub moved: Vec<String>,
}

impl Delta {
    pub(super) fn of(live: &SbomFacts, facts: &SbomFacts) -> Self {
        let (before, now) = (versions(live), versions(facts));
        let line = |what: &str, name: &str, versions: &[&str]| {
            format!("{what} {name} {}", versions.join(", "))
                .trim_end()
                .to_owned()
        };
        let (mut added, mut moved) = (Vec::new(), Vec::new());
        for (name, versions) in &now {
            match before.get(name) {
                None => added.push(line("added", name, versions)),
                Some(old) if old != versions => {
                    moved.push(format!(
                        "{}, was {}",
                        line("moved", name, versions),
                        old.join(", ")
                    ));
                }
                Some(_) => {}
            }
        }
        let gone = before.iter().filter(|(name, _)| !now.contains_key(*name));
        let removed = gone
            .map(|(name, versions)| line("removed", name, versions))
            .collect();
        Delta {
            added,
            removed,
            moved,
        }
    }
}

/// The components that the live release does not have, a line each.
pub(crate) fn components_added(live: &SbomFacts, now: &SbomFacts) -> Vec<String> {
    let lines = Delta::of(live, now).added;
    lines
        .iter()
        .map(|line| line.trim_start_matches("added ").to_owned())
        .collect()
}

/// The versions of each component, sorted.
fn versions(facts: &SbomFacts) -> BTreeMap<&str, Vec<&str>> {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for component in &facts.components {
        let name = component.purl.as_deref().map_or(component.name.as_str(), package);
        all.entry(name).or_default().push(&component.version);
    }
    for versions in all.values_mut() {
        versions.sort_unstable();
        versions.dedup();
    }
    all
}
