//! Hooks: answers that people give on channels, as those channels send them. Open to everybody, so everything that
//! comes is proved: who sends it by a signature over the very bytes, when by a time in it, that it is new by the log.
//!
//! Who answers is mapped by declared ids to an actor, and the answer is a command of that actor like any other: rights,
//! layers and the question that was shown are checked where they always are. Knows no rule of its own.

pub(super) mod github;
pub(super) mod slack;

pub use github::COMMENT_SECS_MAX;

use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use gateline_api::entry;
use gateline_core::{Actor, Command, Credential};
use gateline_model::{ActorId, Digest};
use gateline_store::IdempotencyKey;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::call::{App, BODY_SECS_MAX};
use crate::refused::Refused;

/// Largest body of a hook. GitHub's comments have at most 256 KiB, and twice that as JSON.
pub const HOOK_BYTES_MAX: usize = 1024 * 1024;
/// How old a signed request may be, and how far ahead of our clock.
pub const HOOK_SECS_MAX: i64 = 300;

/// The body, up to its limit and for no longer than it may take.
async fn read(body: axum::body::Body) -> Result<Bytes, Refused> {
    let read = Limited::new(body, HOOK_BYTES_MAX).collect();
    match tokio::time::timeout(Duration::from_secs(BODY_SECS_MAX), read).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(err)) if err.is::<LengthLimitError>() => Err(Refused::new(
            &entry::BODY_TOO_LARGE,
            format!("the body is larger than {HOOK_BYTES_MAX} bytes, the limit here"),
        )),
        Ok(Err(err)) => Err(Refused::new(
            &entry::BODY,
            format!("the body did not arrive whole: {err}"),
        )),
        Err(_) => Err(Refused::new(&entry::BODY_SLOW, "the body did not arrive in time")),
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn forged() -> Refused {
    Refused::new(
        &entry::HOOK_SIGNATURE,
        "no declared channel's secret made the signature of this request",
    )
}

/// Somebody who answered on a channel, as a person who signed in.
fn person(actor: ActorId) -> Actor {
    Actor {
        id: actor,
        name: None,
        shown: Credential::Session,
    }
}

/// Decides an answer, once: the same one sent again changes nothing and is told so.
async fn answer(
    app: &App,
    actor: ActorId,
    command: Command,
    from: String,
    body: &[u8],
) -> Result<(), Refused> {
    let key = IdempotencyKey {
        scope: format!("{actor} {from}"),
        request: Digest::of(body),
    };
    // Looked up first: what was accepted before would now be refused for another reason.
    let replayed = || {
        Refused::new(
            &entry::HOOK_REPLAYED,
            "this very answer came before, and counts once",
        )
    };
    if app.hub.is_accepted(key.scope.clone()).await? {
        return Err(replayed());
    }
    let receipt = app
        .hub
        .submit(person(actor), command, Some(key), Vec::new())
        .await?;
    match receipt.replayed {
        true => Err(replayed()),
        false => Ok(()),
    }
}
