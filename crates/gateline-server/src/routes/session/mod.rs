//! A browser's session: how it begins and how it ends.

pub(super) mod begin;
pub(super) mod finish;
pub(super) mod log_in;
pub(super) mod log_out;

use axum::http::{HeaderMap, header};
use gateline_core::{Actor, Command};
use gateline_model::Digest;
use jiff::Timestamp;

use crate::auth::New;
use crate::call::App;
use crate::refused::Refused;

/// Records that somebody signed in.
async fn record(
    app: &App,
    new: &New<'_>,
    groups: Vec<String>,
    subject: Option<Digest>,
    now: Timestamp,
) -> Result<(), Refused> {
    let command = Command::SignIn {
        actor: new.actor.clone(),
        provider: new.provider.to_owned(),
        groups,
        until: crate::auth::session_end(now),
        subject,
    };
    app.hub
        .submit(Actor::gateline(), command, None, Vec::new())
        .await?;
    Ok(())
}

fn is_a_person(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("text/html"))
}
