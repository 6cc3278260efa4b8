//! Performing: leased work goes to drivers, and what they answer comes back as commands that carry the fence.

use gateline_core::planted::{Planted, is};
use gateline_core::{Command, StepOutcome};
use gateline_model::{
    CheckOf, Delivered, Digest, Health, HealthSeen, PromotionId, Reading, Span, StreamId, Work, WorkKind,
};
use gateline_store::{Fence, Leased};
use jiff::Timestamp;

use crate::engine::{Engine, LEASE};
use crate::order::order;
use crate::port::{Observed, Output, Task, TaskOrder};
use crate::queue::{Leasehold, Pending};

/// How long work rests whose report could not be recorded, or that nobody wants now.
const REST: Span = Span::from_secs(5);
/// So many looks may be missed before the time between them counts as unseen.
const LOOKS_MISSED_MAX: i64 = 3;

/// A lease that this replica holds.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) fence: Fence,
    pub(crate) work: Work,
    until: Timestamp,
}

impl Engine {
    /// Work came: Gateline's own is decided at once, the rest goes to drivers.
    pub(crate) fn leased(&mut self, now: Timestamp, leased: Vec<Leased>, out: &mut Vec<Output>) {
        for leased in leased {
            let work = leased.work.clone();
            let fence = Fence {
                work: work.id(),
                fence: leased.fence,
            };
            if let Some(due) = self.declined(&work) {
                out.push(Output::Release(fence, due));
                continue;
            }
            self.held.insert(
                work.id(),
                Held {
                    fence: fence.clone(),
                    work: work.clone(),
                    until: LEASE.after(now),
                },
            );
            let hold = Leasehold {
                fence,
                work: work.clone(),
            };
            let own = match (&work.stream, &work.kind) {
                (StreamId::Promotion(id), WorkKind::Judge) => Some(Command::Judge {
                    promotion: id.clone(),
                }),
                (StreamId::Stage(stage), WorkKind::EndWatch) => {
                    Some(Command::EndWatch { stage: stage.clone() })
                }
                (StreamId::Stage(stage), WorkKind::MeasureNoise { gate }) => self.no_past(stage, gate),
                (StreamId::Promotion(id), WorkKind::Continue { step }) => Some(Command::Continue {
                    promotion: id.clone(),
                    step: *step,
                    served: self.traffic.served(id),
                }),
                _ => None,
            };
            if let Some(command) = own {
                self.queue.push(Pending::own(command, Some(hold)));
                continue;
            }
            match order(&self.world, &leased) {
                Some(order) => out.push(Output::Perform(Box::new(Task { leased, order }))),
                // The state moved on between the plan and the lease.
                None => self.rest(now, &hold, None, out),
            }
        }
    }

    /// Extends the leases of what takes longer.
    pub(crate) fn renew_leases(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        for held in self.held.values_mut() {
            if Span::between(now, held.until) < Span::from_millis(LEASE.as_millis() / 2) {
                held.until = LEASE.after(now);
                out.push(Output::Renew(held.fence.clone(), held.until));
            }
        }
    }

    /// A driver answered.
    pub(crate) fn observed(&mut self, now: Timestamp, task: Task, observed: Observed, out: &mut Vec<Output>) {
        let hold = Leasehold {
            fence: self.looked_under(&task),
            work: task.leased.work.clone(),
        };
        let command = match (&task.leased.work.stream, &task.leased.work.kind, observed) {
            (StreamId::Promotion(id), WorkKind::CheckEntry { gate }, Observed::Checked(read)) => {
                self.check_report(now, id, (gate.clone(), CheckOf::Entry), &task.order, read)
            }
            (StreamId::Promotion(id), WorkKind::CheckStep { gate }, Observed::Checked(read)) => {
                self.check_report(now, id, (gate.clone(), CheckOf::Step), &task.order, read)
            }
            (StreamId::Promotion(id), WorkKind::CheckVerify { gate }, Observed::Checked(read)) => {
                self.check_report(now, id, (gate.clone(), CheckOf::Verify), &task.order, read)
            }
            (StreamId::Promotion(id), WorkKind::Step { step, attempt }, Observed::Stepped(outcome)) => {
                Some(Command::ReportStep {
                    promotion: id.clone(),
                    step: *step,
                    attempt: *attempt,
                    outcome,
                    served: self.traffic.served(id),
                })
            }
            // Where there are no numbers now, the judge hears the silence: its patience runs on.
            (StreamId::Promotion(id), WorkKind::Measure, Observed::Measured(measured)) => {
                let (promotion, all) = (id.clone(), !self.traffic.knows(id, task.leased.fence));
                self.traffic
                    .looked(id, measured.as_ref().err().map(String::as_str));
                out.push(Output::KeepTicks {
                    promotion,
                    ticks: measured.unwrap_or_default(),
                    all,
                    task: Box::new(task),
                });
                return;
            }
            (StreamId::Stage(stage), WorkKind::Watch { gate }, Observed::Checked(read)) => {
                self.look_report(now, stage, gate, &task.order, read)
            }
            (StreamId::Stage(stage), WorkKind::MeasureNoise { gate }, Observed::Past(past)) => {
                self.noise_report(stage, gate, &task.order, past)
            }
            (StreamId::Stage(stage), WorkKind::ObserveHealth, Observed::Seen(seen)) => {
                let not_seen_from = self.unseen(now, &task.leased.work);
                Some(Command::ReportHealth {
                    stage: stage.clone(),
                    seen,
                    not_seen_from,
                })
            }
            (StreamId::Project(project), WorkKind::AskOnCall { team }, Observed::OnCall(who)) => {
                match &task.order {
                    TaskOrder::OnCall(source) => Some(Command::ReportOnCall {
                        project: project.clone(),
                        team: team.clone(),
                        source: source.digest(),
                        who,
                    }),
                    _ => None,
                }
            }
            (
                StreamId::Notifications(project),
                WorkKind::Deliver { letter },
                Observed::Delivered(delivered),
            ) => match &task.order {
                TaskOrder::Deliver(order) => Some(Command::ReportLetter {
                    project: project.clone(),
                    letter: *letter,
                    attempt: order.attempts + 1,
                    delivered,
                }),
                _ => None,
            },
            // Another replica may have it. If not, it is begun again.
            (_, _, Observed::NotBegun) => None,
            // An answer to another question: a bug of the rim. Nothing is concluded from it.
            _ => None,
        };
        match command {
            Some(command) => self.queue.push(Pending::own(command, Some(hold))),
            None => self.rest(now, &hold, None, out),
        }
    }

    /// The lease that a driver looked under. It may be over by now, and then the report is, too.
    fn looked_under(&self, task: &Task) -> Fence {
        match self.held.get(&task.leased.work.id()) {
            Some(held) if is(Planted::NewestLease) => held.fence.clone(),
            Some(_) | None => task.fence(),
        }
    }

    fn check_report(
        &self,
        now: Timestamp,
        id: &PromotionId,
        (gate, of): (gateline_model::GateName, CheckOf),
        order: &TaskOrder,
        read: Result<Reading, String>,
    ) -> Option<Command> {
        let TaskOrder::Check(order) = order else {
            return None;
        };
        let promotion = self.world.promotion(id)?;
        let evidence = self.evidence(now, (&promotion.release, &id.stage), &gate, read)?;
        Some(Command::ReportCheck {
            promotion: id.clone(),
            gate,
            of,
            check: Digest::of_json(&order.check),
            evidence,
            served: self.traffic.served(id),
        })
    }

    /// Since when nobody looked, if that is too long ago. The work's due time is kept by the store across crashes.
    fn unseen(&self, now: Timestamp, work: &Work) -> Option<Timestamp> {
        let missed = self.every(work).times(LOOKS_MISSED_MAX);
        (Span::between(work.due, now) > missed).then_some(work.due)
    }

    /// The ticks are kept: what does the judge say?
    pub(crate) fn ticks_kept(&mut self, now: Timestamp, id: &PromotionId, task: Task, out: &mut Vec<Output>) {
        let hold = Leasehold {
            fence: task.fence(),
            work: task.leased.work.clone(),
        };
        self.traffic.measured(id, task.leased.fence);
        let Some(promotion) = self.world.promotion(id).cloned() else {
            self.rest(now, &hold, None, out);
            return;
        };
        let ruled = self.traffic.rule(&self.world, &promotion, now);
        let old = promotion.rollout().and_then(|rollout| rollout.ruling.as_ref());
        match ruled {
            Some(ruled)
                if old.is_none_or(|(of, old)| *of != ruled.step || ruled.ruling.is_news_after(old)) =>
            {
                let command = Command::Rule {
                    promotion: id.clone(),
                    step: ruled.step,
                    ruling: ruled.ruling,
                    chunks: ruled.chunks,
                    settings: ruled.settings,
                    served: self.traffic.served(id),
                };
                self.queue.push(Pending::own(command, Some(hold)));
            }
            Some(_) | None => self.rest(now, &hold, None, out),
        }
    }

    /// The ticks are lost: it is measured again.
    pub(crate) fn not_kept(&mut self, now: Timestamp, task: Task, out: &mut Vec<Output>) {
        let hold = Leasehold {
            fence: task.fence(),
            work: task.leased.work,
        };
        self.rest(now, &hold, None, out);
    }

    /// Gives the lease of a command back that recorded nothing.
    pub(crate) fn give_back(
        &mut self,
        now: Timestamp,
        pending: &Pending,
        again: Option<Timestamp>,
        out: &mut Vec<Output>,
    ) {
        if let Some(hold) = &pending.fence {
            self.rest(now, hold, again, out);
        }
    }

    fn rest(&mut self, now: Timestamp, hold: &Leasehold, again: Option<Timestamp>, out: &mut Vec<Output>) {
        self.let_go(&hold.fence);
        out.push(Output::Release(
            hold.fence.clone(),
            self.due_again(now, &hold.work, again),
        ));
    }

    /// Forgets a lease. One that was taken again since is another.
    fn let_go(&mut self, fence: &Fence) {
        if self
            .held
            .get(&fence.work)
            .is_some_and(|held| held.fence == *fence)
        {
            self.held.remove(&fence.work);
        }
    }

    /// The lease of a command ended with its append.
    pub(crate) fn lease_ended(&mut self, pending: &Pending) {
        if let Some(hold) = &pending.fence {
            self.let_go(&hold.fence);
        }
    }

    /// When work is due again that stays planned. Never at once: what changes nothing must not spin.
    pub(crate) fn due_again(&self, now: Timestamp, work: &Work, again: Option<Timestamp>) -> Timestamp {
        let soonest = match work.kind {
            WorkKind::Measure | WorkKind::ObserveHealth | WorkKind::Watch { .. } => {
                self.every(work).after(now)
            }
            WorkKind::Judge | WorkKind::Continue { .. } | WorkKind::EndWatch => now,
            WorkKind::CheckEntry { .. }
            | WorkKind::CheckStep { .. }
            | WorkKind::CheckVerify { .. }
            | WorkKind::Step { .. }
            | WorkKind::MeasureNoise { .. }
            | WorkKind::AskOnCall { .. }
            | WorkKind::Deliver { .. } => REST.after(now),
        };
        match again {
            Some(again) if again > now => again,
            Some(_) | None if soonest > now => soonest,
            Some(_) | None => REST.after(now),
        }
    }

    /// How often recurring work recurs.
    fn every(&self, work: &Work) -> Span {
        let every = match (&work.stream, &work.kind) {
            (StreamId::Stage(stage), WorkKind::ObserveHealth) => self
                .world
                .stage(stage)
                .and_then(|state| Some(state.live.as_ref()?.health_every)),
            (StreamId::Stage(stage), WorkKind::Watch { .. }) => {
                let state = self.world.stage(stage);
                state.and_then(|state| Some(state.watch.as_ref()?.every))
            }
            (StreamId::Promotion(id), WorkKind::Measure) => {
                self.world
                    .promotion(id)
                    .and_then(|promotion| match &promotion.rollout()?.state {
                        gateline_core::StepState::Applied { measure_every, .. } => *measure_every,
                        gateline_core::StepState::Intended { .. }
                        | gateline_core::StepState::Failed { .. }
                        | gateline_core::StepState::Parked { .. } => None,
                    })
            }
            _ => None,
        };
        every.filter(|every| *every > Span::ZERO).unwrap_or(REST)
    }
}

/// What a rim without an answer says: the worst that can be true.
impl TaskOrder {
    /// The answer when the driver could not be asked at all, or did not come back.
    pub fn unanswered(&self, why: &str) -> Observed {
        match self {
            TaskOrder::Check(_) => Observed::Checked(Err(why.to_owned())),
            TaskOrder::Past(_) => Observed::Past(Err(why.to_owned())),
            TaskOrder::Step(_) => Observed::Stepped(StepOutcome::Unknown(why.to_owned())),
            TaskOrder::Measure(..) => Observed::Measured(Err(why.to_owned())),
            TaskOrder::OnCall(_) => Observed::OnCall(Err(why.to_owned())),
            TaskOrder::Deliver(_) => Observed::Delivered(Delivered::Later(why.to_owned(), None)),
            TaskOrder::Health(_) => Observed::Seen(HealthSeen::because(Health::Unknown, why)),
        }
    }
}
