//! `POST /login`

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use gateline_api::{LogIn, encode};

use crate::auth::{SESSION_COOKIE, own_path, refuse_foreign_origin, who};
use crate::call::Call;
use crate::refused::Refused;
use crate::settings::Cookies;

/// How long a browser keeps the session: a working day. The token may end sooner.
pub const SESSION_SECS: u64 = 12 * 3_600;

pub(crate) async fn handle(call: Call<LogIn>) -> Result<Response, Refused> {
    if tells_its_origin(&call.headers) {
        refuse_foreign_origin(&call.headers)?;
    }
    let secret = call.body.token.trim();
    let next = own_path(call.body.next.as_deref());
    if let Err(refused) = who(&call.app.hub, secret) {
        return if is_a_person(&call.headers) {
            Ok(Redirect::to(&format!("/login?next={}&wrong", encode(next))).into_response())
        } else {
            Err(refused)
        };
    }
    let secure = match call.app.settings.cookies {
        Cookies::Anywhere => "",
        Cookies::HttpsOnly => "; Secure",
    };
    // The secret was found, so it has the form of one: no character of it means anything in a cookie.
    let cookie = format!(
        "{SESSION_COOKIE}={secret}; Path=/; Max-Age={SESSION_SECS}; HttpOnly; SameSite=Strict{secure}"
    );
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response())
}

fn tells_its_origin(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN)
}

fn is_a_person(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("text/html"))
}
