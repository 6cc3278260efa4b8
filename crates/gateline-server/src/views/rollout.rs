//! A rollout: its steps with what became of each, from the promotion's own events.

use std::collections::BTreeMap;

use gateline_api::{PauseView, RollbackView, RolloutView, StepView, StepWord, WaitsFor};
use gateline_core::{Rollout, StepState};
use gateline_model::{Event, Recorded, Served, Version};
use jiff::Timestamp;

/// A rollout with the traffic that its release served.
pub(super) fn view(
    rollout: &Rollout,
    events: &[Recorded],
    served: Served,
    live_version: Option<Version>,
    leased_until: Option<Timestamp>,
    (paused, waits_for): (Option<PauseView>, Vec<WaitsFor>),
) -> RolloutView {
    let began = events
        .iter()
        .rfind(|recorded| matches!(recorded.event, Event::RollbackBegan { .. }));
    let reason = began
        .and_then(|recorded| recorded.private.as_ref())
        .and_then(|private| private.reason.clone());
    let go_on_at = match &rollout.state {
        StepState::Applied { go_on_at, .. } => *go_on_at,
        StepState::Intended { .. } | StepState::Failed { .. } | StepState::Parked { .. } => None,
    };
    RolloutView {
        steps: steps(rollout, events, leased_until),
        weight: rollout.weight(),
        live_version,
        requests: served.requests,
        errors: served.bad_requests,
        ruling: rollout.ruling.as_ref().map(|(_, ruling)| ruling.clone()),
        saturation: Vec::new(),
        paused,
        rollback: rollout.rollback.as_ref().map(|rollback| RollbackView {
            why: rollback.why,
            says: rollback.says.clone(),
            since: rollback.since,
            reason,
        }),
        go_on_at,
        waits_for,
        verify_until: rollout.verification.as_ref().map(|(_, until)| *until),
    }
}

fn steps(rollout: &Rollout, events: &[Recorded], leased_until: Option<Timestamp>) -> Vec<StepView> {
    let became = became(events);
    let step = |(index, action): (usize, &gateline_model::StepAction)| {
        let index = index as u32;
        let (state, since) = match became.get(&index) {
            Some((state, since)) => (*state, Some(*since)),
            None => (StepWord::Next, None),
        };
        StepView {
            index,
            action: *action,
            state,
            since,
            leased_until: leased_until.filter(|_| state == StepWord::Now),
        }
    };
    rollout.steps.iter().enumerate().map(step).collect()
}

/// The last that was recorded of each step that was begun.
fn became(events: &[Recorded]) -> BTreeMap<u32, (StepWord, Timestamp)> {
    let mut became = BTreeMap::new();
    for Recorded { event, at, .. } in events {
        let (step, word) = match event {
            Event::StepIntended { step, .. } => (*step, StepWord::Now),
            Event::StepApplied { step, .. } => (*step, StepWord::Done),
            Event::StepFailed { step, .. } => (*step, StepWord::Failed),
            Event::StepParked { step, .. } => (*step, StepWord::Parked),
            _ => continue,
        };
        became.insert(step, (word, *at));
    }
    became
}
