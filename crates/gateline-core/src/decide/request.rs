//! Deciding about requests: may there be a promotion at all, and which older ones does it end?

use std::sync::Arc;

use gateline_model::{
    Event, LaneMode, Pipeline, PromotionId, PromotionKind, PromotionOutcome, ReleaseId, Served, StageRef,
    StreamId, limits::OPEN_PROMOTIONS_PER_STAGE_MAX,
};

use super::{held, live, private, reason, unknown_stage};
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::Phase;

/// What is asked for.
#[derive(Clone, Copy)]
pub(super) struct Request {
    pub release: ReleaseId,
    /// The release's number.
    pub number: u64,
    pub kind: PromotionKind,
    pub automatic: bool,
}

/// An actor asks for a promotion.
pub(super) fn promote(
    draft: &mut Draft<'_>,
    release: &ReleaseId,
    stage_ref: &StageRef,
) -> Result<(), Rejection> {
    let pipeline = draft.pipeline_in_force(&stage_ref.project, &stage_ref.pipeline)?;
    let state = draft.release(release).ok_or_else(|| {
        Rejection::unknown(
            "release.unknown",
            format!("there is no release `{release}`"),
            "register it first with `gateline release create`",
        )
    })?;
    if state.release.of != stage_ref.pipeline_ref() {
        return Err(Rejection::invalid(
            "release.other_pipeline",
            format!(
                "`{}` moves through `{}`, not `{}`",
                state.release.version,
                state.release.of,
                pipeline.reference()
            ),
            "name a stage of its own pipeline",
        ));
    }
    let stage = pipeline
        .stage(&stage_ref.stage)
        .ok_or_else(|| unknown_stage(&pipeline, &stage_ref.stage))?;
    let here = draft.stage(stage_ref);
    if let Some(by) = here.barred.get(release) {
        return Err(Rejection::conflict(
            "release.barred",
            format!(
                "`{}` is barred from {} since promotion `{by}`",
                state.release.version, stage_ref.stage
            ),
            &format!(
                "lift the bar with `gateline release unbar {}@{} --stage {} --reason ..`",
                stage_ref.pipeline, state.release.version, stage_ref.stage
            ),
        ));
    }
    let on_its_way = here
        .open
        .iter()
        .any(|open| open.release == *release && open.kind == PromotionKind::Forward);
    if on_its_way {
        // Perhaps the pipeline asked first.
        return Ok(());
    }
    let missing: Vec<&str> = stage
        .after
        .iter()
        .filter(|before| {
            !draft
                .stage(&stage_ref.sibling(before))
                .verified
                .contains_key(release)
        })
        .map(|before| before.as_str())
        .collect();
    if !missing.is_empty() {
        return Err(Rejection::conflict(
            "release.not_verified_before",
            format!(
                "`{}` is not verified in {}",
                state.release.version,
                missing.join(", ")
            ),
            "a release passes the stages in their order; see `gateline status`",
        ));
    }
    let request = Request {
        release: *release,
        number: state.number,
        kind: PromotionKind::Forward,
        automatic: false,
    };
    open(draft, &pipeline, stage_ref, request)
}

/// An actor asks for the release that was live before.
pub(super) fn roll_back(draft: &mut Draft<'_>, stage_ref: &StageRef, why: &str) -> Result<(), Rejection> {
    let why = reason(why)?;
    let pipeline = draft.pipeline_in_force(&stage_ref.project, &stage_ref.pipeline)?;
    pipeline
        .stage(&stage_ref.stage)
        .ok_or_else(|| unknown_stage(&pipeline, &stage_ref.stage))?;
    let here = draft.stage(stage_ref);
    let Some(before) = here.back_to() else {
        return Err(nothing_before(draft, stage_ref));
    };
    let request = Request {
        release: before.release,
        number: before.number,
        kind: PromotionKind::Rollback,
        automatic: false,
    };
    let text = private(draft, Some(why));
    open_with(draft, &pipeline, stage_ref, request, text)
}

/// There is nothing to go back to. Whoever wants a running rollout taken back is told how.
fn nothing_before(draft: &Draft<'_>, stage_ref: &StageRef) -> Rejection {
    let here = draft.stage(stage_ref);
    let rolling = here.open.iter().find(|open| {
        let promotion = draft.promotion(&open.id);
        promotion.is_some_and(|promotion| promotion.rollout().is_some())
    });
    let hint = match rolling {
        Some(open) => format!(
            "promotion `{}` is rolling out: take it back with `gateline abort {}`",
            open.id, open.id
        ),
        None => "promote the release that you want instead".to_owned(),
    };
    Rejection::conflict(
        "stage.nothing_before",
        format!("nothing was live in `{stage_ref}` before what is live now, or it is a rollback itself"),
        &hint,
    )
}

/// Opens a promotion, lets it end older ones where the stage says so, and judges it at once.
pub(super) fn open(
    draft: &mut Draft<'_>,
    pipeline: &Arc<Pipeline>,
    stage_ref: &StageRef,
    request: Request,
) -> Result<(), Rejection> {
    let text = private(draft, None);
    open_with(draft, pipeline, stage_ref, request, text)
}

fn open_with(
    draft: &mut Draft<'_>,
    pipeline: &Arc<Pipeline>,
    stage_ref: &StageRef,
    request: Request,
    text: gateline_model::Private,
) -> Result<(), Rejection> {
    let Request {
        release,
        number,
        kind,
        automatic,
    } = request;
    let here = draft.stage(stage_ref);
    if let Some(open) = here.open.iter().find(|open| open.release == release) {
        return Err(Rejection::conflict(
            "promotion.open",
            format!("promotion `{}` of this release is open", open.id),
            &format!("see it with `gateline explain {}`", open.id),
        ));
    }
    let is_live = here.live.as_ref().is_some_and(|live| live.release == release);
    if is_live && (here.stuck().is_none() || kind == PromotionKind::Forward) {
        let hint = match here.stuck() {
            Some(id) => format!("`{id}` could not be taken back: try it again with `gateline rollback`"),
            None => "nothing needs to be done".to_owned(),
        };
        return Err(Rejection::conflict(
            "release.live",
            format!("the release is live in `{stage_ref}` already"),
            &hint,
        ));
    }
    if here.open.len() >= OPEN_PROMOTIONS_PER_STAGE_MAX {
        let says = format!(
            "`{stage_ref}` has {} open promotions (OPEN_PROMOTIONS_PER_STAGE_MAX)",
            here.open.len()
        );
        return Err(Rejection::conflict(
            "stage.full",
            says,
            "abort some of them first",
        ));
    }
    let id = PromotionId {
        stage: stage_ref.clone(),
        number: here.count + 1,
    };
    let opened = Event::PromotionOpened {
        promotion: id.clone(),
        release,
        kind,
    };
    draft.emit(StreamId::Stage(stage_ref.clone()), opened);
    let requested = Event::PromotionRequested {
        release,
        kind,
        pipeline: draft.version_in_force(&stage_ref.project, &stage_ref.pipeline)?,
        automatic,
    };
    draft.emit_with(StreamId::Promotion(id.clone()), requested, text);
    let mode = pipeline
        .stage(&stage_ref.stage)
        .map(|stage| stage.lane)
        .unwrap_or_default();
    if mode == LaneMode::Supersede {
        end_older(draft, stage_ref, release, number)?;
    }
    held::judge(draft, &id).map(drop)
}

/// Ends the held promotions of older releases into this stage.
pub(super) fn end_older(
    draft: &mut Draft<'_>,
    stage_ref: &StageRef,
    by: ReleaseId,
    number: u64,
) -> Result<(), Rejection> {
    for open in draft.stage(stage_ref).open.clone() {
        let older = draft
            .release(&open.release)
            .is_some_and(|state| state.number < number);
        if open.release == by || open.kind != PromotionKind::Forward || !older {
            continue;
        }
        let held = draft
            .promotion(&open.id)
            .is_some_and(|state| state.phase == Phase::Held);
        if held {
            let version = draft
                .release(&by)
                .map(|state| state.release.version.to_string())
                .unwrap_or_default();
            live::end(
                draft,
                &open.id,
                PromotionOutcome::Superseded,
                format!("superseded by {version}"),
                Some(by),
                Served::default(),
            );
        }
    }
    Ok(())
}
