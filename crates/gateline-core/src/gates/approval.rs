//! Approval: the people who must be asked said yes to exactly this. Made from the stage's `approval`.
//!
//! Asked last, when the gates in front are satisfied. An approval counts while the question stays the same.

use gateline_model::{ApprovalRule, Gate, GateName, No, Verdict, WindowName};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{GateKind, GateView, Place, Says, check_params, observes_nothing, schema_of};
use crate::approvals::{Approvals, LayerNow, Stands};
use crate::conditions::{APPROVAL_FACTS, facts, holds};
use crate::timetable::WindowsNow;

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
pub(crate) fn rule<'a>(view: &GateView<'a>) -> Result<Option<&'a ApprovalRule>, String> {
    let facts = facts(view.pipeline, view.release, view.stage, Some(view.risk));
    for rule in &view.stage.approval {
        if holds(rule.when.as_deref(), APPROVAL_FACTS, &facts)? {
            return Ok(Some(rule));
        }
    }
    Ok(None)
}

fn judge(_: &Gate, view: &GateView<'_>) -> Says {
    let errored = |why: &str| {
        Says::waiting(
            "approval.errored",
            format!("could not find out who is asked: {why}"),
        )
        .next("apply a pipeline whose approval conditions can be judged")
    };
    let Some(question) = view.question else {
        return errored("it stands where nobody is asked");
    };
    let rule = match &question.rule {
        Ok(rule) => *rule,
        Err(why) => return errored(why),
    };
    if let Some(says) = too_few_for_breaking(rule, view) {
        return says;
    }
    let says = match &question.approvals {
        Some(approvals) => as_it_stands(approvals, view),
        None if rule.is_some() => {
            Says::satisfied("approval.automatic", "automatic: nobody needs to be asked")
        }
        None => Says::satisfied("approval.not_needed", "no approval rule applies"),
    };
    match rule.and_then(|rule| rule.scheduled.as_ref()) {
        Some(window) if says.verdict == Verdict::Satisfied => locked(says, window, view),
        Some(_) | None => says,
    }
}

/// What is approved for a window is locked until that window opens.
fn locked(approved: Says, window: &WindowName, view: &GateView<'_>) -> Says {
    let project = view.draft.project(&view.stage_ref.project);
    let timetable = view.timetable(project.as_deref());
    let says = match timetable.window_at(window, view.now) {
        WindowsNow::Open { until, .. } => return approved.until(until),
        WindowsNow::Closed { opening, .. } => {
            let says = format!("{}; locked until `{window}`: {}", approved.says, opening.says());
            Says::waiting("approval.locked", says)
                .changed_by("time, by itself")
                .until(opening.at)
        }
        WindowsNow::Never | WindowsNow::None => Says::refused(
            "approval.locked",
            format!("{}; locked for `{window}`, which never opens", approved.says),
        )
        .next("apply a pipeline with a window that opens"),
        WindowsNow::Unknown(why) => Says::waiting(
            "approval.locked",
            format!("{}; locked for `{window}`: {why}", approved.says),
        )
        .next("apply the pipeline with its windows, and the calendars that they name"),
    };
    match approved.until {
        Some(until) => says.until(until),
        None => says,
    }
    .details(approved.details)
}

/// While a freeze holds the stage nobody is asked: what would be answered now is not what goes in afterwards.
fn frozen(approvals: &Approvals, view: &GateView<'_>) -> Option<Says> {
    if view.overridden(&freeze_gate()).is_some() {
        return None;
    }
    let project = view.draft.project(&view.stage_ref.project);
    let timetable = view.timetable(project.as_deref());
    let in_force = timetable.frozen(view.now);
    let until = in_force.iter().map(|(_, time)| time.until).max()?;
    let names: Vec<String> = in_force
        .iter()
        .map(|(freeze, _)| format!("`{}`", freeze.name))
        .collect();
    let open = approvals
        .layers
        .iter()
        .filter(|now| now.stands != Stands::Complete);
    let open: Vec<String> = open.map(LayerNow::says).collect();
    let says = format!(
        "{}; asked when {} is over, {}",
        open.join("; "),
        names.join(" and "),
        timetable.when(until)
    );
    Some(
        Says::waiting(FROZEN, says)
            .until(until)
            .changed_by("time, by itself")
            .changed_by("whoever may lift the freeze"),
    )
}

/// The code of an approval gate that asks nobody while a freeze holds the stage.
pub(crate) const FROZEN: &str = "approval.frozen";

/// The gate that an override names to pass a freeze.
fn freeze_gate() -> GateName {
    "freeze".parse().expect("it is a legal gate name")
}

/// Layers that a breaking change into production needs where its rule does not say otherwise.
const LAYERS_FOR_BREAKING: usize = 2;

fn too_few_for_breaking(rule: Option<&ApprovalRule>, view: &GateView<'_>) -> Option<Says> {
    let layers = rule.map_or(0, |rule| rule.layers.len());
    let said_aloud = rule.is_some_and(|rule| rule.enough_for_breaking);
    let breaking = view.release.release.change.breaking && view.stage.production;
    (breaking && !said_aloud && layers < LAYERS_FOR_BREAKING).then(|| {
        Says::refused(
            "approval.too_few_layers",
            format!("a breaking change into production needs {LAYERS_FOR_BREAKING} layers of approval; the rule that applies has {layers}"),
        )
        .changed_by("the owners of the pipeline")
        .next("add a layer to the rule, or `enough_for_breaking: true` to say that it is enough")
    })
}

fn as_it_stands(approvals: &Approvals, view: &GateView<'_>) -> Says {
    let lines: Vec<String> = approvals.layers.iter().map(LayerNow::says).collect();
    let dressed = |says: Says| {
        let says = if lines.len() > 1 {
            says.details(lines.clone())
        } else {
            says
        };
        match approvals.until {
            Some(until) => says.until(until),
            None => says,
        }
    };
    if approvals.is_complete() {
        let who: Vec<String> = approvals.layers.iter().map(by_whom).collect();
        let mut says = format!("approved by {}", who.join(", "));
        if let (Some(decided), Some((no, answer))) = (&approvals.decided_by, approvals.refusals.first()) {
            says.push_str(&format!("; {} decided, {} {}", decided.by, no.words(), answer.by));
        }
        return dressed(Says::satisfied("approval.given", says));
    }
    let Some(open) = approvals.layers.iter().find(|now| now.stands != Stands::Complete) else {
        return dressed(answered_no(approvals));
    };
    let numbered = |says: Says| {
        let limit = Some(format!(">= {}", open.needed));
        dressed(says.number("approvals", open.given.len() as f64, "", limit))
    };
    let in_front: Vec<&str> = view
        .earlier
        .iter()
        .filter(|gate| gate.keeps_out())
        .map(|gate| gate.gate.as_str())
        .collect();
    if !in_front.is_empty() {
        let says = format!("{}; asked after {}", open.says(), in_front.join(", "));
        return numbered(Says::waiting("approval.not_asked", says))
            .changed_by(format!("the gates in front: {}", in_front.join(", ")));
    }
    if approvals.standing_no().is_some() {
        return dressed(answered_no(approvals));
    }
    if let Some(frozen) = frozen(approvals, view) {
        let limit = Some(format!(">= {}", open.needed));
        return frozen.number("approvals", open.given.len() as f64, "", limit);
    }
    if let Some(expired) = approvals.layers.iter().find(|now| now.stands == Stands::Expired) {
        let within = expired
            .layer
            .expires
            .map(|span| format!(" within {span}"))
            .unwrap_or_default();
        return numbered(Says::refused(
            "approval.expired",
            format!("{}{within}", expired.says()),
        ))
        .next("request the promotion anew once there is somebody to answer");
    }
    asked(approvals, view, numbered)
}

fn asked(approvals: &Approvals, view: &GateView<'_>, numbered: impl Fn(Says) -> Says) -> Says {
    let open: Vec<&LayerNow> = approvals.open().collect();
    let escalated = open.iter().any(|now| now.is_escalated());
    let code = if escalated {
        "approval.escalated"
    } else {
        "approval.asked"
    };
    let mut says: Vec<String> = open.iter().map(|now| now.says()).collect();
    let tiers = open.iter().map(|now| approvals.rule.tier_of(&now.layer));
    let tier = tiers.max().unwrap_or_default();
    says.extend(tier.at_least().map(|with| format!("signed with {with}")));
    for now in open
        .iter()
        .filter(|now| now.known < now.needed || now.out_of_reach)
    {
        says.push(match now.out_of_reach {
            true => format!("{} of {} can no longer be reached", now.needed, now.layer.from),
            false => format!("only {} known who may answer", now.known),
        });
    }
    let said = numbered(Says::waiting(code, says.join("; ")));
    let said = open
        .iter()
        .flat_map(|now| now.asked())
        .fold(said, |said, who| said.changed_by(who.to_string()));
    let sign = tier.at_least().map_or("", |_| " --sign");
    said.next(format!(
        "approve with `gateline approve {}{sign}`",
        view.promotion.id
    ))
}

/// The people of a complete layer, and by whose no it was not stopped.
fn by_whom(now: &LayerNow) -> String {
    format!("{} ({})", now.layer.from, now.who())
}

fn answered_no(approvals: &Approvals) -> Says {
    let Some((no, answer)) = approvals.standing_no() else {
        return Says::satisfied("approval.given", "approved");
    };
    let says = format!("{} {} for {}", no.words(), answer.by, answer.from);
    let said = match no {
        No::Reject => Says::refused("approval.rejected", says),
        No::RequestChanges => Says::waiting("approval.changes_requested", says),
    };
    let said = said.changed_by(answer.by.as_str());
    match &approvals.rule.authority {
        Some(authority) => said.changed_by(authority.as_str()),
        None => said,
    }
    .next("answer what was said, and register a new release, or ask for the answer to be withdrawn")
}
