//! Gates on custom facts: JSON that was reported with a word for what it is, as in `--as json --type chaos`.
//! Knows no word: the kinds of gate do.

use std::sync::Arc;

use gateline_model::{Evidence, EvidenceId, Facts, Found, Gate, StageName};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::baseline::Baseline;
use super::reported::{self, Sought};
use super::{GateView, Says};
use crate::state::ReleaseState;

/// The fact that a gate asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Custom<'a> {
    /// The word for what it is.
    pub of: &'a str,
    /// The name that the reporter gave it; any where it is not given.
    pub name: Option<&'a str>,
    /// What it is, for people: `chaos result`.
    pub what: &'a str,
}

impl Custom<'_> {
    fn newest<'r>(&self, release: &'r ReleaseState) -> Option<&'r (EvidenceId, Arc<Evidence>)> {
        self.newest_where(release, &|_| true)
    }

    /// The newest that fits and of which the rest holds too. What could not be read has no type: it fits by its name, or
    /// is what has come where nothing else is there.
    pub(super) fn newest_where<'r>(
        &self,
        release: &'r ReleaseState,
        also: &dyn Fn(&Evidence) -> bool,
    ) -> Option<&'r (EvidenceId, Arc<Evidence>)> {
        let called = |evidence: &Evidence, name: &str| evidence.name.as_deref() == Some(name);
        let fits = |evidence: &Evidence| match &evidence.found {
            Found::Facts {
                facts: Facts::Custom(custom),
            } => custom.of == self.of && self.name.is_none_or(|name| called(evidence, name)),
            Found::Facts { .. } => false,
            Found::Errored { .. } => {
                evidence.kind() == Some("custom") && called(evidence, self.name.unwrap_or(self.of))
            }
        };
        let nameless = |evidence: &Evidence| {
            evidence.name.is_none()
                && evidence.kind() == Some("custom")
                && matches!(evidence.found, Found::Errored { .. })
        };
        let newest = |fits: &dyn Fn(&Evidence) -> bool| {
            let mut reports = release.evidence.iter().rev();
            reports.find(|(_, evidence)| also(evidence) && fits(evidence))
        };
        newest(&fits).or_else(|| newest(&nameless))
    }

    /// The value of the live release's fact.
    pub(super) fn baseline(&self, view: &GateView<'_>) -> Baseline {
        let facts = view.baseline().and_then(|live| {
            let (_, evidence) = self.newest(&live)?;
            match &evidence.found {
                Found::Facts { facts } => Some(facts.clone()),
                Found::Errored { .. } => None,
            }
        });
        Baseline::new(view, facts)
    }

    /// Judges the value of the newest such fact, or says what is missing.
    pub(super) fn judge(
        &self,
        gate: &Gate,
        view: &GateView<'_>,
        on_value: impl FnOnce(&Value) -> Says,
    ) -> Says {
        self.judge_found(gate, view, None, self.newest(view.release), on_value)
    }

    /// Judges what was found, however it was looked for; `stage` is the one that it was looked for in.
    pub(super) fn judge_found(
        &self,
        gate: &Gate,
        view: &GateView<'_>,
        stage: Option<&StageName>,
        newest: Option<&(EvidenceId, Arc<Evidence>)>,
        on_value: impl FnOnce(&Value) -> Says,
    ) -> Says {
        let option = |option: &str, value: Option<&str>| {
            value
                .map(|value| format!(" --{option} {value}"))
                .unwrap_or_default()
        };
        let add = format!(
            "report it with `gateline evidence add {}@{}{}{} --as json --type {} FILE`",
            view.pipeline.name,
            view.release.release.version,
            option("stage", stage.map(StageName::as_str)),
            option("name", self.name),
            self.of
        );
        let sought = Sought {
            kind: "custom",
            what: self.what,
            name: self.name,
            add,
            newest,
        };
        reported::judge_sought(gate, view, sought, |facts| match facts {
            Facts::Custom(custom) => on_value(&custom.value),
            other => reported::foreign(other),
        })
    }
}

/// The value as the kind knows it, which leaves each field away where it may. The message names the field.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    let Value::Object(fields) = value else {
        return Err("it is no object".to_owned());
    };
    T::deserialize(value).map_err(|err| {
        let wrong = fields.iter().find_map(|(name, value)| {
            let alone = Value::Object([(name.clone(), value.clone())].into_iter().collect());
            let err = T::deserialize(alone).err()?;
            Some(format!("`{name}`: {err}"))
        });
        wrong.unwrap_or_else(|| err.to_string())
    })
}

/// The live release's value as the kind knows it; nothing where it cannot be read.
pub(super) fn read_baseline<T: DeserializeOwned + Default>(baseline: &Baseline) -> T {
    match baseline {
        Baseline::Known(_, Facts::Custom(custom)) => read(&custom.value).unwrap_or_default(),
        Baseline::Known(..) | Baseline::Silent(_) | Baseline::None => T::default(),
    }
}

/// A number, where there is one.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        value => match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(D::Error::custom(format!("{value} is no number"))),
        },
    }
}

/// A number that is not below 0, as durations and shares are.
pub(super) fn not_negative<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match number(deserializer)? {
        Some(number) if number < 0.0 => Err(D::Error::custom(format!("{number} is below 0"))),
        number => Ok(number),
    }
}
