//! Who asks, and may they: one place below every transport.
//!
//! `authorise` is the only rule; `enter` finds out who asks and applies it. Knows no route.

mod origin;
mod token;

use axum::http::{HeaderMap, Method, header};
use gateline_api::{Rule, entry};
use gateline_core::{Actor, World};
use gateline_model::{Scope, TokenId};
use jiff::Timestamp;

pub(crate) use origin::{own_path, refuse_foreign_origin};
pub(crate) use token::hash;
pub use token::{SECRET_BYTES_MAX, Secret, draw_secret};

use crate::hub::Hub;
use crate::refused::Refused;

/// The cookie that carries a browser's token.
pub const SESSION_COOKIE: &str = "gateline_session";

/// An actor who was let in, with what the token permits.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The token that was shown.
    pub token: TokenId,
    /// Whose identity it carries.
    pub actor: Actor,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

impl Caller {
    /// Whether the token permits this. `admin` permits everything, and every token may read.
    pub fn may(&self, scope: Scope) -> bool {
        scope == Scope::Read || self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }
}

/// Whether a request with this rule may go on: the one rule of all routes and pages.
///
/// # Errors
/// 401 without a caller, 403 with one whose token lacks the scope.
pub(crate) fn authorise(caller: Option<&Caller>, rule: Rule) -> Result<(), Refused> {
    let Rule::Scope(scope) = rule else { return Ok(()) };
    let Some(caller) = caller else {
        return Err(Refused::new(&entry::UNAUTHORIZED, "the request carries no token"));
    };
    if caller.may(scope) {
        return Ok(());
    }
    Err(Refused::new(
        &entry::FORBIDDEN,
        format!("token `{}` lacks the scope `{}`", caller.token, word(scope)),
    ))
}

/// Finds out who asks and applies the rule. A token that is shown must be good, even where none is needed.
///
/// # Errors
/// 401 or 403, or 403 for a write that a page of another site caused.
pub(crate) fn enter(
    hub: &Hub,
    method: &Method,
    headers: &HeaderMap,
    rule: Rule,
) -> Result<Option<Caller>, Refused> {
    if rule == Rule::Open {
        return Ok(None);
    }
    let caller = match shown(headers)? {
        None => None,
        Some(Shown::Bearer(secret)) => Some(who(hub, secret)?),
        Some(Shown::Cookie(secret)) => {
            let caller = who(hub, secret)?;
            // A browser adds the cookie by itself: a write must come from one of our own pages.
            if !method.is_safe() {
                refuse_foreign_origin(headers)?;
            }
            Some(caller)
        }
    };
    authorise(caller.as_ref(), rule)?;
    Ok(caller)
}

/// The secret that a request shows, to derive from it what only its own pages can know.
pub(crate) fn secret(headers: &HeaderMap) -> Option<&str> {
    match shown(headers).ok()?? {
        Shown::Bearer(secret) | Shown::Cookie(secret) => Some(secret),
    }
}

/// Whose secret this is.
///
/// # Errors
/// 401 if it is nobody's, or its time is over.
pub(crate) fn who(hub: &Hub, secret: &str) -> Result<Caller, Refused> {
    hub.with_world(|world| find(world, secret, Timestamp::now()))
}

fn find(world: &World, secret: &str, now: Timestamp) -> Result<Caller, Refused> {
    let refused = |why: &str| Err(Refused::new(&entry::UNAUTHORIZED, why));
    if secret.len() > SECRET_BYTES_MAX {
        return refused("the token is not known");
    }
    let shown = hash(secret);
    let tokens = world
        .project(&gateline_core::server_project())
        .map(|project| &project.tokens);
    let mut found = None;
    // Every token is compared, each in the same time: how long it takes tells nothing.
    for (id, token) in tokens.into_iter().flatten() {
        if token::same(&token.hash, &shown) {
            found = Some((id, token));
        }
    }
    let Some((id, token)) = found else {
        return refused("the token is not known; it may have been revoked");
    };
    if token.expires.is_some_and(|expires| expires <= now) {
        return refused("the token has expired");
    }
    let actor = Actor {
        id: token.actor.clone(),
        name: None,
        groups: token.groups.clone(),
    };
    Ok(Caller {
        token: id.clone(),
        actor,
        scopes: token.scopes.clone(),
    })
}

enum Shown<'a> {
    Bearer(&'a str),
    Cookie(&'a str),
}

/// The token that a request shows: the header before the cookie.
fn shown(headers: &HeaderMap) -> Result<Option<Shown<'_>>, Refused> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        let bearer = text
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, secret)| Shown::Bearer(secret.trim()));
        return match bearer {
            Some(bearer) => Ok(Some(bearer)),
            None => Err(Refused::new(
                &entry::UNAUTHORIZED,
                "the `Authorization` header is not `Bearer TOKEN`",
            )),
        };
    }
    let cookies = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let session = cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == SESSION_COOKIE && !value.is_empty());
    Ok(session.map(|(_, secret)| Shown::Cookie(secret)))
}

/// The word for a scope, as JSON writes it.
fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::Admin => "admin",
        Scope::Read => "read",
        Scope::Register => "register",
        Scope::SubmitEvidence => "submit_evidence",
        Scope::Promote => "promote",
        Scope::Approve => "approve",
        Scope::Waive => "waive",
        Scope::Override => "override",
        Scope::Freeze => "freeze",
        Scope::Apply => "apply",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(scopes: &[Scope]) -> Caller {
        Caller {
            token: "t".parse().unwrap(),
            actor: Actor::gateline(),
            scopes: scopes.to_vec(),
        }
    }

    #[test]
    fn every_token_may_read_and_only_the_admin_may_do_all() {
        let ci = caller(&[Scope::Register]);
        assert!(ci.may(Scope::Read) && ci.may(Scope::Register));
        assert!(!ci.may(Scope::Approve) && !ci.may(Scope::Admin));
        assert!(caller(&[Scope::Admin]).may(Scope::Override));
    }

    #[test]
    fn a_rule_refuses_nobody_as_unauthorised_and_a_weak_token_as_forbidden() {
        let rule = Rule::Scope(Scope::Freeze);
        assert_eq!(authorise(None, rule).unwrap_err().problem().status, 401);
        let refused = authorise(Some(&caller(&[Scope::Read])), rule).unwrap_err();
        assert_eq!(refused.problem().detail, "token `t` lacks the scope `freeze`");
        assert!(authorise(None, Rule::Open).is_ok());
    }

    #[test]
    fn the_words_are_those_of_the_stored_form() {
        for scope in [Scope::Admin, Scope::SubmitEvidence, Scope::Override] {
            assert_eq!(serde_json::to_value(scope).unwrap(), word(scope));
        }
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; gateline_session=s3; c=d".parse().unwrap());
        assert!(matches!(shown(&headers), Ok(Some(Shown::Cookie("s3")))));
        headers.insert(header::AUTHORIZATION, "Basic abc".parse().unwrap());
        assert!(shown(&headers).is_err());
    }
}
