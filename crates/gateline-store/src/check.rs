//! What an append must meet before any of it is kept. One order for every store: key, fence, time, versions.

use gateline_model::{Digest, StreamId, WorkId};
use jiff::Timestamp;

use crate::{Append, AppendError, BATCH_APPENDS_MAX, Committed, IDEMPOTENCY_KEPT, StoreError};

/// A command that was accepted under a key.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Digest of its request.
    pub request: Digest,
    /// First and last number of its events.
    pub range: Option<(u64, u64)>,
    /// When it was accepted.
    pub at: Timestamp,
}

/// What a store knows that appends are checked against.
pub(crate) trait Known {
    /// The command that was accepted under this key.
    fn accepted(&mut self, scope: &str) -> Result<Option<Accepted>, StoreError>;
    /// The fence of the lease that is held on this work.
    fn lease(&mut self, work: &WorkId) -> Result<Option<u64>, StoreError>;
    /// The version of this stream.
    fn version(&mut self, stream: &StreamId) -> Result<u64, StoreError>;
}

/// The moment before which an accepted key is forgotten.
pub(crate) fn forgotten_before(at: Timestamp) -> Timestamp {
    at.checked_sub(IDEMPOTENCY_KEPT.as_std())
        .unwrap_or(Timestamp::MIN)
}

/// Refuses a batch that is too long for one commit.
pub(crate) fn batch(batch: &[Append]) -> Result<(), StoreError> {
    if batch.len() > BATCH_APPENDS_MAX {
        let why = format!(
            "a batch has at most {BATCH_APPENDS_MAX} appends, not {}; append in parts",
            batch.len()
        );
        return Err(StoreError::Unavailable { doing: "append", why });
    }
    Ok(())
}

/// Checks one append. `Some` answers a command that was accepted before; `None` lets the append go on.
pub(crate) fn append(
    known: &mut impl Known,
    at: Timestamp,
    append: &Append,
) -> Result<Result<Option<Committed>, AppendError>, StoreError> {
    if let Some(key) = &append.key {
        match known
            .accepted(&key.scope)?
            .filter(|accepted| accepted.at >= forgotten_before(at))
        {
            Some(accepted) if accepted.request == key.request => {
                return Ok(Ok(Some(Committed::Before(accepted.range))));
            }
            Some(_) => return Ok(Err(AppendError::KeyReused)),
            None => {}
        }
    }
    if let Some(fence) = &append.fence
        && known.lease(&fence.work)? != Some(fence.fence)
    {
        return Ok(Err(AppendError::Fenced(fence.work.clone())));
    }
    if let Some(by) = append.by.filter(|by| *by < at) {
        return Ok(Err(AppendError::Late { by, at }));
    }
    for (stream, expected) in &append.expects {
        let found = known.version(stream)?;
        if found != *expected {
            let (stream, expected) = (stream.clone(), *expected);
            return Ok(Err(AppendError::Conflict {
                stream,
                expected,
                found,
            }));
        }
    }
    debug_assert!(
        append
            .events
            .iter()
            .all(|new| append.expects.iter().any(|(stream, _)| *stream == new.stream)),
        "every written stream is among the expected ones"
    );
    Ok(Ok(None))
}
