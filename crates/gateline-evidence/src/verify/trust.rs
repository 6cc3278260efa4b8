//! What a gate trusts: keys by the name that it gives them, and identities that certificates may show.

use minisign_verify::PublicKey as MinisignKey;

use gateline_model::Digest;

use super::key::{Fits, Key};
use super::keyless::{Identity, Keyless};
use super::{listed, ssh};
use crate::text;

/// Keys of one trust: each is tried for each signature.
pub const KEYS_MAX: usize = 100;

/// Who is trusted to sign. Empty, it trusts nobody.
#[derive(Default)]
pub struct Trust {
    pub(super) keys: Vec<Trusted>,
    pub(super) keyless: Option<Keyless>,
}

/// One trusted key.
pub(super) struct Trusted {
    pub(super) name: String,
    pub(super) key: AnyKey,
    /// Why it is trusted no more.
    pub(super) revoked: Option<String>,
}

impl Trusted {
    /// A revoked key signs nothing any more, whenever it did: nobody else can tell when.
    pub(super) fn holds(&self) -> Result<&str, String> {
        match &self.revoked {
            None => Ok(&self.name),
            Some(why) => Err(format!("`{}` signed it, whose key is revoked: {why}", self.name)),
        }
    }
}

pub(super) enum AnyKey {
    /// Of envelopes and bundles.
    Plain(Key),
    Ssh(ssh::Signer),
    Minisign(MinisignKey),
}

/// Why something cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// No key, or one of a sort that is not known.
    #[error("the key `{name}` cannot be read: {reason}")]
    Key {
        /// What the gate calls it.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// One key under two names would look like two signers.
    #[error("`{first}` and `{second}` are the same key; name it once")]
    Twice {
        /// The name that came first.
        first: String,
        /// The other one.
        second: String,
    },
    /// More than [`KEYS_MAX`].
    #[error("more than {KEYS_MAX} keys are trusted; name those that sign for this gate")]
    TooMany,
    /// The trusted root of Sigstore identities cannot be used.
    #[error("the trusted root cannot be used: {0}")]
    Root(String),
}

impl Trust {
    /// Trusts nobody yet.
    pub fn new() -> Trust {
        Trust::default()
    }

    /// Trusts a key by this name: a PEM public key (ECDSA P-256 or Ed25519), an SSH public key or lines of SSH's allowed
    /// signers (whose principals then name the signer), or a minisign public key. The content tells which.
    ///
    /// # Errors
    /// [`TrustError`] if it is none of these, or trusted already.
    pub fn key(self, name: &str, text: &str) -> Result<Trust, TrustError> {
        self.add(name, text, None)
    }

    /// Knows a key by this name as one that is trusted no more, so that what it signed is told apart from what strangers
    /// signed.
    ///
    /// # Errors
    /// As [`Trust::key`].
    pub fn revoked(self, name: &str, text: &str, why: &str) -> Result<Trust, TrustError> {
        self.add(name, text, Some(text::message(why)))
    }

    fn add(mut self, name: &str, text: &str, revoked: Option<String>) -> Result<Trust, TrustError> {
        let wrong = |reason: String| TrustError::Key {
            name: text::name(name),
            reason,
        };
        let name = text::name(name);
        let text = text.trim();
        let keys = if text.contains("PRIVATE KEY") {
            let reason =
                "it is a private key: name the public one, and replace this one, which others may have read";
            return Err(wrong(reason.to_owned()));
        } else if text.starts_with("-----BEGIN") {
            vec![(name.clone(), AnyKey::Plain(Key::of_pem(text).map_err(wrong)?))]
        } else if text.starts_with("untrusted comment:") || is_minisign(text) {
            let key = match text.lines().count() {
                1 => MinisignKey::from_base64(text),
                _ => MinisignKey::decode(text),
            };
            let key = key.map_err(|error| wrong(format!("it is no minisign key: {error}")))?;
            vec![(name.clone(), AnyKey::Minisign(key))]
        } else {
            let signers = ssh::signers(&name, text).map_err(wrong)?;
            signers
                .into_iter()
                .map(|(name, signer)| (name, AnyKey::Ssh(signer)))
                .collect()
        };
        for (name, key) in keys {
            if let Some(twin) = self.keys.iter().find(|one| one.key.is(&key)) {
                return Err(TrustError::Twice {
                    first: twin.name.clone(),
                    second: name,
                });
            }
            if self.keys.len() == KEYS_MAX {
                return Err(TrustError::TooMany);
            }
            self.keys.push(Trusted {
                name,
                key,
                revoked: revoked.clone(),
            });
        }
        Ok(self)
    }

    /// Trusts these identities in certificates that lead to a trusted root, which is the JSON that Sigstore and its private
    /// instances publish.
    ///
    /// # Errors
    /// [`TrustError::Root`] if the root cannot be read.
    pub fn identities(mut self, trusted_root: &str, identities: Vec<Identity>) -> Result<Trust, TrustError> {
        self.keyless = Some(Keyless::new(trusted_root, identities)?);
        Ok(self)
    }

    /// The name of the key that made a signature over these bytes; an error is why there is none, for a person.
    pub(super) fn signer_of(&self, signed: &[u8], signature: &[u8], hint: &str) -> Result<&str, String> {
        self.find(hint, |key| key.fits(signed, signature))
    }

    /// The same over a digest of what was signed.
    pub(super) fn signer_of_digest(
        &self,
        digest: &Digest,
        signature: &[u8],
        hint: &str,
    ) -> Result<&str, String> {
        self.find(hint, |key| key.fits_digest(digest, signature))
    }

    fn find(&self, hint: &str, fits: impl Fn(&Key) -> Fits) -> Result<&str, String> {
        let plain = self.keys.iter().filter_map(|one| match &one.key {
            AnyKey::Plain(key) => Some((one, key)),
            AnyKey::Ssh(_) | AnyKey::Minisign(_) => None,
        });
        let plain: Vec<_> = plain.collect();
        if plain.is_empty() {
            return Err("no key is trusted to sign statements; name one in PEM".to_owned());
        }
        // The key that the signer names says best what went wrong; else one that could not have made it at all.
        let (mut hinted, mut misshapen) = (None, None);
        for (one, key) in &plain {
            match fits(key) {
                Fits::Yes => return one.holds(),
                Fits::No if key.is_hinted(hint) => hinted = Some(&one.name),
                Fits::No => {}
                Fits::Never(reason) => {
                    misshapen.get_or_insert(format!("; by the key `{}` it cannot be: {reason}", one.name));
                }
            }
        }
        if let Some(name) = hinted {
            return Err(format!(
                "it names the key `{name}`, which is trusted, but the signature is over other bytes: the payload or the signature was changed"
            ));
        }
        let trusted = plain.iter().filter(|(one, _)| one.revoked.is_none());
        let names = listed(
            trusted
                .map(|(one, _)| one.name.clone())
                .collect::<Vec<_>>()
                .into_iter(),
        );
        let said = match hint.is_empty() {
            true => String::new(),
            false => format!(" (it names the key `{}`)", text::one_line(hint, 80)),
        };
        let why = misshapen.unwrap_or_default();
        Err(format!(
            "no trusted key made this signature{said}; trusted are {names}: another key signed, or the payload was changed{why}"
        ))
    }
}

impl AnyKey {
    fn is(&self, other: &AnyKey) -> bool {
        match (self, other) {
            (AnyKey::Plain(one), AnyKey::Plain(other)) => one == other,
            (AnyKey::Ssh(one), AnyKey::Ssh(other)) => one.blob == other.blob,
            (AnyKey::Minisign(one), AnyKey::Minisign(other)) => one == other,
            (AnyKey::Plain(_) | AnyKey::Ssh(_) | AnyKey::Minisign(_), _) => false,
        }
    }
}

/// The one line of a minisign key without its comment.
fn is_minisign(text: &str) -> bool {
    text.len() == 56 && text.starts_with("RW")
}
