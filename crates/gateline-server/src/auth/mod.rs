//! Who asks, and may they: one place below every transport.
//!
//! `enter` finds out who asks, whatever is shown: a token, a session's cookie, or what a CI signed. What an actor may do
//! is core's to say; `authorise` says what can be said before anything is known of the object. Knows no route.

mod account;
mod claims;
mod issuers;
mod jws;
mod machine;
mod origin;
mod outbound;
mod password;
mod session;
mod sign_in;
mod throttle;
mod token;

use axum::http::{HeaderMap, Method, header};
use gateline_api::{Rule, entry};
use gateline_core::authority::{self, Object};
use gateline_core::{Actor, Credential, World, server_project};
use gateline_model::{Digest, Scope, TokenId};
use jiff::Timestamp;

pub(crate) use account::{change as change_password, kept as kept_of, prove};
pub(crate) use origin::{own_path, refuse_foreign_origin};
pub use password::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
use password::{PasswordError, hash as hash_password, matches as password_matches};
pub(crate) use session::{
    BY_ACCOUNT, BY_TOKEN, New, agent, began as session_began, end as session_end, end_one, end_others,
    welcome,
};
pub use session::{SESSION_IDLE_SECS_MAX, SESSION_SECS_MAX};
pub(crate) use sign_in::{Begun, SignInError, begin as begin_sign_in, finish as finish_sign_in};
pub use sign_in::{GROUPS_MAX, SIGN_IN_SECS_MAX};
pub use throttle::{TRIES_PER_ACCOUNT_MAX, TRIES_PER_ADDRESS_MAX, WITHIN_SECS};
pub(crate) use token::hash;
pub use token::{SECRET_BYTES_MAX, Secret, draw_secret};

use crate::call::App;
use crate::refused::Refused;

/// The cookie that leads to a browser's session.
pub const SESSION_COOKIE: &str = "gateline_session";
/// The cookie of a sign-in with a provider that is under way.
pub const SIGN_IN_COOKIE: &str = "gateline_sign_in";

/// What is remembered of letting people in, beside the store.
pub(crate) struct Access {
    pub issuers: issuers::Issuers,
    pub throttle: throttle::Throttle,
}

impl Access {
    pub(crate) fn new() -> Self {
        Self {
            issuers: issuers::Issuers::new(),
            throttle: throttle::Throttle::default(),
        }
    }
}

/// An actor who was let in, and how.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is, and how far what was shown reaches.
    pub actor: Actor,
    /// What was shown.
    pub by: By,
}

/// By what an actor was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A token, in a header.
    Token(TokenId),
    /// A session, by a cookie.
    Session(Digest),
    /// What a CI signed.
    Signed,
}

impl Caller {
    /// Whether what was shown reaches so far. `admin` reaches everything, and everybody who was let in may read. What a
    /// person may do who signed in is said by roles, for each object anew.
    pub fn may(&self, scope: Scope) -> bool {
        match &self.actor.shown {
            Credential::Token(scopes) => {
                scope == Scope::Read || scopes.contains(&scope) || scopes.contains(&Scope::Admin)
            }
            Credential::Session => true,
            Credential::Gateline => false,
        }
    }
}

pub(crate) fn unauthorized(why: impl Into<String>) -> Refused {
    Refused::new(&entry::UNAUTHORIZED, why)
}

/// Whether a request with this rule may go on: the one rule of all routes and pages. Commands are held against the roles
/// of their object by core; what administers is only read here, so roles are asked at once.
///
/// # Errors
/// 401 without a caller, 403 with one who may not.
pub(crate) fn authorise(world: &World, caller: Option<&Caller>, rule: Rule) -> Result<(), Refused> {
    let Rule::Scope(scope) = rule else { return Ok(()) };
    let Some(caller) = caller else {
        return Err(unauthorized("the request carries no token"));
    };
    if !caller.may(scope) {
        let by = match &caller.by {
            By::Token(id) => format!("token `{id}`"),
            By::Session(_) => "the token of this session".to_owned(),
            By::Signed => "this machine".to_owned(),
        };
        let why = format!("{by} lacks the scope `{}`", scope.word());
        return Err(Refused::new(&entry::FORBIDDEN, why));
    }
    if scope == Scope::Admin {
        let object = Object::project(&server_project());
        let may = authority::may(world, &caller.actor, scope, &object, Timestamp::now());
        may.map_err(|denied| Refused::new(&entry::FORBIDDEN, denied.to_string()))?;
    }
    Ok(())
}

/// Finds out who asks and applies the rule. A token that is shown must be good, even where none is needed.
///
/// # Errors
/// 401 or 403, or 403 for a write that a page of another site caused.
pub(crate) async fn enter(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
    rule: Rule,
) -> Result<Option<Caller>, Refused> {
    if rule == Rule::Open {
        return Ok(None);
    }
    let now = Timestamp::now();
    let caller = match shown(headers)? {
        None => None,
        Some(Shown::Bearer(signed)) if jws::looks_signed(signed) => Some(Caller {
            actor: machine::who(app, signed, now).await?,
            by: By::Signed,
        }),
        Some(Shown::Bearer(secret)) => {
            let (id, actor) = of_token(app, secret)?;
            Some(Caller {
                actor,
                by: By::Token(id),
            })
        }
        Some(Shown::Cookie(cookie)) => {
            let (session, actor) = session::find(app, cookie, used(method, headers), now).await?;
            // A browser adds the cookie by itself: a write must come from one of our own pages.
            if !method.is_safe() {
                refuse_foreign_origin(headers)?;
            }
            Some(Caller {
                actor,
                by: By::Session(session.id),
            })
        }
    };
    app.hub
        .with_world(|world| authorise(world, caller.as_ref(), rule))?;
    Ok(caller)
}

/// A page that renews itself is no person: browsers tell by what a request is for.
fn used(method: &Method, headers: &HeaderMap) -> session::Use {
    let mode = headers.get("sec-fetch-mode").and_then(|mode| mode.to_str().ok());
    match mode {
        Some(mode) if method.is_safe() && mode != "navigate" => session::Use::Page,
        Some(_) | None => session::Use::Person,
    }
}

/// The secret that a request shows, to derive from it what only its own pages can know.
pub(crate) fn secret(headers: &HeaderMap) -> Option<&str> {
    match shown(headers).ok()?? {
        Shown::Bearer(secret) | Shown::Cookie(secret) => Some(secret),
    }
}

/// Whose token this is.
///
/// # Errors
/// 401 if it is nobody's, or its time is over.
pub(crate) fn of_token(app: &App, secret: &str) -> Result<(TokenId, Actor), Refused> {
    app.hub.with_world(|world| find(world, secret, Timestamp::now()))
}

fn find(world: &World, secret: &str, now: Timestamp) -> Result<(TokenId, Actor), Refused> {
    if secret.len() > SECRET_BYTES_MAX {
        return Err(unauthorized("the token is not known"));
    }
    let shown = hash(secret);
    let tokens = world.project(&server_project()).map(|project| &project.tokens);
    let mut found = None;
    // Every token is compared, each in the same time: how long it takes tells nothing.
    for (id, token) in tokens.into_iter().flatten() {
        if token::same(&token.hash, &shown) {
            found = Some((id, token));
        }
    }
    let Some((id, token)) = found else {
        return Err(unauthorized("the token is not known; it may have been revoked"));
    };
    if token.expires.is_some_and(|expires| expires <= now) {
        return Err(unauthorized("the token has expired"));
    }
    let actor = Actor {
        id: token.actor.clone(),
        name: None,
        shown: Credential::Token(token.scopes.clone()),
    };
    Ok((id.clone(), actor))
}

enum Shown<'a> {
    Bearer(&'a str),
    Cookie(&'a str),
}

/// What a request shows: the header before the cookie.
fn shown(headers: &HeaderMap) -> Result<Option<Shown<'_>>, Refused> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        let bearer = text
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, secret)| Shown::Bearer(secret.trim()));
        return match bearer {
            Some(bearer) => Ok(Some(bearer)),
            None => Err(unauthorized("the `Authorization` header is not `Bearer TOKEN`")),
        };
    }
    Ok(cookie(headers, SESSION_COOKIE).map(Shown::Cookie))
}

/// The value of a cookie.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let cookies = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, value)| *name == wanted && !value.is_empty())
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(shown: Credential) -> Caller {
        Caller {
            actor: Actor {
                id: "ana".parse().unwrap(),
                name: None,
                shown,
            },
            by: By::Token("t".parse().unwrap()),
        }
    }

    fn token(scopes: &[Scope]) -> Caller {
        caller(Credential::Token(scopes.to_vec()))
    }

    #[test]
    fn every_token_may_read_and_only_the_admin_may_do_all() {
        let ci = token(&[Scope::Register]);
        assert!(ci.may(Scope::Read) && ci.may(Scope::Register));
        assert!(!ci.may(Scope::Approve) && !ci.may(Scope::Admin));
        assert!(token(&[Scope::Admin]).may(Scope::Override));
    }

    #[test]
    fn a_rule_refuses_nobody_as_unauthorised_and_a_weak_token_as_forbidden() {
        let (world, rule) = (World::default(), Rule::Scope(Scope::Freeze));
        assert_eq!(authorise(&world, None, rule).unwrap_err().problem().status, 401);
        let refused = authorise(&world, Some(&token(&[Scope::Read])), rule).unwrap_err();
        assert_eq!(refused.problem().detail, "token `t` lacks the scope `freeze`");
        assert!(authorise(&world, None, Rule::Open).is_ok());
    }

    #[test]
    fn who_signed_in_administers_nothing_where_no_roles_say_so() {
        let world = World::default();
        let person = caller(Credential::Session);
        assert!(authorise(&world, Some(&person), Rule::Scope(Scope::Read)).is_ok());
        let refused = authorise(&world, Some(&person), Rule::Scope(Scope::Admin)).unwrap_err();
        assert_eq!(refused.problem().status, 403);
        // Nobody from outside is this process.
        let itself = caller(Credential::Gateline);
        assert!(authorise(&world, Some(&itself), Rule::Scope(Scope::Read)).is_err());
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; gateline_session=s3; c=d".parse().unwrap());
        assert!(matches!(shown(&headers), Ok(Some(Shown::Cookie("s3")))));
        headers.insert(header::AUTHORIZATION, "Basic abc".parse().unwrap());
        assert!(shown(&headers).is_err());
    }

    #[test]
    fn only_a_person_uses_a_session() {
        let mode = |mode: &str| {
            [("sec-fetch-mode".parse().unwrap(), mode.parse().unwrap())]
                .into_iter()
                .collect()
        };
        assert_eq!(used(&Method::GET, &mode("navigate")), session::Use::Person);
        assert_eq!(used(&Method::GET, &mode("cors")), session::Use::Page);
        assert_eq!(used(&Method::POST, &mode("cors")), session::Use::Person);
        assert_eq!(used(&Method::GET, &HeaderMap::new()), session::Use::Person);
    }
}
