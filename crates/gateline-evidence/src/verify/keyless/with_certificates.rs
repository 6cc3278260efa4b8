//! The check itself, by `sigstore-verify`, with *ring* for its arithmetic.

use gateline_model::{Digest, Signature};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{Signature as P256Signature, VerifyingKey as P256Key};
use ring::digest;
use ring::signature::{self as algorithms, UnparsedPublicKey, VerificationAlgorithm};
use sigstore_verify::crypto::{
    CryptoProvider, Error, HashContext, Result, SigningScheme, install_default_provider,
};
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::{Artifact, Bundle, HashAlgorithm, Sha256Hash};
use sigstore_verify::{VerificationPolicy, Verifier};

use super::Identity;
use crate::text;
use crate::verify::trust::TrustError;
use crate::verify::{broken, listed};

/// Who is trusted, and the root that leads to them.
pub(in crate::verify) struct Keyless {
    verifier: Verifier,
    identities: Vec<Identity>,
}

impl Keyless {
    pub(in crate::verify) fn new(
        root: &str,
        identities: Vec<Identity>,
    ) -> std::result::Result<Keyless, TrustError> {
        // It stays whose was first, and ours is the only one.
        let _ = install_default_provider(&Ring);
        let wrong = |error: String| TrustError::Root(text::message(&error));
        let root = TrustedRoot::from_json(root).map_err(|error| wrong(error.to_string()))?;
        let verifier = Verifier::new(&root).map_err(|error| wrong(error.to_string()))?;
        Ok(Keyless { verifier, identities })
    }

    pub(super) fn verify(&self, bundle: &str, subject: &Digest) -> Signature {
        let bundle = match Bundle::from_json(bundle) {
            Ok(bundle) => bundle,
            Err(error) => return broken(format!("the bundle cannot be checked: {error}")),
        };
        let digest = match Sha256Hash::from_hex(&subject.hex()) {
            Ok(digest) => digest,
            Err(error) => return broken(format!("the digest cannot be checked: {error}")),
        };
        // Whose it is, is compared below, with all that are trusted at once.
        let anyone = VerificationPolicy::any_identity();
        let held = match self
            .verifier
            .verify(Artifact::from_digest(digest), &bundle, &anyone)
        {
            Ok(held) => held,
            Err(error) => return broken(format!("the certificate's signature does not hold: {error}")),
        };
        let name = held.identity().map(|name| name.as_str()).unwrap_or_default();
        let issuer = held.issuer().unwrap_or_default();
        if self.identities.iter().any(|one| one.is(name, issuer)) {
            return Signature::Verified {
                signer: text::name(name),
                issuer: Some(text::name(issuer)),
            };
        }
        let trusted = self
            .identities
            .iter()
            .map(|one| format!("{} of {}", one.name, one.issuer));
        broken(format!(
            "`{}` of `{}` signed it, who is not trusted; trusted are {}",
            text::one_line(name, 100),
            text::one_line(issuer, 60),
            listed(trusted)
        ))
    }
}

impl Identity {
    fn is(&self, name: &str, issuer: &str) -> bool {
        let named = match self.name.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == self.name,
        };
        named && !name.is_empty() && issuer == self.issuer
    }
}

/// The arithmetic of signatures, which `sigstore-verify` leaves open.
#[derive(Debug)]
struct Ring;

struct Hash(digest::Context);

impl HashContext for Hash {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self: Box<Self>) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }
}

fn invalid() -> Error {
    Error::Verification("the signature is over other bytes, or by another key".to_owned())
}

fn unsupported(what: SigningScheme) -> Error {
    Error::UnsupportedAlgorithm(format!("{what:?} is not supported"))
}

impl CryptoProvider for Ring {
    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashContext>> {
        let algorithm = match algorithm {
            HashAlgorithm::Sha2256 => &digest::SHA256,
            HashAlgorithm::Sha2384 => &digest::SHA384,
            HashAlgorithm::Sha2512 => &digest::SHA512,
            other => return Err(Error::UnsupportedAlgorithm(format!("{other} is not supported"))),
        };
        Ok(Box::new(Hash(digest::Context::new(algorithm))))
    }

    fn verify_raw(&self, scheme: SigningScheme, key: &[u8], data: &[u8], signature: &[u8]) -> Result<()> {
        let algorithm: &'static dyn VerificationAlgorithm = match scheme {
            SigningScheme::EcdsaP256Sha256 => &algorithms::ECDSA_P256_SHA256_ASN1,
            SigningScheme::EcdsaP256Sha384 => &algorithms::ECDSA_P256_SHA384_ASN1,
            SigningScheme::EcdsaP384Sha256 => &algorithms::ECDSA_P384_SHA256_ASN1,
            SigningScheme::EcdsaP384Sha384 => &algorithms::ECDSA_P384_SHA384_ASN1,
            SigningScheme::Ed25519 => &algorithms::ED25519,
            SigningScheme::RsaPssSha256 => &algorithms::RSA_PSS_2048_8192_SHA256,
            SigningScheme::RsaPssSha384 => &algorithms::RSA_PSS_2048_8192_SHA384,
            SigningScheme::RsaPssSha512 => &algorithms::RSA_PSS_2048_8192_SHA512,
            SigningScheme::RsaPkcs1Sha256 => &algorithms::RSA_PKCS1_2048_8192_SHA256,
            SigningScheme::RsaPkcs1Sha384 => &algorithms::RSA_PKCS1_2048_8192_SHA384,
            SigningScheme::RsaPkcs1Sha512 => &algorithms::RSA_PKCS1_2048_8192_SHA512,
            other => return Err(unsupported(other)),
        };
        UnparsedPublicKey::new(algorithm, key)
            .verify(data, signature)
            .map_err(|_| invalid())
    }

    /// *ring* verifies whole messages only; of those that sign a digest P-256 is the one in use.
    fn verify_prehashed(
        &self,
        scheme: SigningScheme,
        key: &[u8],
        digest: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        if scheme != SigningScheme::EcdsaP256Sha256 {
            return Err(unsupported(scheme));
        }
        let key = P256Key::from_sec1_bytes(key).map_err(|_| invalid())?;
        let signature = P256Signature::from_der(signature).map_err(|_| invalid())?;
        key.verify_prehash(digest, &signature).map_err(|_| invalid())
    }
}
