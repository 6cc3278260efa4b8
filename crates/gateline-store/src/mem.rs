//! The store in memory: for the simulation and for tests. Deterministic; a clone is a second world.
//! Keeps values, not bytes: leaves are made when somebody asks for them.

mod read;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateline_log::{Frontier, Hash};
use gateline_model::{ActorId, Arm, Digest, PromotionId, Recorded, Span, StreamId, Tick, Work, WorkId};
use jiff::Timestamp;

use crate::check::{self, Accepted, Known};
use crate::{
    Append, AppendError, Blob, Committed, EndSessions, Fence, Leased, NewEvent, PromotionRow, ReleaseRow,
    Row, SESSIONS_PER_ACTOR_MAX, Salt, Session, Store, StoreError, WorkRow, erased, leaf, micros, ticks,
};

/// The store in memory.
#[derive(Debug, Clone, Default)]
pub struct MemStore {
    log: Vec<Kept>,
    sealed: RefCell<Sealed>,
    /// Log numbers of each stream's events.
    streams: BTreeMap<StreamId, Vec<usize>>,
    accepted: BTreeMap<String, Accepted>,
    work: BTreeMap<WorkId, WorkRow>,
    /// The last fence that a lease was given.
    fence: u64,
    rollouts: BTreeMap<PromotionId, Rollout>,
    blobs: BTreeMap<Digest, Arc<Blob>>,
    promotions: BTreeMap<PromotionId, PromotionRow>,
    releases: BTreeMap<Digest, ReleaseRow>,
    passwords: BTreeMap<ActorId, String>,
    sessions: BTreeMap<Digest, Session>,
}

#[derive(Debug, Clone)]
struct Kept {
    recorded: Recorded,
    private: Erasable,
}

/// What the leaf needs of the erasable part.
#[derive(Debug, Clone)]
enum Erasable {
    None,
    Salted(Salt),
    Erased(Hash),
}

/// Leaves of the log's beginning, as far as somebody asked.
#[derive(Debug, Clone, Default)]
struct Sealed {
    leaves: Vec<Hash>,
    frontier: Frontier,
}

#[derive(Debug, Clone)]
struct Rollout {
    ticks: Vec<Tick>,
    seen: BTreeSet<(Arm, i64)>,
    root: Digest,
}

impl Default for Rollout {
    fn default() -> Self {
        Self {
            ticks: Vec::new(),
            seen: BTreeSet::new(),
            root: ticks::empty_root(),
        }
    }
}

impl MemStore {
    fn size(&self) -> u64 {
        self.log.len() as u64
    }

    fn head_at(&self) -> Timestamp {
        self.log
            .last()
            .map_or(Timestamp::UNIX_EPOCH, |kept| kept.recorded.at)
    }

    /// The row of a lease that is held.
    fn held(&mut self, fence: &Fence) -> Option<&mut WorkRow> {
        let held = |row: &&mut WorkRow| row.fence == fence.fence && row.leased_until.is_some();
        self.work.get_mut(&fence.work).filter(held)
    }

    fn record(&mut self, at: Timestamp, append: &Append, new: &NewEvent) -> Recorded {
        let number = self.log.len();
        let stream = self.streams.entry(new.stream.clone()).or_default();
        stream.push(number);
        let (private, erasable) = match &new.private {
            Some((salt, private)) => (Some(private.clone()), Erasable::Salted(*salt)),
            None => (None, Erasable::None),
        };
        let recorded = Recorded {
            number: number as u64,
            stream: new.stream.clone(),
            version: stream.len() as u64,
            at,
            actor: append.actor.clone(),
            event: new.event.clone(),
            private,
        };
        self.log.push(Kept {
            recorded: recorded.clone(),
            private: erasable,
        });
        recorded
    }

    /// Adds work. What is there already is left alone.
    fn plan(&mut self, added: &[Work]) {
        for work in added {
            let fresh = || {
                let mut work = work.clone();
                work.due = micros::up(work.due);
                WorkRow {
                    work,
                    fence: 0,
                    attempt: 0,
                    leased_until: None,
                }
            };
            self.work.entry(work.id()).or_insert_with(fresh);
        }
    }

    /// The newest first.
    fn sessions_of(&self, actor: &ActorId) -> Vec<Session> {
        let of = self.sessions.values().filter(|session| session.actor == *actor);
        let mut of: Vec<Session> = of.cloned().collect();
        of.sort_by(|a, b| b.began.cmp(&a.began).then(a.id.cmp(&b.id)));
        of
    }

    fn put_rows(&mut self, rows: &[Row]) {
        for row in rows {
            match row {
                Row::Promotion(row) => drop(self.promotions.insert(row.id.clone(), (**row).clone())),
                Row::Release(row) => drop(self.releases.insert(row.id, row.clone())),
            }
        }
    }

    fn keep(&mut self, at: Timestamp, append: &Append) -> Committed {
        let first = self.size();
        let recorded: Vec<Recorded> = append
            .events
            .iter()
            .map(|new| self.record(at, append, new))
            .collect();
        self.forget(erased::by(append));
        for id in &append.work_remove {
            self.work.remove(id);
        }
        if let Some(row) = append
            .fence
            .as_ref()
            .and_then(|fence| self.work.get_mut(&fence.work))
        {
            row.leased_until = None;
        }
        self.plan(&append.work_add);
        self.put_rows(&append.rows);
        for blob in &append.blobs {
            self.blobs.entry(blob.digest()).or_insert_with(|| blob.clone());
        }
        for change in &append.passwords {
            match &change.hash {
                Some(hash) => self.passwords.insert(change.account.clone(), hash.clone()),
                None => self.passwords.remove(&change.account),
            };
            let all = EndSessions::Of(change.account.clone(), None);
            self.sessions.retain(|_, session| !all.takes(session));
        }
        if let Some(key) = &append.key {
            let range = recorded.last().map(|last| (first, last.number));
            self.accepted.insert(
                key.scope.clone(),
                Accepted {
                    request: key.request,
                    range,
                    at,
                },
            );
        }
        Committed::Appended(recorded)
    }
}

impl Known for MemStore {
    fn accepted(&mut self, scope: &str) -> Result<Option<Accepted>, StoreError> {
        Ok(self.accepted.get(scope).cloned())
    }

    fn lease(&mut self, work: &WorkId) -> Result<Option<u64>, StoreError> {
        Ok(self
            .work
            .get(work)
            .filter(|row| row.leased_until.is_some())
            .map(|row| row.fence))
    }

    fn version(&mut self, stream: &StreamId) -> Result<u64, StoreError> {
        Ok(self.streams.get(stream).map_or(0, |numbers| numbers.len() as u64))
    }
}

impl Store for MemStore {
    fn append(
        &mut self,
        now: Timestamp,
        batch: &[Append],
    ) -> Result<Vec<Result<Committed, AppendError>>, StoreError> {
        check::batch(batch)?;
        let at = leaf::stamp(now, self.head_at())?;
        let answer = |append: &Append| {
            let checked = check::append(self, at, append)?;
            Ok(checked.map(|before| before.unwrap_or_else(|| self.keep(at, append))))
        };
        batch.iter().map(answer).collect()
    }

    fn lease(
        &mut self,
        now: Timestamp,
        _owner: &str,
        limit: usize,
        lease_for: Span,
    ) -> Result<Vec<Leased>, StoreError> {
        let now = micros::cut(now);
        let free = self.work.iter_mut().map(|(id, row)| (row.free_at(), id, row));
        let mut free: Vec<_> = free.filter(|(free_at, ..)| *free_at <= now).collect();
        free.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        let until = micros::up(lease_for.after(now));
        let lease = |(_, _, row): (_, _, &mut WorkRow)| {
            self.fence += 1;
            row.fence = self.fence;
            row.attempt += 1;
            row.leased_until = Some(until);
            Leased {
                work: row.work.clone(),
                fence: row.fence,
                attempt: row.attempt,
            }
        };
        Ok(free.into_iter().take(limit).map(lease).collect())
    }

    fn release(&mut self, fence: &Fence, due: Timestamp) -> Result<bool, StoreError> {
        let Some(row) = self.held(fence) else {
            return Ok(false);
        };
        row.leased_until = None;
        row.work.due = micros::up(due);
        Ok(true)
    }

    fn renew(&mut self, fence: &Fence, until: Timestamp) -> Result<bool, StoreError> {
        let Some(row) = self.held(fence) else {
            return Ok(false);
        };
        row.leased_until = Some(micros::up(until));
        Ok(true)
    }

    fn put_ticks(&mut self, rollout: &PromotionId, ticks: &[Tick]) -> Result<Digest, StoreError> {
        let lines: Vec<_> = ticks.iter().map(ticks::line).collect::<Result<_, _>>()?;
        let rollout = self.rollouts.entry(rollout.clone()).or_default();
        for (tick, line) in ticks.iter().zip(lines) {
            if rollout.seen.insert(ticks::key(tick)) {
                rollout.root = ticks::chain(&rollout.root, &line);
                rollout.ticks.push(tick.clone());
            }
        }
        Ok(rollout.root)
    }

    fn rebuild(&mut self, rows: &[Row], work: &[Work], afresh: &BTreeSet<WorkId>) -> Result<(), StoreError> {
        self.promotions.clear();
        self.releases.clear();
        self.put_rows(rows);
        let planned: BTreeSet<WorkId> = work.iter().map(Work::id).collect();
        self.work
            .retain(|id, _| planned.contains(id) && !afresh.contains(id));
        self.plan(work);
        Ok(())
    }

    fn put_session(&mut self, session: &Session) -> Result<(), StoreError> {
        self.sessions.insert(session.id, session.clone());
        for oldest in self
            .sessions_of(&session.actor)
            .iter()
            .skip(SESSIONS_PER_ACTOR_MAX)
        {
            self.sessions.remove(&oldest.id);
        }
        Ok(())
    }

    fn use_session(&mut self, id: &Digest, at: Timestamp) -> Result<(), StoreError> {
        if let Some(session) = self.sessions.get_mut(id) {
            session.used = session.used.max(micros::cut(at));
        }
        Ok(())
    }

    fn end_sessions(&mut self, which: &EndSessions) -> Result<usize, StoreError> {
        let before = self.sessions.len();
        self.sessions.retain(|_, session| !which.takes(session));
        Ok(before - self.sessions.len())
    }

    fn try_write(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn erase(&mut self, numbers: &[u64]) -> Result<usize, StoreError> {
        Ok(self.forget(numbers.iter().copied()))
    }
}

impl MemStore {
    fn forget(&mut self, numbers: impl Iterator<Item = u64>) -> usize {
        let mut erased = 0;
        for number in numbers {
            let Some(kept) = usize::try_from(number)
                .ok()
                .and_then(|number| self.log.get_mut(number))
            else {
                continue;
            };
            if let (Erasable::Salted(salt), Some(private)) = (&kept.private, kept.recorded.private.take()) {
                kept.private = Erasable::Erased(leaf::private(salt, &private).1);
                erased += 1;
            }
        }
        erased
    }
}
