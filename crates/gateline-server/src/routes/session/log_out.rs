//! `POST /logout`

use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use gateline_api::LogOut;

use crate::auth::{SESSION_COOKIE, cookie, end_one, refuse_foreign_origin};
use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(call: Call<LogOut>) -> Result<Response, Refused> {
    refuse_foreign_origin(&call.headers)?;
    if let Some(cookie) = cookie(&call.headers, SESSION_COOKIE) {
        end_one(&call.app, cookie).await?;
    }
    let gone = format!("{SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    Ok(([(header::SET_COOKIE, gone)], Redirect::to("/login")).into_response())
}
