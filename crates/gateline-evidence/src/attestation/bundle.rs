//! Sigstore bundles: a signature with what is needed to check it, one or one after another.
//!
//! Layout: sigstore.bundle v0.1 to v0.3, with a DSSE envelope or a signature over an artifact itself. The log and the times in
//! a bundle are read only where its certificate is checked.

use gateline_model::{Digest, Signature};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::envelope::{Envelope, decode};
use super::statement::Told;
use super::{Item, body};
use crate::format::FormatRow;
use crate::text;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "sigstore-bundle",
    kind: "attestation",
    title: "Sigstore bundles 0.1 to 0.3, as cosign, GitHub and npm write them, one or many",
    knows: |head| head.has_keys(&["mediaType", "verificationMaterial"]),
    read: |input| body(input, |_: &Bundle, _, _| Signature::Unchecked),
};

/// The media types of bundles that are read: as a path up to 0.2, as a suffix from 0.3.
const MEDIA_TYPES: &[&str] = &[
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
];

/// A bundle.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bundle {
    media_type: String,
    pub(crate) verification_material: Material,
    pub(crate) dsse_envelope: Option<Envelope>,
    pub(crate) message_signature: Option<MessageSignature>,
}

/// What a bundle is checked with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Material {
    pub(crate) public_key: Option<PublicKey>,
    pub(crate) certificate: Option<IgnoredAny>,
    pub(crate) x509_certificate_chain: Option<IgnoredAny>,
}

/// Which key to ask for.
#[derive(Deserialize)]
pub(crate) struct PublicKey {
    pub(crate) hint: Option<String>,
}

/// A signature over an artifact itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageSignature {
    message_digest: Option<MessageDigest>,
    pub(crate) signature: String,
}

#[derive(Deserialize)]
struct MessageDigest {
    algorithm: String,
    digest: String,
}

impl MessageSignature {
    /// The digest that is signed.
    pub(crate) fn digest(&self) -> Result<Digest, String> {
        let told = self
            .message_digest
            .as_ref()
            .ok_or("its signature names no digest")?;
        let bytes = decode(&told.digest).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        match (told.algorithm.as_str(), bytes) {
            ("SHA2_256", Some(bytes)) => Ok(Digest::from_bytes(bytes)),
            (of, _) => Err(format!(
                "its signature is over a digest of `{}`, and not of SHA-256",
                text::one_line(of, 40)
            )),
        }
    }
}

impl Item for Bundle {
    fn told(&self) -> Result<Told, String> {
        if !MEDIA_TYPES.contains(&self.media_type.as_str()) {
            let of = text::name(&self.media_type);
            return Err(format!("`{of}` is no bundle of version 0.1 to 0.3"));
        }
        match (&self.dsse_envelope, &self.message_signature) {
            (Some(envelope), None) => envelope.told(),
            (None, Some(signature)) => Ok(Told::bare(vec![signature.digest()?])),
            (None, None) => Err("the bundle holds no signature".to_owned()),
            (Some(_), Some(_)) => Err("the bundle holds two signatures of different sorts".to_owned()),
        }
    }
}
