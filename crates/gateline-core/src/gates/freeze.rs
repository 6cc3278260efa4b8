//! Freeze: no freeze holds the stage. Always there; a rollback passes, unless a freeze says that it applies to it.

use gateline_model::Gate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{GateKind, GateView, Place, Says, check_params, observes_nothing, schema_of};

pub(super) const KIND: GateKind = GateKind {
    name: "freeze",
    summary: "No freeze holds the stage.",
    place: Place::Stage,
    check: check_params::<Freeze>,
    schema: schema_of::<Freeze>,
    observes: observes_nothing,
    judge,
};

/// The gate kind `freeze` has no parameters: freezes are declared with `gateline freeze`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Freeze {}

fn judge(_: &Gate, view: &GateView<'_>) -> Says {
    let project = view.draft.project(&view.stage_ref.project);
    let timetable = view.timetable(project.as_deref());
    let in_force = timetable.frozen(view.now);
    if let Some(last) = in_force.iter().map(|(_, time)| time.until).max() {
        let names: Vec<String> = in_force
            .iter()
            .map(|(freeze, _)| format!("`{}`", freeze.name))
            .collect();
        return Says::waiting(
            "freeze.in_force",
            format!("{} until {}", names.join(", "), timetable.when(last)),
        )
        .until(last)
        .changed_by("time, by itself")
        .changed_by("whoever may lift the freeze")
        .next({
            let project = &view.stage_ref.project;
            let lift = |(freeze, _): &(&gateline_model::Freeze, _)| {
                format!(
                    "`gateline freeze lift {} --project {project} --reason ..`",
                    freeze.name
                )
            };
            let lifts: Vec<String> = in_force.iter().map(lift).collect();
            format!("wait, or lift with {}", lifts.join(" and "))
        });
    }
    match timetable.frozen_next(view.now) {
        Some(from) => {
            Says::satisfied("freeze.none", format!("none until {}", timetable.when(from))).until(from)
        }
        None => Says::satisfied("freeze.none", "none"),
    }
}
