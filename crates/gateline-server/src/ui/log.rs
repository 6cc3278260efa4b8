//! The log: who did what, when. Every entry can be unfolded to what is stored.

use gateline_api::{Checkpoint, ErasedView, LogPage};
use gateline_model::{Digest, Recorded, StreamId};
use maud::{Markup, html};

use super::shell::{Fresh, Page, Tab, Visitor, pager};
use super::words::counted;
use super::{link, time};

/// What the address asked for, as it was written there.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) stream: String,
    pub(super) event: String,
    pub(super) actor: String,
    pub(super) from: String,
    pub(super) until: String,
    pub(super) before: String,
}

impl Asked {
    fn link(&self, before: &str) -> String {
        let Self {
            stream,
            event,
            actor,
            from,
            until,
            before: _,
        } = self;
        link::with(
            "/log",
            &[
                ("stream", stream),
                ("event", event),
                ("actor", actor),
                ("from", from),
                ("until", until),
                ("before", before),
            ],
        )
    }
}

pub(super) fn page(visitor: &Visitor, log: &LogPage, checkpoint: &Checkpoint, asked: &Asked) -> Markup {
    let first = (!asked.before.is_empty()).then(|| asked.link(""));
    let next = log.next.map(|next| asked.link(&next.to_string()));
    Page {
        tab: Tab::Log,
        title: "Log".to_owned(),
        fresh: if asked.before.is_empty() { Fresh::Resting } else { Fresh::Kept },
        watch: vec![String::new()],
        visitor,
        body: html! {
            h1 { "Log" }
            p.sub {
                (counted(checkpoint.size, "event")) ", the newest first · Merkle root " code.break { (checkpoint.root) }
                " · keep size and root to prove later that nothing was changed"
            }
            (filter(asked))
            @if log.events.is_empty() { div.banner { p { b { "No event is like this." } } p.sub { a href="/log" { "Show all events" } } } }
            @else { ol.log { @for recorded in &log.events { (entry(visitor, recorded, erased_of(log, recorded))) } } }
            (pager(first, next))
        },
    }
    .render()
}

fn filter(asked: &Asked) -> Markup {
    let Asked {
        stream,
        event,
        actor,
        from,
        until,
        before: _,
    } = asked;
    html! {
        form.filter method="get" action="/log" role="search" aria-label="Filter the log" #filters data-keep {
            label { "Stream " kbd { "/" } input #filter type="search" name="stream" value=(stream) placeholder="promotion/payments/" maxlength="400" autocomplete="off"; }
            label { "Event" input #event name="event" value=(event) placeholder="promotion_admitted" maxlength="60" autocomplete="off"; }
            label { "Actor" input.narrower #actor name="actor" value=(actor) maxlength="128" autocomplete="off"; }
            label { "From (UTC)" input #from type="datetime-local" name="from" value=(from); }
            label { "Until (UTC)" input #until type="datetime-local" name="until" value=(until); }
            button type="submit" { "Show" }
        }
    }
}

fn erased_of<'l>(log: &'l LogPage, recorded: &Recorded) -> Option<&'l ErasedView> {
    log.erased.iter().find(|erased| erased.number == recorded.number)
}

fn entry(visitor: &Visitor, recorded: &Recorded, erased: Option<&ErasedView>) -> Markup {
    let Recorded {
        number,
        stream,
        version,
        at,
        actor,
        event,
        private,
    } = recorded;
    let reason = private.as_ref().and_then(|private| private.reason.as_ref());
    html! {
        li {
            details #{ "event-" (number) } {
                summary #{ "row-" (number) } data-row {
                    span.mono { "#" (number) } " "
                    span.age.num { (time::clock(visitor.now, *at)) } " "
                    span.what { (recorded.says(time::whole, Digest::short)) @if let Some(reason) = reason { " " q { (reason) } } @if erased.is_some() { " (text erased)" } }
                    span.age { (subject(stream)) " · " (actor) }
                }
                p.age {
                    a href=(link::with("/log", &[("event", event.name())])) { code { (event.name()) } }
                    " · " a href=(link::log_of(stream)) { code.break { (stream) } } " version " (version)
                    " · by " a href=(link::with("/log", &[("actor", actor.as_str())])) { (actor) }
                    " · " (time::whole(*at))
                    @if let Some(page) = page_of(stream) { " · " a href=(page) { "see the page" } }
                }
                @if let Some(ErasedView { at, by, event, .. }) = erased {
                    p.age {
                        "names and text erased on " (time::whole(*at)) " by " (by) " · "
                        a href=(link::with("/log", &[("before", &(event + 1).to_string())])) { "event #" (event) " says why" }
                    }
                }
                pre tabindex="0" { (serde_json::to_string_pretty(recorded).unwrap_or_default()) }
            }
        }
    }
}

/// What a stream is about, in short: a release by the beginning of its digest.
fn subject(stream: &StreamId) -> String {
    match stream {
        StreamId::Release(id) => format!("release {}", id.short()),
        StreamId::Project(_)
        | StreamId::Stage(_)
        | StreamId::Promotion(_)
        | StreamId::Notifications(_)
        | StreamId::Incidents(_) => stream.to_string().replacen('/', " ", 1),
    }
}

/// The page that shows a stream's state.
fn page_of(stream: &StreamId) -> Option<String> {
    match stream {
        StreamId::Promotion(id) => Some(link::promotion(id)),
        StreamId::Stage(stage) => Some(link::stage(stage)),
        StreamId::Project(_) | StreamId::Release(_) | StreamId::Notifications(_) | StreamId::Incidents(_) => {
            None
        }
    }
}
