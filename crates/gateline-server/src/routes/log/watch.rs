//! `GET /api/events`: one server-sent event for each event of the log, in its order, without gaps.
//!
//! A watcher that cannot keep up is let go: it comes back with `Last-Event-ID` and reads on from the log.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event as Frame, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream};
use gateline_api::{Notice, WatchEvents, entry};
use gateline_core::{Actor, Sight};
use gateline_model::Recorded;
use jiff::Timestamp;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tracing::warn;

use crate::call::Call;
use crate::hub::Hub;
use crate::refused::Refused;
use crate::shares::{NoPlace, Place};

/// Most watchers at once. One caller has at most half of the places, and less where others watch as well.
pub const WATCHERS_MAX: usize = 1_000;
/// Seconds between two signs of life on a quiet stream: less than the patience of common proxies.
pub const WATCH_BEAT_SECS: u64 = 15;
/// Events that are read from the log at once for a watcher that resumes.
const HISTORY_EVENTS: usize = 500;
/// Seconds after which a watcher that found no place may come again.
const RETRY_AFTER_SECS: u64 = 10;

pub(crate) async fn handle(call: Call<WatchEvents>) -> Result<Response, Refused> {
    let who = call.actor()?.id;
    let place = call.app.watchers.take(format!("`{who}`")).map_err(|no| {
        let detail = match no {
            NoPlace::Full(most) => format!("{most} watchers are here already, the limit"),
            NoPlace::Share(share) => format!("`{who}` watches {share} times already, the share of one now"),
        };
        Refused::busy(detail, RETRY_AFTER_SECS)
    })?;
    let resumed = match call.headers.get("last-event-id") {
        Some(value) => {
            let number: Option<u64> = value.to_str().ok().and_then(|text| text.parse().ok());
            let bad = || Refused::new(&entry::QUERY, "`Last-Event-ID` is no log number");
            Some(number.ok_or_else(bad)?.saturating_add(1))
        }
        None => None,
    };
    let hub = call.app.hub.clone();
    // Watch before looking where the log ends: nothing falls between.
    let news = hub.watch();
    let end = hub.with_world(|world| world.next());
    let next = match resumed.or(call.query.from) {
        None => end,
        Some(next) if next <= end => next,
        // Another server may be ahead of this one; but what the log itself never had, as before an older backup was restored, would
        // be waited for for ever.
        Some(next) => {
            let head = hub.read(|store| store.head()).await;
            head.map_or(next, |head| next.min(head.size.max(end)))
        }
    };
    let watcher = Watcher {
        hub,
        actor: call.actor()?,
        news,
        stopping: call.app.settings.stopping.clone(),
        prefix: call.query.prefix.unwrap_or_default(),
        next,
        history_until: end,
        ready: VecDeque::new(),
        _place: place,
    };
    let beat = KeepAlive::new()
        .interval(Duration::from_secs(WATCH_BEAT_SECS))
        .text("beat");
    Ok(Sse::new(watcher.stream()).keep_alive(beat).into_response())
}

struct Watcher {
    hub: Hub,
    /// Who watches: what is seen is looked up for each batch, as rights change while somebody watches.
    actor: Actor,
    news: Receiver<Arc<Vec<Recorded>>>,
    stopping: watch::Receiver<bool>,
    prefix: String,
    /// The log number that is told next.
    next: u64,
    /// What is below comes from the log, the rest as it happens.
    history_until: u64,
    ready: VecDeque<Notice>,
    _place: Place,
}

impl Watcher {
    fn stream(self) -> impl Stream<Item = Result<Frame, Infallible>> {
        stream::unfold(self, async |mut watcher| {
            loop {
                if let Some(notice) = watcher.ready.pop_front() {
                    return Some((Ok(frame(&notice)), watcher));
                }
                watcher.refill().await?;
            }
        })
    }

    /// Gets more to tell, maybe nothing that this watcher asked for. `None` ends the stream.
    async fn refill(&mut self) -> Option<()> {
        if self.next < self.history_until {
            let (from, limit) = (self.next, HISTORY_EVENTS);
            let history = self.hub.read(move |store| store.read(from, limit)).await;
            let history = history
                .inspect_err(|err| warn!("A watcher was let go: {err}"))
                .ok()?;
            // An empty page below the end of the log would come again for ever.
            history.last()?;
            self.take(&history);
            return Some(());
        }
        let news = tokio::select! {
            news = self.news.recv() => news,
            // Nobody can stop the server any more when the sender is gone: then this branch is off.
            Ok(_) = self.stopping.wait_for(|stopping| *stopping) => return None,
        };
        match news {
            Ok(events) => self.take(&events),
            // Over `WATCH_BATCHES_MAX` behind: it comes back and reads the log from where it was.
            Err(RecvError::Lagged(_) | RecvError::Closed) => return None,
        }
        Some(())
    }

    fn take(&mut self, events: &[Recorded]) {
        let new = events.iter().filter(|recorded| recorded.number >= self.next);
        let asked = new.filter(|recorded| recorded.stream.to_string().starts_with(&self.prefix));
        let told: Vec<Notice> = self.hub.with_world(|world| {
            let sight = Sight::of(world, &self.actor, Timestamp::now());
            let seen = asked.filter(|recorded| sight.sees_event(world, recorded));
            let notice = |recorded: &Recorded| Notice {
                number: recorded.number,
                stream: recorded.stream.clone(),
                event: recorded.event.name().to_owned(),
            };
            seen.map(notice).collect()
        });
        self.ready.extend(told);
        if let Some(last) = events.last() {
            self.next = self.next.max(last.number + 1);
        }
    }
}

fn frame(notice: &Notice) -> Frame {
    let data = serde_json::to_string(notice).expect("a notice is plain data");
    Frame::default().id(notice.number.to_string()).data(data)
}
