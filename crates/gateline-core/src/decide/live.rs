//! Deciding about what is live: the end of a promotion, going live, health and bars.

use gateline_model::{
    Event, HealthSeen, Private, Promote, PromotionId, PromotionKind, PromotionOutcome, ReleaseId, Served,
    StageRef, StreamId,
};
use jiff::Timestamp;

use super::request::{self, Request};
use super::{private, reason, watch};
use crate::decision::{Pinned, pinned};
use crate::draft::Draft;
use crate::rejection::Rejection;

/// Ends a promotion and gives its lane back.
pub(super) fn end(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    outcome: PromotionOutcome,
    says: String,
    superseded_by: Option<ReleaseId>,
    served: Served,
) {
    end_with(
        draft,
        id,
        outcome,
        says,
        superseded_by,
        served,
        Private::default(),
    );
}

/// Ends a promotion, with a reason that a person gave.
pub(super) fn end_with(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    outcome: PromotionOutcome,
    says: String,
    superseded_by: Option<ReleaseId>,
    served: Served,
    text: Private,
) {
    let stage = StreamId::Stage(id.stage.clone());
    let lane = draft
        .promotion(id)
        .and_then(|state| state.rollout().map(|rollout| rollout.target.clone()));
    let ended = Event::PromotionEnded {
        outcome,
        says,
        superseded_by,
        served,
    };
    draft.emit_with(StreamId::Promotion(id.clone()), ended, text);
    if let Some(target) = lane {
        draft.emit(
            stage.clone(),
            Event::LaneFreed {
                target,
                promotion: id.clone(),
            },
        );
    }
    draft.emit(
        stage,
        Event::PromotionClosed {
            promotion: id.clone(),
            outcome,
        },
    );
}

/// The release is live and verified: ends the promotion and lets the release go on.
pub(super) fn went_live(draft: &mut Draft<'_>, id: &PromotionId, served: Served) -> Result<(), Rejection> {
    let promotion = draft.open_promotion(id)?;
    let Pinned { stage, release, .. } = pinned(draft, &promotion)?;
    let stage_stream = StreamId::Stage(id.stage.clone());
    let replaced = draft.stage(&id.stage).live.as_ref().map(|live| live.release);
    draft.emit(
        stage_stream.clone(),
        Event::WentLive {
            release: release.id,
            version: release.release.version.clone(),
            number: release.number,
            promotion: id.clone(),
            health_every: stage.health_every,
        },
    );
    let says = format!("{} is live in {}", release.release.version, id.stage.stage);
    end(draft, id, PromotionOutcome::Verified, says, None, served);
    match promotion.kind {
        PromotionKind::Rollback => {
            // Where taking back had failed, the release was never replaced.
            let replaced = replaced.filter(|bad| *bad != release.id);
            if let Some(bad) = replaced.filter(|bad| !draft.stage(&id.stage).barred.contains_key(bad)) {
                draft.emit(
                    stage_stream,
                    Event::ReleaseBarred {
                        release: bad,
                        promotion: id.clone(),
                    },
                );
            }
            Ok(())
        }
        PromotionKind::Forward => {
            watch::begin(draft, &promotion, &stage);
            request::end_older(draft, &id.stage, release.id, release.number)?;
            go_on(draft, &id.stage, release.id, release.number)
        }
    }
}

/// Requests the promotions into the next stages that the pipeline asks for by itself.
fn go_on(draft: &mut Draft<'_>, from: &StageRef, release: ReleaseId, number: u64) -> Result<(), Rejection> {
    let pipeline = draft.pipeline_in_force(&from.project, &from.pipeline)?;
    for stage in pipeline.downstream(&from.stage) {
        if stage.promote != Promote::Automatic {
            continue;
        }
        let verified_before = stage
            .after
            .iter()
            .all(|before| draft.stage(&from.sibling(before)).verified.contains_key(&release));
        let there = draft.stage(&from.sibling(&stage.name));
        let wanted = !there.barred.contains_key(&release)
            && !there.open.iter().any(|open| open.release == release)
            && there.live.as_ref().is_none_or(|live| live.number < number);
        if verified_before && wanted {
            let request = Request {
                release,
                number,
                kind: PromotionKind::Forward,
                automatic: true,
            };
            match request::open(draft, &pipeline, &from.sibling(&stage.name), request) {
                // A full stage must not keep this one from ending: the release can be promoted by hand later.
                Ok(())
                | Err(Rejection {
                    code: "stage.full", ..
                }) => {}
                Err(rejection) => return Err(rejection),
            }
        }
    }
    Ok(())
}

/// Records a changed health, or that nobody looked for a while.
pub(super) fn report_health(
    draft: &mut Draft<'_>,
    stage: &StageRef,
    seen: &HealthSeen,
    not_seen_from: Option<Timestamp>,
) {
    let HealthSeen { health, why } = seen.clone();
    let state = draft.stage(stage);
    if state.live.is_some() && (state.health != health || not_seen_from.is_some()) {
        draft.emit(
            StreamId::Stage(stage.clone()),
            Event::HealthObserved {
                health,
                not_seen_from,
                why,
            },
        );
    }
}

/// Lets a barred release be promoted again.
pub(super) fn lift_bar(
    draft: &mut Draft<'_>,
    stage: &StageRef,
    release: &ReleaseId,
    why: &str,
) -> Result<(), Rejection> {
    let why = reason(why)?;
    if !draft.stage(stage).barred.contains_key(release) {
        return Err(Rejection::conflict(
            "release.not_barred",
            format!("the release is not barred from `{stage}`"),
            "nothing needs to be done",
        ));
    }
    let text = private(draft, Some(why));
    draft.emit_with(
        StreamId::Stage(stage.clone()),
        Event::BarLifted { release: *release },
        text,
    );
    Ok(())
}
