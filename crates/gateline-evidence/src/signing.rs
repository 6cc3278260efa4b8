//! Signatures of people over statements: of SSH keys, and of passkeys.
//!
//! Holds bytes against a key that is given. Knows no clock, no log and nobody: whose key that is, and whether it may sign now,
//! is asked elsewhere.

mod cose;
mod passkey;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateline_model::{Digest, Proof, SignedStatement, Tier};

pub use crate::verify::{SshKey, verify_ssh};
pub use passkey::{Asserted, CLIENT_DATA_BYTES_MAX, Passkey, Site, enrol_passkey, verify_passkey};

/// Bytes of one part of a proof. An SSH signature and a passkey's with RSA have less than one thousand.
pub const PROOF_BYTES_MAX: usize = 16 * 1024;

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It, or something beside it, is not in its form.
    #[error("the signature cannot be read: {0}")]
    Unreadable(String),
    /// The key is of no kind that is known.
    #[error("the key cannot be used: {0}")]
    Key(String),
    /// Another key made it.
    #[error("another key made the signature")]
    OtherKey,
    /// It was made for something else.
    #[error("the signature was made for `{made}`, and not for `{wanted}`")]
    Purpose {
        /// What for.
        made: String,
        /// What for it must be.
        wanted: &'static str,
    },
    /// It is over other bytes.
    #[error("the signature is not over this statement: one of them was changed")]
    Altered,
    /// The browser was asked for something else.
    #[error("the passkey was asked for `{0}`, which is something else")]
    Type(String),
    /// The passkey answered another statement.
    #[error("the passkey signed another statement: the challenge is not this one's digest")]
    Challenge,
    /// A page of another site asked.
    #[error("a page of `{said}` asked the passkey, and this server is at `{ours}`")]
    Origin {
        /// Who asked.
        said: String,
        /// Who should have.
        ours: String,
    },
    /// The passkey is one for another site.
    #[error("the passkey is for another site than `{0}`")]
    Site(String),
    /// Nobody was there.
    #[error("nobody was present when it signed")]
    NotPresent,
    /// The device did not ask who is there.
    #[error("the device did not verify who is there, by fingerprint, face or PIN")]
    NotVerified,
}

impl SignatureError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            SignatureError::Unreadable(_) => "signature.unreadable",
            SignatureError::Key(_) => "key.unusable",
            SignatureError::OtherKey => "signature.other_key",
            SignatureError::Purpose { .. } => "signature.purpose",
            SignatureError::Altered => "signature.altered",
            SignatureError::Type(_) => "signature.type",
            SignatureError::Challenge => "signature.challenge",
            SignatureError::Origin { .. } => "signature.origin",
            SignatureError::Site(_) => "signature.site",
            SignatureError::NotPresent => "signature.not_present",
            SignatureError::NotVerified => "signature.not_verified",
        }
    }
}

/// Holds a signed answer against a key, as it is enrolled: tier and public half. For a passkey the site must be known.
///
/// # Errors
/// [`SignatureError`] says what does not hold.
pub fn verify_statement(
    signed: &SignedStatement,
    tier: Tier,
    public: &str,
    site: Option<&Site>,
    purpose: &'static str,
) -> Result<Asserted, SignatureError> {
    match (&signed.proof, tier) {
        (Proof::Ssh { signature }, Tier::Ssh) => {
            verify_ssh(public, purpose, signed.statement.as_bytes(), signature)?;
            Ok(Asserted { counter: None })
        }
        (
            Proof::Passkey {
                client_data,
                authenticator_data,
                signature,
            },
            Tier::Passkey,
        ) => {
            let Some(site) = site else {
                let says = "this server knows no address at which passkeys work";
                return Err(SignatureError::Unreadable(says.to_owned()));
            };
            let digest = Digest::of(signed.statement.as_bytes());
            let [client_data, authenticator_data, signature] =
                [client_data, authenticator_data, signature].map(|part| bytes(part));
            let proof = (client_data?, authenticator_data?, signature?);
            verify_passkey(&bytes(public)?, site, &digest, (&proof.0, &proof.1, &proof.2))
        }
        (Proof::Ssh { .. } | Proof::Passkey { .. }, Tier::Session | Tier::Passkey | Tier::Ssh) => {
            Err(SignatureError::OtherKey)
        }
    }
}

/// Base64url without padding, of a limited length.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, SignatureError> {
    let unreadable = |says: String| SignatureError::Unreadable(says);
    if text.len() > PROOF_BYTES_MAX {
        let length = text.len();
        return Err(unreadable(format!(
            "a part of it has {length} characters; at most {PROOF_BYTES_MAX} are read"
        )));
    }
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| unreadable("a part of it is not base64url without padding".to_owned()))
}

pub(crate) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
