//! Signing by hand, for the tests of signatures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

/// The digest of `hello artifact` and a line end, which the samples are about too.
pub(crate) const SUBJECT: &str = "51bc0fc1f19104fa6e89ce50be9aa1f57c3346c1ca51ab49f5f00e14ce8f8076";
pub(crate) const OF: &str = "application/vnd.in-toto+json";

pub(crate) fn statement(predicate: Value) -> String {
    let subject = json!([{"name": "app", "digest": {"sha256": SUBJECT}}]);
    let of = "https://acme.example/review/v1";
    json!({"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": of, "predicate": predicate})
        .to_string()
}

pub(crate) fn provenance() -> Value {
    serde_json::from_str(include_str!("../samples/in-toto-synthetic.json")).expect("the sample is JSON")
}

/// An envelope that nobody signed.
pub(crate) fn envelope(payload: &str) -> Value {
    json!({"payload": STANDARD.encode(payload), "payloadType": OF, "signatures": []})
}

/// A key that is always the same.
pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// The public half as PEM.
pub(crate) fn pem(key: &SigningKey) -> String {
    let head: &[u8] = &[
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];
    let der = [head, key.verifying_key().as_bytes()].concat();
    format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(der)
    )
}

/// An envelope that this key signed.
pub(crate) fn signed(payload: &str, key: &SigningKey) -> Value {
    let bytes = format!("DSSEv1 {} {OF} {} {payload}", OF.len(), payload.len());
    let signature = STANDARD.encode(key.sign(bytes.as_bytes()).to_bytes());
    let mut envelope = envelope(payload);
    envelope["signatures"] = json!([{"keyid": "", "sig": signature}]);
    envelope
}
