//! Window: one of the stage's windows is open. Made from the stage's `windows`; a rollback passes.

use gateline_model::Gate;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{GateKind, GateView, Place, Says, check_params, observes_nothing, schema_of};

pub(super) const KIND: GateKind = GateKind {
    name: "window",
    summary: "One of the stage's windows is open.",
    place: Place::Stage,
    check: check_params::<Window>,
    schema: schema_of::<Window>,
    observes: observes_nothing,
    judge,
};

/// The gate kind `window` has no parameters of its own: the stage names the windows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Window {}

fn judge(_: &Gate, view: &GateView<'_>) -> Says {
    let mut next: Option<(Timestamp, String)> = None;
    for name in &view.stage.windows {
        let Some(window) = view.pipeline.windows.get(name) else {
            return Says::waiting("window.unknown", format!("the pipeline has no window `{name}`"))
                .next("apply a pipeline that declares it");
        };
        let Some((open, close)) = window.around_or_after(view.now) else {
            continue;
        };
        if open <= view.now {
            return Says::satisfied("window.open", format!("`{name}` is open ({})", window.zone))
                .until(close);
        }
        if next.as_ref().is_none_or(|(soonest, _)| open < *soonest) {
            next = Some((open, format!("`{name}` opens next ({})", window.zone)));
        }
    }
    match next {
        Some((open, says)) => Says::waiting("window.closed", says)
            .changed_by("time, by itself")
            .until(open),
        None => Says::refused("window.never", "none of the stage's windows ever opens")
            .next("apply a pipeline with a window that opens"),
    }
}
