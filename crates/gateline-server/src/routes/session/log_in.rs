//! `POST /login`

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use gateline_api::LogIn;

use crate::auth::{SESSION_COOKIE, refuse_foreign_origin, who};
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
    if let Err(refused) = who(&call.app.hub, secret) {
        return if is_a_person(&call.headers) {
            Ok(Redirect::to("/login?wrong").into_response())
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
    Ok((
        [(header::SET_COOKIE, cookie)],
        Redirect::to(own_path(call.body.next.as_deref())),
    )
        .into_response())
}

fn tells_its_origin(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN)
}

fn is_a_person(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("text/html"))
}

/// A path of this server, never another site: `//` and `/\` begin the name of a host.
fn own_path(next: Option<&str>) -> &str {
    next.filter(|path| path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\"))
        .filter(|path| path.bytes().all(|byte| byte.is_ascii_graphic()))
        .unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logging_in_never_leads_to_another_site() {
        assert_eq!(own_path(Some("/promotions/a/b/c/1")), "/promotions/a/b/c/1");
        for elsewhere in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "",
            "/a\r\nb",
        ] {
            assert_eq!(own_path(Some(elsewhere)), "/", "{elsewhere}");
        }
    }
}
