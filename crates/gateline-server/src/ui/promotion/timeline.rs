//! The timeline: every event of the promotion with its log number, the newest first.

use gateline_model::{Digest, Recorded};
use maud::{Markup, html};

use super::Shown;
use crate::ui::shell::Visitor;
use crate::ui::words::counted;
use crate::ui::{link, time};

/// Events on the page, the newest; the log has all of them.
const EVENTS_SHOWN: usize = 200;

pub(super) fn timeline(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let events = &shown.view.events;
    html! {
        h2 #timeline { "Timeline" }
        p.sub { (counted(events.len() as u64, "event")) ", the newest " @if events.len() > EVENTS_SHOWN { (EVENTS_SHOWN) " of them " } "first. " a href=(link::log_of(&gateline_model::StreamId::Promotion(shown.view.id.clone()))) { "See them in the log" } }
        ol.timeline { @for recorded in events.iter().rev().take(EVENTS_SHOWN) { (one(visitor, recorded)) } }
    }
}

fn one(visitor: &Visitor, recorded: &Recorded) -> Markup {
    let Recorded {
        number,
        stream: _,
        version: _,
        at,
        actor,
        event: _,
        private,
    } = recorded;
    html! {
        li {
            a.mono href=(link::log_at(*number)) { "#" (number) }
            span.age.num { (time::clock(visitor.now, *at)) }
            span {
                (recorded.says(time::whole, Digest::short))
                @if let Some(reason) = private.as_ref().and_then(|private| private.reason.as_ref()) { " " q { (reason) } }
                span.age { " · " (actor) }
            }
        }
    }
}
