//! Letters: who is told what, what waits, what was sent, and what could not be brought, with the reason.

use gateline_model::{Letter, LetterState, StreamId};
use maud::{Markup, html};

use super::shell::{Fresh, Page, Tab, Visitor};
use super::words::counted;
use super::{link, time};

/// Letters on the page; the log has all of them.
const LETTERS_SHOWN: usize = 200;

pub(super) fn page(visitor: &Visitor, list: &[Letter], project: &str) -> Markup {
    let count = |state| list.iter().filter(|letter| letter.state == state).count() as u64;
    Page {
        tab: Tab::None,
        title: "Letters".to_owned(),
        fresh: Fresh::Resting,
        watch: vec!["notifications/".to_owned()],
        visitor,
        body: html! {
            h1 { "Letters" }
            p.sub {
                "What people are told by the rules of notifications: "
                (counted(count(LetterState::Pending), "letter")) " pending, "
                (count(LetterState::Failed)) " failed, "
                (count(LetterState::Sent)) " sent of late."
            }
            form.filter method="get" action=(link::LETTERS) role="search" aria-label="Filter the letters" #filters data-keep {
                label { "Project" input #filter name="project" value=(project) maxlength="63" autocomplete="off"; }
                button type="submit" { "Show" }
            }
            @if list.is_empty() {
                div.banner {
                    p { b { "Nobody is told anything here." } }
                    p.sub { "Rules are declared in a file of " code { "kind: Notifications" } ", channels in the server's file." }
                }
            }
            @for letter in list.iter().take(LETTERS_SHOWN) { (one(visitor, letter)) }
        },
    }
    .render()
}

fn one(visitor: &Visitor, letter: &Letter) -> Markup {
    let Letter {
        to,
        notices,
        more,
        due,
        attempts,
        state,
        says,
        ..
    } = letter;
    html! {
        article.panel #{ "letter-" (letter.project) "-" (letter.number) } {
            p {
                (sign(*state)) " " b { (state) } " · " a href=(link::log_of(&StreamId::Notifications(letter.project.clone()))) { "letter " (letter.id()) }
                " to " b { (to) } " · "
                @match state {
                    LetterState::Pending => { "due " (time::ahead(visitor.now, *due)) }
                    LetterState::Sent | LetterState::Failed => { (time::clock(visitor.now, *due)) }
                }
                @if *attempts > 0 { " · " (counted(u64::from(*attempts), "attempt")) }
            }
            @if let Some(says) = says { p.break { (says) } }
            @if *state == LetterState::Failed { p.age { "Once its channel is mended: " code { "gateline notifications --project " (letter.project) " --resend " (letter.number) } } }
            ul {
                @for enclosed in notices {
                    @let notice = &enclosed.notice;
                    li.break {
                        code { (notice.event) } " " (subject(&notice.stream)) ": " (notice.says)
                        span.age { " · rule " (enclosed.rule) }
                    }
                }
                @if *more > 0 { li { "and " (more) " more" } }
            }
        }
    }
}

/// The state as a shape: its word stands beside it.
fn sign(state: LetterState) -> &'static str {
    match state {
        LetterState::Pending => "◷",
        LetterState::Sent => "✓",
        LetterState::Failed => "✗",
    }
}

fn subject(stream: &StreamId) -> Markup {
    match stream {
        StreamId::Promotion(id) => html! { a href=(link::promotion(id)) { (id) } },
        StreamId::Stage(stage) => html! { a href=(link::stage(stage)) { (stage) } },
        StreamId::Project(_) | StreamId::Release(_) | StreamId::Notifications(_) | StreamId::Incidents(_) => {
            html! { (stream) }
        }
    }
}
