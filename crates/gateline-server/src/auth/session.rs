//! Sessions: rows that a cookie's value leads to, by its hash. They end when they were not used for a while, when their
//! time is over, when somebody ends them, and with what they rest on: the token, the account or the provider.

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use gateline_core::{Account, Actor, Credential, server_project};
use gateline_model::{ActorId, Digest, ProviderName, TokenId};
use gateline_store::{EndSessions, Session};
use jiff::{SignedDuration, Timestamp};

use super::token::{draw_secret, hash};
use super::{SESSION_COOKIE, SIGN_IN_COOKIE, unauthorized};
use crate::call::App;
use crate::refused::Refused;
use gateline_api::entry;

/// How long a session lasts, however much it is used: a working day.
pub const SESSION_SECS_MAX: i64 = 12 * 3_600;
/// How long a session lasts that nobody uses. A page that renews itself does not use it.
pub const SESSION_IDLE_SECS_MAX: i64 = 2 * 3_600;
/// Uses are noted at most this often: reading must not write all the time.
const NOTED_SECS: i64 = 60;
/// Longest name of a browser that is kept, in characters.
const AGENT_CHARS_MAX: usize = 200;
/// The provider of sessions that a token began.
pub(crate) const BY_TOKEN: &str = "token";
/// The provider of sessions that a local account began.
pub(crate) const BY_ACCOUNT: &str = "local";

/// Who signed in, and how.
pub(crate) struct New<'a> {
    pub actor: ActorId,
    pub name: Option<String>,
    pub provider: &'a str,
    pub token: Option<TokenId>,
    /// When what it rests on ends.
    pub until: Option<Timestamp>,
    pub agent: &'a str,
}

/// When a session that begins now ends at the latest.
pub(crate) fn end(now: Timestamp) -> Timestamp {
    now + SignedDuration::from_secs(SESSION_SECS_MAX)
}

/// Begins a session, and gives the value of its cookie.
pub(crate) async fn begin(app: &App, new: New<'_>, now: Timestamp) -> Result<String, Refused> {
    let secret = draw_secret().map_err(|err| {
        Refused::new(
            &entry::UNAVAILABLE,
            format!("this machine gives no randomness: {err}"),
        )
    })?;
    let session = Session {
        id: secret.hash,
        actor: new.actor,
        name: new.name,
        provider: new.provider.to_owned(),
        token: new.token,
        agent: new.agent.chars().take(AGENT_CHARS_MAX).collect(),
        began: now,
        used: now,
        ends: end(now).min(new.until.unwrap_or(Timestamp::MAX)),
    };
    let stale = EndSessions::Stale {
        now,
        unused_since: idle_since(now),
    };
    app.hub
        .write_beside(move |store| {
            store.end_sessions(&stale)?;
            store.put_session(&session)
        })
        .await?;
    Ok(secret.text)
}

/// When a person began a session by signing in; none where a token began it.
pub(crate) async fn began(app: &App, id: &Digest) -> Result<Option<Timestamp>, Refused> {
    let id = *id;
    let found = app.hub.read(move |store| store.session(&id)).await?;
    Ok(found
        .filter(|session| session.token.is_none())
        .map(|session| session.began))
}

/// Begins a session, gives the browser its cookie, and sends it on.
pub(crate) async fn welcome(
    app: &App,
    new: New<'_>,
    next: &str,
    now: Timestamp,
) -> Result<Response, Refused> {
    let secret = begin(app, new, now).await?;
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

/// What a browser calls itself.
pub(crate) fn agent(headers: &HeaderMap) -> &str {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    agent.unwrap_or("unknown")
}

fn idle_since(now: Timestamp) -> Timestamp {
    now - SignedDuration::from_secs(SESSION_IDLE_SECS_MAX)
}

/// What a request does to the session that it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// A person did something.
    Person,
    /// A page renewed itself.
    Page,
}

/// The session of a cookie's value, and who its actor is now.
pub(crate) async fn find(
    app: &App,
    cookie: &str,
    used: Use,
    now: Timestamp,
) -> Result<(Session, Actor), Refused> {
    let id = hash(cookie);
    let found = app.hub.read(move |store| store.session(&id)).await?;
    let Some(session) = found else {
        return Err(unauthorized(
            "the session is not known; it may have been ended elsewhere",
        ));
    };
    if session.ends <= now || session.used < idle_since(now) {
        return Err(unauthorized("the session is over"));
    }
    let actor = actor(app, &session, now)?;
    if used == Use::Person && session.used + SignedDuration::from_secs(NOTED_SECS) <= now {
        app.hub
            .write_beside(move |store| store.use_session(&id, now))
            .await?;
    }
    Ok((session, actor))
}

/// Who the session is worth now: what it rests on may have ended since.
fn actor(app: &App, session: &Session, now: Timestamp) -> Result<Actor, Refused> {
    let shown = app.hub.with_world(|world| {
        let server = world.project(&server_project());
        match (&session.token, session.provider.as_str()) {
            (Some(id), _) => {
                let token = server.and_then(|server| server.tokens.get(id));
                let good = token.filter(|token| token.expires.is_none_or(|expires| expires > now));
                good.map(|token| Credential::Token(token.scopes.clone()))
                    .ok_or("the token that the session began with was revoked, or its time is over")
            }
            (None, BY_ACCOUNT) => {
                let name = session.actor.as_str().parse().ok();
                let account = name.and_then(|name| server?.accounts.get(&name));
                match account {
                    Some(Account::Open) => Ok(Credential::Session),
                    Some(Account::Disabled) | None => Err("the account is disabled"),
                }
            }
            (None, provider) => {
                let name: Option<ProviderName> = provider.parse().ok();
                name.and_then(|name| app.settings.provider(&name))
                    .map(|_| Credential::Session)
                    .ok_or("the server takes the word of this provider no more")
            }
        }
    });
    Ok(Actor {
        id: session.actor.clone(),
        name: session.name.clone(),
        shown: shown.map_err(unauthorized)?,
    })
}

/// Ends the session of a cookie's value.
pub(crate) async fn end_one(app: &App, cookie: &str) -> Result<(), Refused> {
    let one = EndSessions::One(hash(cookie));
    app.hub
        .write_beside(move |store| store.end_sessions(&one))
        .await?;
    Ok(())
}

/// Ends all sessions of an actor but one.
pub(crate) async fn end_others(app: &App, actor: &ActorId, kept: Option<Digest>) -> Result<(), Refused> {
    let all = EndSessions::Of(actor.clone(), kept);
    app.hub
        .write_beside(move |store| store.end_sessions(&all))
        .await?;
    Ok(())
}
