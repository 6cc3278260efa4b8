//! Public keys, and whether a signature is theirs: ECDSA on P-256 with SHA-256, and Ed25519.

use ed25519_dalek::VerifyingKey as Ed25519Key;
use gateline_model::Digest;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{Signature as P256Signature, VerifyingKey as P256Key};

use crate::attestation::envelope::{decode, encode};

/// What stands before the key itself in SubjectPublicKeyInfo (RFC 5480, RFC 8410). Both sorts have one fixed form.
const P256_HEAD: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const ED25519_HEAD: &[u8] = &[
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Key {
    P256(Box<P256Key>),
    Ed25519(Ed25519Key),
}

/// Whether a signature is a key's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fits {
    Yes,
    No,
    /// It has not the shape of this key's signatures.
    Never(&'static str),
}

impl Key {
    /// Reads `-----BEGIN PUBLIC KEY-----`.
    pub(super) fn of_pem(text: &str) -> Result<Key, String> {
        let inside = text.strip_prefix("-----BEGIN PUBLIC KEY-----");
        let inside = inside.and_then(|rest| rest.trim_end().strip_suffix("-----END PUBLIC KEY-----"));
        let inside = inside.ok_or("it is no single `PUBLIC KEY` in PEM, whole from BEGIN to END")?;
        let base64: String = inside.split_whitespace().collect();
        let der = decode(&base64).ok_or("what stands between BEGIN and END is not base64")?;
        if let Some(point) = der.strip_prefix(P256_HEAD) {
            return Key::p256(point);
        }
        match der.strip_prefix(ED25519_HEAD) {
            Some(bytes) => Key::ed25519(bytes),
            None => Err("it is neither ECDSA on P-256 nor Ed25519; make one of these".to_owned()),
        }
    }

    /// A point as 65 bytes.
    pub(crate) fn p256(point: &[u8]) -> Result<Key, String> {
        let key = P256Key::from_sec1_bytes(point).map_err(|_| "it is no point of P-256")?;
        Ok(Key::P256(Box::new(key)))
    }

    /// A key as 32 bytes.
    pub(crate) fn ed25519(bytes: &[u8]) -> Result<Key, String> {
        let bytes = <&[u8; 32]>::try_from(bytes).map_err(|_| "an Ed25519 key has 32 bytes")?;
        let key = Ed25519Key::from_bytes(bytes).map_err(|_| "it is no point of Ed25519")?;
        match key.is_weak() {
            true => Err("it is a weak Ed25519 key, by which anything looks signed".to_owned()),
            false => Ok(Key::Ed25519(key)),
        }
    }

    /// Whether a signature over these bytes is this key's.
    pub(crate) fn fits(&self, signed: &[u8], signature: &[u8]) -> Fits {
        match self {
            Key::P256(_) => self.fits_digest(&Digest::of(signed), signature),
            Key::Ed25519(key) => match <[u8; 64]>::try_from(signature) {
                Ok(bytes) => match key.verify_strict(signed, &bytes.into()) {
                    Ok(()) => Fits::Yes,
                    Err(_) => Fits::No,
                },
                Err(_) => Fits::Never("a signature of Ed25519 has 64 bytes"),
            },
        }
    }

    /// Whether a signature is this key's over what has this digest.
    pub(super) fn fits_digest(&self, digest: &Digest, signature: &[u8]) -> Fits {
        match self {
            Key::P256(key) => match P256Signature::from_der(signature) {
                Ok(signature) => match key.verify_prehash(digest.as_bytes(), &signature) {
                    Ok(()) => Fits::Yes,
                    Err(_) => Fits::No,
                },
                Err(_) => Fits::Never(
                    "a signature of ECDSA is two numbers in DER, and this one is none or is cut off",
                ),
            },
            Key::Ed25519(_) => Fits::Never(
                "Ed25519 signs the artifact's bytes, which are not here; sign a statement, as with `cosign attest-blob`",
            ),
        }
    }

    /// Whether a signer that writes this as the key means this one: the digest of the key, in hex or base64.
    pub(super) fn is_hinted(&self, hint: &str) -> bool {
        let der = match self {
            Key::P256(key) => [P256_HEAD, key.to_sec1_point(false).as_bytes()].concat(),
            Key::Ed25519(key) => [ED25519_HEAD, key.as_bytes()].concat(),
        };
        let digest = Digest::of(&der);
        let hint = hint.strip_prefix("SHA256:").unwrap_or(hint);
        hint == digest.hex() || hint == encode(digest.as_bytes())
    }
}
