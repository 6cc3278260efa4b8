//! The shell around every page: head, navigation, the main part, and who looks at it.

use gateline_api::Problem;
use gateline_core::Credential;
use gateline_model::{ActorId, Scope};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::time::whole;
use super::{assets, link};

/// Who looks and when: what a page needs besides its view.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) actor: ActorId,
    /// What was shown: how far it reaches.
    pub(super) shown: Credential,
    /// What forms carry to prove that they come from a page of this session.
    pub(super) form: String,
    /// What makes this page's forms recognisable when they are sent twice.
    pub(super) key: String,
    pub(super) now: Timestamp,
}

impl Visitor {
    pub(super) fn may(&self, scope: Scope) -> bool {
        match &self.shown {
            Credential::Token(scopes) => scopes.contains(&scope) || scopes.contains(&Scope::Admin),
            Credential::Session | Credential::Gateline => true,
        }
    }

    /// The hidden fields of every form.
    pub(super) fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="csrf" value=(self.form);
            input type="hidden" name="key" value=(self.key);
        }
    }
}

/// Which entry of the navigation is the page's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Board,
    Inbox,
    Releases,
    Incidents,
    Waivers,
    Windows,
    Overrides,
    Policies,
    People,
    Log,
    None,
}

/// How soon a page is stale, where nothing tells of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fresh {
    /// Numbers move all the time: seconds.
    Moving,
    /// Only ages move.
    Resting,
    /// It is never fetched again: it holds somebody's input.
    Kept,
}

impl Fresh {
    fn secs(self) -> Option<&'static str> {
        match self {
            Fresh::Moving => Some("2"),
            Fresh::Resting => Some("30"),
            Fresh::Kept => None,
        }
    }
}

/// One page.
pub(super) struct Page<'a> {
    pub(super) tab: Tab,
    pub(super) title: String,
    pub(super) fresh: Fresh,
    /// Streams whose events concern it, by how their names begin; an empty text means all.
    pub(super) watch: Vec<String>,
    pub(super) visitor: &'a Visitor,
    pub(super) body: Markup,
}

impl Page<'_> {
    pub(super) fn render(&self) -> Markup {
        let Self {
            tab,
            title,
            fresh,
            watch,
            visitor,
            body,
        } = self;
        let watch = fresh.secs().map(|_| watch.join(" "));
        document(
            title,
            html! {
                a.skip href="#main" { "Skip to the content" }
                header {
                    b { "Gateline" }
                    nav aria-label="Pages" {
                        (entry(*tab, Tab::Board, "/", "Board", "g b"))
                        (entry(*tab, Tab::Inbox, link::INBOX, "Inbox", "g i"))
                        (entry(*tab, Tab::Releases, "/releases", "Releases", "g r"))
                        (entry(*tab, Tab::Incidents, link::INCIDENTS, "Incidents", "g n"))
                        (entry(*tab, Tab::Waivers, link::WAIVERS, "Waivers", "g w"))
                        (entry(*tab, Tab::Windows, link::WINDOWS, "Windows", "g t"))
                        (entry(*tab, Tab::Overrides, link::OVERRIDES, "Overrides", "g v"))
                        (entry(*tab, Tab::Policies, link::POLICIES, "Policies", "g p"))
                        (entry(*tab, Tab::People, link::PEOPLE, "People", "g o"))
                        (entry(*tab, Tab::Log, "/log", "Log", "g l"))
                    }
                    span.right {
                        span #live aria-live="polite" {}
                        a.mono href="/sessions" title="Your sessions" { (visitor.actor) }
                        form.inline method="post" action="/logout" {
                            button.link type="submit" { "Log out" }
                        }
                    }
                }
                main #main data-watch=[watch] data-every=[fresh.secs()] {
                    (body)
                    p.foot { "as of " time datetime=(visitor.now) { (whole(visitor.now)) } " · all times are UTC" }
                }
                (keys())
            },
        )
    }
}

/// The keys that our script knows; without it they do nothing, and nothing needs them.
const KEYS: [(&str, &str); 20] = [
    ("j", "next row"),
    ("k", "row before"),
    ("Enter", "open the row"),
    ("/", "filter"),
    ("g b", "board"),
    ("g i", "inbox"),
    ("g r", "releases"),
    ("g n", "incidents"),
    ("g w", "waivers"),
    ("g t", "windows"),
    ("g v", "overrides"),
    ("g p", "policies"),
    ("g o", "people"),
    ("g l", "log"),
    ("a", "approve, where you are asked"),
    ("x", "reject"),
    ("c", "request changes"),
    ("n", "ask somebody by name"),
    ("d", "hand on"),
    ("w", "withdraw your answer"),
];

fn keys() -> Markup {
    html! {
        footer {
            details #keys {
                summary { "Keys " kbd { "?" } }
                dl.counts { @for (key, what) in KEYS { div { dd { kbd { (key) } } dt { (what) } } } }
            }
        }
    }
}

fn entry(current: Tab, tab: Tab, path: &str, name: &str, keys: &str) -> Markup {
    let here = (current == tab).then_some("page");
    html! { a href=(path) aria-current=[here] title={ "keys: " (keys) } { (name) } }
}

/// A page without navigation: before somebody is known.
pub(super) fn bare(title: &str, body: Markup) -> Markup {
    document(title, html! { header { b { "Gateline" } } main #main { (body) } })
}

fn document(title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " - Gateline" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href=(assets::STYLE.href());
                script defer src=(assets::SCRIPT.href()) {}
                script defer src=(assets::PASSKEY.href()) {}
            }
            body { (body) }
        }
    }
}

/// What went wrong, what to do, and the stable code.
pub(super) fn alert(problem: &Problem) -> Markup {
    html! {
        div.banner.bad-edge role="alert" #problem tabindex="-1" {
            p { b { (problem.title) ": " } (problem.detail) }
            @if !problem.hint.is_empty() { p.sub { (problem.hint) } }
            p.age { code { (problem.code) } }
            @for finding in &problem.findings {
                p.age { code { (finding.file) ":" (finding.line) ":" (finding.column) } " " (finding.message) }
            }
        }
    }
}

/// The page for a request that could not be fulfilled.
pub(super) fn problem(visitor: &Visitor, problem: &Problem) -> Markup {
    Page {
        tab: Tab::None,
        title: problem.title.clone(),
        fresh: Fresh::Kept,
        watch: Vec::new(),
        visitor,
        body: html! { h1 { (problem.title) } (alert(problem)) p { a href="/" { "Go to the board" } } },
    }
    .render()
}

/// The link to what follows on the next page, where there is more.
pub(super) fn pager(first: Option<String>, next: Option<String>) -> Markup {
    html! {
        @if first.is_some() || next.is_some() {
            nav.pager aria-label="Parts of the list" {
                @if let Some(path) = first { a.button href=(path) rel="first" { "First page" } }
                @if let Some(path) = next { a.button href=(path) rel="next" { "Next page" } }
            }
        }
    }
}
