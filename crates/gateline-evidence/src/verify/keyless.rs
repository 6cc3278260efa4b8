//! Identities in certificates: Sigstore's way to sign without a key that somebody keeps.
//!
//! The certificate must lead to a trusted root, have been valid when the log or a timestamp says that it signed, and be in the
//! log of certificates and of signatures. Only builds with the feature `keyless` look: its crates are many.

use gateline_model::{Digest, Signature};

use super::{Trust, broken};

/// An identity that may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name in the certificate, whole, or its beginning and `*`, as in `https://github.com/acme/app/.github/workflows/*`.
    pub name: String,
    /// Who vouches for it, whole, as in `https://token.actions.githubusercontent.com`.
    pub issuer: String,
}

#[cfg(feature = "keyless")]
pub(super) use with_certificates::Keyless;

#[cfg(not(feature = "keyless"))]
pub(super) use without_certificates::Keyless;

/// Who signed a bundle that has a certificate.
pub(super) fn verify(bundle: &str, subject: &Digest, trust: &Trust) -> Signature {
    match &trust.keyless {
        Some(keyless) => keyless.verify(bundle, subject),
        None => broken(
            "a certificate signed it, and no identity is trusted: name `identities` with a trusted root, or sign with a key",
        ),
    }
}

#[cfg(not(feature = "keyless"))]
mod without_certificates {
    use super::{Digest, Identity, Signature};
    use crate::verify::trust::TrustError;

    /// Nothing: it cannot be made.
    pub(in crate::verify) enum Keyless {}

    impl Keyless {
        pub(in crate::verify) fn new(_: &str, _: Vec<Identity>) -> Result<Keyless, TrustError> {
            let reason =
                "this build does not check certificates: build it with the feature `keyless`, or trust keys";
            Err(TrustError::Root(reason.to_owned()))
        }

        pub(super) fn verify(&self, _: &str, _: &Digest) -> Signature {
            match *self {}
        }
    }
}

#[cfg(feature = "keyless")]
mod with_certificates;
