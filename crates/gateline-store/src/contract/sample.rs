//! What the claims speak of.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use gateline_model::{
    ChangeKind, Digest, Event, PipelineRef, Private, PromotionId, PromotionKind, Served, Span, StreamId,
    Work, WorkId, WorkKind,
};
use jiff::Timestamp;

use super::cluster::Database;
use crate::{
    Append, AppendError, Committed, Fence, IdempotencyKey, LeaseClock, Leased, NewEvent, PostgresStore,
    PromotionRow, ReleaseRow, Row, Store,
};

/// A directory that goes when it is dropped.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("gateline-store-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A store in a database of a test, with the test's time.
pub(crate) fn postgres(database: &Database) -> PostgresStore {
    let store = PostgresStore::open(&database.url().parse().unwrap()).unwrap();
    store.with_leases_by(LeaseClock::Caller)
}

/// So many seconds after the beginning of the tests' time.
pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + secs).unwrap()
}

pub(crate) fn promotion(number: u64) -> PromotionId {
    format!("payments/payment-service/production/{number}")
        .parse()
        .unwrap()
}

pub(crate) fn stream(number: u64) -> StreamId {
    StreamId::Promotion(promotion(number))
}

pub(crate) fn named(text: &str) -> StreamId {
    text.parse().unwrap()
}

pub(crate) fn event(step: u32) -> Event {
    Event::StepIntended {
        step,
        attempt: 1,
        action: gateline_model::StepAction::Start,
    }
}

pub(crate) fn work(number: u64, due: i64) -> Work {
    Work {
        stream: stream(number),
        kind: WorkKind::Judge,
        due: at(due),
    }
}

pub(crate) fn id(number: u64) -> WorkId {
    work(number, 0).id()
}

/// An append that does nothing.
pub(crate) fn nothing() -> Append {
    Append {
        key: None,
        expects: vec![],
        by: None,
        fence: None,
        actor: "ana".parse().unwrap(),
        events: vec![],
        work_add: vec![],
        work_remove: vec![],
        rows: vec![],
        blobs: vec![],
        passwords: vec![],
    }
}

/// One event to a stream that is at this version.
pub(crate) fn one(stream: StreamId, version: u64) -> Append {
    let events = vec![NewEvent {
        stream: stream.clone(),
        event: event(7),
        private: None,
    }];
    Append {
        expects: vec![(stream, version)],
        events,
        ..nothing()
    }
}

pub(crate) fn key(scope: &str, request: &str) -> Option<IdempotencyKey> {
    Some(IdempotencyKey {
        scope: scope.into(),
        request: Digest::of(request.as_bytes()),
    })
}

pub(crate) fn private(name: &str) -> Private {
    Private {
        actor_name: Some(name.into()),
        ..Private::default()
    }
}

pub(crate) fn fence(leased: &Leased) -> Fence {
    Fence {
        work: leased.work.id(),
        fence: leased.fence,
    }
}

/// Appends one item that must not fail the call.
pub(crate) fn append(store: &mut dyn Store, now: i64, append: &Append) -> Result<Committed, AppendError> {
    store
        .append(at(now), std::slice::from_ref(append))
        .unwrap()
        .remove(0)
}

/// Appends one item that must be accepted.
pub(crate) fn accept(store: &mut dyn Store, now: i64, item: &Append) {
    assert!(matches!(append(store, now, item), Ok(Committed::Appended(_))));
}

pub(crate) fn lease(store: &mut dyn Store, now: i64, limit: usize) -> Vec<Leased> {
    store
        .lease(at(now), "replica-1", limit, Span::from_secs(30))
        .unwrap()
}

pub(crate) fn release_row(label: &str, registered: i64) -> ReleaseRow {
    ReleaseRow {
        id: Digest::of(label.as_bytes()),
        of: pipeline("payment-service"),
        version: label.parse().unwrap(),
        number: 1,
        kind: ChangeKind::Fix,
        breaking: false,
        registered_at: at(registered),
    }
}

pub(crate) fn pipeline(name: &str) -> PipelineRef {
    PipelineRef {
        project: "payments".parse().unwrap(),
        pipeline: name.parse().unwrap(),
    }
}

pub(crate) fn promotion_row(id: &str, requested: i64) -> PromotionRow {
    PromotionRow {
        id: id.parse().unwrap(),
        release: Digest::of(b"1.0.0"),
        version: "1.0.0".parse().unwrap(),
        kind: PromotionKind::Forward,
        requested_at: at(requested),
        admitted_at: None,
        ended_at: None,
        outcome: None,
        says: "held".into(),
        steps: vec![],
        served: Served::default(),
    }
}

pub(crate) fn rows(rows: impl IntoIterator<Item = PromotionRow>) -> Append {
    Append {
        rows: rows
            .into_iter()
            .map(|row| Row::Promotion(Box::new(row)))
            .collect(),
        ..nothing()
    }
}

/// Content that is ready to be kept.
pub(crate) fn blob(bytes: &[u8]) -> std::sync::Arc<crate::Blob> {
    std::sync::Arc::new(crate::Blob::of(bytes).unwrap())
}
