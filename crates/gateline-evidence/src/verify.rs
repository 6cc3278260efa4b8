//! Whether signed statements hold: by which of the keys that a gate trusts, and about which artifact.
//!
//! **The signed bytes are the judged bytes**: a statement is read from the very payload whose signature holds, and it holds only
//! for artifacts whose digest it names. Knows no network and no clock: what is trusted is handed in.

mod detached;
mod key;
mod keyless;
mod ssh;
mod trust;

use std::io::Cursor;

use gateline_model::{Digest, SUBJECTS_MAX, Signature};

pub use detached::{Detached, SIGNATURE_BYTES_MAX, verify_detached};
pub(crate) use detached::{is_minisign_signature, is_ssh_signature};
pub(crate) use key::{Fits, Key};
pub use keyless::Identity;
pub use ssh::{SshKey, verify_ssh};
pub use trust::{KEYS_MAX, Trust, TrustError};

use crate::attestation::bundle::Bundle;
use crate::attestation::cosign::SimpleSignature;
use crate::attestation::envelope::{Envelope, decode};
use crate::attestation::in_toto::Bare;
use crate::attestation::statement::Told;
use crate::attestation::{self};
use crate::input::Input;
use crate::read::{Ask, finished};
use crate::{Format, Read, ReadError, read, text};

/// What a signature of SSH begins with.
pub(crate) const SSH_BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
/// What a signature of minisign begins with.
pub(crate) const MINISIGN_BEGIN: &str = "untrusted comment:";
/// Signatures of one envelope that are tried.
pub const SIGNATURES_MAX: usize = 20;
/// Digests or names that a reason lists.
const LISTED_MAX: usize = 3;

/// Reads DSSE envelopes, Sigstore bundles or bare statements, and says of each whether its signature holds, by a key or an
/// identity that is trusted, for one of these artifacts. It is [`read`] with the signatures looked at.
///
/// # Errors
/// [`ReadError`] as [`read`], and [`ReadError::Asked`] if the report is of a format that has no signature.
pub fn verify(bytes: &[u8], trust: &Trust, artifacts: &[Digest]) -> Result<Read, ReadError> {
    let format = read(bytes, None)?.format;
    let mut source = Cursor::new(bytes);
    let mut input = Input::new(&mut source, Ask::default())?;
    let looked = match format {
        Format::Dsse => attestation::body(&mut input, |envelope: &Envelope, told, _| {
            bound(of_envelope(envelope, trust), told, artifacts)
        }),
        Format::SigstoreBundle => attestation::body(&mut input, |bundle: &Bundle, told, text| {
            bound(of_bundle(bundle, told, text, trust, artifacts), told, artifacts)
        }),
        Format::CosignSignature => attestation::body(&mut input, |signed: &SimpleSignature, told, _| {
            bound(of_cosign(signed, trust), told, artifacts)
        }),
        Format::InToto => attestation::body(&mut input, |_: &Bare, _, _| {
            broken("nobody signed the statement; sign it, as with `cosign attest-blob`")
        }),
        Format::SshSignature | Format::Minisign | Format::SignedFile => {
            let reason = "the signature stands beside its file: both are needed to look at it";
            return Err(ReadError::Asked(reason.to_owned()));
        }
        other => {
            let reason = format!("a `{other}` report has no signature: report the statement that is signed");
            return Err(ReadError::Asked(reason));
        }
    };
    finished(looked, format, &mut input)
}

/// Who signed an envelope, whatever it is about.
fn of_envelope(envelope: &Envelope, trust: &Trust) -> Signature {
    let signed = match envelope.pre_authentication() {
        Ok(signed) => signed,
        Err(reason) => return broken(reason),
    };
    let signatures = envelope.signatures.as_deref().unwrap_or_default();
    if signatures.is_empty() {
        return broken("the envelope has no signature; sign it again");
    }
    if signatures.len() > SIGNATURES_MAX {
        let count = signatures.len();
        return broken(format!(
            "the envelope has {count} signatures; {SIGNATURES_MAX} are looked at"
        ));
    }
    let mut why = None;
    for signature in signatures {
        let hint = signature.keyid.as_deref().unwrap_or_default();
        let Some(bytes) = decode(&signature.sig) else {
            why.get_or_insert_with(|| "its signature is not base64; sign it again".to_owned());
            continue;
        };
        match trust.signer_of(&signed, &bytes, hint) {
            Ok(signer) => return verified(signer),
            Err(reason) => {
                why.get_or_insert(reason);
            }
        }
    }
    broken(why.unwrap_or_default())
}

fn of_cosign(signed: &SimpleSignature, trust: &Trust) -> Signature {
    if signed.cert.is_some() {
        return broken(
            "a certificate signed it in cosign's form of before bundles, which is not looked at; sign with `--new-bundle-format`",
        );
    }
    let payload = match signed.payload() {
        Ok(payload) => payload,
        Err(reason) => return broken(reason),
    };
    match decode(&signed.base64_signature) {
        Some(signature) => match trust.signer_of(&payload, &signature, "") {
            Ok(signer) => verified(signer),
            Err(reason) => broken(reason),
        },
        None => broken("its signature is not base64; sign it again"),
    }
}

fn of_bundle(bundle: &Bundle, told: &Told, text: &str, trust: &Trust, artifacts: &[Digest]) -> Signature {
    let material = &bundle.verification_material;
    if material.certificate.is_some() || material.x509_certificate_chain.is_some() {
        let meant = told.subjects.iter().find(|subject| artifacts.contains(subject));
        return match meant.or(told.subjects.first()) {
            Some(subject) => keyless::verify(text, subject, trust),
            None => broken("it names no artifact by SHA-256"),
        };
    }
    let Some(key) = &material.public_key else {
        return broken("the bundle names neither a key nor a certificate; sign it again");
    };
    let hint = key.hint.as_deref().unwrap_or_default();
    match (&bundle.dsse_envelope, &bundle.message_signature) {
        (Some(envelope), _) => {
            let signatures = envelope.signatures.as_deref().unwrap_or_default();
            if signatures.len() > 1 {
                return broken("a bundle has one signature, and this one has several; sign it again");
            }
            let keyid = signatures
                .first()
                .and_then(|one| one.keyid.as_deref())
                .unwrap_or_default();
            if !keyid.is_empty() && !hint.is_empty() && keyid != hint {
                return broken("the bundle and its envelope name different keys: one of them was changed");
            }
            of_envelope(envelope, trust)
        }
        (None, Some(message)) => match (message.digest(), decode(&message.signature)) {
            (Ok(digest), Some(signature)) => match trust.signer_of_digest(&digest, &signature, hint) {
                Ok(signer) => verified(signer),
                Err(reason) => broken(reason),
            },
            (Err(reason), _) => broken(reason),
            (Ok(_), None) => broken("its signature is not base64; sign it again"),
        },
        (None, None) => broken("the bundle holds no signature"),
    }
}

/// A signature that holds, holds for these artifacts only if it is about one of them; these are then the first of its subjects.
fn bound(signature: Signature, told: &mut Told, artifacts: &[Digest]) -> Signature {
    match &signature {
        Signature::Verified { signer, .. } if !told.subjects.iter().any(|one| artifacts.contains(one)) => {
            broken(format!(
                "`{signer}` signed it for {} and not for {}; report the statement of this very artifact",
                listed(told.subjects.iter().map(Digest::short)),
                listed(artifacts.iter().map(Digest::short)),
            ))
        }
        Signature::Verified { .. } => {
            told.subjects.sort_by_key(|one| !artifacts.contains(one));
            told.statement.subjects = told.subjects.iter().copied().take(SUBJECTS_MAX).collect();
            signature
        }
        Signature::Broken { .. } | Signature::Unchecked => signature,
    }
}

fn verified(signer: &str) -> Signature {
    Signature::Verified {
        signer: signer.to_owned(),
        issuer: None,
    }
}

fn broken(reason: impl Into<String>) -> Signature {
    let reason = text::message(&reason.into());
    Signature::Broken { reason }
}

/// `a, b, c and 4 more`, each in backticks.
fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let count = names.len();
    let shown: Vec<_> = names
        .take(LISTED_MAX)
        .map(|name| format!("`{}`", text::name(&name)))
        .collect();
    match (count, count.saturating_sub(LISTED_MAX)) {
        (0, _) => "none".to_owned(),
        (_, 0) => shown.join(", "),
        (_, more) => format!("{} and {more} more", shown.join(", ")),
    }
}
