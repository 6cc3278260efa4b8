//! Identities in certificates: Sigstore's way to sign without a key that somebody keeps.
//!
//! The certificate must lead to a trusted root, have been valid when the log or a timestamp says that it signed, and be in the
//! log of certificates and of signatures. Knows no network: the root is handed in.

mod with_certificates;

use gateline_model::{Digest, Signature};

use super::{Trust, broken};
pub(super) use with_certificates::Keyless;

/// An identity that may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name in the certificate, whole, or its beginning and `*`, as in `https://github.com/acme/app/.github/workflows/*`.
    pub name: String,
    /// Who vouches for it, whole, as in `https://token.actions.githubusercontent.com`.
    pub issuer: String,
}

/// Who signed a bundle that has a certificate.
pub(super) fn verify(bundle: &str, subject: &Digest, trust: &Trust) -> Signature {
    match &trust.keyless {
        Some(keyless) => keyless.verify(bundle, subject),
        None => broken(
            "a certificate signed it, and no identity is trusted: name `identities` with a trusted root, or sign with a key",
        ),
    }
}
