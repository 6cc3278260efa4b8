//! One's own sessions: where one is signed in, and how to end it everywhere.

use gateline_api::SessionView;
use maud::{Markup, html};

use super::link;
use super::shell::{Fresh, Page, Tab, Visitor};
use super::time::whole;

pub(super) fn page(visitor: &Visitor, sessions: &[SessionView], has_password: bool) -> Markup {
    Page {
        tab: Tab::None,
        title: "Sessions".to_owned(),
        fresh: Fresh::Kept,
        watch: Vec::new(),
        visitor,
        body: html! {
            h1 { "Sessions of " span.mono { (visitor.actor) } }
            p.sub { "Where somebody is signed in in this name. A session ends by itself when nobody uses it, and at the latest at its end." }
            @if sessions.is_empty() { p { "There is none: a token was shown for this page." } } @else {
                div.wide { table {
                    thead { tr { th { "browser" } th { "by" } th { "since" } th { "used" } th { "ends" } } }
                    tbody { @for session in sessions { (row(session)) } }
                } }
            }
            p { "With what you sign answers: " a href=(link::KEYS) { "your keys" } "." }
            @if has_password { p { "With what you log in: " a href=(link::PASSWORD) { "your password" } "." } }
            form.inline method="post" action="/ui/sessions/end" {
                (visitor.hidden())
                button type="submit" { "Log out everywhere else" }
            }
        },
    }
    .render()
}

fn row(session: &SessionView) -> Markup {
    let SessionView {
        provider,
        agent,
        began,
        used,
        ends,
        this,
    } = session;
    html! {
        tr {
            td { (agent) @if *this { " " b { "(this one)" } } }
            td { (provider) }
            @for at in [began, used, ends] { td { time datetime=(at) { (whole(*at)) } } }
        }
    }
}
