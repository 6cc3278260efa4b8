//! A browser's session: how it begins and how it ends.

pub(super) mod begin;
pub(super) mod finish;
pub(super) mod log_in;
pub(super) mod log_out;

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use gateline_core::{Actor, Command};
use jiff::Timestamp;

use crate::auth::{New, SESSION_COOKIE, SESSION_SECS_MAX, SIGN_IN_COOKIE, begin_session};
use crate::call::App;
use crate::refused::Refused;

/// Begins a session, gives the browser its cookie, and sends it on.
async fn welcome(app: &App, new: New<'_>, next: &str, now: Timestamp) -> Result<Response, Refused> {
    let secret = begin_session(app, new, now).await?;
    // The secret is our own: no character of it means anything in a cookie. Lax, not Strict: who comes back from a
    // provider comes from another site. No safe request changes anything here.
    let secure = app.settings.secure();
    let cookie = format!(
        "{SESSION_COOKIE}={secret}; Path=/; Max-Age={SESSION_SECS_MAX}; HttpOnly; SameSite=Lax{secure}"
    );
    let begun = format!("{SIGN_IN_COOKIE}=; Path=/login; Max-Age=0; HttpOnly; SameSite=Lax{secure}");
    let mut response = Redirect::to(next).into_response();
    for cookie in [cookie, begun] {
        let value = cookie.parse().expect("a cookie of ours is a header's value");
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

/// Records that somebody signed in.
async fn record(app: &App, new: &New<'_>, groups: Vec<String>, now: Timestamp) -> Result<(), Refused> {
    let command = Command::SignIn {
        actor: new.actor.clone(),
        provider: new.provider.to_owned(),
        groups,
        until: crate::auth::session_end(now),
    };
    app.hub
        .submit(Actor::gateline(), command, None, Vec::new())
        .await?;
    Ok(())
}

/// What a browser calls itself.
fn agent(headers: &HeaderMap) -> &str {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    agent.unwrap_or("unknown")
}

fn is_a_person(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("text/html"))
}
