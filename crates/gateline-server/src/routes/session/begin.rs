//! `GET /login/{provider}`

use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use gateline_api::{BeginSignIn, entry};
use jiff::Timestamp;

use super::finish::{back, provider, refused};
use crate::auth::{Begun, SIGN_IN_COOKIE, SIGN_IN_SECS_MAX, begin_sign_in, own_path};
use crate::call::Call;
use crate::refused::Refused;
use crate::ui;

pub(crate) async fn handle(call: Call<BeginSignIn>) -> Result<Response, Refused> {
    let next = own_path(call.query.next.as_deref());
    let provider = provider(&call.app, &call.path)?;
    let begun = Begun::new(next, Timestamp::now()).map_err(|err| {
        Refused::new(
            &entry::UNAVAILABLE,
            format!("this machine gives no randomness: {err}"),
        )
    })?;
    let back = back(&call.app, provider);
    let to = match begin_sign_in(&call.app.access.issuers, provider, &back, &begun).await {
        Ok(to) => to,
        Err(err) => return Ok(ui::login_again(&call.app, next, &refused(provider, &err))),
    };
    let cookie = format!(
        "{SIGN_IN_COOKIE}={}; Path=/login; Max-Age={SIGN_IN_SECS_MAX}; HttpOnly; SameSite=Lax{}",
        begun.cookie(),
        call.app.settings.secure()
    );
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response())
}
