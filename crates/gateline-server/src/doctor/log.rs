//! The log: every event hashed into its leaf, every leaf into the root, every event in its place, all of them folded.

use std::collections::{BTreeMap, HashMap};

use gateline_core::WorldError;
use gateline_engine::Remade;
use gateline_log::{Frontier, Hash};
use gateline_model::{Digest, Event, PromotionId, StreamId};
use gateline_store::{BlobReading, READ_EVENTS_MAX, RawEvent, Read, StoreError, tick_roots};

use super::{Checkpoint, Differences};

/// The log as far as it was examined.
#[derive(Debug, Default)]
pub(super) struct Examination {
    pub(super) remade: Remade,
    pub(super) differences: Differences,
    /// What the log must begin with.
    pub(super) checkpoints: Vec<Checkpoint>,
    frontier: Frontier,
    next: u64,
    /// Time of the last event.
    at_micros: i64,
    /// Version of each stream.
    versions: HashMap<String, i64>,
    /// Content that the log names, and the first event that does.
    content: BTreeMap<Digest, u64>,
    /// Events whose text was erased, and the first event that says so.
    pub(super) erased: BTreeMap<u64, u64>,
    /// Events whose text is not there.
    without_text: Vec<u64>,
    /// Promotions that may have ticks, with the last event that names the root of them.
    rollouts: BTreeMap<PromotionId, Option<(u64, Digest)>>,
}

impl Examination {
    /// One that holds the log against what it was once.
    pub(super) fn against(checkpoints: Vec<Checkpoint>) -> Self {
        Self {
            checkpoints,
            ..Self::default()
        }
    }

    /// Examines the events up to the end that the log has now.
    pub(super) fn read_on(&mut self, store: &impl Read) -> Result<(), StoreError> {
        loop {
            let page = store.raw(self.next, READ_EVENTS_MAX)?;
            let read = page.len();
            for raw in page {
                self.missing(raw.number);
                self.event(&raw);
            }
            if read < READ_EVENTS_MAX {
                return Ok(());
            }
        }
    }

    /// Notes the events that are not there before this one.
    fn missing(&mut self, until: u64) {
        match until.saturating_sub(self.next) {
            0 => return,
            1 => self.differences.add(format!("event {} is missing", self.next)),
            _ => self
                .differences
                .add(format!("events {} to {} are missing", self.next, until - 1)),
        }
        self.next = until;
    }

    fn event(&mut self, raw: &RawEvent) {
        let number = raw.number;
        let mut found: Vec<String> = raw.differences().iter().map(ToString::to_string).collect();
        let version = self.versions.entry(raw.stream.clone()).or_default();
        if raw.version != *version + 1 {
            let due = *version + 1;
            found.push(format!(
                "it is version {} of `{}`, where {due} was due",
                raw.version, raw.stream
            ));
        }
        *version = raw.version;
        if raw.at_micros < self.at_micros {
            found.push("it is older than the event in front of it".to_owned());
        }
        self.at_micros = raw.at_micros;
        if raw.private_hash.is_some() && raw.private.is_none() {
            self.without_text.push(number);
        }
        let leaf = raw.leaf.as_slice().try_into().map_or(Hash::ZERO, Hash::new);
        self.frontier.append(leaf);
        for checkpoint in &self.checkpoints {
            checkpoint.compare(&self.frontier, &mut self.differences);
        }
        self.next = number + 1;
        // One that differs is not folded, nor are those behind it: what they say of it would not be theirs.
        if found.is_empty() && self.differences.is_empty() {
            found.extend(self.fold(raw).err());
        }
        for what in found {
            self.differences.add(format!("event {number}: {what}"));
        }
    }

    fn fold(&mut self, raw: &RawEvent) -> Result<(), String> {
        let recorded = raw.recorded().map_err(|err| match err {
            StoreError::Damaged { why, .. } => format!("it cannot be read: {why}"),
            err => err.to_string(),
        })?;
        if recorded.event.name() != raw.kind {
            return Err(format!(
                "its type is `{}`, its body's `{}`",
                raw.kind,
                recorded.event.name()
            ));
        }
        match (&recorded.event, &recorded.stream) {
            (Event::PipelineApplied { source, .. }, _) => self.names(raw.number, *source),
            (Event::EvidenceRecorded { evidence }, _) => {
                evidence
                    .raw
                    .iter()
                    .for_each(|raw_digest| self.names(raw.number, *raw_digest));
            }
            (Event::PolicyApplied { module, .. }, _) => self.names(raw.number, *module),
            (Event::VersionProposed { proposal }, _) => self.names(raw.number, proposal.new.content()),
            (Event::TextErased { events }, _) => {
                for number in events {
                    self.erased.entry(*number).or_insert(raw.number);
                }
            }
            (Event::PromotionAdmitted { .. }, StreamId::Promotion(id)) => {
                self.rollouts.insert(id.clone(), None);
            }
            (Event::RulingChanged { chunks, .. }, StreamId::Promotion(id)) => {
                self.rollouts.insert(id.clone(), Some((raw.number, *chunks)));
            }
            _ => {}
        }
        self.remade.fold(&recorded).map_err(|err| match err {
            WorldError::Illegal { illegal, .. } => illegal.to_string(),
            WorldError::OutOfOrder { .. } => err.to_string(),
        })
    }

    fn names(&mut self, number: u64, digest: Digest) {
        self.content.entry(digest).or_insert(number);
    }

    /// Compares the head with the events, once all of them were read.
    pub(super) fn compare_head(&mut self, store: &impl Read) -> Result<(), StoreError> {
        let head = match store.head() {
            Ok(head) => head,
            Err(StoreError::Damaged { what, why }) => {
                self.differences.add(format!("{what}: {why}"));
                return Ok(());
            }
            Err(err) => return Err(err),
        };
        if head.size < self.next {
            let (first, last, size) = (head.size, self.next - 1, head.size);
            self.differences.add(format!(
                "events {first} to {last} are in the log, but its head says that there are {size} events"
            ));
        }
        self.missing(head.size);
        for checkpoint in &self.checkpoints {
            checkpoint.compare_end(&self.frontier, &mut self.differences);
        }
        // With an event too many or too few the root differs by itself.
        if self.frontier.size() == head.size && self.frontier.root() != head.root {
            self.differences.add(format!(
                "the leaves make root {}, but the head says {}: leaves were edited or changed places",
                self.frontier.root(),
                head.root
            ));
        }
        if self.differences.is_empty() && head.at.as_microsecond() != self.at_micros {
            self.differences.add(format!(
                "the head says {}, which is not the last event's time",
                head.at
            ));
        }
        Ok(())
    }

    /// Texts that are gone although no event says that they were erased.
    pub(super) fn lost_texts(&self) -> Differences {
        let mut differences = Differences::default();
        for number in &self.without_text {
            if !self.erased.contains_key(number) {
                differences.add(format!(
                    "event {number}: its names and text are gone, and no event says that they were erased"
                ));
            }
        }
        differences
    }

    /// Texts that are there although the log says that they were erased, as after a backup was mixed with a newer one.
    pub(super) fn kept_texts(&self, store: &impl Read) -> Result<Differences, StoreError> {
        let mut differences = Differences::default();
        for (number, event) in &self.erased {
            let kept = store.raw(*number, 1)?;
            if kept
                .iter()
                .any(|raw| raw.number == *number && raw.private.is_some())
            {
                differences.add(format!(
                    "the text of event {number} is there, and event {event} says that it was erased"
                ));
            }
        }
        Ok(differences)
    }

    /// What differs of the content that the log names, and of the ticks of its rollouts.
    pub(super) fn kept_content(&self, store: &impl Read) -> Result<Differences, StoreError> {
        let mut differences = Differences::default();
        for (digest, number) in &self.content {
            match whole(store, digest) {
                Ok(true) => {}
                Ok(false) => differences.add(format!("content `{digest}` of event {number} is missing")),
                Err(StoreError::Damaged { what, why }) => differences.add(format!("{what}: {why}")),
                Err(err) => return Err(err),
            }
        }
        for (id, named) in &self.rollouts {
            match store.ticks(id) {
                Ok((ticks, root)) => {
                    if let Some((number, chunks)) = named
                        && *chunks != root
                        && !tick_roots(&ticks)?.contains(chunks)
                    {
                        differences.add(format!("the ticks that event {number} ruled from are not there"));
                    }
                }
                Err(StoreError::Damaged { what, why }) => differences.add(format!("{what}: {why}")),
                Err(err) => return Err(err),
            }
        }
        Ok(differences)
    }
}

/// Reads content to its end, piece by piece; tells whether it is there.
fn whole(store: &impl Read, digest: &Digest) -> Result<bool, StoreError> {
    let Some(mut reading) = BlobReading::begin(store, digest)? else {
        return Ok(false);
    };
    while reading.next(store)?.is_some() {}
    Ok(true)
}

#[cfg(test)]
mod tests {
    use gateline_model::{Arm, Tick};
    use gateline_store::{MemStore, Store as _};
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn ticks_that_a_ruling_names_and_that_are_gone_are_told() {
        let id: PromotionId = "shop/app/live/1".parse().unwrap();
        let tick = |secs| Tick::none(Timestamp::from_second(secs).unwrap(), Arm::Canary);
        let mut store = MemStore::default();
        let ruled_from = store.put_ticks(&id, &[tick(1)]).unwrap();
        store.put_ticks(&id, &[tick(2)]).unwrap();
        let examination = Examination {
            rollouts: BTreeMap::from([(id, Some((7, ruled_from)))]),
            ..Examination::default()
        };
        assert!(examination.kept_content(&store).unwrap().is_empty());
        let gone = examination.kept_content(&MemStore::default()).unwrap();
        assert!(
            gone.to_string()
                .contains("the ticks that event 7 ruled from are not there")
        );
    }
}
