//! Approval: the people who must be asked said yes to exactly this. Made from the stage's `approval`.
//!
//! Asked last, when the gates in front are satisfied. An approval counts while the question stays the same.

use gateline_model::{ApprovalRule, Gate, Layer};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{GateKind, GateView, Place, Says, check_params, observes_nothing, schema_of};
use crate::conditions::{APPROVAL_FACTS, facts, holds};

pub(super) const KIND: GateKind = GateKind {
    name: "approval",
    summary: "The people who must be asked said yes to exactly this.",
    place: Place::Stage,
    check: check_params::<Approval>,
    schema: schema_of::<Approval>,
    observes: observes_nothing,
    judge,
};

/// The gate kind `approval` has no parameters of its own: the stage's rules say who is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Approval {}

/// The rule that applies to this release; an error when a condition cannot be judged.
pub(crate) fn rule<'a>(view: &'a GateView<'_>) -> Result<Option<&'a ApprovalRule>, String> {
    let facts = facts(view.pipeline, view.release, view.stage, Some(view.risk));
    for rule in &view.stage.approval {
        if holds(rule.when.as_deref(), APPROVAL_FACTS, &facts)? {
            return Ok(Some(rule));
        }
    }
    Ok(None)
}

fn judge(_: &Gate, view: &GateView<'_>) -> Says {
    let rule = match rule(view) {
        Ok(Some(rule)) => rule,
        Ok(None) => return Says::satisfied("approval.not_needed", "no approval rule applies"),
        Err(why) => {
            return Says::waiting(
                "approval.errored",
                format!("could not find out who is asked: {why}"),
            )
            .next("apply a pipeline whose approval conditions can be judged");
        }
    };
    if rule.automatic {
        return Says::satisfied("approval.automatic", "automatic: nobody needs to be asked");
    }
    let Some(open) = rule
        .layers
        .iter()
        .find(|layer| approved(layer, view).len() < layer.count as usize)
    else {
        let who: Vec<String> = rule
            .layers
            .iter()
            .map(|layer| format!("{} ({})", layer.from, approved(layer, view).join(", ")))
            .collect();
        return Says::satisfied("approval.given", format!("approved by {}", who.join(", ")));
    };
    let given = approved(open, view);
    let count = format!("{} of {} from {}", given.len(), open.count, open.from);
    let numbered = |says: Says| {
        says.number(
            "approvals",
            given.len() as f64,
            "",
            Some(format!(">= {}", open.count)),
        )
    };
    let in_front: Vec<&str> = view
        .earlier
        .iter()
        .filter(|gate| gate.keeps_out())
        .map(|gate| gate.gate.as_str())
        .collect();
    if !in_front.is_empty() {
        return numbered(Says::waiting(
            "approval.not_asked",
            format!("{count}; asked after {}", in_front.join(", ")),
        ))
        .changed_by(format!("the gates in front: {}", in_front.join(", ")));
    }
    numbered(Says::waiting("approval.asked", count))
        .changed_by(open.from.as_str())
        .next(format!("approve with `gateline approve {}`", view.promotion.id))
}

/// Who approved for a layer, to the question as it is now.
fn approved<'a>(layer: &Layer, view: &'a GateView<'_>) -> Vec<&'a str> {
    let mut by: Vec<&str> = view
        .promotion
        .approvals
        .iter()
        .filter(|approval| approval.from == layer.from && approval.question == view.question)
        .map(|approval| approval.by.as_str())
        .collect();
    by.dedup();
    by
}
