//! Refused requests: a problem document with its status and headers. Every error of a route becomes one here.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gateline_api::{ERRORS, ErrorEntry, PROBLEM_MEDIA, Problem, entry};
use gateline_core::{Rejection, RejectionKind};
use gateline_store::StoreError;
use tracing::error;

use crate::hub::SubmitError;

/// Why a request was not fulfilled.
#[derive(Debug, Clone)]
pub struct Refused {
    problem: Box<Problem>,
    retry_after_secs: Option<u64>,
}

impl Refused {
    /// A problem of the error table, with what happened here.
    pub fn new(entry: &ErrorEntry, detail: impl Into<String>) -> Self {
        Problem::new(entry, detail).into()
    }

    /// The problem document.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Whether it is this problem.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.problem.code == code
    }

    /// The same, with the path that was asked.
    pub(crate) fn at(mut self, path: &str) -> Self {
        self.problem.instance = Some(path.to_owned());
        self
    }

    /// The same, with the time after which it may be tried again.
    pub(crate) fn after(mut self, secs: u64) -> Self {
        self.retry_after_secs = Some(secs);
        self
    }

    /// Adds when it may be tried again, where that is known.
    pub(crate) fn say_when(&self, headers: &mut HeaderMap) {
        if let Some(secs) = self.retry_after_secs {
            headers.insert(header::RETRY_AFTER, secs.into());
        }
    }

    /// Too much is going on.
    pub(crate) fn busy(detail: impl Into<String>, retry_after_secs: u64) -> Self {
        let mut refused = Self::new(&entry::BUSY, detail);
        refused.retry_after_secs = Some(retry_after_secs);
        refused
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            retry_after_secs: None,
        }
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        let Rejection {
            kind,
            code,
            says,
            hint,
        } = rejection;
        // What there is not is told in the same words by whichever layer looked for it.
        let same = |entry: &&ErrorEntry| entry.code == code && kind == RejectionKind::Unknown;
        if let Some(entry) = ERRORS.iter().find(same) {
            return Self::new(entry, says);
        }
        let (status, title) = match kind {
            RejectionKind::Unknown => (404, "What was named does not exist"),
            RejectionKind::Conflict => (409, "The state does not allow it now"),
            RejectionKind::Forbidden => (403, "This actor may not do that"),
            RejectionKind::Invalid => (422, "The request is wrong"),
        };
        Problem::coded(code, status, title, says, &hint).into()
    }
}

impl From<SubmitError> for Refused {
    fn from(err: SubmitError) -> Self {
        match err {
            SubmitError::Rejected(rejection) => rejection.into(),
            SubmitError::KeyReused => Self::new(
                &entry::KEY_REUSED,
                "another request was accepted under this idempotency key; nothing was done",
            ),
            SubmitError::Busy { retry_after_secs } => {
                Self::busy("too many commands wait; nothing was done", retry_after_secs)
            }
            SubmitError::Unavailable(why) => Self::new(&entry::UNAVAILABLE, why),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(err: StoreError) -> Self {
        error!(error = %err, "Could not read the store: {err}");
        Self::new(&entry::UNAVAILABLE, err.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self.problem)).into_response();
        let headers = response.headers_mut();
        self.say_when(headers);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"gateline\""),
            );
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_server_says_when_to_try_again() {
        let response = Refused::from(SubmitError::Busy { retry_after_secs: 7 }).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_MEDIA);
    }

    #[test]
    fn a_rejection_keeps_its_words_and_gets_the_status_of_its_kind() {
        for (kind, status) in [
            (RejectionKind::Unknown, 404),
            (RejectionKind::Conflict, 409),
            (RejectionKind::Forbidden, 403),
            (RejectionKind::Invalid, 422),
        ] {
            let rejection = Rejection {
                kind,
                code: "a.b",
                says: "why".into(),
                hint: "do".into(),
            };
            let problem = Refused::from(rejection).problem;
            assert_eq!((problem.status, problem.code.as_str()), (status, "a.b"));
            assert_eq!((problem.detail.as_str(), problem.hint.as_str()), ("why", "do"));
            assert_eq!(problem.kind, "https://gateline.dev/errors/a.b");
        }
    }

    #[test]
    fn a_reused_key_is_the_requests_fault() {
        assert_eq!(Refused::from(SubmitError::KeyReused).problem.status, 422);
    }
}
