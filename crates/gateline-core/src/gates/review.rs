//! Review: every override of the stage that let a release in has been reviewed. Made where the stage's `overrides` let open
//! reviews hold promotions; a rollback passes.

use gateline_model::Gate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{GateKind, GateView, Place, Says, check_params, observes_nothing, schema_of};

pub(super) const KIND: GateKind = GateKind {
    name: "review",
    summary: "No release that came in by an override waits for its review.",
    place: Place::Stage,
    check: check_params::<Review>,
    schema: schema_of::<Review>,
    observes: observes_nothing,
    judge,
};

/// The gate kind `review` has no parameters: the stage's `overrides` say what open reviews hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Review {}

fn judge(_: &Gate, view: &GateView<'_>) -> Says {
    let state = view.draft.stage(view.stage_ref);
    // What its own override owes is owed for having let it in: it held nothing before.
    let own = &view.promotion.id;
    let reviews: Vec<_> = state
        .reviews
        .iter()
        .filter(|review| review.promotion != *own)
        .collect();
    let Some(first) = reviews.first() else {
        return Says::satisfied("review.none_open", "none is open");
    };
    let project = view.draft.project(&view.stage_ref.project);
    let timetable = view.timetable(project.as_deref());
    let lines = reviews.iter().map(|review| {
        format!(
            "override of {} for {} by {}, owed until {}",
            review.gate,
            review.version,
            review.by,
            timetable.when(review.due)
        )
    });
    let open = match reviews.len() {
        1 => "one review is open".to_owned(),
        many => format!("{many} reviews are open"),
    };
    let from = &view.stage.overrides.review.from;
    let who = match from.is_empty() {
        true => "whoever may override here".to_owned(),
        false => from.to_string(),
    };
    Says::waiting("review.open", open)
        .details(lines)
        .changed_by(who)
        .next(format!(
            "write what came of it with `gateline override review {} --gate {} --reason ..`",
            first.promotion, first.gate
        ))
}
