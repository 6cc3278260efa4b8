//! Visits: a request for a page that its rule let in. Nobody else sees a page; who is not known is sent to the login
//! page, and from there to where they wanted to go.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Path, Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header, request::Parts};
use axum::response::{Html, IntoResponse, Redirect, Response};
use gateline_api::{Names, Rule, encode, entry};
use gateline_core::Sight;
use gateline_model::{Digest, Scope, Tier, plays_tricks};
use jiff::Timestamp;
use maud::Markup;
use serde::de::DeserializeOwned;

use super::shell::{self, Visitor};
use crate::auth::{Caller, authorise, enter, secret};
use crate::call::{App, UnderWay};
use crate::nonce::nonce;
use crate::refused::Refused;
use crate::{seen, signing, views};

/// A request for a page that its rule let in.
pub(super) struct Visit {
    pub(super) app: App,
    pub(super) caller: Caller,
    /// What the one who looks may read.
    pub(super) sight: Sight,
    pub(super) visitor: Visitor,
    parts: Parts,
    /// Held until the visit is over.
    _under_way: UnderWay,
}

/// Who gets the answer, and for which address.
pub(super) struct ShownTo {
    visitor: Visitor,
    path: String,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Some(rule) = parts.extensions.get::<Rule>().copied() else {
            return Err(Refused::new(&entry::BUG, "the page has no rule").into_response());
        };
        let visit = Self::enter(parts, app)
            .await
            .map_err(|refused| match refused.problem().status {
                // The address of a form leads back to its page.
                401 => {
                    Redirect::to(&format!("/login?next={}", encode(&parts.uri.to_string()))).into_response()
                }
                _ => refused.at(parts.uri.path()).into_response(),
            })?;
        match app
            .hub
            .with_world(|world| authorise(world, Some(&visit.caller), rule))
        {
            Ok(()) => Ok(visit),
            Err(refused) => Err(visit.shown_to().show(Err(refused))),
        }
    }
}

/// An address where there is nothing: a page where a browser asks for one, and a problem where a program asks.
pub(crate) async fn nothing_here(State(app): State<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let nothing = Refused::new(&entry::ROUTE, format!("there is nothing at `{path}`")).at(&path);
    let accepted = parts
        .headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    let asks_for_a_page = |accepted: &str| {
        let page = accepted.find("text/html");
        page.is_some_and(|page| accepted.find("application/json").is_none_or(|json| page < json))
    };
    let is_page = accepted.is_some_and(asks_for_a_page) && !path.starts_with("/api/");
    if !is_page || !matches!(parts.method, Method::GET | Method::HEAD) {
        return nothing.into_response();
    }
    parts.extensions.insert(Rule::Scope(Scope::Read));
    match Visit::from_request_parts(&mut parts, &app).await {
        Ok(visit) => visit.shown_to().show(Err(nothing)),
        Err(response) => response,
    }
}

impl Visit {
    async fn enter(parts: &Parts, app: &App) -> Result<Self, Refused> {
        let caller = enter(app, &parts.method, &parts.headers, Rule::Scope(Scope::Read))
            .await?
            .ok_or_else(|| Refused::new(&entry::UNAUTHORIZED, "the request carries no token"))?;
        Ok(Self {
            // What is looked at is not read yet: a page is of the share of who looks.
            _under_way: app.let_in(&caller, None)?,
            app: app.clone(),
            visitor: Visitor::of(&caller, &parts.headers)?,
            sight: seen::sight(&app.hub, Some(&caller)),
            caller,
            parts: parts.clone(),
        })
    }
}

impl Visitor {
    fn of(caller: &Caller, headers: &HeaderMap) -> Result<Self, Refused> {
        Ok(Self {
            actor: caller.actor.id.clone(),
            shown: caller.actor.shown.clone(),
            form: secret(headers).map(form_token).unwrap_or_default(),
            key: nonce::<16>()?,
            now: Timestamp::now(),
        })
    }
}

/// What the forms of one session carry: only who knows the session's secret can make it, and it does not give it away.
pub(super) fn form_token(secret: &str) -> String {
    Digest::of(format!("{secret} csrf").as_bytes()).hex()
}

impl Visit {
    /// What the address names, where it is seen.
    pub(super) async fn path<T: Names + DeserializeOwned + Send>(&mut self) -> Result<T, Refused> {
        let path = Path::<T>::from_request_parts(&mut self.parts, &self.app).await;
        let Path(path) = path.map_err(|err| Refused::new(&entry::PATH, err.body_text()))?;
        seen::refuse_unseen(&self.app.hub, &self.sight, &path.named()).await?;
        Ok(path)
    }

    /// The headers of the request.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The address that the request comes from.
    pub(super) fn from(&self) -> Option<IpAddr> {
        let connected = self.parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let connected = connected.map(|info| info.0.ip());
        self.app.settings.from(connected, self.headers())
    }

    /// Whether the one who looks has a passkey that works at this address.
    pub(super) fn has_passkey(&self) -> bool {
        let (_, site) = signing::site(&self.app, self.headers());
        let keys = views::keys_in_force(&self.app.hub, &self.caller.actor.id);
        site.is_some() && keys.iter().any(|key| key.tier == Tier::Passkey)
    }

    /// The address without its query.
    pub(super) fn address(&self) -> &str {
        self.parts.uri.path()
    }

    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let query = Query::try_from_uri(&self.parts.uri);
        query
            .map(|Query(query)| query)
            .map_err(|err| Refused::new(&entry::QUERY, err.body_text()))
    }

    /// Refuses a form that does not come from a page of this session.
    pub(super) fn expect_form(&self, token: &str) -> Result<(), Refused> {
        if !token.is_empty() && token == self.visitor.form {
            return Ok(());
        }
        Err(Refused::new(
            &entry::ORIGIN,
            "the form belongs to another session; load the page again and send it from there",
        ))
    }

    pub(super) fn shown_to(&self) -> ShownTo {
        ShownTo {
            visitor: self.visitor.clone(),
            path: self.address().to_owned(),
        }
    }
}

impl ShownTo {
    /// The page, or the page that says why there is none.
    pub(super) fn show(&self, page: Result<Markup, Refused>) -> Response {
        match page {
            Ok(page) => html(StatusCode::OK, page),
            Err(refused) => {
                let refused = refused.at(&self.path);
                let problem = refused.problem();
                let mut page = html(status(problem.status), shell::problem(&self.visitor, problem));
                refused.say_when(page.headers_mut());
                page
            }
        }
    }
}

pub(super) fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(super) fn html(status: StatusCode, page: Markup) -> Response {
    (status, Html(harmless(page.into_string()))).into_response()
}

/// A page whose every character only stands where it is written: texts of others are shown as they are, tricks are not.
fn harmless(page: String) -> String {
    let is_trick = |c: char| plays_tricks(c) && !matches!(c, '\n' | '\t' | '\r');
    match page.contains(is_trick) {
        true => page.replace(is_trick, "\u{fffd}"),
        false => page,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_text_round_is_shown_as_a_mark_and_not_obeyed() {
        let page = "<p>a\u{202e}b\u{1b}[2J\n\tGrüße</p>".to_owned();
        assert_eq!(harmless(page), "<p>a\u{fffd}b\u{fffd}[2J\n\tGrüße</p>");
    }

    #[test]
    fn the_token_of_a_form_belongs_to_one_session_and_hides_its_secret() {
        assert_ne!(form_token("one"), form_token("other"));
        assert!(!form_token("one").contains("one"));
    }
}
