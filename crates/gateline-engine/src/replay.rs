//! Judging a rollout again: the promotion's own events say which step stood when, the kept ticks what was seen.
//!
//! What the engine ruled while it ran comes out the same, bit for bit; or other settings say what they would have said.

use gateline_core::{Promotion, Rollout, StepState, World};
use gateline_judge::{RolloutJudge, Step};
use gateline_model::ruling::{Replay, RuledAgain};
use gateline_model::{
    Digest, Event, JudgeSettings, Planned, PromotionId, Recorded, Ruling, RulingKind, Stage, StepAction, Tick,
};
use gateline_store::{StoreError, tick_roots};
use jiff::Timestamp;

use crate::traffic::{course, settings};

/// Judges a rollout again. `events` are all of the promotion's own, `stage` is that of its pinned pipeline.
///
/// # Errors
/// When a kept tick is none.
pub fn replay(
    id: &PromotionId,
    events: &[Recorded],
    stage: &Stage,
    ticks: &[Tick],
    with: Option<&JudgeSettings>,
) -> Result<Replay, StoreError> {
    let roots = tick_roots(ticks)?;
    let mut again = Again {
        stage,
        ticks,
        roots: &roots,
        with,
        judge: None,
        rulings: Vec::new(),
        last: None,
    };
    let mut world = World::default();
    for (index, recorded) in events.iter().enumerate() {
        let promotion = world.promotion(id).cloned();
        if let Some(promotion) = &promotion {
            match with {
                None => again.as_recorded(promotion, &recorded.event),
                Some(_) => again.until(promotion, recorded.at),
            }
        }
        if again.is_over() || matches!(recorded.event, Event::PromotionEnded { .. }) {
            break;
        }
        // A world of one stream: its log has the numbers of this stream alone.
        let alone = Recorded {
            number: index as u64,
            ..recorded.clone()
        };
        if world.fold(&alone).is_err() {
            break;
        }
    }
    let same = again.rulings.iter().all(|ruled| ruled.recorded.is_none());
    Ok(Replay {
        same: with.is_none().then_some(same),
        rulings: again.rulings,
        last: again.last,
    })
}

struct Again<'a> {
    stage: &'a Stage,
    ticks: &'a [Tick],
    roots: &'a [Digest],
    with: Option<&'a JudgeSettings>,
    judge: Option<RolloutJudge>,
    rulings: Vec<RuledAgain>,
    last: Option<Ruling>,
}

impl Again<'_> {
    /// A ruling of the record, from the ticks that it names.
    fn as_recorded(&mut self, promotion: &Promotion, event: &Event) {
        let Event::RulingChanged {
            step, ruling, chunks, ..
        } = event
        else {
            return;
        };
        let seen = self
            .roots
            .iter()
            .position(|root| root == chunks)
            .map_or(0, |index| index + 1);
        let Some(mut says) = self.rule(promotion, seen, ruling.at) else {
            return;
        };
        // Why nothing was measured is in no tick.
        if let Some(why) = &ruling.unmeasured {
            says = says.unmeasured(why);
        }
        self.last = Some(says.clone());
        clear_band(&mut says);
        self.rulings.push(RuledAgain {
            step: *step,
            recorded: (says != *ruling).then(|| ruling.clone()),
            ruling: says,
        });
    }

    /// Everything that was seen before a moment, by other settings.
    fn until(&mut self, promotion: &Promotion, until: Timestamp) {
        let Some(rollout) = promotion.rollout().filter(|rollout| rollout.rollback.is_none()) else {
            return;
        };
        let StepState::Applied { since, .. } = rollout.state else {
            return;
        };
        let step = rollout.step;
        let from = self.ticks.partition_point(|tick| tick.at < since);
        for index in from..self.ticks.len() {
            let at = self.ticks[index].at;
            let whole_moment = self.ticks.get(index + 1).is_none_or(|next| next.at != at);
            if at >= until || self.is_over() {
                return;
            }
            let Some(mut says) = (if whole_moment {
                self.rule(promotion, index + 1, at)
            } else {
                None
            }) else {
                continue;
            };
            self.last = Some(says.clone());
            clear_band(&mut says);
            let news = self.rulings.last().is_none_or(|last| {
                (last.step, last.ruling.says, last.ruling.weight) != (step, says.says, says.weight)
            });
            if news {
                self.rulings.push(RuledAgain {
                    step,
                    ruling: says,
                    recorded: None,
                });
            }
        }
    }

    fn rule(&mut self, promotion: &Promotion, seen: usize, now: Timestamp) -> Option<Ruling> {
        let rollout = promotion.rollout()?;
        let StepState::Applied { since, go_on_at, .. } = rollout.state else {
            return None;
        };
        let plan = self.plan(promotion, rollout);
        let settings = settings(&plan, rollout)?;
        let same = |judge: &RolloutJudge| judge.judges_by().0 == settings;
        if !self.judge.as_ref().is_some_and(same) {
            self.judge = Some(RolloutJudge::new(settings, course(&plan, rollout, settings)?));
        }
        let step = Step {
            since,
            until: go_on_at,
            stands: rollout.action().and_then(StepAction::weight),
        };
        Some(self.judge.as_mut()?.rule(&self.ticks[..seen], step, now))
    }

    /// The plan, with the other settings wherever something was judged.
    fn plan(&self, promotion: &Promotion, rollout: &Rollout) -> Vec<Planned<'_>> {
        let mut plan = promotion.plan_in(self.stage, rollout.live.is_some());
        if let Some(with) = self.with {
            for step in &mut plan {
                step.judge = step.judge.map(|_| with);
                // The weights are those that were.
                step.paced = false;
            }
        }
        plan
    }

    /// Nothing is said any more after a rollback.
    fn is_over(&self) -> bool {
        let last = self.rulings.last();
        self.with.is_some() && last.is_some_and(|last| last.ruling.says == RulingKind::RollBack)
    }
}

fn clear_band(ruling: &mut Ruling) {
    if let Some(full) = &mut ruling.full {
        full.band.clear();
    }
}
