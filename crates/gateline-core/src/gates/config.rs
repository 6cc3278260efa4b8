//! Config: the effective configuration is the one that was approved, and a difference needs an approval of its own.
//!
//! `config: {name: production-config, ignore: ["build.*"], approved: ["sha256:.."]}`, from JSON reported with
//! `--as json --type config`: any object, as the release will run with it in this stage. What was approved is the configuration
//! of the release that is live in the stage, or one whose digest the pipeline lists. A difference is shown field by field and
//! refuses; it is approved by an override that names this gate, or by listing the digest. Once the release is live, its
//! configuration is the approved one. A report made for another stage (`--stage`) is left alone. A key with a sign in it stands
//! in quotation marks in a path: `labels."app.kubernetes.io/name"`. Report names or digests of secrets, never the secrets; values
//! of fields that are called like a secret are not shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateline_model::{Digest, Evidence, EvidenceId, Facts, Found, Gate, Version};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::custom::Custom;
use super::fields::{leaves, shown};
use super::pattern::Pattern;
use super::{GateKind, GateView, Place, Says, check_params, observes_nothing, schema_of, with_params};
use crate::state::ReleaseState;

pub(super) const KIND: GateKind = GateKind {
    name: "config",
    summary: "The effective configuration is the live release's, or one that was approved.",
    place: Place::Entry,
    check: check_params::<Config>,
    schema: schema_of::<Config>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |config: Config| {
            let custom = Custom {
                of: "config",
                name: config.name.as_deref(),
                what: "configuration",
            };
            let newest = newest_here(&custom, view, view.release, &|_| true);
            let stage = Some(&view.stage.name);
            custom.judge_found(gate, view, stage, newest, |value| {
                config.judge(gate, view, value, &Approved::of(&custom, view))
            })
        })
    },
};

/// Parameters of the gate kind `config`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
    /// Paths that may differ; `*` stands for any text, and what is below a path goes with it.
    #[serde(default)]
    ignore: Vec<Pattern>,
    /// Digests of configurations that are approved, as the gate says them.
    #[serde(default)]
    approved: Vec<Digest>,
    /// What becomes of the first configuration in a stage, where there is none to compare with.
    #[serde(default)]
    first: First,
}

/// What becomes of a configuration that nothing can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum First {
    /// It waits until its digest is listed, or an override lets it in.
    #[default]
    Approve,
    /// It is taken as it is.
    Accept,
}

/// The configuration that was let into the stage before.
enum Approved {
    /// Nothing is live.
    Nothing,
    /// A release is live, without a configuration that could be read.
    Silent(Version),
    Known(Version, Value),
}

impl Approved {
    fn of(custom: &Custom<'_>, view: &GateView<'_>) -> Self {
        let stage = view.draft.stage(view.stage_ref);
        let Some(live) = &stage.live else {
            return Approved::Nothing;
        };
        let release = view.draft.release(&live.release);
        // Of the live release itself, what was reported since it is live is what is asked about now.
        let is_before = |evidence: &Evidence| live.release != view.release.id || evidence.at <= live.since;
        let found = release.as_ref().and_then(|release| {
            let (_, evidence) = newest_here(custom, view, release, &is_before)?;
            match &evidence.found {
                Found::Facts {
                    facts: Facts::Custom(custom),
                } => Some(custom.value.clone()),
                Found::Facts { .. } | Found::Errored { .. } => None,
            }
        });
        match found {
            Some(value) => Approved::Known(live.version.clone(), value),
            None => Approved::Silent(live.version.clone()),
        }
    }
}

/// The newest report made for this stage; where there is none, the newest made for no stage.
fn newest_here<'r>(
    custom: &Custom<'_>,
    view: &GateView<'_>,
    release: &'r ReleaseState,
    also: &dyn Fn(&Evidence) -> bool,
) -> Option<&'r (EvidenceId, Arc<Evidence>)> {
    let made_for = |stage| {
        custom.newest_where(release, &|evidence| {
            evidence.stage.as_ref() == stage && also(evidence)
        })
    };
    made_for(Some(&view.stage.name)).or_else(|| made_for(None))
}

/// How two configurations differ, with a line for each field.
#[derive(Debug, Default, PartialEq, Eq)]
struct Differences {
    changed: Vec<String>,
    added: Vec<String>,
    removed: Vec<String>,
}

impl Differences {
    fn between(old: &BTreeMap<String, &Value>, new: &BTreeMap<String, &Value>) -> Self {
        let mut differences = Differences::default();
        for (path, value) in new {
            match old.get(path) {
                Some(before) if before == value => {}
                Some(before) => differences.changed.push(format!(
                    "changed {path}: {} -> {}",
                    shown(path, before),
                    shown(path, value)
                )),
                None => differences
                    .added
                    .push(format!("added {path}: {}", shown(path, value))),
            }
        }
        let gone = old.iter().filter(|(path, _)| !new.contains_key(*path));
        differences.removed = gone
            .map(|(path, value)| format!("removed {path}: {}", shown(path, value)))
            .collect();
        differences
    }

    fn counts(&self) -> [(&'static str, usize); 3] {
        [
            ("changed", self.changed.len()),
            ("added", self.added.len()),
            ("removed", self.removed.len()),
        ]
    }

    fn is_none(&self) -> bool {
        self.counts().iter().all(|(_, count)| *count == 0)
    }
}

impl Config {
    fn judge(&self, gate: &Gate, view: &GateView<'_>, value: &Value, approved: &Approved) -> Says {
        let left_out = |path: &str| self.ignore.iter().any(|pattern| pattern.matches(path));
        let config = match value {
            Value::Object(_) => leaves(value, &left_out),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                BTreeMap::new()
            }
        };
        // `{}` is a leaf itself, at no path.
        if config.keys().all(String::is_empty) {
            return Says::waiting("config.empty", "the reported configuration holds no settings")
                .changed_by("a reporter (CI)")
                .next("report the whole configuration, as an object");
        }
        let digest = Digest::of_json(&config);
        let short = digest.short();
        let size = config.len();
        let listed = self.approved.contains(&digest);
        let settle = |gate: &Gate| {
            format!(
                "approve it with `gateline override {}@{} --to {} --gate {} --until 1d --reason WHY`, \
                 or list `{digest}` under `approved`",
                view.pipeline.name, view.release.release.version, view.stage.name, gate.name
            )
        };
        let changed_by = "an override of this gate, the pipeline's list `approved`, or a new report";
        let (known, old) = match approved {
            Approved::Known(version, old) => (version, old),
            Approved::Nothing | Approved::Silent(_) if listed => {
                return Says::satisfied(
                    "config.approved",
                    format!("{size} settings, approved by the pipeline (digest {short})"),
                );
            }
            Approved::Nothing if self.first == First::Accept => {
                return Says::satisfied(
                    "config.first",
                    format!("{size} settings, taken as the first (digest {short}): nothing is live here"),
                );
            }
            Approved::Nothing => {
                return Says::waiting(
                    "config.no_baseline",
                    format!("nothing is live here to compare {size} settings with (digest {short})"),
                )
                .changed_by(changed_by)
                .next(settle(gate));
            }
            Approved::Silent(version) => {
                return Says::waiting(
                    "config.no_baseline",
                    format!("{version}, which is live, has no configuration to compare {size} settings with"),
                )
                .changed_by(changed_by)
                .next(format!(
                    "report the configuration of {}@{version}, or {}",
                    view.pipeline.name,
                    settle(gate)
                ));
            }
        };
        let differences = Differences::between(&leaves(old, &left_out), &config);
        let counts = differences.counts();
        let text: Vec<String> = counts
            .iter()
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        let text = format!("{} against {known}, which is live", text.join(", "));
        let says = if differences.is_none() {
            Says::satisfied(
                "config.same",
                format!("{size} settings, the same as of {known}, which is live"),
            )
        } else if listed {
            Says::satisfied(
                "config.approved",
                format!("{text}; approved by the pipeline (digest {short})"),
            )
        } else {
            Says::refused("config.differs", format!("{text} (digest {short})"))
                .changed_by(changed_by)
                .next(settle(gate))
        };
        let says = counts.into_iter().fold(says, |says, (name, count)| {
            says.number(name, count as f64, "", Some("== 0".to_owned()))
        });
        let Differences {
            changed,
            added,
            removed,
        } = differences;
        says.details(removed.into_iter().chain(changed).chain(added))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_is_told_field_by_field_without_secrets() {
        let old = json!({"db": {"pool": 10, "password": "old"}, "region": "eu", "flags": []});
        let new = json!({"db": {"pool": 20, "password": "new"}, "flags": ["fast"], "debug": true});
        let keep = |_: &str| false;
        let differences = Differences::between(&leaves(&old, &keep), &leaves(&new, &keep));
        assert_eq!(
            differences,
            Differences {
                changed: vec![
                    "changed db.password: (not shown) -> (not shown)".to_owned(),
                    "changed db.pool: 10 -> 20".to_owned(),
                ],
                added: vec![
                    "added debug: true".to_owned(),
                    "added flags[0]: \"fast\"".to_owned()
                ],
                removed: vec![
                    "removed flags: []".to_owned(),
                    "removed region: \"eu\"".to_owned()
                ],
            }
        );
        assert!(Differences::between(&leaves(&old, &keep), &leaves(&old, &keep)).is_none());
    }

    #[test]
    fn a_number_that_only_looks_the_same_differs() {
        let keep = |_: &str| false;
        let (old, new) = (json!({"a": 1}), json!({"a": "1"}));
        assert!(!Differences::between(&leaves(&old, &keep), &leaves(&new, &keep)).is_none());
    }
}
