//! The log: searched, and its end as a promise.

use gateline_api::{Checkpoint, EraseReply, EraseRequest, ErasedView, LogPage, LogQuery, page_size};
use gateline_core::{ERASED_MAX, Sight, World};
use gateline_model::{Private, Recorded};
use gateline_store::{Read, Search, StoreError};

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
    let of = |world: &World| {
        let erased = found.items.iter().filter_map(|recorded| erased(world, recorded));
        erased.collect()
    };
    let erased = hub.with_world(of);
    Ok(LogPage {
        events: found.items,
        next: found.next,
        erased,
    })
}

/// When the names and the text of an event were erased, and by whom; none where they were not.
pub(super) fn erased(world: &World, recorded: &Recorded) -> Option<ErasedView> {
    let erased = world.erased(recorded.number)?;
    Some(ErasedView {
        number: recorded.number,
        at: erased.at,
        by: erased.by.clone(),
        event: erased.event,
    })
}

/// The events that a request to erase is about and that have names or a text, the newest first: at most as many as are erased
/// at once, and at most [`LOOKED_THROUGH_MAX`] are looked at.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn with_text(hub: &Hub, request: &EraseRequest) -> Result<EraseReply, Refused> {
    let EraseRequest {
        events,
        actor,
        stream,
        containing,
        before,
        ..
    } = request.clone();
    let containing = containing.map(|part| part.to_lowercase());
    let fits = move |recorded: &Recorded| {
        let text = recorded.private.as_ref();
        text.is_some_and(|text| containing.as_deref().is_none_or(|part| has(text, part)))
            && actor.as_ref().is_none_or(|actor| recorded.actor == *actor)
            && stream.as_ref().is_none_or(|stream| recorded.stream == *stream)
    };
    let search = Search {
        stream: request.stream.clone(),
        actor: request.actor.clone(),
        before,
        limit: LOOKED_THROUGH_MAX,
        ..Search::default()
    };
    let read = move |store: &dyn Read| {
        let mut next = None;
        let looked_at = if events.is_empty() {
            let found = store.search(&search)?;
            if found.len() == LOOKED_THROUGH_MAX {
                next = found.last().map(|last| last.number);
            }
            found
        } else {
            let mut named = events;
            named.sort_unstable_by(|one, other| other.cmp(one));
            named.dedup();
            let mut found = Vec::new();
            for number in named {
                // What is behind the end of the log is not another event.
                found.extend(
                    store
                        .read(number, 1)?
                        .into_iter()
                        .filter(|read| read.number == number),
                );
            }
            found
        };
        let mut erased: Vec<u64> = looked_at
            .iter()
            .filter(|one| fits(one))
            .map(|one| one.number)
            .collect();
        if erased.len() > ERASED_MAX {
            erased.truncate(ERASED_MAX);
            next = erased.last().copied();
        }
        Ok::<_, StoreError>(EraseReply { erased, next })
    };
    Ok(hub.read(read).await?)
}

/// Whether it stands somewhere in a text, in capitals or not: nobody knows how others wrote a name.
fn has(text: &Private, part: &str) -> bool {
    let Private {
        actor_name,
        reason,
        text,
    } = text;
    let texts = actor_name.iter().chain(reason).chain(text.values());
    texts.into_iter().any(|text| text.to_lowercase().contains(part))
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
