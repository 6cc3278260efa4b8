//! Cosign's signatures of images, as `cosign download signature` prints them: one or one after another.
//!
//! Layout: cosign's `SignedPayload`, and the "simple signing" payload in it. What a registry keeps in a layer and in its
//! annotations stands here in one object.

use std::str::FromStr as _;

use gateline_model::{Digest, Signature};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::envelope::decode;
use super::statement::Told;
use super::{Item, body};
use crate::format::FormatRow;
use crate::text;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "cosign-signature",
    kind: "attestation",
    title: "Cosign's signatures of images, as `cosign download signature` prints them, one or many",
    knows: |head| head.has_keys(&["Base64Signature", "Payload"]),
    read: |input| body(input, |_: &SimpleSignature, _, _| Signature::Unchecked),
};

/// What cosign calls its payload; the second since 3.0.
const TYPES: &[&str] = &[
    "cosign container image signature",
    "https://sigstore.dev/cosign/sign/v1",
];

/// A payload with its signature.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SimpleSignature {
    pub(crate) base64_signature: String,
    payload: String,
    pub(crate) cert: Option<IgnoredAny>,
}

/// What is signed.
#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    #[serde(rename = "type")]
    of: String,
    image: Image,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

impl SimpleSignature {
    /// The bytes that are signed.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, String> {
        decode(&self.payload).ok_or_else(|| "its payload is not base64".to_owned())
    }
}

impl Item for SimpleSignature {
    fn told(&self) -> Result<Told, String> {
        let payload: Payload = serde_json::from_slice(&self.payload()?)
            .map_err(|error| format!("its payload is no signature of an image: {error}"))?;
        let Critical { of, image } = payload.critical;
        if !TYPES.contains(&of.as_str()) {
            return Err(format!(
                "its payload is `{}` and no signature of an image",
                text::name(&of)
            ));
        }
        let digest = Digest::from_str(&image.digest)
            .map_err(|_| "its payload names no image by SHA-256".to_owned())?;
        Ok(Told::bare(vec![digest]))
    }
}
