//! The DSSE envelope: a payload, and signatures over the very bytes of it.
//!
//! Layout: DSSE v1. Both alphabets of base64 are understood, as the specification asks.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;

use super::statement::Told;
use crate::text;

/// A payload with its signatures.
#[derive(Deserialize)]
pub(crate) struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    pub(crate) signatures: Option<Vec<EnvelopeSignature>>,
}

/// One signature.
#[derive(Deserialize)]
pub(crate) struct EnvelopeSignature {
    pub(crate) keyid: Option<String>,
    pub(crate) sig: String,
}

impl Envelope {
    /// The bytes that are signed.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, String> {
        decode(&self.payload).ok_or_else(|| "its payload is not base64".to_owned())
    }

    /// What is signed, exactly: the type and the payload, each behind its length.
    pub(crate) fn pre_authentication(&self) -> Result<Vec<u8>, String> {
        let (of, payload) = (&self.payload_type, self.payload()?);
        let mut bytes = format!("DSSEv1 {} {of} {} ", of.len(), payload.len()).into_bytes();
        bytes.extend(payload);
        Ok(bytes)
    }

    /// The statement in it.
    pub(crate) fn told(&self) -> Result<Told, String> {
        let of = self.payload_type.as_str();
        if !(of.starts_with("application/vnd.in-toto") && of.ends_with("+json")) {
            let of = text::name(of);
            return Err(format!("its payload is `{of}` and no in-toto statement"));
        }
        Told::of(&self.payload()?)
    }
}

/// Base64 in the standard or the URL-safe alphabet, with its padding.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

/// Base64 in the standard alphabet.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
