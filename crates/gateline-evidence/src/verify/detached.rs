//! Signatures that stand beside the file that they sign: SSH's and minisign's.
//!
//! The file may be an artifact, a report, or a list of checksums as `sha256sum` writes it, whose lines are then signed for too.

use std::str::FromStr as _;

use gateline_model::{Digest, Statement};
use minisign_verify::{Error as MinisignError, Signature as MinisignSignature};

use super::trust::AnyKey;
use super::{Trust, bound, broken, listed, ssh, verified};
use crate::attestation::statement::Told;

/// Bytes of a signature that stands beside its file.
pub const SIGNATURE_BYTES_MAX: usize = 16 * 1024;

/// Whether a signature (SSH's in the namespace `file` or `gateline-evidence`, or minisign's) over this message holds, for one of
/// these artifacts: the message itself, or one in the list of checksums that it is.
pub fn verify_detached(signature: &[u8], message: &[u8], trust: &Trust, artifacts: &[Digest]) -> Statement {
    let mut subjects = vec![Digest::of(message)];
    subjects.extend(checksums(message));
    let mut told = Told::bare(subjects);
    let signer = match std::str::from_utf8(signature) {
        Ok(_) if signature.len() > SIGNATURE_BYTES_MAX => Err(format!(
            "the signature has {} bytes; at most {SIGNATURE_BYTES_MAX} are read",
            signature.len()
        )),
        Ok(text) if text.trim_start().starts_with(ssh::BEGIN) => of_ssh(text, message, trust),
        Ok(text) if text.starts_with("untrusted comment:") => of_minisign(text, message, trust),
        Ok(_) | Err(_) => Err("it is neither a signature of SSH nor of minisign".to_owned()),
    };
    let signature = match signer {
        Ok(signer) => bound(verified(signer), &mut told, artifacts),
        Err(reason) => broken(reason),
    };
    Statement {
        signature,
        ..told.statement
    }
}

fn of_ssh<'t>(text: &str, message: &[u8], trust: &'t Trust) -> Result<&'t str, String> {
    let signature = ssh::SshSignature::of(text)?;
    let signers = trust.keys.iter().filter_map(|one| match &one.key {
        AnyKey::Ssh(signer) => Some((one.name.as_str(), signer)),
        AnyKey::Plain(_) | AnyKey::Minisign(_) => None,
    });
    let signers: Vec<_> = signers.collect();
    match signers.iter().find(|(_, signer)| signer.blob == signature.key) {
        Some((name, signer)) => {
            let checked = signature.check(signer, message);
            checked
                .map(|()| *name)
                .map_err(|reason| format!("it names the key of `{name}`, but {reason}"))
        }
        None => Err(format!(
            "an SSH key signed it that is not trusted; trusted are {}",
            listed(signers.iter().map(|(name, _)| (*name).to_owned()))
        )),
    }
}

fn of_minisign<'t>(text: &str, message: &[u8], trust: &'t Trust) -> Result<&'t str, String> {
    let signature = MinisignSignature::decode(text)
        .map_err(|_| "it is no whole minisign signature of four lines; sign again".to_owned())?;
    let keys = trust.keys.iter().filter_map(|one| match &one.key {
        AnyKey::Minisign(key) => Some((one.name.as_str(), key)),
        AnyKey::Plain(_) | AnyKey::Ssh(_) => None,
    });
    let keys: Vec<_> = keys.collect();
    for (name, key) in &keys {
        // Signatures without a hash of the file are of minisign before 0.8 and still hold.
        match key.verify(message, &signature, true) {
            Ok(()) => return Ok(name),
            Err(MinisignError::UnexpectedKeyId) => {}
            Err(_) => {
                return Err(format!(
                    "it names the key `{name}`, but it is over other bytes: the file, the signature or its comment was changed"
                ));
            }
        }
    }
    Err(format!(
        "a minisign key signed it that is not trusted; trusted are {}",
        listed(keys.iter().map(|(name, _)| (*name).to_owned()))
    ))
}

/// The digests in a list of checksums (`<64 hex digits>  name` on each line); none if any line is something else.
fn checksums(message: &[u8]) -> Vec<Digest> {
    let line = |line: &str| {
        let (hex, name) = line.split_once(' ')?;
        let named = name.strip_prefix([' ', '*']).is_some_and(|name| !name.is_empty());
        named
            .then(|| Digest::from_str(&format!("sha256:{hex}")).ok())
            .flatten()
    };
    let text = std::str::from_utf8(message).unwrap_or_default();
    text.lines()
        .map(line)
        .collect::<Option<Vec<_>>>()
        .unwrap_or_default()
}
