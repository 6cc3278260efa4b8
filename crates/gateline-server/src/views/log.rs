//! The log: searched, and its end as a promise.

use gateline_api::{Checkpoint, LogPage, LogQuery, page_size};
use gateline_core::Sight;
use gateline_model::Recorded;
use gateline_store::{Read, Search};

use crate::hub::Hub;
use crate::refused::Refused;
use crate::seen::seen_rows;

/// Events that are looked through for one page. Whoever sees few of many gets a shorter page, and goes on from its end: a log
/// number tells nothing of what stands there.
const LOOKED_THROUGH_MAX: usize = 5_000;

/// The events that are looked for, the newest first.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn log(hub: &Hub, sight: &Sight, query: LogQuery) -> Result<LogPage, Refused> {
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
        limit: 0,
    };
    let (sight, looks) = (sight.clone(), hub.clone());
    let read = move |store: &dyn Read| {
        let read = |after: Option<u64>, limit| {
            store.search(&Search {
                before: after.or(search.before),
                limit,
                ..search.clone()
            })
        };
        let sees = |recorded: &Recorded| looks.with_world(|world| sight.sees_event(world, recorded));
        let size = (size, Some(LOOKED_THROUGH_MAX));
        seen_rows(size, &sight, read, sees, |recorded| recorded.number)
    };
    let found = hub.read(read).await?;
    Ok(LogPage {
        events: found.items,
        next: found.next,
    })
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
