//! Why a rollout stands still or waits, as every surface tells it: what happened, who asked and why, what a person can do.

use gateline_api::{PauseView, StandingRollout, WaitsFor};
use gateline_core::{Actor, Promotion, StepState, World};
use gateline_model::{ActorId, Event, PauseReason, ProjectName, Recorded, RulingKind, StreamId};
use jiff::Timestamp;

use crate::hub::Hub;
use crate::refused::Refused;

/// Rollouts that an inbox lists at most: those that stand longest.
const INBOX_ROLLOUTS_MAX: usize = 100;

/// Why a rollout stands still, if it does, from the promotion's own events.
pub(super) fn pause(world: &World, promotion: &Promotion, events: &[Recorded]) -> Option<PauseView> {
    let rollout = promotion.rollout()?;
    let (why, since) = rollout.paused?;
    let paused = events
        .iter()
        .rfind(|recorded| matches!(recorded.event, Event::RolloutPaused { .. }));
    let asked = paused.filter(|_| why == PauseReason::Asked);
    let incidents = world.incidents(&promotion.id.stage.project);
    let suspected =
        incidents.is_some_and(|incidents| incidents.open.values().any(|noted| noted.suspects(&promotion.id)));
    Some(PauseView {
        why,
        since,
        says: says(
            why,
            asked.map(|recorded| &recorded.actor),
            rollout.failed.as_deref(),
            suspected,
        ),
        reason: asked
            .and_then(|recorded| recorded.private.as_ref())
            .and_then(|private| private.reason.clone()),
    })
}

fn says(why: PauseReason, by: Option<&ActorId>, happened: Option<&str>, suspected: bool) -> String {
    let happened = |otherwise: &str| happened.unwrap_or(otherwise).to_owned();
    match why {
        PauseReason::Asked => {
            let by = by.map_or_else(|| "a person".to_owned(), ToString::to_string);
            format!("{by} asked for it; it goes on when somebody resumes it")
        }
        PauseReason::Inconclusive => {
            "the judge could not tell in time; a person resumes or aborts it".to_owned()
        }
        PauseReason::Irreversible => format!(
            "{}; the release is never taken back by itself: a person resumes or aborts it",
            happened("it failed")
        ),
        PauseReason::Parked => "nobody can tell whether the last step is true; a person looks".to_owned(),
        PauseReason::GoAhead => "everything is as it should be; a person says when to go on".to_owned(),
        PauseReason::Failed => format!("{}; a person resumes or aborts it", happened("it failed")),
        PauseReason::Incident if suspected => format!(
            "{}; a person says that it is not to blame, resumes or aborts it",
            happened("an incident is open here")
        ),
        PauseReason::Incident => format!(
            "{}, which suspects it no more; a person resumes or aborts it",
            happened("an incident")
        ),
    }
}

/// What the step that is true waits for beside time.
pub(super) fn waits_for(world: &World, promotion: &Promotion) -> Vec<WaitsFor> {
    waiting(world, promotion).unwrap_or_default()
}

fn waiting(world: &World, promotion: &Promotion) -> Option<Vec<WaitsFor>> {
    let rollout = promotion.rollout()?;
    let StepState::Applied {
        checks,
        measure_every,
        ..
    } = &rollout.state
    else {
        return None;
    };
    let here = &promotion.id.stage;
    let pipeline = world.project(&here.project)?.versions.get(&promotion.pipeline)?;
    let plan = promotion.plan_in(pipeline.stage(&here.stage)?, rollout.live.is_some());
    let planned = plan.get(rollout.planned())?;
    let ruling = rollout.ruling.as_ref().filter(|(of, _)| *of == rollout.step);
    let advances = ruling.is_some_and(|(_, ruling)| ruling.says == RulingKind::Advance);
    let waits = [
        (measure_every.is_some() && !advances, WaitsFor::Judge),
        (checks.is_some(), WaitsFor::Checks),
        (planned.window.is_some(), WaitsFor::Window),
        (planned.go_ahead, WaitsFor::GoAhead),
    ];
    Some(
        waits
            .into_iter()
            .filter(|(waits, _)| *waits)
            .map(|(_, what)| what)
            .collect(),
    )
}

/// The rollouts that stand still for a person and that the actor may let go on, those that stand longest first.
pub(crate) async fn inbox_rollouts(
    hub: &Hub,
    actor: &Actor,
    project: Option<&ProjectName>,
) -> Result<Vec<StandingRollout>, Refused> {
    let mut standing: Vec<Promotion> = hub.with_world(|world| {
        let all = gateline_core::standing_for(world, actor, project, Timestamp::now());
        all.into_iter().take(INBOX_ROLLOUTS_MAX).cloned().collect()
    });
    // Who asked, and why, is in the record alone.
    standing.retain(|promotion| promotion.rollout().is_some());
    let asked = standing.iter().filter(|promotion| {
        let paused = promotion.rollout().and_then(|rollout| rollout.paused);
        paused.is_some_and(|(why, _)| why == PauseReason::Asked)
    });
    let ids: Vec<_> = asked.map(|promotion| promotion.id.clone()).collect();
    let told = hub
        .read(move |store| {
            let read = |id| store.read_stream(&StreamId::Promotion(id), 0);
            ids.into_iter().map(read).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let events = |promotion: &Promotion| {
        let of = StreamId::Promotion(promotion.id.clone());
        let found = told
            .iter()
            .find(|events| events.first().is_some_and(|first| first.stream == of));
        found.map(Vec::as_slice).unwrap_or_default()
    };
    Ok(hub.with_world(|world| {
        let view = |promotion: &Promotion| {
            let release = world.release(&promotion.release)?;
            Some(StandingRollout {
                promotion: promotion.id.clone(),
                version: release.release.version.clone(),
                weight: promotion.rollout()?.weight(),
                paused: pause(world, promotion, events(promotion))?,
            })
        };
        standing.iter().filter_map(view).collect()
    }))
}
