//! Reproducible: independent builds of the same inputs gave the very same artifact.
//!
//! `reproducible: {keys: [..], builders: 2}`, from SLSA provenance v1: builds are independent where the builder or the run is another,
//! and of the same inputs where parameters and resolved dependencies are the same.

use std::collections::{BTreeMap, BTreeSet};

use gateline_model::{Artifact, AttestationCheck, Digest, Keyless, Span, Statement, TrustedKey};
use schemars::JsonSchema;
use serde::Deserialize;

use super::attested::{self, Judged, Look, OnStatements, broken, called, provenances};
use super::live::{every_default, max_age_default};
use super::{GateKind, Place, schema_of};

pub(super) const KIND: GateKind = GateKind {
    name: "reproducible",
    summary: "Independent builds of the same inputs gave the very same artifact (SLSA).",
    place: Place::Entry,
    check: attested::check::<Reproducible>,
    schema: schema_of::<Reproducible>,
    observes: attested::observes::<Reproducible>,
    judge: attested::judge::<Reproducible>,
};

/// Parameters of the gate kind `reproducible`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reproducible {
    /// The keys that are trusted, each with a `file` on the server or a `pem`.
    #[serde(default)]
    keys: Vec<TrustedKey>,
    /// The identities that are trusted, whose certificates lead to a trusted root.
    #[serde(default)]
    keyless: Option<Keyless>,
    /// How many independent builds there must be.
    #[serde(default = "two")]
    builders: u32,
    /// Names of the artifacts that are asked for; all where none is given.
    #[serde(default)]
    artifacts: Vec<String>,
    /// Time between two looks while it is not satisfied.
    #[serde(default = "every_default")]
    every: Span,
    /// How old a look may be at admission.
    #[serde(default = "max_age_default")]
    max_age: Span,
}

fn two() -> u32 {
    2
}

/// The builds of one artifact.
struct Builds {
    /// Most that are independent and of the same inputs.
    same: usize,
    /// All that are independent, whatever their inputs.
    all: usize,
}

impl Builds {
    fn of(statements: &[Statement], artifact: &Artifact) -> Self {
        let mut by_inputs: BTreeMap<Digest, Runs<'_>> = BTreeMap::new();
        let mut all = Runs::new();
        for one in provenances(statements, artifact) {
            let Some(inputs) = one.inputs else { continue };
            let builder = one.builder.trim_end_matches('/');
            let run = one.invocation.as_deref().filter(|run| !run.is_empty());
            for runs in [by_inputs.entry(inputs).or_default(), &mut all] {
                runs.entry(builder).or_default().extend(run);
            }
        }
        Self {
            same: by_inputs.values().map(independent).max().unwrap_or(0),
            all: independent(&all),
        }
    }
}

/// The ids of the runs of each builder.
type Runs<'s> = BTreeMap<&'s str, BTreeSet<&'s str>>;

/// How many runs are surely others: one without an id may be any other of its builder.
fn independent(runs: &Runs<'_>) -> usize {
    runs.values().map(|ids| ids.len().max(1)).sum()
}

impl OnStatements for Reproducible {
    fn look(&self) -> Look<'_> {
        Look {
            trust: AttestationCheck {
                keys: self.keys.clone(),
                keyless: self.keyless.clone(),
            },
            artifacts: &self.artifacts,
            every: self.every,
            max_age: self.max_age,
        }
    }

    fn check(&self) -> Result<(), String> {
        if self.builders < 2 {
            return Err("builders: from 2: one build alone shows nothing".to_owned());
        }
        Ok(())
    }

    fn judge(&self, statements: &[Statement], artifacts: &[&Artifact]) -> Judged {
        let asked = self.builders as usize;
        let builds: Vec<_> = artifacts
            .iter()
            .map(|artifact| (artifact, Builds::of(statements, artifact)))
            .collect();
        let lacking: Vec<String> = builds
            .iter()
            .filter(|(_, builds)| builds.same < asked)
            .map(|(artifact, Builds { same, all })| {
                let artifact = called(artifact);
                match all {
                    all if all > same => {
                        format!("{artifact} has {all} independent builds, but {same} of {asked} with the same inputs")
                    }
                    _ => format!("{artifact} has {same} of {asked} independent builds"),
                }
            })
            .collect();
        let least = builds.iter().map(|(_, builds)| builds.same).min().unwrap_or(0);
        let says = match (lacking.first(), artifacts) {
            (Some(first), _) => first.clone(),
            (None, [one]) => format!("{least} independent builds gave {}", called(one)),
            (None, many) => format!("{least} independent builds gave each of {} artifacts", many.len()),
        };
        Judged {
            failed: (!lacking.is_empty()).then_some("check.builds"),
            says,
            count: ("builds", least, self.builders),
            details: lacking.into_iter().skip(1).chain(broken(statements)).collect(),
            next: "build it again elsewhere from the same inputs".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_an_id_is_no_other_run_of_its_builder() {
        let runs = |builders: &[(&'static str, &[&'static str])]| -> usize {
            let runs = builders
                .iter()
                .map(|(builder, ids)| (*builder, ids.iter().copied().collect()));
            independent(&runs.collect())
        };
        assert_eq!(runs(&[]), 0);
        assert_eq!(runs(&[("a", &[])]), 1);
        assert_eq!(runs(&[("a", &["1"])]), 1);
        assert_eq!(runs(&[("a", &["1", "2"]), ("b", &[])]), 3);
    }
}
