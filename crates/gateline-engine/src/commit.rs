//! Committing: commands become appends, appends become batches, answers become receipts.

use gateline_core::planted::{Planted, is};
use gateline_core::{Decided, Facts, Proposed, WorldError, decide};
use gateline_model::{Digest, Event, Span, StreamId, WorkId};
use gateline_store::{Append, AppendError, BATCH_APPENDS_MAX, Committed, Fence, NewEvent, Salt, StoreError};
use jiff::Timestamp;

use crate::again::judged;
use crate::engine::Engine;
use crate::port::{BatchId, Output, Receipt, Refusal};
use crate::queue::{COMMAND_WAITS_MAX, DECIDED_MAX, Pending};
use crate::rows::rows;

/// How long a decision may wait for the store before it is made again.
const DECISION_KEEPS: Span = Span::from_secs(1);
/// How old a decision may be when the store commits the admission that it says: windows close and freezes begin meanwhile.
pub const ADMITS_WITHIN: Span = Span::from_secs(3);

/// Decided appends that keep the store busy for longer than its disk takes. So many are handed over before the answers
/// to the last batch are taken; fewer wait, because whoever hears an answer may ask for more at once, and one commit
/// for all of it is cheaper than two.
const BATCH_AHEAD_MIN: usize = 16;

/// A batch that the store has.
#[derive(Debug)]
pub(crate) struct InFlight {
    batch: BatchId,
    appends: Vec<(Pending, Vec<StreamId>)>,
    /// Whether it plans work that is due at once.
    due: bool,
}

impl InFlight {
    /// What was asked for.
    pub(crate) fn pending(&self) -> impl Iterator<Item = &Pending> {
        self.appends.iter().map(|(pending, _)| pending)
    }
}

impl Engine {
    /// Decides each waiting command whose streams are free; the others keep their turn.
    pub(crate) fn decide_waiting(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let mut still_waiting = Vec::new();
        for pending in self.queue.take() {
            if let Some(pending) = self.decide_one(now, pending, out) {
                still_waiting.push(pending);
            }
        }
        self.queue.push_front(still_waiting);
    }

    /// `Some` gives the command back: one of its streams has an append in flight.
    fn decide_one(&mut self, now: Timestamp, mut pending: Pending, out: &mut Vec<Output>) -> Option<Pending> {
        if pending
            .waits_for
            .as_ref()
            .is_some_and(|stream| self.busy.contains(stream))
        {
            return Some(pending);
        }
        let facts = Facts {
            now,
            actor: pending.actor.clone(),
        };
        pending.rejected = None;
        let decided = match decide(&self.world, &pending.command, &facts) {
            Ok(decided) => decided,
            Err(rejection) if pending.key.is_some() => {
                pending.rejected = Some(rejection);
                pending.decided += 1;
                pending.decided_at = now;
                let recall = recall(&pending);
                self.ready.push((pending, recall));
                return None;
            }
            Err(rejection) => {
                self.give_back(now, &pending, None, out);
                if let Some(ticket) = pending.ticket {
                    out.push(Output::Tell(ticket, Err(Refusal::Rejected(rejection))));
                }
                return None;
            }
        };
        let busy = decided.reads.iter().find(|stream| self.busy.contains(*stream));
        pending.waits_for = busy.cloned();
        if pending.waits_for.is_some() {
            return Some(pending);
        }
        let changes_nothing = pending.blobs.is_empty() && pending.passwords.is_empty();
        if decided.events.is_empty() && pending.key.is_none() && changes_nothing {
            self.give_back(now, &pending, decided.again, out);
            if let Some(ticket) = pending.ticket {
                out.push(Output::Tell(ticket, Ok(Receipt::Recorded(Vec::new()))));
            }
            return None;
        }
        pending.decided += 1;
        pending.decided_at = now;
        let append = self.append(now, &pending, decided);
        self.busy
            .extend(append.events.iter().map(|event| event.stream.clone()));
        self.ready.push((pending, append));
        None
    }

    fn append(&self, now: Timestamp, pending: &Pending, decided: Decided) -> Append {
        let rows = rows(&self.world, &decided.promotions, &decided.events, now);
        let expects = decided
            .reads
            .iter()
            .map(|stream| (stream.clone(), self.world.version(stream)))
            .collect();
        let mut work_add = decided.planned;
        if is(Planted::ForgottenWork) {
            work_add.retain(|work| !matches!(work.kind, gateline_model::WorkKind::Step { .. }));
        }
        let mut work_remove = decided.not_planned;
        if let Some(lease) = &pending.fence {
            // What was leased is done. Where it stays planned it begins anew, at its own next time.
            let id = lease.fence.work.clone();
            if let Some(again) = work_add.iter_mut().find(|work| work.id() == id)
                && again.due <= now
            {
                again.due = self.due_again(now, &lease.work, decided.again);
            }
            if !work_remove.contains(&id) {
                work_remove.push(id);
            }
        }
        let admits = |proposed: &Proposed| matches!(proposed.event, Event::PromotionAdmitted { .. });
        let by = decided
            .events
            .iter()
            .any(admits)
            .then(|| ADMITS_WITHIN.after(now));
        let events = decided.events.into_iter().enumerate();
        let events = events
            .map(|(index, proposed)| NewEvent {
                stream: proposed.stream,
                event: proposed.event,
                private: (!proposed.private.is_empty())
                    .then(|| (salt(&pending.salt, index), proposed.private)),
            })
            .collect();
        Append {
            key: pending.key.clone(),
            expects,
            by,
            fence: fence(pending),
            actor: pending.actor.id.clone(),
            events,
            work_add,
            work_remove,
            rows,
            blobs: pending.blobs.clone(),
            passwords: pending.passwords.clone(),
        }
    }

    /// Refuses what the store does not have yet and somebody has waited for for too long.
    pub(crate) fn refuse(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let mut late = self.queue.take_late(now);
        let ready = self.ready.extract_if(.., |(pending, _)| pending.is_late(now));
        for (pending, append) in ready.collect::<Vec<_>>() {
            self.free(&append);
            late.push(pending);
        }
        for ticket in late.into_iter().filter_map(|pending| pending.ticket) {
            let why = format!(
                "it waited {COMMAND_WAITS_MAX} for the database, and nothing was done; ask again when `/readyz` says ready"
            );
            out.push(Output::Tell(ticket, Err(Refusal::Unavailable(why))));
        }
    }

    /// What is not handed over any more writes no stream.
    fn free(&mut self, append: &Append) {
        for event in &append.events {
            self.busy.remove(&event.stream);
        }
    }

    /// Whether something was decided too long ago.
    fn is_stale(&self, now: Timestamp) -> bool {
        let stale = |pending: &Pending| DECISION_KEEPS.after(pending.decided_at) < now;
        self.ready.iter().any(|(pending, _)| stale(pending))
    }

    /// Takes back what was decided too long ago: the moment of a decision is part of it.
    pub(crate) fn forget_stale(&mut self, now: Timestamp) {
        if !self.in_flight.is_empty() || !self.is_stale(now) {
            return;
        }
        let mut again = Vec::new();
        for (mut pending, append) in std::mem::take(&mut self.ready) {
            self.free(&append);
            pending.decided -= 1;
            again.push(pending);
        }
        self.queue.push_front(again);
    }

    /// Hands the next batch over before the answers to this one are taken, where that is worth it. The rim may call
    /// it as soon as a batch is committed; what is ready shares no stream with a batch that is not folded.
    pub fn hand_over_ahead(&mut self, now: Timestamp) -> Vec<Output> {
        let mut out = Vec::new();
        let now = self.moment(now);
        if self.in_flight.len() == 1 && self.ready.len() >= BATCH_AHEAD_MIN && !self.is_stale(now) {
            self.hand_over_ready(now, &mut out);
        }
        out
    }

    /// Hands what is ready to the store, when the store is free.
    pub(crate) fn hand_over(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if self.in_flight.is_empty() && !self.ready.is_empty() {
            self.hand_over_ready(now, out);
        }
    }

    fn hand_over_ready(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let count = self.ready.len().min(BATCH_APPENDS_MAX);
        let batch = self.next_batch();
        let (pending, appends): (Vec<_>, Vec<_>) = self.ready.drain(..count).unzip();
        let streams = |append: &Append| append.events.iter().map(|event| event.stream.clone()).collect();
        let written: Vec<Vec<StreamId>> = appends.iter().map(streams).collect();
        let due = appends
            .iter()
            .flat_map(|append| &append.work_add)
            .any(|work| work.due <= now);
        let appends_in_flight = pending.into_iter().zip(written).collect();
        self.in_flight.push_back(InFlight {
            batch,
            appends: appends_in_flight,
            due,
        });
        self.acknowledge_early(out);
        out.push(Output::Append(batch, appends));
    }

    /// Takes the store's answers: folds, tells, decides again where a stream had moved on.
    pub(crate) fn committed(
        &mut self,
        now: Timestamp,
        batch: BatchId,
        answers: Result<Vec<Result<Committed, AppendError>>, StoreError>,
        out: &mut Vec<Output>,
    ) -> Result<(), WorldError> {
        let answered = self
            .in_flight
            .iter()
            .position(|in_flight| in_flight.batch == batch);
        let Some(InFlight { appends, due, .. }) = answered.and_then(|index| self.in_flight.remove(index))
        else {
            // The answer of a batch that was given up. Its events come back by reading.
            return Ok(());
        };
        for stream in appends.iter().flat_map(|(_, streams)| streams) {
            self.busy.remove(stream);
        }
        let answers = match answers {
            Ok(answers) => answers,
            Err(error) => {
                self.not_committed(now, appends, &error, out);
                return Ok(());
            }
        };
        let mut recorded = Vec::new();
        let (mut again, mut late) = (Vec::new(), Vec::new());
        let mut told = Vec::new();
        for ((pending, _), answer) in appends.into_iter().zip(answers) {
            match answer {
                Ok(Committed::Appended(events)) => {
                    self.lease_ended(&pending);
                    told.push((pending.ticket, Ok(Receipt::Recorded(events.clone()))));
                    recorded.extend(events);
                }
                Ok(Committed::Before(range)) => told.push((pending.ticket, Ok(Receipt::Before(range)))),
                Err(AppendError::KeyReused) => told.push((pending.ticket, Err(Refusal::KeyReused))),
                Err(AppendError::Unreadable { .. }) if is(Planted::DroppedRecord) => {}
                // It was not accepted before, so the rejection stands.
                Err(AppendError::Fenced(_)) if pending.rejected.is_some() => {
                    let refusal = pending.rejected.map(Refusal::Rejected);
                    told.push((
                        pending.ticket,
                        refusal.map_or(Ok(Receipt::Recorded(Vec::new())), Err),
                    ));
                }
                // Somebody else has the work: this report is late and changes nothing.
                Err(AppendError::Fenced(_)) => self.lease_ended(&pending),
                Err(AppendError::Conflict { .. }) if pending.decided < DECIDED_MAX => again.push(pending),
                Err(AppendError::Late { .. }) if pending.decided < DECIDED_MAX => late.push(pending),
                Err(error @ (AppendError::Late { .. } | AppendError::Unreadable { .. })) => {
                    self.give_back(now, &pending, None, out);
                    self.judge_later(&pending);
                    told.push((pending.ticket, Err(Refusal::Unavailable(error.to_string()))));
                }
                Err(AppendError::Conflict { stream, .. }) => {
                    self.give_back(now, &pending, None, out);
                    self.judge_later(&pending);
                    let why = format!("`{stream}` kept changing; try again");
                    told.push((pending.ticket, Err(Refusal::Unavailable(why))));
                }
            }
        }
        let conflicts = !again.is_empty();
        again.append(&mut late);
        self.queue.push_front(again);
        self.fold(recorded, out)?;
        if conflicts && !self.reading {
            self.reading = true;
            out.push(Output::Read(self.world.next()));
        }
        out.extend(
            told.into_iter()
                .filter_map(|(ticket, answer)| Some(Output::Tell(ticket?, answer))),
        );
        // What is due later is claimed by the tick that the rim sends then.
        if due {
            self.claim(out);
        }
        Ok(())
    }

    /// The planted bug: whoever asked hears yes before anything is committed.
    fn acknowledge_early(&mut self, out: &mut Vec<Output>) {
        if !is(Planted::EarlyAcknowledgement) {
            return;
        }
        let last = self.in_flight.back_mut();
        for (pending, _) in last.into_iter().flat_map(|in_flight| &mut in_flight.appends) {
            if let (Some(ticket), None) = (pending.ticket, &pending.rejected) {
                pending.ticket = None;
                out.push(Output::Tell(ticket, Ok(Receipt::Recorded(Vec::new()))));
            }
        }
    }

    /// A judgement that nobody asked for and no lease will bring back must not be forgotten.
    fn judge_later(&mut self, pending: &Pending) {
        self.judge_later.extend(judged(pending).cloned());
    }

    fn not_committed(
        &mut self,
        now: Timestamp,
        appends: Vec<(Pending, Vec<StreamId>)>,
        error: &StoreError,
        out: &mut Vec<Output>,
    ) {
        let unknown = matches!(error, StoreError::Unknown { .. }) && !is(Planted::LostAnswer);
        for (pending, _) in appends {
            self.give_back(now, &pending, None, out);
            self.judge_later(&pending);
            if let Some(ticket) = pending.ticket {
                let why = error.to_string();
                let refusal = if unknown {
                    Refusal::Unknown(why)
                } else {
                    Refusal::Unavailable(why)
                };
                out.push(Output::Tell(ticket, Err(refusal)));
            }
        }
        // Whatever was committed after all must be folded before anything is decided on it.
        if !self.reading {
            self.reading = true;
            out.push(Output::Read(self.world.next()));
        }
    }
}

/// The lease that a report must still hold when it is committed.
fn fence(pending: &Pending) -> Option<Fence> {
    if is(Planted::LostFence) {
        return None;
    }
    pending.fence.as_ref().map(|lease| lease.fence.clone())
}

/// An append that only finds out whether its key was accepted before: it names a lease that nobody can have.
/// Who repeats a request after a lost answer hears what became of the first one, not that it cannot be done twice.
fn recall(pending: &Pending) -> Append {
    let nobody_has = Fence {
        work: WorkId("recall".to_owned()),
        fence: 0,
    };
    Append {
        key: pending.key.clone(),
        expects: Vec::new(),
        by: None,
        fence: Some(nobody_has),
        actor: pending.actor.id.clone(),
        events: Vec::new(),
        work_add: Vec::new(),
        work_remove: Vec::new(),
        rows: Vec::new(),
        blobs: Vec::new(),
        passwords: Vec::new(),
    }
}

/// Each erasable part has a salt of its own, drawn from the request's random bytes.
fn salt(seed: &Salt, index: usize) -> Salt {
    let mut input = seed.to_vec();
    input.extend(index.to_le_bytes());
    let digest = Digest::of(&input);
    std::array::from_fn(|byte| digest.as_bytes()[byte])
}
