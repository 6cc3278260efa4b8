//! Metric: one query to a metric source is within one threshold.
//!
//! `metric: {source: {prometheus: {url: ..}}, query: "..", threshold: "<= 1%"}`. No data is never a pass.

use gateline_model::ruling::figure;
use gateline_model::{Check, Gate, MetricCheck, MetricSource, Reading, Risk, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use super::live::{self, Judged, every_default, max_age_default};
use super::{GateKind, GateView, Observes, Place, check_params, schema_of, with_params};
use crate::threshold::Threshold;

pub(super) const KIND: GateKind = GateKind {
    name: "metric",
    summary: "One query to a metric source is within one threshold.",
    place: Place::EntryAndVerify,
    check: check_params::<Metric>,
    schema: schema_of::<Metric>,
    observes: |params| {
        let metric = Metric::deserialize(params).ok()?;
        let check = Check::Metric(MetricCheck {
            source: metric.source,
            query: metric.query,
        });
        Some(Observes {
            check,
            every: metric.every,
        })
    },
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |metric: Metric| {
            live::judge(
                gate,
                view,
                metric.every,
                metric.max_age,
                |reading| match reading {
                    Reading::Metric { value, source, .. } => Some(Judged {
                        passed: metric.threshold.holds(*value),
                        failed: "check.failed",
                        says: format!(
                            "{} from {source}, limit {}",
                            told(*value, &metric.threshold),
                            metric.threshold
                        ),
                        name: "value",
                        value: *value,
                        unit: metric.threshold.unit().to_owned(),
                        limit: Some(metric.threshold.to_string()),
                    }),
                    Reading::Http { .. }
                    | Reading::Command { .. }
                    | Reading::Attestation { .. }
                    | Reading::Policy(_) => None,
                },
            )
        })
    },
};

/// The query and the limit of a gate of this kind at a level of risk. `None` for any other kind.
pub fn threshold_of(gate: &Gate, risk: Risk) -> Option<(MetricCheck, Threshold)> {
    if gate.kind != KIND.name {
        return None;
    }
    let Metric {
        source,
        query,
        threshold,
        ..
    } = Metric::deserialize(gate.params_at(risk)).ok()?;
    Some((MetricCheck { source, query }, threshold))
}

/// A value with the digits that count; with all of them where fewer would be on the other side of the limit.
fn told(value: f64, threshold: &Threshold) -> String {
    let short = figure(value);
    let same = short
        .parse()
        .is_ok_and(|rounded| threshold.holds(rounded) == threshold.holds(value));
    if same { short } else { value.to_string() }
}

/// Parameters of the gate kind `metric`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Metric {
    /// Where to ask.
    source: MetricSource,
    /// What to ask.
    query: String,
    /// What the answer must be.
    threshold: Threshold,
    /// Time between two runs while it does not pass.
    #[serde(default = "every_default")]
    every: Span,
    /// How old a passed check may be at admission.
    #[serde(default = "max_age_default")]
    max_age: Span,
}
