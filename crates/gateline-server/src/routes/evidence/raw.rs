//! `GET /api/v1/evidence/raw/{digest}`

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
use gateline_api::{GetRawEvidence, Named};
use gateline_store::{BlobReading, StoreError};

use crate::call::Call;
use crate::hub::Hub;
use crate::refused::Refused;
use crate::seen::not_there;

pub(crate) async fn handle(call: Call<GetRawEvidence>) -> Result<Response, Refused> {
    let digest = call.path.digest;
    let hub = call.app.hub;
    let reading = hub.read(move |store| BlobReading::begin(store, &digest)).await?;
    let Some(reading) = reading else {
        return Err(not_there(&Named::Content(digest)));
    };
    let length = reading.bytes();
    // The first piece before the headers: most content is no longer, and damage is then told as such. Further on the
    // connection breaks, and the length says that something is missing.
    let (first, reading) = next(&hub, reading).await?;
    let rest = stream::try_unfold(reading, move |reading| {
        let hub = hub.clone();
        async move {
            let (piece, reading) = next(&hub, reading).await?;
            Ok::<_, StoreError>(piece.map(|piece| (piece, reading)))
        }
    });
    let first = stream::iter(first.map(Ok::<_, StoreError>));
    // A tool wrote it, and a tool can be lied to: a browser saves it and never shows it as a page of ours.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", digest.short()),
        ),
    ];
    let body = Body::from_stream(futures::StreamExt::chain(first, rest));
    Ok((headers, body).into_response())
}

async fn next(hub: &Hub, mut reading: BlobReading) -> Result<(Option<Vec<u8>>, BlobReading), StoreError> {
    hub.read(move |store| {
        let piece = reading.next(store)?;
        Ok((piece, reading))
    })
    .await
}
