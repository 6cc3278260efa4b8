//! Suspects: what changed in a stage before an incident began, the likeliest first, each with the reason in words.
//! Reads the stage's own last changes; knows no rule of what is done about them.

use gateline_model::{
    Done, PromotionId, PromotionKind, PromotionOutcome, ReleaseId, Span, StageRef, Suspect, Version,
};
use jiff::Timestamp;

use crate::draft::Draft;
use crate::state::{Changed, StageState};

/// Where a change stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is rolling out.
    Rolling,
    /// It is live.
    Live,
    /// It was taken back, or something else went live since.
    Over,
}

/// How likely it is the cause: smaller is likelier. First what still has an effect, then what was nearest to the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    over: bool,
    before: Span,
}

/// A change that may have caused an incident.
#[derive(Debug, Clone)]
pub(crate) struct Suspected {
    pub promotion: PromotionId,
    pub release: ReleaseId,
    pub standing: Standing,
    pub rank: Rank,
    version: Version,
    says: String,
}

impl Suspected {
    /// The same, suspected for another reason.
    pub(crate) fn because(self, says: impl FnOnce(&Version) -> String) -> Self {
        Self {
            says: says(&self.version),
            ..self
        }
    }

    /// With what is done about it.
    pub(crate) fn named(self, done: Done) -> Suspect {
        Suspect {
            promotion: self.promotion,
            release: self.release,
            version: self.version,
            says: self.says,
            done,
        }
    }
}

/// What changed in a stage within so long before a moment. What began later is no suspect.
pub(crate) fn suspected(
    draft: &Draft<'_>,
    stage: &StageRef,
    since: Timestamp,
    within: Span,
) -> Vec<Suspected> {
    let state = draft.stage(stage);
    let mut found: Vec<Suspected> = state
        .changes
        .iter()
        .filter(|changed| changed.began <= since)
        .filter_map(|changed| suspect(draft, &state, changed, since, within))
        .collect();
    found.sort_by_key(|suspect| suspect.rank);
    found
}

fn suspect(
    draft: &Draft<'_>,
    state: &StageState,
    changed: &Changed,
    since: Timestamp,
    within: Span,
) -> Option<Suspected> {
    let version = draft.release(&changed.release)?.release.version.clone();
    // It had an effect until then: a rollout for as long as it lasted, and what it brought live at its end.
    let until = changed.ended.map_or(since, |(_, at)| at.min(since));
    let exactly = Span::between(until, since);
    if exactly > within {
        return None;
    }
    let live = state
        .live
        .as_ref()
        .is_some_and(|live| live.promotion == changed.promotion);
    let standing = match (changed.ended, live) {
        (None, _) => Standing::Rolling,
        (Some(_), true) => Standing::Live,
        (Some(_), false) => Standing::Over,
    };
    let (before, lasted) = (whole(exactly), whole(Span::between(changed.began, since)));
    let what = match changed.kind {
        PromotionKind::Forward => version.to_string(),
        PromotionKind::Rollback => format!("the rollback to {version}"),
    };
    let says = match changed.ended {
        None => {
            format!("{what} had been rolling out for {lasted} when it began")
        }
        Some((_, at)) if at > since => {
            let now = if live { " and is live now" } else { "" };
            format!("{what} had been rolling out for {lasted} when it began{now}")
        }
        Some((outcome, _)) => match outcome {
            PromotionOutcome::Verified if live => format!("{what} went live {before} before it began"),
            PromotionOutcome::Verified => {
                format!("{what} went live {before} before it began, and is not live any more")
            }
            PromotionOutcome::RolledBack | PromotionOutcome::Aborted | PromotionOutcome::Superseded => {
                format!("{what} was taken back {before} before it began")
            }
            PromotionOutcome::RollbackFailed => {
                format!("{what} could not be taken back {before} before it began")
            }
            PromotionOutcome::Refused | PromotionOutcome::Expired => return None,
        },
    };
    Some(Suspected {
        promotion: changed.promotion.clone(),
        release: changed.release,
        standing,
        rank: Rank {
            over: standing == Standing::Over,
            before: exactly,
        },
        version,
        says,
    })
}

/// Whole seconds: people read them.
fn whole(span: Span) -> Span {
    Span::from_secs(span.as_millis() / 1_000)
}
