//! `GET /api/v1/log`

use gateline_api::{LogPage, LogQuery, SearchLog, page_size};
use gateline_store::Search;

use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(call: Call<SearchLog>) -> Result<LogPage, Refused> {
    let LogQuery {
        stream,
        prefix,
        event,
        actor,
        from,
        until,
        before,
        limit,
    } = call.query;
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
    let mut events = call.app.hub.read(move |store| store.search(&search)).await?;
    let more = events.len() > size;
    events.truncate(size);
    let next = events.last().filter(|_| more).map(|last| last.number);
    Ok(LogPage { events, next })
}
