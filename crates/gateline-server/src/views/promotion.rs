//! A promotion, whole: folded from its own stream, open or ended alike.

use gateline_api::{CheckView, Named, PromotionView, entry};
use gateline_core::{Promotion, Rollout, StepState, World};
use gateline_judge::Carried;
use gateline_model::{
    Event, Private, PromotionId, PromotionKind, PromotionOutcome, Recorded, ReleaseId, RollbackReason,
    Saturation, StageRef, StepAction, StreamId, Tick,
};
use jiff::Timestamp;

use super::evidence::evidence;
use super::incidents;
use super::overrides::of_promotion;
use super::pause;
use super::rollout;
use super::standing::state;
use crate::hub::{Hub, Receipt};
use crate::refused::Refused;
use crate::seen::not_there;

/// Moments of an ended rollout that its gauges are read at.
const SATURATION_MOMENTS: usize = 120;

/// A promotion.
///
/// # Errors
/// 404 if there never was one of this id.
pub(crate) async fn promotion(hub: &Hub, id: &PromotionId) -> Result<PromotionView, Refused> {
    let stream = StreamId::Promotion(id.clone());
    let events = hub.read(move |store| store.read_stream(&stream, 0)).await?;
    let unknown = || not_there(&Named::Promotion(id.clone()));
    let Some(last) = events.last() else {
        return Err(unknown());
    };
    let (log_index, ended_at) = (last.number, last.at);
    let promotion = fold(id, &events).ok_or_else(unknown)?;
    let leased_until = leased_until(hub, &promotion).await?;
    let end = match &last.event {
        Event::PromotionEnded {
            outcome,
            says,
            superseded_by,
            served,
        } => Some((*outcome, says.clone(), *superseded_by, *served)),
        _ => None,
    };
    let (version, live_version) = hub.with_world(|world| {
        let version = |id: &_| world.release(id).map(|state| state.release.version.clone());
        (
            version(&promotion.release),
            promotion.rollout().and_then(|rollout| version(&rollout.live?)),
        )
    });
    let decided = promotion.decision.as_ref();
    let version = version.or_else(|| decided.map(|decision| decision.version.clone()));
    let (watch, suspected) = hub.with_world(|world| {
        let watch = incidents::watch(world, &id.stage).filter(|watch| watch.promotion == *id);
        (watch, incidents::suspicions(world, id))
    });
    let (stands, since_then) = hub.with_world(|world| {
        let stands = (
            pause::pause(world, &promotion, &events).filter(|_| end.is_none()),
            pause::waits_for(world, &promotion),
        );
        let verified = matches!(end, Some((PromotionOutcome::Verified, ..)));
        let since_then = verified.then(|| since_then(world, &promotion)).flatten();
        (stands, since_then)
    });
    let served = match &end {
        Some((.., served)) => *served,
        None => hub.traffic(id),
    };
    let saturation = saturation(hub, &promotion).await?;
    Ok(PromotionView {
        id: id.clone(),
        release: promotion.release,
        version: version.ok_or_else(unknown)?,
        stage: id.stage.clone(),
        kind: promotion.kind,
        automatic: promotion.automatic,
        pipeline: promotion.pipeline,
        requested_at: promotion.requested_at,
        requested_by: promotion.requested_by.clone(),
        reason: events.first().and_then(|first| reason(first.private.as_ref())),
        state: end
            .as_ref()
            .map_or_else(|| state(&promotion), |(outcome, ..)| (*outcome).into()),
        says: end
            .as_ref()
            .map_or_else(|| says_now(hub, &promotion), |(_, says, ..)| says.clone()),
        decision: promotion.decision.as_deref().cloned(),
        decision_log: events
            .iter()
            .rfind(|recorded| matches!(recorded.event, Event::DecisionRecorded { .. }))
            .map(|recorded| recorded.number),
        approvals: promotion.approvals.clone(),
        overrides: hub.with_world(|world| of_promotion(world, &promotion, &events)),
        checks: checks(&promotion),
        rollout: promotion
            .rollout()
            .map(|rollout| rollout::view(rollout, &events, served, live_version, leased_until, stands))
            .map(|mut view| {
                // The replica that measures knows more than the record, which holds changes only. Before it said anything of the step
                // that stands, what it said last of the one before is more than how that one began.
                let recorded = promotion.rollout().and_then(|rollout| rollout.ruling.as_ref());
                let known = recorded.map_or(0, |(of, _)| *of);
                let newest = hub.ruling(id).filter(|(of, _)| *of >= known);
                view.ruling = newest.map(|(_, ruling)| ruling).or(view.ruling);
                view.saturation = saturation;
                view
            }),
        admitted_at: promotion.rollout().map(|rollout| rollout.admitted_at),
        ended_at: end.as_ref().map(|_| ended_at),
        outcome: end.as_ref().map(|(outcome, ..)| *outcome),
        ended_because: end
            .as_ref()
            .and_then(|(outcome, ..)| ended_because(*outcome, &events)),
        since_then,
        superseded_by: end.as_ref().and_then(|(_, _, by, _)| *by),
        served,
        watch,
        suspected,
        log_index,
        events,
    })
}

/// The last sentence said of an open promotion; none where it has ended.
pub(super) fn says_of(hub: &Hub, id: &PromotionId) -> Option<String> {
    // Cloned: the rulings are behind the lock of the fold.
    let open = hub.with_world(|world| world.promotion(id).cloned())?;
    Some(says_now(hub, &open))
}

/// The last sentence said of it: where the judge's is, the newest, which the record holds of changes only.
pub(super) fn says_now(hub: &Hub, promotion: &Promotion) -> String {
    let newest = promotion.rollout().and_then(|rollout| {
        let ruled = rollout.rollback.is_none() && rollout.failed.is_none();
        let newest = hub.ruling(&promotion.id).filter(|(of, _)| *of == rollout.step);
        let (_, recorded) = rollout.ruling.as_ref()?;
        newest.filter(|_| ruled && promotion.says() == recorded.headline)
    });
    newest.map_or_else(|| promotion.says(), |(_, ruling)| ruling.headline)
}

/// Why an actor ended it: the reason stands beside what that actor did, before the rollout or while it went on.
pub(super) fn ended_because(outcome: PromotionOutcome, events: &[Recorded]) -> Option<String> {
    let by_actor = |recorded: &&Recorded| match &recorded.event {
        Event::RollbackBegan { why, .. } => *why == RollbackReason::Aborted,
        Event::PromotionEnded { .. } => recorded
            .private
            .as_ref()
            .is_some_and(|text| text.reason.is_some()),
        _ => false,
    };
    let aborted = events
        .iter()
        .rfind(by_actor)
        .filter(|_| outcome == PromotionOutcome::Aborted);
    aborted.and_then(|recorded| reason(recorded.private.as_ref()))
}

/// What became of a release since its promotion was verified, where it is not what is live, or is barred.
fn since_then(world: &World, promotion: &Promotion) -> Option<String> {
    let state = world.stage(&promotion.id.stage)?;
    let barred = state.barred.contains_key(&promotion.release);
    let live = state.live.as_ref()?;
    let by_now = &live.promotion;
    let changed = state.changes.iter().find(|changed| changed.promotion == *by_now);
    let back = changed.is_some_and(|changed| changed.kind == PromotionKind::Rollback);
    match (live.promotion == promotion.id, barred) {
        (true, false) => None,
        (true, true) => Some("barred since, and live until another release is".to_owned()),
        (false, _) => {
            let barred = if barred { "barred, and " } else { "" };
            let how = if back { "was brought back" } else { "went live" };
            Some(format!(
                "not live any more: {barred}{} {how} by {by_now}",
                live.version
            ))
        }
    }
}

/// Gauges of its rollout at each weight, from all ticks where this replica measures, from some of them elsewhere.
async fn saturation(hub: &Hub, promotion: &Promotion) -> Result<Vec<Saturation>, Refused> {
    let Some(rollout) = promotion.rollout() else {
        return Ok(Vec::new());
    };
    let replaces = |action: &StepAction| matches!(action, StepAction::Replace { .. });
    let carried = match rollout.steps.iter().any(replaces) {
        true => Carried::ByMore,
        false => Carried::ByTheSame,
    };
    let limits = hub.with_world(|world| {
        let project = world.project(&promotion.id.stage.project)?;
        let stage = project
            .versions
            .get(&promotion.pipeline)?
            .stage(&promotion.id.stage.stage)?;
        let level = promotion.decision.as_ref().map(|decision| decision.risk);
        let judge = stage.rollout_at(level.unwrap_or_default()).judge()?;
        Some(judge.tolerate.gauges.clone())
    });
    let limits = limits.unwrap_or_default();
    let make = |ticks: &[Tick]| gateline_judge::saturation(ticks, carried, &limits);
    if let Some(made) = hub.of_ticks(&promotion.id, make) {
        return Ok(made);
    }
    let id = promotion.id.clone();
    let ticks = hub
        .read(move |store| store.sample_ticks(&id, SATURATION_MOMENTS))
        .await?;
    Ok(make(&ticks))
}

/// Until when a server has the step that is under way, if there is one.
async fn leased_until(hub: &Hub, promotion: &Promotion) -> Result<Option<Timestamp>, Refused> {
    let under_way = |rollout: &Rollout| matches!(rollout.state, StepState::Intended { .. });
    if !promotion.rollout().is_some_and(under_way) {
        return Ok(None);
    }
    let stream = StreamId::Promotion(promotion.id.clone());
    let rows = hub.read(|store| store.work()).await?;
    let row = rows.into_iter().find(|row| row.work.stream == stream);
    Ok(row.and_then(|row| row.leased_until))
}

/// The promotion of this release into this stage: the one that a request opened, or that was open already.
pub(crate) fn opened(
    hub: &Hub,
    receipt: &Receipt,
    stage: &StageRef,
    release: Option<&ReleaseId>,
) -> Result<PromotionId, Refused> {
    let opened = receipt.events.iter().find_map(|recorded| match &recorded.event {
        Event::PromotionOpened { promotion, .. } if promotion.stage == *stage => Some(promotion.clone()),
        _ => None,
    });
    let open_before = || {
        hub.with_world(|world| {
            let open = world
                .stage(stage)?
                .open
                .iter()
                .find(|open| Some(&open.release) == release)?;
            Some(open.id.clone())
        })
    };
    opened.or_else(open_before).ok_or_else(|| {
        Refused::new(
            &entry::BUG,
            format!("the request was accepted, but opened nothing in `{stage}`"),
        )
    })
}

/// The promotion as it was before it ended: what an ended one leaves is in its last event.
fn fold(id: &PromotionId, events: &[Recorded]) -> Option<Promotion> {
    let mut world = World::default();
    let open = events
        .iter()
        .filter(|recorded| !matches!(recorded.event, Event::PromotionEnded { .. }));
    for recorded in open {
        // A world of one stream: its log has the numbers of this stream alone.
        let recorded = Recorded {
            number: world.next(),
            ..recorded.clone()
        };
        world.fold(&recorded).ok()?;
    }
    world.promotion(id).map(|promotion| (**promotion).clone())
}

fn reason(private: Option<&Private>) -> Option<String> {
    private.and_then(|private| private.reason.clone())
}

fn checks(promotion: &Promotion) -> Vec<CheckView> {
    let view = |((of, gate), checked): (&(gateline_model::CheckOf, _), &gateline_core::Checked)| CheckView {
        gate: gateline_model::GateName::clone(gate),
        of: *of,
        evidence: evidence(checked.id, &checked.evidence),
    };
    promotion.checks.iter().map(view).collect()
}
