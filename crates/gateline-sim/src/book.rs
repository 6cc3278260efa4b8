//! The book: what the simulator saw with its own eyes, and the invariants that it holds against it.
//!
//! Folds every committed event a second time, on its own, and trusts no engine's word.

use std::collections::{BTreeMap, BTreeSet};

use gateline_core::{StepOutcome, World, plan};
use gateline_engine::{Receipt, Refusal, Ticket};
use gateline_model::{CheckOf, Event, Recorded, StreamId, TargetName, WorkId, WorkKind};
use gateline_store::{
    Append, AppendError, Committed, Fence, IdempotencyKey, Leased, MemStore, Read, WorkRow,
};
use jiff::Timestamp;

use crate::sim::Who;
use crate::{admission, protection, stopping};

/// What the simulator knows by itself.
#[derive(Default)]
pub(crate) struct Book {
    /// What was violated, and when.
    pub violations: Vec<String>,
    /// The fold of everything that was committed.
    pub world: World,
    /// Each stream's version, when it got it, and from whom.
    versions: BTreeMap<StreamId, (u64, Timestamp, Who)>,
    last_at: Option<Timestamp>,
    /// Who has which lane.
    lanes: BTreeMap<TargetName, String>,
    /// Who leased which work last.
    leases: BTreeMap<WorkId, (Who, u64)>,
    asked: BTreeMap<Ticket, Asked>,
    /// What drivers saw of steps under which lease.
    seen: BTreeMap<(WorkId, u64), Vec<StepOutcome>>,
    accepted: BTreeMap<String, Option<(u64, u64)>>,
    /// Requests that the store did not know when somebody asked it. Whoever was to be told so may hear it after another
    /// replica accepted the same request.
    not_known: BTreeSet<String>,
    /// Work that the fold plans.
    planned: BTreeSet<(StreamId, WorkKind)>,
    /// Streams whose work may have changed since it was compared.
    changed: BTreeSet<StreamId>,
    /// When each release went live in each stage.
    pub live_since: admission::LiveSince,
    /// Promotions that ever began to change their targets.
    pub admitted: u64,
    /// Promotions that ended.
    pub ended: u64,
}

/// A request without an answer.
struct Asked {
    of: Who,
    key: Option<IdempotencyKey>,
    /// Whether it was committed: it, and no other request with its key.
    committed: bool,
}

impl Book {
    pub(crate) fn violated(&mut self, at: Timestamp, what: String) {
        self.violations.push(format!("{at}: {what}"));
    }

    pub(crate) fn asked(&mut self, ticket: Ticket, of: Who, key: Option<IdempotencyKey>) {
        let asked = Asked {
            of,
            key,
            committed: false,
        };
        self.asked.insert(ticket, asked);
    }

    /// A driver answered about a step.
    pub(crate) fn saw(&mut self, lease: Fence, outcome: StepOutcome) {
        self.seen
            .entry((lease.work, lease.fence))
            .or_default()
            .push(outcome);
    }

    /// Whether somebody has the lease of this work now.
    pub(crate) fn has_lease(&self, who: Who, row: &WorkRow) -> bool {
        self.leases.get(&row.work.id()) == Some(&(who, row.fence))
    }

    pub(crate) fn leased(&mut self, who: Who, leased: &[Leased]) {
        for leased in leased {
            self.leases.insert(leased.work.id(), (who, leased.fence));
        }
    }

    /// A requester heard an answer: what was accepted must be in the log by now.
    pub(crate) fn told(&mut self, now: Timestamp, ticket: Ticket, answer: &Result<Receipt, Refusal>) {
        let asked = self.asked.remove(&ticket);
        let Some(Asked { key, committed, .. }) = asked else {
            return self.violated(
                now,
                format!("request {ticket} was answered twice, or never asked"),
            );
        };
        match answer {
            Ok(Receipt::Recorded(events)) => {
                if let Some(missing) = events.iter().find(|event| event.number >= self.world.next()) {
                    let number = missing.number;
                    self.violated(
                        now,
                        format!("event #{number} was acknowledged and is not in the log"),
                    );
                }
                if let Some(key) = key.filter(|key| !self.accepted.contains_key(&key.scope)) {
                    let scope = key.scope;
                    self.violated(
                        now,
                        format!("request `{scope}` was acknowledged before it was committed"),
                    );
                }
            }
            Ok(Receipt::Before(range)) => {
                let known = key.and_then(|key| self.accepted.get(&key.scope).copied());
                if known != Some(*range) {
                    self.violated(
                        now,
                        format!("request {ticket} was told {range:?}, but it was {known:?}"),
                    );
                }
            }
            Err(Refusal::Rejected(rejection)) => {
                let accepted = |key: &IdempotencyKey| self.accepted.contains_key(&key.scope);
                if let Some(key) = key.filter(|key| accepted(key) && !self.not_known.contains(&key.scope)) {
                    let (scope, code) = (key.scope, rejection.code);
                    self.violated(
                        now,
                        format!("request `{scope}` was accepted and then told `{code}`"),
                    );
                }
            }
            Err(Refusal::Busy | Refusal::Unavailable(_)) if committed => {
                let what = format!("request {ticket} was told that nothing was done, and it was committed");
                self.violated(now, what);
            }
            Err(Refusal::KeyReused | Refusal::Busy | Refusal::Unavailable(_) | Refusal::Unknown(_)) => {}
        }
    }

    /// Nobody will answer this request: who had it died.
    pub(crate) fn given_up(&mut self, ticket: Ticket) {
        self.asked.remove(&ticket);
    }

    /// The store answered an append.
    pub(crate) fn answered(
        &mut self,
        now: Timestamp,
        who: Who,
        append: &Append,
        answer: &Result<Committed, AppendError>,
    ) {
        if let (Some(key), Err(AppendError::Fenced(_))) = (&append.key, answer)
            && !self.accepted.contains_key(&key.scope)
        {
            self.not_known.insert(key.scope.clone());
        }
        let Ok(Committed::Appended(events)) = answer else {
            return;
        };
        self.decided_after_what_it_read(who, append, events);
        if let Some(key) = &append.key {
            self.is_committed(who, key);
            let range = events
                .first()
                .zip(events.last())
                .map(|(first, last)| (first.number, last.number));
            if self.accepted.insert(key.scope.clone(), range).is_some() {
                self.violated(now, format!("request `{}` was committed twice", key.scope));
            }
        }
        if let Some(what) = stopping::recheck(&self.world, events) {
            self.violated(now, what);
        }
        for (index, recorded) in events.iter().enumerate() {
            self.in_order(who, recorded);
            self.changed.insert(recorded.stream.clone());
            self.reported_under_its_lease(now, who, append, recorded);
            self.one_rollout_in_a_lane(recorded);
            if let Some(what) = protection::recheck(&self.world, recorded, &events[..index]) {
                self.violated(now, what);
            }
            if let (Event::PromotionAdmitted { .. }, StreamId::Promotion(id)) =
                (&recorded.event, &recorded.stream)
            {
                self.admitted += 1;
                let found = admission::recheck(&self.world, &self.live_since, id, recorded, &events[..index]);
                for what in found {
                    self.violated(now, format!("`{id}` was admitted although {what}"));
                }
            }
            if let (Event::WentLive { release, .. }, StreamId::Stage(stage)) =
                (&recorded.event, &recorded.stream)
            {
                self.live_since
                    .entry((stage.clone(), *release))
                    .or_insert(recorded.at);
            }
            self.ended += u64::from(matches!(recorded.event, Event::PromotionEnded { .. }));
            if let Err(error) = self.world.fold(recorded) {
                self.violated(now, format!("what was committed cannot be folded: {error}"));
            }
        }
    }

    fn in_order(&mut self, who: Who, recorded: &Recorded) {
        let Recorded {
            number,
            stream,
            version,
            at,
            ..
        } = recorded;
        if *number != self.world.next() {
            self.violated(*at, format!("#{number} follows #{}", self.world.next()));
        }
        let last = self.versions.insert(stream.clone(), (*version, *at, who));
        let last = last.map_or(0, |(version, ..)| version);
        if *version != last + 1 {
            self.violated(*at, format!("`{stream}` goes from version {last} to {version}"));
        }
        if self.last_at.is_some_and(|last| last > *at) {
            self.violated(*at, format!("#{number} is older than the event in front of it"));
        }
        self.last_at = Some(*at);
    }

    /// Notes the one request that this is the answer to. Of two with one key, nobody can tell which it was.
    fn is_committed(&mut self, who: Who, key: &IdempotencyKey) {
        let same = |asked: &&mut Asked| asked.of == who && asked.key.as_ref() == Some(key);
        let mut same = self.asked.values_mut().filter(same);
        if let (Some(asked), None) = (same.next(), same.next()) {
            asked.committed = true;
        }
    }

    /// No decision is older than what others wrote of which it was made. What the replica was about to write itself gets its
    /// time at the commit, when the decision is made already.
    fn decided_after_what_it_read(&mut self, who: Who, append: &Append, events: &[Recorded]) {
        for recorded in events {
            let Event::DecisionRecorded { decision } = &recorded.event else {
                continue;
            };
            let is_later = |stream: &StreamId| {
                let last = self.versions.get(stream);
                last.is_some_and(|(_, at, by)| decision.at < *at && *by != who)
            };
            if let Some((stream, _)) = append.expects.iter().find(|(stream, _)| is_later(stream)) {
                let what = format!(
                    "a decision of {} was made from `{stream}`, which is later",
                    decision.at
                );
                self.violated(recorded.at, what);
            }
        }
    }

    /// What came back of leased work is recorded by whoever has the lease, and by nobody else.
    fn reported_under_its_lease(&mut self, now: Timestamp, who: Who, append: &Append, recorded: &Recorded) {
        let kind = match &recorded.event {
            Event::StepApplied { step, attempt, .. }
            | Event::StepFailed { step, attempt, .. }
            | Event::StepParked { step, attempt, .. } => WorkKind::Step {
                step: *step,
                attempt: *attempt,
            },
            Event::CheckRecorded {
                gate,
                of: CheckOf::Entry,
                ..
            } => WorkKind::CheckEntry { gate: gate.clone() },
            Event::CheckRecorded {
                gate,
                of: CheckOf::Step,
                ..
            } => WorkKind::CheckStep { gate: gate.clone() },
            Event::CheckRecorded {
                gate,
                of: CheckOf::Verify,
                ..
            } => WorkKind::CheckVerify { gate: gate.clone() },
            Event::WatchLooked { gate, .. } => WorkKind::Watch { gate: gate.clone() },
            Event::NoiseMeasured { gate, .. } => WorkKind::MeasureNoise { gate: gate.clone() },
            Event::RulingChanged { .. } => WorkKind::Measure,
            Event::HealthObserved { .. } => WorkKind::ObserveHealth,
            Event::OnCallLearned { team, .. } | Event::OnCallErrored { team, .. } => {
                WorkKind::AskOnCall { team: team.clone() }
            }
            Event::LetterSent { letter, .. } | Event::LetterFailed { letter, .. } => {
                WorkKind::Deliver { letter: *letter }
            }
            _ => return,
        };
        let work = WorkId(format!("{}#{kind}", recorded.stream));
        if self.leases.get(&work).is_none_or(|(holder, _)| *holder != who) {
            let event = recorded.event.name();
            self.violated(
                now,
                format!("`{event}` was recorded by somebody who does not hold `{work}`"),
            );
        }
        if let Some(fence) = append.fence.as_ref().filter(|fence| fence.work == work) {
            self.seen_under_its_lease(now, fence, &recorded.event);
        }
    }

    /// What is recorded of a step is what a driver saw under the same lease, not under an earlier one.
    fn seen_under_its_lease(&mut self, now: Timestamp, lease: &Fence, event: &Event) {
        let says = |outcome: &StepOutcome| match event {
            Event::StepApplied { .. } => *outcome == StepOutcome::Applied,
            Event::StepFailed { .. } => *outcome != StepOutcome::Applied,
            Event::StepParked { .. } => matches!(outcome, StepOutcome::Unknown(_)),
            _ => true,
        };
        let is_step = matches!(
            event,
            Event::StepApplied { .. } | Event::StepFailed { .. } | Event::StepParked { .. }
        );
        let seen = self.seen.get(&(lease.work.clone(), lease.fence));
        if is_step && !seen.into_iter().flatten().any(says) {
            let (event, work, fence) = (event.name(), &lease.work, lease.fence);
            let what = format!("`{event}` was recorded, which nobody saw of `{work}` under lease {fence}");
            self.violated(now, what);
        }
    }

    fn one_rollout_in_a_lane(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::LaneTaken { target, promotion } => {
                let holder = self.lanes.insert(target.clone(), promotion.to_string());
                if let Some(holder) = holder {
                    let what = format!("`{promotion}` took the lane of `{target}` from `{holder}`");
                    self.violated(recorded.at, what);
                }
            }
            Event::LaneFreed { target, promotion } => {
                let holder = self.lanes.remove(target);
                if holder != Some(promotion.to_string()) {
                    let what = format!("`{promotion}` freed the lane of `{target}` without having it");
                    self.violated(recorded.at, what);
                }
            }
            _ => {}
        }
    }

    /// The store plans what the fold plans: the same work of the same streams.
    pub(crate) fn work_is_planned(&mut self, now: Timestamp, store: &MemStore) {
        for stream in std::mem::take(&mut self.changed) {
            self.planned.retain(|(of, _)| *of != stream);
            let planned = plan(&self.world, &stream);
            self.planned
                .extend(planned.into_iter().map(|work| (work.stream, work.kind)));
        }
        let rows = store.work().expect("memory can be read");
        let kept: BTreeSet<_> = rows
            .into_iter()
            .map(|row| (row.work.stream, row.work.kind))
            .collect();
        if kept == self.planned {
            return;
        }
        let missing: Vec<_> = self.planned.difference(&kept).cloned().collect();
        for (stream, kind) in missing {
            self.violated(
                now,
                format!("`{stream}#{kind}` is planned by the fold and not by the store"),
            );
        }
        let left: Vec<_> = kept.difference(&self.planned).cloned().collect();
        for (stream, kind) in left {
            self.violated(
                now,
                format!("`{stream}#{kind}` is planned by the store and not by the fold"),
            );
        }
    }
}
