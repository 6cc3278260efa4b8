//! Calls: a request that was let in and read, ready to be decided. The same way for every endpoint.
//!
//! The order is fixed: who asks and may they, then the size, then path and whether it names what they may read, query, key and
//! body. A handler that takes a
//! [`Call`] cannot forget any of it.

mod unread;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequestParts, Path, Request};
use axum::http::{HeaderMap, header, request::Parts};
use gateline_api::{
    Endpoint, ErrorEntry, IDEMPOTENCY_HEADER, IDEMPOTENCY_KEY_BYTES_MAX, Media, Names, entry,
};
use gateline_core::authority::{self, Object};
use gateline_core::{Actor, Command, Rejection, Sight, World};
use gateline_model::limits::EVIDENCE_BYTES_MAX;
use gateline_model::{Digest, ProjectName, Scope};
use gateline_store::{Blob, IdempotencyKey};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::auth::{Access, Caller, enter};
use crate::hub::{Beside, Hub, Receipt};
use crate::refused::Refused;
use crate::seen;
use crate::settings::Settings;
use crate::shares::{NoPlace, Place, Shares};
use crate::upload::Uploads;

/// Largest JSON body: a pipeline file of its own limit, with every character escaped, fits.
pub const JSON_BYTES_MAX: usize = 1024 * 1024;
/// Largest body of a form.
pub const FORM_BYTES_MAX: usize = 16 * 1024;
/// How long a body that is read at once may take to arrive.
pub const BODY_SECS_MAX: u64 = 60;

/// Most requests of known callers that are under way at once, with what they hold in memory.
/// One project, or one caller who names none, has at most half of them, and less where others ask as well.
pub const REQUESTS_MAX: usize = 1_024;
/// What a project's or a caller's share of them does not fall below, however many ask.
pub(crate) const REQUESTS_SHARE_MIN: usize = 16;
/// Seconds after which a request that found no place may come again.
pub(crate) const RETRY_AFTER_SECS: u64 = 1;

/// What every handler stands on.
#[derive(Clone)]
pub(crate) struct App {
    pub hub: Hub,
    pub settings: Arc<Settings>,
    pub access: Arc<Access>,
    /// Places for requests that are under way, by who asks.
    pub requests: Shares,
    /// The same, by the project that they name.
    pub requests_of_projects: Shares,
    /// A place for each watcher.
    pub watchers: Shares,
    /// Large bodies on their way in.
    pub uploads: Arc<Uploads>,
}

impl App {
    /// Places for a request: of the share of who asks, and of the project that it names. A caller who names many projects
    /// has his own share all the same.
    pub(crate) fn let_in(&self, caller: &Caller, project: Option<ProjectName>) -> Result<UnderWay, Refused> {
        let take = |shares: &Shares, whose: String| {
            shares.take(whose.clone()).map_err(|no| {
                let detail = match no {
                    NoPlace::Full(most) => {
                        format!("{most} requests are under way, the limit; nothing was done")
                    }
                    NoPlace::Share(share) => {
                        format!("{share} requests of {whose} are under way, its share now; nothing was done")
                    }
                };
                Refused::busy(detail, RETRY_AFTER_SECS)
            })
        };
        let of_caller = take(&self.requests, format!("`{}`", caller.actor.id))?;
        let of_project =
            project.map(|project| take(&self.requests_of_projects, format!("project `{project}`")));
        Ok(UnderWay {
            _of_caller: of_caller,
            _of_project: of_project.transpose()?,
        })
    }
}

/// A request to `E` that was let in and read.
pub(crate) struct Call<E: Endpoint> {
    pub app: App,
    pub caller: Option<Caller>,
    /// What the caller may read.
    pub sight: Sight,
    /// The address that asks, where it is known.
    pub from: Option<IpAddr>,
    pub headers: HeaderMap,
    pub path: E::Path,
    pub query: E::Query,
    pub body: E::Body,
    /// The body as it comes, where the endpoint takes bytes; nothing of it is read yet. The
    /// mutex is never locked: a body alone cannot be looked at by two threads, and so neither could a call.
    stream: Mutex<Body>,
    /// Where the endpoint takes bytes it is made when they are known.
    pub key: Option<IdempotencyKey>,
    /// Held until the call is over.
    _under_way: Option<UnderWay>,
}

/// A request that is under way, with its places.
pub(crate) struct UnderWay {
    _of_caller: Place,
    _of_project: Option<Place>,
}

impl<E: Endpoint> Call<E> {
    pub(crate) async fn read(app: App, request: Request) -> Result<Self, Refused> {
        let (mut parts, body) = request.into_parts();
        let caller = enter(&app, &parts.method, &parts.headers, E::RULE).await?;
        let connected = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let from = app
            .settings
            .from(connected.map(|info| info.0.ip()), &parts.headers);
        check_encoding(&parts.headers)?;
        // Whether it can be read is said below; what it names is whose share is asked for.
        let path = path::<E>(&mut parts).await;
        let sight = seen::sight(&app.hub, caller.as_ref());
        let under_way = match &caller {
            Some(caller) => {
                let named = path.as_ref().map(Names::named).unwrap_or_default();
                Some(app.let_in(caller, seen::project(&app.hub, &sight, &named))?)
            }
            None => None,
        };
        let (bytes, stream) = match E::BODY {
            Media::Bytes => {
                check_told_length(&parts.headers, EVIDENCE_BYTES_MAX)?;
                (Bytes::new(), body)
            }
            Media::None | Media::Json | Media::Secret | Media::Form | Media::Events | Media::Text => {
                (bytes(&parts.headers, body, E::BODY).await?, Body::empty())
            }
        };
        let path = path?;
        seen::refuse_unseen(&app.hub, &sight, &path.named()).await?;
        let query = unread::pairs(parts.uri.query().unwrap_or_default().as_bytes(), "the query")
            .map_err(|says| Refused::new(&entry::QUERY, says))?;
        let key = if E::TAKES_KEY && E::BODY != Media::Bytes {
            // What is digested is kept for days: a secret is not among it.
            let kept: &[u8] = if E::BODY == Media::Secret { b"" } else { &bytes };
            key(&parts, caller.as_ref(), kept)?
        } else {
            None
        };
        let body = match E::BODY {
            Media::Json | Media::Secret => json(&parts.headers, &bytes)?,
            Media::Form => form(&parts.headers, &bytes)?,
            Media::None | Media::Bytes | Media::Events | Media::Text => nothing(&entry::BODY)?,
        };
        Ok(Self {
            app,
            caller,
            sight,
            from,
            headers: parts.headers,
            path,
            query,
            body,
            stream: Mutex::new(stream),
            key,
            _under_way: under_way,
        })
    }

    /// The body as it comes, where the endpoint takes bytes.
    pub(crate) fn into_stream(self) -> Body {
        self.stream.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who asks, and what was shown.
    pub(crate) fn caller(&self) -> Result<&Caller, Refused> {
        let nobody = || Refused::new(&entry::UNAUTHORIZED, "the request carries no token");
        self.caller.as_ref().ok_or_else(nobody)
    }

    /// Who asks.
    pub(crate) fn actor(&self) -> Result<Actor, Refused> {
        match &self.caller {
            Some(caller) => Ok(caller.actor.clone()),
            None => Err(Refused::new(&entry::UNAUTHORIZED, "the request carries no token")),
        }
    }

    /// Refuses what core would refuse: before any work that somebody without the right could have the server do.
    pub(crate) fn expect_right(&self, scope: Scope, object: &Object) -> Result<(), Refused> {
        let actor = self.actor()?;
        let may = |world: &World| authority::may(world, &actor, scope, object, Timestamp::now());
        let right = self.app.hub.with_world(may);
        right.map(drop).map_err(|denied| Rejection::from(denied).into())
    }

    /// Decides a command of this call; durable when it returns.
    pub(crate) async fn submit(&self, command: Command) -> Result<Receipt, Refused> {
        self.submit_beside(command, Beside::default()).await
    }

    /// The same, keeping content by digest beside it.
    pub(crate) async fn submit_with(
        &self,
        command: Command,
        blobs: Vec<Arc<Blob>>,
    ) -> Result<Receipt, Refused> {
        let beside = Beside {
            blobs,
            ..Beside::default()
        };
        self.submit_beside(command, beside).await
    }

    /// The same, with whatever is kept beside the log.
    pub(crate) async fn submit_beside(&self, command: Command, beside: Beside) -> Result<Receipt, Refused> {
        let (actor, key) = (self.actor()?, self.key.clone());
        Ok(self.app.hub.submit_with(actor, command, key, beside).await?)
    }
}

async fn bytes(headers: &HeaderMap, body: Body, media: Media) -> Result<Bytes, Refused> {
    let limit = match media {
        Media::None | Media::Json | Media::Secret | Media::Bytes | Media::Events | Media::Text => {
            JSON_BYTES_MAX
        }
        Media::Form => FORM_BYTES_MAX,
    };
    check_told_length(headers, limit)?;
    if media == Media::None {
        return Ok(Bytes::new());
    }
    let read = tokio::time::timeout(
        Duration::from_secs(BODY_SECS_MAX),
        Limited::new(body, limit).collect(),
    );
    match read.await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(err)) if err.is::<LengthLimitError>() => Err(too_large(limit)),
        Ok(Err(err)) => Err(Refused::new(
            &entry::BODY,
            format!("the body did not arrive whole: {err}"),
        )),
        Err(_) => {
            let detail = format!("the body did not arrive within {BODY_SECS_MAX} s, the limit");
            Err(Refused::new(&entry::BODY_SLOW, detail))
        }
    }
}

fn too_large(limit: usize) -> Refused {
    let detail = format!("the body is larger than {limit} bytes, the limit here");
    Refused::new(&entry::BODY_TOO_LARGE, detail)
}

/// Refuses a body that says itself that it is too large.
fn check_told_length(headers: &HeaderMap, limit: usize) -> Result<(), Refused> {
    let told = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match told.is_some_and(|length| length > limit as u64) {
        true => Err(too_large(limit)),
        false => Ok(()),
    }
}

/// Bodies come as they are: what is packed would be read, and kept, as if it were the report itself.
fn check_encoding(headers: &HeaderMap) -> Result<(), Refused> {
    let mut told = headers.get_all(header::CONTENT_ENCODING).iter();
    match told.find(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        Some(value) => {
            let value = String::from_utf8_lossy(value.as_bytes());
            Err(Refused::new(
                &entry::ENCODING,
                format!("the body's encoding is `{value}`"),
            ))
        }
        None => Ok(()),
    }
}

async fn path<E: Endpoint>(parts: &mut Parts) -> Result<E::Path, Refused> {
    if !E::PATH.contains('{') {
        return nothing(&entry::PATH);
    }
    match Path::<E::Path>::from_request_parts(parts, &()).await {
        Ok(Path(path)) => Ok(path),
        Err(err) => Err(Refused::new(&entry::PATH, unread::path(&err))),
    }
}

/// The value of a type that has no field.
fn nothing<T: DeserializeOwned>(entry: &ErrorEntry) -> Result<T, Refused> {
    unread::json(b"{}").map_err(|says| Refused::new(entry, says))
}

fn json<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, Refused> {
    if bytes.is_empty() {
        return nothing(&entry::BODY);
    }
    expect_media(headers, Media::Json)?;
    unread::json(bytes).map_err(|says| Refused::new(&entry::BODY, says))
}

fn form<T: DeserializeOwned>(headers: &HeaderMap, bytes: &Bytes) -> Result<T, Refused> {
    expect_media(headers, Media::Form)?;
    unread::pairs(bytes, "the form").map_err(|says| Refused::new(&entry::BODY, says))
}

fn expect_media(headers: &HeaderMap, media: Media) -> Result<(), Refused> {
    let wanted = media.media_type().unwrap_or_default();
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    let given = if essence.is_empty() { "not told" } else { essence };
    Err(Refused::new(
        &entry::MEDIA,
        format!("the body's media type is {given}; it must be {wanted}"),
    ))
}

fn key(parts: &Parts, caller: Option<&Caller>, body: &[u8]) -> Result<Option<IdempotencyKey>, Refused> {
    let (Some(value), Some(caller)) = (parts.headers.get(IDEMPOTENCY_HEADER), caller) else {
        return Ok(None);
    };
    if parts.headers.get_all(IDEMPOTENCY_HEADER).iter().count() > 1 {
        let detail = "there are two idempotency keys; send one".to_owned();
        return Err(Refused::new(&entry::KEY_INVALID, detail));
    }
    let route = format!("{} {}", parts.method, parts.uri.path());
    let query = parts.uri.query().unwrap_or_default();
    idempotency(
        &caller.actor,
        &route,
        value.to_str().unwrap_or_default(),
        &[query.as_bytes(), body],
    )
    .map(Some)
}

/// Refuses a key that is empty, too long or not text.
pub(crate) fn check_key(key: &str) -> Result<(), Refused> {
    if !(1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) {
        let detail =
            format!("the idempotency key is not 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters");
        return Err(Refused::new(&entry::KEY_INVALID, detail));
    }
    Ok(())
}

/// What makes a repeated request recognisable.
pub(crate) fn idempotency(
    actor: &Actor,
    route: &str,
    key: &str,
    request: &[&[u8]],
) -> Result<IdempotencyKey, Refused> {
    check_key(key)?;
    // Each part by its digest: where one part ends and the next begins is never in doubt.
    let parts: Vec<Digest> = request.iter().map(|part| Digest::of(part)).collect();
    Ok(IdempotencyKey {
        scope: format!("{} {route} {key}", actor.id),
        request: Digest::of_json(&parts),
    })
}
