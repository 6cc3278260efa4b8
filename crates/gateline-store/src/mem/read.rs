//! The reading half of the store in memory.

use std::cmp::Reverse;

use gateline_log::Hash;
use gateline_model::{ActorId, Digest, EVENT_VERSION, PromotionId, Recorded, StreamId, Tick};
use jiff::Timestamp;

use super::{Erasable, Kept, MemStore, Sealed};
use crate::{
    Head, PromotionRow, PromotionSearch, READ_EVENTS_MAX, RawEvent, Read, ReleaseRow, ReleaseSearch, Row,
    Search, Session, StoreError, WorkRow, blob, leaf, micros, ticks,
};

impl Kept {
    fn leaf(&self) -> Hash {
        let private = match (&self.private, &self.recorded.private) {
            (Erasable::Erased(hash), _) => Some(*hash),
            (Erasable::Salted(salt), Some(private)) => Some(leaf::private(salt, private).1),
            (Erasable::Salted(_) | Erasable::None, _) => None,
        };
        let body = leaf::body(&self.recorded.event);
        leaf::leaf(&self.recorded, &self.recorded.stream.to_string(), &body, private)
    }

    fn raw(&self) -> RawEvent {
        let (private_hash, salt, private) = match (&self.private, &self.recorded.private) {
            (Erasable::Erased(hash), _) => (Some(*hash), None, None),
            (Erasable::Salted(salt), Some(private)) => {
                let (bytes, hash) = leaf::private(salt, private);
                (Some(hash), Some(salt.to_vec()), Some(bytes))
            }
            (Erasable::Salted(_) | Erasable::None, _) => (None, None, None),
        };
        let recorded = &self.recorded;
        RawEvent {
            number: recorded.number,
            stream: recorded.stream.to_string(),
            version: recorded.version as i64,
            kind: recorded.event.name().to_owned(),
            kind_version: EVENT_VERSION.into(),
            at_micros: recorded.at.as_microsecond(),
            actor: recorded.actor.to_string(),
            private_hash: private_hash.map(|hash| hash.as_bytes().to_vec()),
            salt,
            private,
            body: leaf::body(&recorded.event),
            leaf: self.leaf().as_bytes().to_vec(),
        }
    }

    fn matches(&self, search: &Search) -> bool {
        let Search {
            stream,
            stream_prefix,
            event,
            actor,
            from,
            until,
            before,
            limit: _,
        } = search;
        let recorded = &self.recorded;
        stream.as_ref().is_none_or(|stream| *stream == recorded.stream)
            && stream_prefix
                .as_ref()
                .is_none_or(|prefix| recorded.stream.to_string().starts_with(prefix))
            && event.as_ref().is_none_or(|event| *event == recorded.event.name())
            && actor.as_ref().is_none_or(|actor| *actor == recorded.actor)
            && from.is_none_or(|from| recorded.at >= from)
            && until.is_none_or(|until| recorded.at < until)
            && before.is_none_or(|before| recorded.number < before)
    }
}

impl MemStore {
    /// Runs `look` with the leaves of the whole log.
    fn sealed<T>(&self, look: impl FnOnce(&Sealed) -> T) -> T {
        let mut sealed = self.sealed.borrow_mut();
        for kept in &self.log[sealed.leaves.len()..] {
            let leaf = kept.leaf();
            sealed.leaves.push(leaf);
            sealed.frontier.append(leaf);
        }
        look(&sealed)
    }
}

/// The page of a slice that starts at this number.
fn page<T>(all: &[T], from: u64, limit: usize) -> &[T] {
    let from = usize::try_from(from).unwrap_or(usize::MAX).min(all.len());
    &all[from..all.len().min(from.saturating_add(limit.min(READ_EVENTS_MAX)))]
}

impl Read for MemStore {
    fn head(&self) -> Result<Head, StoreError> {
        Ok(Head {
            size: self.size(),
            at: self.head_at(),
            root: self.sealed(|sealed| sealed.frontier.root()),
        })
    }

    fn read(&self, from: u64, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        Ok(page(&self.log, from, limit)
            .iter()
            .map(|kept| kept.recorded.clone())
            .collect())
    }

    fn read_stream(&self, stream: &StreamId, after: u64) -> Result<Vec<Recorded>, StoreError> {
        let numbers = self.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(numbers
            .iter()
            .skip(after)
            .map(|&number| self.log[number].recorded.clone())
            .collect())
    }

    fn search(&self, search: &Search) -> Result<Vec<Recorded>, StoreError> {
        let found = self.log.iter().rev().filter(|kept| kept.matches(search));
        Ok(found
            .take(search.limit.min(READ_EVENTS_MAX))
            .map(|kept| kept.recorded.clone())
            .collect())
    }

    fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Hash>, StoreError> {
        Ok(self.sealed(|sealed| page(&sealed.leaves, from, limit).to_vec()))
    }

    fn raw(&self, from: u64, limit: usize) -> Result<Vec<RawEvent>, StoreError> {
        Ok(page(&self.log, from, limit).iter().map(Kept::raw).collect())
    }

    fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.work.values().map(WorkRow::free_at).min())
    }

    fn work(&self) -> Result<Vec<WorkRow>, StoreError> {
        Ok(self.work.values().cloned().collect())
    }

    fn unsound(&self) -> Result<Vec<String>, StoreError> {
        // Nobody edits what is in memory.
        Ok(Vec::new())
    }

    fn ticks(&self, rollout: &PromotionId) -> Result<(Vec<Tick>, Digest), StoreError> {
        let rollout = self.rollouts.get(rollout);
        Ok(rollout.map_or_else(
            || (Vec::new(), ticks::empty_root()),
            |rollout| (rollout.ticks.clone(), rollout.root),
        ))
    }

    fn sample_ticks(&self, rollout: &PromotionId, moments: usize) -> Result<Vec<Tick>, StoreError> {
        let ticks = self.rollouts.get(rollout).map(|rollout| &rollout.ticks[..]);
        let ticks = ticks.unwrap_or_default();
        let times = || ticks.iter().map(|tick| tick.at.as_microsecond());
        ticks::sample(times().min().zip(times().max()), moments, |arm, at| {
            let before = ticks
                .iter()
                .filter(|tick| tick.arm == arm && tick.at.as_microsecond() <= at);
            Ok(before.max_by_key(|tick| tick.at).cloned())
        })
    }

    fn blob_bytes(&self, digest: &Digest) -> Result<Option<u64>, StoreError> {
        Ok(self.blobs.get(digest).map(|blob| blob.bytes()))
    }

    fn blob_piece(&self, digest: &Digest, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(blob) = self.blobs.get(digest) else {
            return Ok(None);
        };
        let length = blob::piece_length(blob.bytes(), number);
        if length == 0 {
            return Ok(None);
        }
        let damaged = |why: String| blob::damaged(digest, format!("its piece {number}: {why}"));
        let (form, packed) = blob
            .piece(number as usize)
            .map_err(|err| damaged(err.to_string()))?;
        blob::unpack(form as i64, &packed, length)
            .map(Some)
            .map_err(damaged)
    }

    fn accepted(&self, scope: &str) -> Result<Option<crate::Accepted>, StoreError> {
        Ok(self.accepted.get(scope).cloned())
    }

    fn promotions(&self, search: &PromotionSearch) -> Result<Vec<PromotionRow>, StoreError> {
        let PromotionSearch {
            pipeline,
            stage,
            release,
            ended,
            after,
            limit,
        } = search;
        let matches = |row: &&PromotionRow| {
            pipeline
                .as_ref()
                .is_none_or(|pipeline| *pipeline == row.id.stage.pipeline_ref())
                && stage.as_ref().is_none_or(|stage| *stage == row.id.stage.stage)
                && release.is_none_or(|release| release == row.release)
                && ended.is_none_or(|ended| ended == row.ended_at.is_some())
        };
        let rows = self.promotions.values().filter(matches);
        let after = after.as_ref().map(|(at, id)| (Reverse(micros::cut(*at)), id));
        Ok(newest(
            rows,
            |row| (Reverse(micros::cut(row.requested_at)), &row.id),
            after,
            *limit,
        ))
    }

    fn releases(&self, search: &ReleaseSearch) -> Result<Vec<ReleaseRow>, StoreError> {
        let ReleaseSearch {
            pipeline,
            version,
            after,
            limit,
        } = search;
        let matches = |row: &&ReleaseRow| {
            pipeline.as_ref().is_none_or(|pipeline| *pipeline == row.of)
                && version.as_ref().is_none_or(|version| *version == row.version)
        };
        let rows = self.releases.values().filter(matches);
        let after = after.as_ref().map(|(at, id)| (Reverse(micros::cut(*at)), id));
        Ok(newest(
            rows,
            |row| (Reverse(micros::cut(row.registered_at)), &row.id),
            after,
            *limit,
        ))
    }

    fn password(&self, account: &ActorId) -> Result<Option<String>, StoreError> {
        Ok(self.passwords.get(account).cloned())
    }

    fn session(&self, id: &Digest) -> Result<Option<Session>, StoreError> {
        Ok(self.sessions.get(id).cloned())
    }

    fn sessions(&self, actor: &ActorId) -> Result<Vec<Session>, StoreError> {
        Ok(self.sessions_of(actor))
    }

    fn rows(&self) -> Result<Vec<Result<Row, StoreError>>, StoreError> {
        let promotions = self.promotions.values();
        let promotions = promotions.map(|row| Ok(Row::Promotion(Box::new(row.clone()))));
        let releases = self.releases.values().map(|row| Ok(Row::Release(row.clone())));
        Ok(promotions.chain(releases).collect())
    }
}

/// The first rows after a key, in the order of their keys.
fn newest<'a, R: Clone + 'a, K: Ord>(
    rows: impl Iterator<Item = &'a R>,
    key: impl Fn(&'a R) -> K,
    after: Option<K>,
    limit: usize,
) -> Vec<R> {
    let mut rows: Vec<(K, &R)> = rows.map(|row| (key(row), row)).collect();
    rows.retain(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    rows.into_iter()
        .take(limit.min(READ_EVENTS_MAX))
        .map(|(_, row)| row.clone())
        .collect()
}
