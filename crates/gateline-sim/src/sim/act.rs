//! Acting: what a rim does for its engine at the store and outside.

use gateline_core::StepOutcome;
use gateline_core::planted::{Planted, is};
use gateline_engine::{BatchId, Input, LEASE, Observed, Task, TaskOrder};
use gateline_model::{Event, Span, StreamId, WorkKind};
use gateline_store::{Append, AppendError, Committed, Read, Store, StoreError};

use super::{Act, Delivery, Sim, Who};
use crate::outside::{Seen, operation};

/// How long the rim waits before it reads again from a store that did not answer.
const READ_AGAIN: Span = Span::from_secs(1);

impl Sim {
    pub(super) fn act(&mut self, who: Who, act: Act) {
        let down = || StoreError::Unavailable {
            doing: "reach the store",
            why: "it is down".to_owned(),
        };
        let is_down = self.now < self.store_down_until;
        if is_down {
            self.refuses(who);
        }
        match act {
            Act::Append(batch, _) if is_down => self.answer(who, Input::Committed(batch, Err(down()))),
            Act::Append(batch, appends) => self.append(who, batch, &appends),
            Act::Read(_) if is_down => {
                self.later(READ_AGAIN, Delivery::Act(who, act));
            }
            Act::Read(from) => {
                let events = self.read(who.replica, from);
                self.answer(who, Input::Logged(events));
            }
            Act::Claim(_) if is_down => self.answer(who, Input::Leased(Vec::new())),
            Act::Claim(limit) => {
                let leased = self
                    .store
                    .lease(self.now, "sim", limit, LEASE)
                    .expect("memory can be written");
                self.book.leased(who, &leased);
                self.answer(who, Input::Leased(leased));
            }
            Act::KeepTicks(.., task) if is_down => self.answer(who, Input::TicksLost(task)),
            Act::KeepTicks(promotion, ticks, all, task) => {
                let root = self
                    .store
                    .put_ticks(&promotion, &ticks)
                    .expect("simulated ticks are finite");
                let ticks = if all {
                    self.store.ticks(&promotion).expect("memory can be read").0
                } else {
                    ticks
                };
                self.answer(
                    who,
                    Input::TicksKept {
                        promotion,
                        root,
                        ticks,
                        all,
                        task,
                    },
                );
            }
            Act::Release(..) | Act::Renew(..) if is_down => {}
            Act::Release(fence, due) => {
                self.store.release(&fence, due).expect("memory can be written");
            }
            Act::Renew(fence, until) => {
                self.store.renew(&fence, until).expect("memory can be written");
            }
            Act::Look(task) => self.look(who, task),
            Act::Apply(task, seen) => self.apply(who, task, seen),
        }
    }

    fn append(&mut self, who: Who, batch: BatchId, appends: &[Append]) {
        let unknown = || StoreError::Unknown {
            why: "the connection broke".to_owned(),
        };
        let lost = self.faults.loses_answer(&mut self.rng);
        if lost && self.rng.chance(500) {
            self.note(format!(
                "batch {batch} of replica {} is lost before its commit",
                who.replica
            ));
            self.refuses(who);
            self.answer(who, Input::Committed(batch, Err(unknown())));
            return;
        }
        let answers = self.keep(appends);
        let all_kept = answers.as_ref().is_ok_and(|answers| {
            let unkept = |answer: &Result<_, _>| matches!(answer, Err(AppendError::Unreadable { .. }));
            !answers.iter().any(unkept)
        });
        if lost || !all_kept {
            self.refuses(who);
        }
        self.wake_others(who.replica);
        if let Ok(answers) = &answers {
            for (append, answer) in appends.iter().zip(answers) {
                self.book.answered(self.now, who, append, answer);
                self.is_true_outside(answer);
            }
            self.book.work_is_planned(self.now, &self.store);
        }
        let answers = if lost {
            self.note(format!(
                "batch {batch} of replica {} is committed, the answer is lost",
                who.replica
            ));
            Err(unknown())
        } else {
            answers
        };
        self.answer(who, Input::Committed(batch, answers));
    }

    fn refuses(&mut self, who: Who) {
        self.replicas[who.replica].refused_at = self.now;
    }

    /// Commits a batch, without what cannot be kept: that fails no neighbour.
    fn keep(&mut self, appends: &[Append]) -> Result<Vec<Result<Committed, AppendError>>, StoreError> {
        let unkept: Vec<Option<AppendError>> = appends.iter().map(|append| self.unkept(append)).collect();
        if unkept.iter().all(Option::is_none) {
            return self.store.append(self.now, appends);
        }
        let pairs = appends.iter().zip(&unkept);
        let kept: Vec<Append> = pairs
            .filter(|(_, unkept)| unkept.is_none())
            .map(|(append, _)| append.clone())
            .collect();
        let mut answers = self.store.append(self.now, &kept)?.into_iter();
        let answer = |unkept: Option<AppendError>| match unkept {
            Some(error) => Some(Err(error)),
            None => answers.next(),
        };
        Ok(unkept.into_iter().filter_map(answer).collect())
    }

    /// Why an append cannot be kept, if it cannot.
    fn unkept(&mut self, append: &Append) -> Option<AppendError> {
        let event = append.events.first()?.event.name();
        if !self.faults.cannot_keep(&mut self.rng) {
            return None;
        }
        self.note(format!("`{event}` cannot be kept"));
        Some(AppendError::Unreadable {
            event,
            why: "a number is not finite".to_owned(),
        })
    }

    /// What is recorded as applied is so.
    fn is_true_outside(&mut self, answer: &Result<Committed, AppendError>) {
        let Ok(Committed::Appended(events)) = answer else {
            return;
        };
        for recorded in events {
            if let (Event::StepApplied { step, .. }, StreamId::Promotion(id)) =
                (&recorded.event, &recorded.stream)
                && !self.outside.is_true(&format!("{id}/{step}"))
            {
                let what = format!("step {step} of `{id}` was recorded as applied and is not true");
                self.book.violated(self.now, what);
            }
        }
    }

    fn look(&mut self, who: Who, task: Box<Task>) {
        let observed = match &task.order {
            TaskOrder::Check(order) => {
                let gate = match &task.leased.work.kind {
                    WorkKind::CheckEntry { gate }
                    | WorkKind::CheckStep { gate }
                    | WorkKind::CheckVerify { gate }
                    | WorkKind::Watch { gate } => gate,
                    other => unreachable!("a check is ordered for `{other}`"),
                };
                Observed::Checked(self.outside.check(gate, order))
            }
            TaskOrder::Past(order) => match &task.leased.work.kind {
                WorkKind::MeasureNoise { gate } => Observed::Past(Ok(self.outside.past(gate, &order.noise))),
                other => unreachable!("a past is asked for `{other}`"),
            },
            TaskOrder::Step(order) => match self.outside.observe(order) {
                Seen::Applied => Observed::Stepped(StepOutcome::Applied),
                Seen::NotApplied(revision) => {
                    let takes = self.faults.target_takes(&mut self.rng);
                    self.later(takes, Delivery::Act(who, Act::Apply(task, revision)));
                    return;
                }
            },
            TaskOrder::Measure(view, _) => Observed::Measured(self.outside.measure(self.now, view)),
            TaskOrder::OnCall(_) => match &task.leased.work.kind {
                WorkKind::AskOnCall { team } => Observed::OnCall(self.outside.on_call(team)),
                other => unreachable!("a source is asked for `{other}`"),
            },
            TaskOrder::Deliver(letter) => Observed::Delivered(self.outside.deliver(letter)),
            TaskOrder::Health(_) => match &task.leased.work.stream {
                StreamId::Stage(stage) => Observed::Seen(self.outside.health(&stage.stage).into()),
                other => unreachable!("health is looked at for `{other}`"),
            },
        };
        self.report(who, task, observed);
    }

    fn apply(&mut self, who: Who, task: Box<Task>, seen: u64) {
        let TaskOrder::Step(order) = &task.order else {
            return;
        };
        let mut outcome = self.outside.apply(self.now, order, seen);
        // That a step is true is seen, not assumed.
        let shown = is(Planted::BelievedTarget) || self.outside.is_true(operation(&order.key));
        if outcome == StepOutcome::Applied && !shown {
            outcome =
                StepOutcome::Failed("the target took the order and does not show that it is so".to_owned());
        }
        for key in std::mem::take(&mut self.outside.twice) {
            self.book
                .violated(self.now, format!("step `{key}` was applied twice"));
        }
        self.report(who, task, Observed::Stepped(outcome));
    }

    fn report(&mut self, who: Who, task: Box<Task>, observed: Observed) {
        let observed = self.faults.garble(&mut self.rng, &task.order, observed);
        if let Observed::Stepped(outcome) = &observed {
            self.book.saw(task.fence(), outcome.clone());
        }
        if self.faults.repeats(&mut self.rng) {
            let late = self.faults.late(&mut self.rng);
            self.later(
                late,
                Delivery::Input(who, Input::Observed(task.clone(), observed.clone())),
            );
        }
        let late = self.faults.report_takes(&mut self.rng);
        self.later(late, Delivery::Input(who, Input::Observed(task, observed)));
    }
}
