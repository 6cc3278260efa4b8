//! Answers: reading one with a limit, and telling apart what is not one.

use std::time::Duration;

use gateline_api::{Endpoint, Media, PROBLEM_MEDIA, Problem};
use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};

use super::cause;
use crate::failure::Failure;

/// Largest answer that is read, in bytes: a board with ten thousand stages takes a tenth of it.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Characters of a foreign answer that its failure shows.
const BEGINS_CHARS_MAX: usize = 60;

/// No answer, and whether it makes sense to ask again.
pub(super) struct Unanswered {
    pub failure: Failure,
    pub may_ask_again: bool,
    /// How long the server wants to be left alone.
    pub after: Option<Duration>,
}

impl Unanswered {
    pub fn finally(failure: Failure) -> Self {
        Self {
            failure,
            may_ask_again: false,
            after: None,
        }
    }

    /// The request did not get through, or its answer broke off. Its key makes it safe to send again.
    pub fn of_transport(server: &Url, err: &reqwest::Error) -> Self {
        let why = if err.is_timeout() && !err.is_connect() {
            format!("`{server}` did not answer in time")
        } else {
            format!("`{server}`: {}", cause(err))
        };
        let failure = Failure::unknown("could not reach the server", why)
            .hint("start one with `gateline serve`, or name it with `--server URL` or `GATELINE_SERVER`");
        Self {
            failure,
            // Who waited for the whole time once does not wait five times.
            may_ask_again: !err.is_timeout() || err.is_connect(),
            after: None,
        }
    }

    /// An upload did not get through. The server keeps what arrived, so that also one that took too long is gone on with.
    pub fn of_upload(server: &Url, err: &reqwest::Error) -> Self {
        Self {
            may_ask_again: true,
            ..Self::of_transport(server, err)
        }
    }
}

/// The body of a success, or why there is none.
pub(super) async fn read(mut response: Response) -> Result<Vec<u8>, Unanswered> {
    let status = response.status();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let media = header(CONTENT_TYPE).unwrap_or("nothing").to_owned();
    let location = header(LOCATION).map(str::to_owned);
    let after = header(RETRY_AFTER)
        .and_then(|secs| secs.trim().parse().ok())
        .map(Duration::from_secs);
    let url = response.url().clone();
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= ANSWER_BYTES_MAX => {
                bytes.extend_from_slice(&chunk)
            }
            Ok(Some(_)) => {
                let why = format!("it has more than {ANSWER_BYTES_MAX} bytes");
                return Err(Unanswered::finally(
                    Failure::unknown("the answer is too large", why).hint("ask for less with `--limit`"),
                ));
            }
            Ok(None) => break,
            Err(err) => return Err(Unanswered::of_transport(&url, &err)),
        }
    }
    if status.is_success() {
        return Ok(bytes);
    }
    let failure = match serde_json::from_slice::<Problem>(&bytes) {
        Ok(problem) if media.starts_with(PROBLEM_MEDIA) => Failure::from(problem),
        Ok(_) | Err(_) => foreign(status, &media, location.as_deref(), &bytes),
    };
    Err(Unanswered {
        failure,
        may_ask_again: status == StatusCode::SERVICE_UNAVAILABLE,
        after,
    })
}

/// The reply in a success.
pub(super) fn decode<E: Endpoint>(bytes: &[u8]) -> Result<E::Reply, Failure> {
    let text = match E::REPLY {
        Media::Json | Media::Secret => bytes,
        // What is no JSON has no fields that could be read.
        Media::None | Media::Bytes | Media::Form | Media::Events | Media::Text => b"{}",
    };
    serde_json::from_slice(text).map_err(|err| {
        let why = if err.is_eof() {
            format!("it ends after {} bytes, before the JSON does", bytes.len())
        } else {
            format!("{err}; it begins with `{}`", begins(bytes))
        };
        Failure::unknown(format!("the answer to {} cannot be read", E::NAME), why)
            .hint("see whether `--server` names a Gateline server, and one of this version")
    })
}

/// An answer that Gateline did not write.
fn foreign(status: StatusCode, media: &str, location: Option<&str>, bytes: &[u8]) -> Failure {
    let to = location.map(|to| format!(" to `{to}`")).unwrap_or_default();
    let why = format!(
        "{status}{to} with {media} instead of a problem; it begins with `{}`",
        begins(bytes)
    );
    Failure::unknown("the answer is not Gateline's", why)
        .hint("see whether `--server` names a Gateline server, and what stands between")
}

fn begins(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .take(BEGINS_CHARS_MAX)
        .collect()
}
