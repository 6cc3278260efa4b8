//! Settling: what became of a commit that was not acknowledged.
//!
//! Whoever asks takes the head's lock first, so the transaction that he asks about is over. He reads the number of this
//! writer's last batch, writes, and commits: his own commit is durable only where everything before it is.

use std::time::{Duration, Instant};

use super::error::Failure;
use super::link::{ANSWER_WITHIN, Answer, Link};
use super::{PostgresStore, sql};
use crate::StoreError;

/// How long a writer asks what became of his batch before he says that he does not know: longer than the server keeps the
/// head locked for somebody who is gone, and long enough for a standby to take over.
pub const SETTLE_WITHIN: Duration = Duration::from_secs(30);
/// How long between two questions.
const BETWEEN: Duration = Duration::from_millis(200);

/// Whether the last batch that was tried is committed.
pub(super) fn is_committed(store: &PostgresStore, why: &str) -> Result<bool, StoreError> {
    let until = Instant::now() + SETTLE_WITHIN;
    loop {
        store.place.lose();
        match store.place.with(|link| ask(store, link)) {
            Ok(last) => return Ok(last == Some(store.batch)),
            Err(failure) if Instant::now() >= until => {
                let why = format!("{why}; afterwards: {}", failure.why());
                return Err(StoreError::Unknown { why });
            }
            Err(_) => std::thread::sleep(BETWEEN),
        }
    }
}

/// Writes what settles nothing, as durably as a batch.
pub(super) fn try_write(store: &PostgresStore) -> Result<(), StoreError> {
    let tried = store.place.with(|link| ask(store, link).map(drop));
    tried.map_err(|failure| {
        store.place.lose();
        failure.unavailable("try whether the database takes writes")
    })
}

fn ask(store: &PostgresStore, link: &Link) -> Result<Option<i64>, Failure> {
    let rows = link.wait(ANSWER_WITHIN, async {
        link.begin().await?;
        link.query(&sql::HEAD_LOCK, &[]).await?;
        link.query(&sql::BATCH_OF, &[&store.name]).await
    })?;
    let last = rows.first().map(|row| row.try_get(0)).transpose()?;
    let settle: Answer<'_, u64> = Box::pin(link.execute(&sql::SETTLE, &[]));
    link.commit(vec![settle])?;
    Ok(last)
}
