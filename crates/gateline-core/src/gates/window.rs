//! Window: one of the stage's windows is open. Made from the stage's `windows`; a rollback passes, unless all of them say
//! that they apply to it.

use gateline_model::{Gate, LOOK_AHEAD_DAYS};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{GateKind, GateView, Place, Says, check_params, observes_nothing, rollback_passes, schema_of};
use crate::timetable::{WindowUnknown, WindowsNow};

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
    let project = view.draft.project(&view.stage_ref.project);
    match view.timetable(project.as_deref()).windows_at(view.now) {
        WindowsNow::None => rollback_passes(),
        WindowsNow::Open { name, zone, until } => {
            Says::satisfied("window.open", format!("`{name}` is open ({zone})")).until(until)
        }
        WindowsNow::Closed { name, opening } => {
            Says::waiting("window.closed", format!("`{name}` is closed; {}", opening.says()))
                .changed_by("time, by itself")
                .until(opening.at)
        }
        WindowsNow::Never => Says::refused(
            "window.never",
            format!("none of the stage's windows opens within {LOOK_AHEAD_DAYS} days"),
        )
        .next("apply a pipeline with a window that opens"),
        WindowsNow::Unknown(WindowUnknown::Window(name)) => {
            Says::waiting("window.unknown", format!("the pipeline has no window `{name}`"))
                .next("apply a pipeline that declares it")
        }
        WindowsNow::Unknown(unknown) => Says::waiting("window.calendar", unknown.to_string())
            .changed_by("a newer version of the calendar")
            .next(format!(
                "apply the calendar's file again with `gateline calendar apply FILE --project {}`",
                view.stage_ref.project
            )),
    }
}
