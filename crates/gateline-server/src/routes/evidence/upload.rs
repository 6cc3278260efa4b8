//! `GET /api/v1/releases/{release}/evidence/uploads/{key}`

use std::time::SystemTime;

use axum::Json;
use axum::response::{IntoResponse, Response};
use gateline_api::{GetUpload, UPLOAD_COMPLETE_HEADER, UPLOAD_OFFSET_HEADER, UploadView};
use gateline_model::Digest;
use jiff::Timestamp;

use super::submit::purpose;
use crate::call::{Call, check_key};
use crate::refused::Refused;
use crate::upload::Told;
use crate::views;

pub(crate) async fn handle(call: Call<GetUpload>) -> Result<Response, Refused> {
    let app = &call.app;
    let key = &call.path.key;
    check_key(key)?;
    let actor = call.actor()?;
    let release = app
        .hub
        .with_world(|world| views::release_named(world, &call.sight, &call.path.release))?;
    let told = Told::read(&call.headers)?;
    let purpose = purpose(&actor, &release, &call.query);
    let complete = match told.digest {
        Some(digest) => app.hub.recall(&purpose.key(key, digest)).await?.is_some(),
        None => app.hub.is_accepted(purpose.scope(key)).await?,
    };
    let name = purpose.name(key, told.digest.unwrap_or_else(|| Digest::of(b"")));
    let standing = match complete {
        true => None,
        false => app.uploads.standing(&name, told.digest.is_some())?,
    };
    let until = |at: SystemTime| Timestamp::try_from(at).ok();
    let view = UploadView {
        offset: standing.map_or(0, |(offset, _)| offset),
        complete,
        until: standing.and_then(|(_, at)| until(at)),
    };
    // The same as headers, for whoever asks with HEAD.
    let headers = [
        (UPLOAD_OFFSET_HEADER, view.offset.to_string()),
        (
            UPLOAD_COMPLETE_HEADER,
            if complete { "?1" } else { "?0" }.to_owned(),
        ),
    ];
    Ok((headers, Json(view)).into_response())
}
