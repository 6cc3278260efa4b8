//! What a request tells about its upload: key, digest of the whole, and where its body begins.

use axum::http::HeaderMap;
use gateline_api::{
    IDEMPOTENCY_HEADER, REPR_DIGEST_HEADER, UPLOAD_COMPLETE_HEADER, UPLOAD_OFFSET_HEADER, entry,
    read_repr_digest,
};
use gateline_core::Actor;
use gateline_model::{ActorId, Digest};
use gateline_store::IdempotencyKey;

use super::folder::Name;
use crate::call::check_key;
use crate::refused::Refused;

/// The headers of an upload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The idempotency key.
    pub key: Option<String>,
    /// Digest of the whole.
    pub digest: Option<Digest>,
    /// The byte that the body begins with.
    pub offset: u64,
}

impl Told {
    /// Reads them.
    ///
    /// # Errors
    /// 422 where they make no sense.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Refused> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let wrong = |detail: String| Refused::new(&entry::UPLOAD_HEADER, detail);
        let key = text(IDEMPOTENCY_HEADER).map(str::to_owned);
        if let Some(key) = &key {
            check_key(key)?;
        }
        let digest = match text(REPR_DIGEST_HEADER) {
            None => None,
            Some(text) => Some(read_repr_digest(text).ok_or_else(|| {
                wrong(format!(
                    "`{REPR_DIGEST_HEADER}` has no SHA-256 in the form `sha-256=:BASE64:`"
                ))
            })?),
        };
        let offset = match text(UPLOAD_OFFSET_HEADER) {
            None => 0,
            Some(text) => text
                .parse()
                .map_err(|_| wrong(format!("`{UPLOAD_OFFSET_HEADER}` is not a whole number from 0")))?,
        };
        if text(UPLOAD_COMPLETE_HEADER).is_some_and(|text| text != "?1") {
            let detail = format!("`{UPLOAD_COMPLETE_HEADER}` is not `?1`: a body brings all that is left");
            return Err(wrong(detail));
        }
        if offset > 0 && (key.is_none() || digest.is_none()) {
            let detail = format!(
                "a body that goes on at byte {offset} names its `{IDEMPOTENCY_HEADER}` and its `{REPR_DIGEST_HEADER}`"
            );
            return Err(wrong(detail));
        }
        Ok(Self { key, digest, offset })
    }
}

/// What an upload is for: who sends it, where to, and what is asked of it.
pub(crate) struct Purpose {
    actor: ActorId,
    route: String,
    query: Digest,
}

impl Purpose {
    pub(crate) fn new(actor: &Actor, route: String, query: Digest) -> Self {
        Self {
            actor: actor.id.clone(),
            route,
            query,
        }
    }

    /// Under what a key is remembered.
    pub(crate) fn scope(&self, key: &str) -> String {
        format!("{} {} {key}", self.actor, self.route)
    }

    /// What makes it recognisable with these bytes.
    pub(crate) fn key(&self, key: &str, bytes: Digest) -> IdempotencyKey {
        IdempotencyKey {
            scope: self.scope(key),
            request: Digest::of_json(&[self.query, bytes]),
        }
    }

    /// What its upload is called.
    pub(crate) fn name(&self, key: &str, bytes: Digest) -> Name {
        let key = self.key(key, bytes);
        Name::new(&self.actor, &key.scope, &key.request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(headers: &[(&'static str, &str)]) -> Result<Told, Refused> {
        let headers = headers
            .iter()
            .map(|(name, value)| (axum::http::HeaderName::from_static(name), value.parse().unwrap()));
        Told::read(&headers.collect())
    }

    #[test]
    fn headers_that_make_no_sense_are_refused_with_what_is_wrong() {
        for (headers, says) in [
            (&[("repr-digest", "sha-256=abc")][..], "has no SHA-256"),
            (&[("upload-offset", "-1")], "not a whole number"),
            (&[("upload-offset", "")], "not a whole number"),
            (&[("upload-complete", "?0")], "brings all that is left"),
            (&[("upload-offset", "7")], "names its `idempotency-key`"),
            (
                &[("upload-offset", "7"), ("idempotency-key", "a")],
                "`repr-digest`",
            ),
        ] {
            let refused = told(headers).unwrap_err();
            assert_eq!(refused.problem().code, "upload.header", "{headers:?}");
            assert!(
                refused.problem().detail.contains(says),
                "{}",
                refused.problem().detail
            );
        }
        assert_eq!(
            told(&[("idempotency-key", "")]).unwrap_err().problem().code,
            "idempotency.key_invalid"
        );
        assert_eq!(
            told(&[]).unwrap(),
            Told {
                key: None,
                digest: None,
                offset: 0
            }
        );
    }
}
