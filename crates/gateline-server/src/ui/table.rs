//! The table of the pages and their forms: address, rule and handler, one line each.
//!
//! The rule is settled before a handler runs, by [`Visit`], which no handler but an open one can do without.

use axum::extract::{DefaultBodyLimit, Path};
use axum::handler::Handler;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use gateline_api::Rule;
use gateline_model::Scope;
use maud::Markup;

use super::answers::Answer;
use super::forms::{self, Act, Done, Sent};
use super::visit::Visit;
use super::{assets, link, pages};
use crate::call::{App, FORM_BYTES_MAX};
use crate::refused::Refused;

/// How long browsers keep a static file: its address changes with its content.
const STATIC_CACHE: &str = "public, max-age=31536000, immutable";

/// One address of the pages: what the API's endpoints declare, for people.
#[derive(Debug, Clone)]
pub struct PageInfo {
    /// How it is asked.
    pub method: Method,
    /// Its path, with the names of its places in braces.
    pub path: &'static str,
    /// Who may ask.
    pub rule: Rule,
}

struct Line {
    info: PageInfo,
    handler: MethodRouter<App>,
}

fn table() -> Vec<Line> {
    let read = Rule::Scope(Scope::Read);
    let answers = Answer::ALL.map(|answer| form(Act::Answer(answer), answer.path(), forms::answer));
    let mut lines = vec![
        page(read, "/", pages::board),
        page(read, link::INBOX, pages::inbox),
        page(read, link::INCIDENTS, pages::incidents),
        page(read, link::KEYS, pages::keys),
        page(read, link::LETTERS, pages::letters),
        page(read, "/log", pages::log),
        page(read, link::OVERRIDES, pages::overrides),
        page(read, link::PEOPLE, pages::people),
        page(read, link::POLICIES, pages::policies),
        page(read, "/policies/{project}/proposal/{number}", pages::proposal),
        page(read, "/policies/{project}/{kind}/{name}", pages::rules),
        page(
            read,
            "/promote/{project}/{pipeline}/{version}/{stage}",
            pages::promote,
        ),
        page(
            read,
            "/promotions/{project}/{pipeline}/{stage}/{number}",
            pages::promotion,
        ),
        page(read, "/releases", pages::releases),
        page(read, "/releases/{project}/{pipeline}/{version}", pages::release),
        page(
            read,
            "/releases/{project}/{pipeline}/{version}/evidence/{digest}",
            pages::evidence,
        ),
        page(read, link::SESSIONS, pages::sessions),
        page(read, link::PASSWORD, pages::password),
        page(read, "/stages/{project}/{pipeline}/{stage}", pages::stage),
        page(read, "/waivers", pages::waivers),
        page(read, link::WINDOWS, pages::windows),
        form(
            Act::Promote,
            "/ui/promote/{project}/{pipeline}/{version}/{stage}",
            forms::promote,
        ),
        form(
            Act::Abort,
            "/ui/promotions/{project}/{pipeline}/{stage}/{number}/abort",
            forms::steer,
        ),
        form(
            Act::Override,
            "/ui/promotions/{project}/{pipeline}/{stage}/{number}/override",
            forms::steer,
        ),
        form(
            Act::Pause,
            "/ui/promotions/{project}/{pipeline}/{stage}/{number}/pause",
            forms::steer,
        ),
        form(
            Act::Resume,
            "/ui/promotions/{project}/{pipeline}/{stage}/{number}/resume",
            forms::steer,
        ),
        form(
            Act::Advance,
            "/ui/promotions/{project}/{pipeline}/{stage}/{number}/advance",
            forms::steer,
        ),
        form(
            Act::Waive,
            "/ui/releases/{project}/{pipeline}/{version}/evidence/{digest}/waive",
            forms::waive,
        ),
        form(
            Act::RollBack,
            "/ui/stages/{project}/{pipeline}/{stage}/rollback",
            forms::change,
        ),
        form(
            Act::LiftBar,
            "/ui/stages/{project}/{pipeline}/{stage}/unbar",
            forms::change,
        ),
        form(Act::LiftWaiver, link::WAIVER_LIFT, forms::lift_waiver),
        open("/login", pages::login),
        open("/static/{name}", file),
    ];
    lines.extend(answers);
    lines.extend(proposals());
    lines.extend(incidents());
    lines.extend(overrides());
    lines.extend(ones_own());
    lines
}

/// What is said to a new version of what is protected.
fn proposals() -> [Line; 3] {
    [
        form(
            Act::ApproveProposal,
            "/ui/policies/{project}/proposal/{number}/approve",
            forms::about_proposal,
        ),
        form(
            Act::RejectProposal,
            "/ui/policies/{project}/proposal/{number}/reject",
            forms::about_proposal,
        ),
        form(
            Act::WithdrawProposal,
            "/ui/policies/{project}/proposal/{number}/withdraw",
            forms::about_proposal,
        ),
    ]
}

/// What is said of overrides.
fn overrides() -> [Line; 3] {
    [
        form(
            Act::ConfirmOverride,
            link::OVERRIDE_CONFIRM,
            forms::about_override,
        ),
        form(
            Act::WithdrawOverride,
            link::OVERRIDE_WITHDRAW,
            forms::about_override,
        ),
        form(Act::WriteReview, link::OVERRIDE_REVIEW, forms::about_override),
    ]
}

/// One's own keys, password, sessions and delegations.
fn ones_own() -> [Line; 5] {
    [
        form(Act::EnrolKey, "/ui/keys/enrol", forms::keys),
        form(Act::RevokeKey, "/ui/keys/revoke", forms::keys),
        form(Act::SetPassword, "/ui/password/set", forms::password),
        form(Act::EndSessions, "/ui/sessions/end", forms::end_sessions),
        form(Act::EndDelegation, link::DELEGATION_END, forms::end_delegation),
    ]
}

/// What is said of incidents.
fn incidents() -> [Line; 3] {
    [
        form(Act::OpenIncident, link::INCIDENT_OPEN, forms::about_incident),
        form(Act::LiftSuspect, link::INCIDENT_LIFT, forms::about_incident),
        form(Act::CloseIncident, link::INCIDENT_CLOSE, forms::about_incident),
    ]
}

/// The pages, their forms and their files.
pub(crate) fn router() -> Router<App> {
    let lines = table().into_iter();
    lines
        .fold(Router::new(), |router, Line { info, handler }| {
            let leads_back = info.method == Method::POST;
            let router = router.route(info.path, handler.layer(Extension(info.rule)));
            if !leads_back {
                return router;
            }
            // Somebody loads the address of a form again: the page itself is meant.
            let back = get(forms::back).layer(Extension(Rule::Scope(Scope::Read)));
            router.route(info.path, back)
        })
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
}

/// Every address of the pages and their forms.
pub fn pages() -> Vec<PageInfo> {
    table().into_iter().map(|line| line.info).collect()
}

/// A page, shown; or the page that says why there is none.
fn page<F, H>(rule: Rule, path: &'static str, handler: H) -> Line
where
    H: Fn(Visit) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Markup, Refused>> + Send,
{
    let show = async move |visit: Visit| {
        let shown_to = visit.shown_to();
        shown_to.show(handler(visit).await)
    };
    Line {
        info: PageInfo {
            method: Method::GET,
            path,
            rule,
        },
        handler: get(show),
    }
}

/// A form: done, it leads to a page; refused, it shows its page again.
fn form<F, H>(act: Act, path: &'static str, handler: H) -> Line
where
    H: Fn(Visit, Act, forms::Fields) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Done, Refused>> + Send,
{
    let send = async move |visit: Visit, sent: Sent| {
        let shown_to = visit.shown_to();
        let done = match forms::fields(&visit, sent) {
            Ok(fields) => handler(visit, act, fields).await,
            Err(refused) => Err(refused),
        };
        match done {
            Ok(done) => done.into_response(),
            Err(refused) => shown_to.show(Err(refused)),
        }
    };
    Line {
        info: PageInfo {
            method: Method::POST,
            path,
            rule: Rule::Scope(act.scope()),
        },
        handler: post(send),
    }
}

/// What everybody may see, without a token.
fn open<H, T>(path: &'static str, handler: H) -> Line
where
    H: Handler<T, App>,
    T: 'static,
{
    Line {
        info: PageInfo {
            method: Method::GET,
            path,
            rule: Rule::Open,
        },
        handler: get(handler),
    }
}

async fn file(Path(name): Path<String>) -> Response {
    match assets::named(&name) {
        Some(asset) => (
            [
                (header::CONTENT_TYPE, asset.media),
                (header::CACHE_CONTROL, STATIC_CACHE),
            ],
            asset.content,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
