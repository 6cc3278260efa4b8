//! Freeze: no freeze holds the stage. Always there; a rollback passes.

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
    let freezes = project
        .iter()
        .flat_map(|project| project.freezes.values())
        .filter(|freeze| freeze.concerns(view.stage_ref, view.stage.production));
    let here: Vec<_> = freezes.collect();
    let in_force: Vec<_> = here
        .iter()
        .filter(|freeze| freeze.is_in_force(view.now))
        .collect();
    if let Some(last) = in_force.iter().max_by_key(|freeze| freeze.until) {
        let names: Vec<String> = in_force
            .iter()
            .map(|freeze| format!("`{}`", freeze.name))
            .collect();
        return Says::waiting(
            "freeze.in_force",
            format!("{} until {}", names.join(", "), last.until),
        )
        .until(last.until)
        .changed_by("time, by itself")
        .changed_by("whoever may lift the freeze")
        .next(format!(
            "wait, or lift {} with `gateline freeze lift NAME --project {} --reason ..`",
            names.join(" and "),
            view.stage_ref.project
        ));
    }
    match here
        .iter()
        .map(|freeze| freeze.from)
        .filter(|from| *from > view.now)
        .min()
    {
        Some(from) => Says::satisfied("freeze.none", format!("none until {from}")).until(from),
        None => Says::satisfied("freeze.none", "none"),
    }
}
