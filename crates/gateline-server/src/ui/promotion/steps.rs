//! The steps of a rollout: what is true, what is being made true, what comes.

use gateline_api::{RolloutView, StepView, StepWord};
use gateline_model::{Span, StepAction, Weight};
use jiff::Timestamp;
use maud::{Markup, html};

use super::Shown;
use crate::ui::shell::Visitor;
use crate::ui::time::{age, clock, length};
use crate::ui::words::of_step;

pub(super) fn steps(visitor: &Visitor, shown: &Shown<'_>, rollout: &RolloutView) -> Markup {
    let done = rollout
        .steps
        .iter()
        .filter(|step| step.state == StepWord::Done)
        .count();
    html! {
        h2 { "Rollout: " (done) " of " (rollout.steps.len()) " steps, " (sees(rollout)) }
        ol.steps {
            @for (index, step) in rollout.steps.iter().enumerate() {
                (one(visitor, shown, rollout, step, rollout.steps.get(index + 1)))
            }
        }
    }
}

/// Who sees the release: a cohort, a share of the traffic, or both.
pub(super) fn sees(rollout: &RolloutView) -> String {
    match rollout.cohort() {
        Some(cohort) if rollout.weight == Weight::NONE => format!("{cohort} people see it"),
        Some(cohort) => format!("{cohort} people and {} of the traffic", rollout.weight),
        None => format!("{} of the traffic", rollout.weight),
    }
}

fn one(
    visitor: &Visitor,
    shown: &Shown<'_>,
    rollout: &RolloutView,
    step: &StepView,
    following: Option<&StepView>,
) -> Markup {
    let StepView {
        index: _,
        action,
        state,
        since,
        leased_until,
    } = step;
    // A step stands until the next one began; the last one until the promotion ended.
    let stood = following.and_then(|next| next.since).or(shown.view.ended_at);
    let standing = *state == StepWord::Done && stood.is_none();
    let (class, sign) = match (state, &rollout.paused) {
        // What stands is under way: it is judged, and the rollout goes on from it.
        (StepWord::Done, None) if standing => ("now", of_step(StepWord::Now)),
        (StepWord::Done, Some(_)) if standing => ("parked", of_step(StepWord::Parked)),
        _ => (class(*state), of_step(*state)),
    };
    html! {
        li class=(class) aria-current=[(*state == StepWord::Now || standing).then_some("step")] {
            (sign.plain(&name(action)))
            div.age {
                @match (state, since, stood) {
                    (StepWord::Next, _, _) | (_, None, _) => { (word(*state)) }
                    (StepWord::Done, Some(since), Some(until)) => { "stood " (length(Span::between(*since, until))) }
                    (StepWord::Done, Some(since), None) => { "stands " (age(visitor.now, *since)) }
                    (_, Some(since), _) => { (word(*state)) " " (age(visitor.now, *since)) }
                }
                @if let Some(until) = leased_until { " · " (held(visitor, *until)) }
                @if let (true, Some(ruling)) = (standing, &rollout.ruling) { " · ruling: " (ruling.says.word().replace('_', " ")) }
            }
        }
    }
}

/// Who has the step that is under way, and what if nothing is heard of it.
fn held(visitor: &Visitor, until: Timestamp) -> Markup {
    html! {
        @if until > visitor.now {
            "a server has it until " (clock(visitor.now, until)) "; if nothing is heard of it by then, the step is looked at again"
        } @else {
            "no server has it; the next one that is free looks at it again"
        }
    }
}

fn name(action: &StepAction) -> String {
    match action {
        StepAction::Stop => "stop the old one first".to_owned(),
        StepAction::Start => "start".to_owned(),
        StepAction::Mirror { share } => format!("a copy of {share} of traffic"),
        StepAction::Replace { new, old: 0 } => format!("all {new} instances new"),
        StepAction::Replace { new, old } => format!("{new} of {} instances new", new + old),
        StepAction::Expose { weight, cohort: None } => format!("{weight} of traffic"),
        StepAction::Expose {
            weight: Weight::NONE,
            cohort: Some(cohort),
        } => format!("{cohort} people"),
        StepAction::Expose {
            weight,
            cohort: Some(cohort),
        } => format!("{cohort} people and {weight} of traffic"),
        StepAction::Finish => "stop the old one".to_owned(),
        StepAction::Withdraw => "traffic back".to_owned(),
        StepAction::Discard => "stop the new one".to_owned(),
        StepAction::Degrade => "run the command for a failed rollout".to_owned(),
    }
}

fn class(state: StepWord) -> &'static str {
    match state {
        StepWord::Done => "done",
        StepWord::Now => "now",
        StepWord::Next => "next",
        StepWord::Failed => "failed",
        StepWord::Parked => "parked",
    }
}

fn word(state: StepWord) -> &'static str {
    match state {
        StepWord::Done => "done",
        StepWord::Now => "under way",
        StepWord::Next => "to come",
        StepWord::Failed => "failed",
        StepWord::Parked => "parked",
    }
}

#[cfg(test)]
mod tests {
    use gateline_model::Cohort;

    use super::*;

    #[test]
    fn a_step_of_every_strategy_reads_as_people_say_it() {
        let cohort = |weight, cohort| StepAction::Expose {
            weight,
            cohort: Some(cohort),
        };
        for (action, says) in [
            (StepAction::Stop, "stop the old one first"),
            (
                StepAction::Mirror {
                    share: Weight::percent(20),
                },
                "a copy of 20% of traffic",
            ),
            (StepAction::Replace { new: 1, old: 3 }, "1 of 4 instances new"),
            (StepAction::Replace { new: 4, old: 0 }, "all 4 instances new"),
            (StepAction::expose(Weight::percent(25)), "25% of traffic"),
            (cohort(Weight::NONE, Cohort::Internal), "internal people"),
            (
                cohort(Weight::percent(25), Cohort::Trusted),
                "trusted people and 25% of traffic",
            ),
            (StepAction::Degrade, "run the command for a failed rollout"),
        ] {
            assert_eq!(name(&action), says);
        }
    }
}
