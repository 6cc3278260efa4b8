//! The log: searched, and its end as a promise.

use gateline_api::{Checkpoint, LogPage, LogQuery, page_size};
use gateline_store::Search;

use crate::hub::Hub;
use crate::refused::Refused;

/// The events that are looked for, the newest first.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn log(hub: &Hub, query: LogQuery) -> Result<LogPage, Refused> {
    let LogQuery {
        stream,
        prefix,
        event,
        actor,
        from,
        until,
        before,
        limit,
    } = query;
    let size = page_size(limit);
    let search = Search {
        stream,
        stream_prefix: prefix,
        event,
        actor,
        from,
        until,
        before,
        limit: size + 1,
    };
    let mut events = hub.read(move |store| store.search(&search)).await?;
    let more = events.len() > size;
    events.truncate(size);
    let next = events.last().filter(|_| more).map(|last| last.number);
    Ok(LogPage { events, next })
}

/// The log's size and root.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn checkpoint(hub: &Hub) -> Result<Checkpoint, Refused> {
    let head = hub.read(|store| store.head()).await?;
    Ok(Checkpoint {
        size: head.size,
        root: head.root.to_string(),
        at: head.at,
    })
}
