//! `GET /api/v1/evidence/raw/{digest}`

use axum::http::header;
use axum::response::{IntoResponse, Response};
use gateline_api::{GetRawEvidence, entry};

use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(call: Call<GetRawEvidence>) -> Result<Response, Refused> {
    let digest = call.path.digest;
    let Some(bytes) = call.app.hub.read(move |store| store.blob(&digest)).await? else {
        return Err(Refused::new(
            &entry::EVIDENCE_UNKNOWN,
            format!("no content with the digest {digest} is kept"),
        ));
    };
    // A tool wrote it, and a tool can be lied to: a browser saves it and never shows it as a page of ours.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", digest.short()),
        ),
    ];
    Ok((headers, bytes).into_response())
}
