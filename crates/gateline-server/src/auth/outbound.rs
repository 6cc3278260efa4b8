//! Asking an issuer: where to, and how much of its answer is taken. What may be asked is the drivers' to say.

use std::time::Duration;

use gateline_drivers::hide_secrets;
use gateline_drivers::outbound::{self, Reach};
use reqwest::{Client, RequestBuilder, Url};

/// How long an issuer may take to answer.
pub(crate) const ISSUER_SECS_MAX: u64 = 10;
/// Most bytes of an issuer's answer.
pub(crate) const ISSUER_BYTES_MAX: usize = 256 * 1024;

/// An address that may be asked.
///
/// # Errors
/// Why it may not.
pub(crate) fn allowed(text: &str) -> Result<Url, String> {
    outbound::allowed(text, &Reach::Near)
}

/// The client for issuers.
pub(crate) fn client() -> Result<Client, String> {
    outbound::client(&Reach::Near, Duration::from_secs(ISSUER_SECS_MAX))
}

/// Sends a request and reads its answer, which must be 200 and short enough.
pub(crate) async fn ask(request: RequestBuilder, what: &str) -> Result<Vec<u8>, String> {
    let cause = |err: reqwest::Error| {
        let err = err.without_url();
        let mut innermost: &dyn std::error::Error = &err;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        format!("{what}: {innermost}")
    };
    let mut response = request.send().await.map_err(cause)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(cause)? {
        if body.len() + chunk.len() > ISSUER_BYTES_MAX {
            return Err(format!(
                "{what}: the answer has more than {ISSUER_BYTES_MAX} bytes"
            ));
        }
        body.extend_from_slice(&chunk);
    }
    if status != reqwest::StatusCode::OK {
        return Err(format!("{what}: it answered {}{}", status.as_u16(), said(&body)));
    }
    Ok(body)
}

/// The error code of an OAuth answer, where it is one: a word, not a secret.
fn said(body: &[u8]) -> String {
    let error = serde_json::from_slice::<serde_json::Value>(body).ok();
    let error = error.as_ref().and_then(|body| body.get("error")?.as_str());
    let error = error.map(hide_secrets);
    let word = error.filter(|word| {
        word.len() <= 64 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    });
    word.map(|word| format!(" ({word})")).unwrap_or_default()
}
