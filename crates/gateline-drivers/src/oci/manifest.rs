//! Manifests: an image's or an index's parts, each by digest. Layout: OCI image specification 1.1.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use gateline_model::Digest;
use serde::Deserialize;

use super::ask::Session;
use super::{MANIFEST_BYTES_MAX, shown};
use crate::CheckError;

/// What is asked for where a manifest is wanted.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/// A manifest, or an index where it has `manifests`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Manifest {
    schema_version: u32,
    subject: Option<Descriptor>,
    pub(super) layers: Vec<Descriptor>,
    pub(super) manifests: Vec<Descriptor>,
}

/// One part.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(default)]
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: Option<u64>,
    #[serde(default)]
    pub(super) annotations: Option<BTreeMap<String, String>>,
}

impl Descriptor {
    pub(super) fn sha256(&self) -> Option<Digest> {
        Digest::from_str(&self.digest).ok()
    }

    pub(super) fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name).map(String::as_str)
    }
}

impl Manifest {
    /// The manifest of a tag or digest; `None` where there is none.
    pub(super) async fn fetch(
        session: &mut Session<'_>,
        reference: &str,
        digest: Option<&Digest>,
        size: Option<u64>,
    ) -> Result<Option<Manifest>, CheckError> {
        let path = format!("manifests/{reference}");
        let Some(answer) = session.get(&path, ACCEPT, MANIFEST_BYTES_MAX).await? else {
            return Ok(None);
        };
        // Behind a tag the registry itself says what it gives.
        let told = answer.headers.get("docker-content-digest");
        let told = told.and_then(|told| Digest::from_str(told.to_str().ok()?).ok());
        if let Some(digest) = digest.copied().or(told) {
            held(session, reference, &answer.body, &digest, size)?;
        }
        let manifest: Manifest = answer.json()?;
        if manifest.schema_version != 2 {
            return Err(CheckError::new(format!(
                "{} has no manifest of version 2 at `{}`",
                session.name(),
                shown(reference)
            )));
        }
        Ok(Some(manifest))
    }

    /// Whether it is about this artifact; one without a subject is, by the place that it was found at.
    pub(super) fn is_about(&self, digest: &Digest) -> bool {
        let subject = self.subject.as_ref();
        subject.is_none_or(|subject| subject.sha256() == Some(*digest))
    }
}

/// Holds bytes against the digest and the size that they must have.
pub(super) fn held(
    session: &Session<'_>,
    what: &str,
    bytes: &[u8],
    digest: &Digest,
    size: Option<u64>,
) -> Result<(), CheckError> {
    let is = Digest::of(bytes);
    if is != *digest || size.is_some_and(|size| size != bytes.len() as u64) {
        return Err(CheckError::new(format!(
            "{} gave other bytes for `{}` than asked: {} bytes with the digest {is}; somebody changed them, or its storage is damaged",
            session.name(),
            shown(what),
            bytes.len()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spoilt_manifest_harms_nobody() {
        let manifest = br#"{"schemaVersion":2,"subject":{"digest":"sha256:00","size":1},"layers":[{"mediaType":"a","digest":"sha256:11","size":9,"annotations":{"a":"b"}}],"manifests":[]}"#;
        crate::spoilt::spoilt(&[manifest], |bytes| {
            if let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) {
                for part in manifest.layers.iter().chain(&manifest.subject) {
                    std::hint::black_box((part.sha256(), part.annotation("a")));
                }
            }
        });
    }
}
