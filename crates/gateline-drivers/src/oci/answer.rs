//! Answers: a bounded body, and where the next page is.

use reqwest::header::{HeaderMap, LINK};
use reqwest::{Response, Url};
use serde::de::DeserializeOwned;

use crate::CheckError;
use crate::fetch;

/// What a registry answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// The address that answered in the end.
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) async fn read(
        response: Response,
        url: Url,
        at: &str,
        bytes_max: usize,
    ) -> Result<Answer, CheckError> {
        let headers = response.headers().clone();
        let body = fetch::read_body(response, at, bytes_max).await?;
        Ok(Answer { url, headers, body })
    }

    /// The body as JSON. Its nesting is bounded by the parser.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, CheckError> {
        serde_json::from_slice(&self.body).map_err(|err| {
            CheckError::new(format!(
                "`{}` answered what cannot be read: {err}; is it a registry?",
                fetch::shown(&self.url)
            ))
        })
    }

    /// The address of the next page (RFC 8288), where there is one.
    pub(super) fn next(&self) -> Result<Option<Url>, CheckError> {
        let links = self.headers.get_all(LINK).iter();
        let next = links
            .filter_map(|link| link.to_str().ok())
            .flat_map(|links| links.split(','))
            .find_map(|link| {
                let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
                let is_next = |one: &str| matches!(one.trim(), "rel=\"next\"" | "rel=next");
                parameters.split(';').any(is_next).then_some(target)
            });
        let Some(next) = next else { return Ok(None) };
        let wrong = || {
            CheckError::new(format!(
                "`{}` has its next page elsewhere, which is not followed",
                fetch::shown(&self.url)
            ))
        };
        let url = self.url.join(next).map_err(|_| wrong())?;
        match url.origin() == self.url.origin() {
            true => Ok(Some(url)),
            false => Err(wrong()),
        }
    }
}
