//! Signatures that stand beside the file that they sign: SSH's and minisign's.
//!
//! The file may be an artifact, a report, or a list of checksums as `sha256sum` writes it, whose lines are then signed for too.
//! Knows not which of several files is meant: each is tried.

use gateline_model::{Digest, Statement};
use minisign_verify::{Error as MinisignError, PublicKey as MinisignKey, Signature as MinisignSignature};

use super::ssh::{Over, Signer, SshSignature};
use super::trust::AnyKey;
use super::{MINISIGN_BEGIN, SSH_BEGIN, Trust, bound, broken, listed, verified};
use crate::attestation::beside::checksums;
use crate::attestation::statement::Told;

/// Bytes of a signature that stands beside its file.
pub const SIGNATURE_BYTES_MAX: usize = 16 * 1024;

/// A signature while the file that it is over is looked for.
pub struct Detached<'t> {
    made: Made<'t>,
    artifacts: &'t [Digest],
    settled: Option<Statement>,
    tried: usize,
}

/// By whom it says that it is made.
enum Made<'t> {
    BySsh(&'t str, &'t Signer, SshSignature),
    /// Several, for a key's short name may be another's too.
    ByMinisign(Vec<(&'t str, &'t MinisignKey)>, Box<MinisignSignature>),
    /// By nobody who counts.
    Not(String),
}

impl<'t> Detached<'t> {
    /// Looks who made a signature (SSH's in the namespace `file` or `gateline-evidence`, or minisign's). One of SSH over SHA-256
    /// needs no file where it is over an artifact itself.
    pub fn new(signature: &[u8], trust: &'t Trust, artifacts: &'t [Digest]) -> Detached<'t> {
        let made = match std::str::from_utf8(signature) {
            Ok(_) if signature.len() > SIGNATURE_BYTES_MAX => Err(format!(
                "the signature has {} bytes; at most {SIGNATURE_BYTES_MAX} are read",
                signature.len()
            )),
            Ok(text) if text.trim_start().starts_with(SSH_BEGIN) => by_ssh(text, trust),
            Ok(text) if text.starts_with(MINISIGN_BEGIN) => by_minisign(text, trust),
            Ok(_) | Err(_) => Err("it is neither a signature of SSH nor of minisign".to_owned()),
        };
        let mut detached = Detached {
            made: made.unwrap_or_else(Made::Not),
            artifacts,
            settled: None,
            tried: 0,
        };
        if let Made::BySsh(name, signer, signature) = &detached.made {
            let is_over = |artifact: &&Digest| signature.is_over(signer, Over::Digest(artifact));
            if let Some(artifact) = artifacts.iter().find(is_over) {
                detached.settled = Some(detached.of(name, vec![*artifact]));
            }
        }
        detached
    }

    /// Whether no file can tell more.
    pub fn is_settled(&self) -> bool {
        self.settled.is_some() || matches!(self.made, Made::Not(_))
    }

    /// Holds it against a file: it is for the artifacts that this is, or lists.
    pub fn hold(&mut self, file: &[u8]) {
        if self.is_settled() {
            return;
        }
        self.tried += 1;
        let signer = match &self.made {
            Made::BySsh(name, signer, signature) => {
                signature.is_over(signer, Over::Bytes(file)).then_some(*name)
            }
            // Signatures without a hash of the file are of minisign before 0.8 and still hold.
            Made::ByMinisign(keys, signature) => keys
                .iter()
                .find(|(_, key)| key.verify(file, signature, true).is_ok())
                .map(|(name, _)| *name),
            Made::Not(_) => None,
        };
        if let Some(name) = signer {
            let mut subjects = vec![Digest::of(file)];
            subjects.extend(checksums(file));
            self.settled = Some(self.of(name, subjects));
        }
    }

    fn of(&self, signer: &str, subjects: Vec<Digest>) -> Statement {
        let mut told = Told::bare(subjects);
        let signature = bound(verified(signer), &mut told, self.artifacts);
        Statement {
            signature,
            ..told.statement
        }
    }

    /// What it comes to.
    pub fn statement(self) -> Statement {
        if let Some(settled) = self.settled {
            return settled;
        }
        let over = |parts: &str| match self.tried {
            0 => "the file that it signs was not reported: report it too, with `--as signed-file`".to_owned(),
            1 => format!("it is over other bytes: {parts} was changed"),
            files => {
                format!(
                    "it is over none of the {files} files that were reported beside it: {parts} was changed"
                )
            }
        };
        let reason = match &self.made {
            Made::BySsh(name, _, _) => {
                let over = over("the file or the signature");
                format!("it names the key of `{name}`, but {over}")
            }
            Made::ByMinisign(keys, _) => {
                let names = listed(keys.iter().map(|(name, _)| (*name).to_owned()));
                let over = over("the file, the signature or its comment");
                format!("it names the key {names}, but {over}")
            }
            Made::Not(reason) => reason.clone(),
        };
        Statement {
            signature: broken(reason),
            ..Told::bare(Vec::new()).statement
        }
    }
}

/// Whether a signature over this message holds, for one of these artifacts: the message itself, or one in the list of
/// checksums that it is.
pub fn verify_detached(signature: &[u8], message: &[u8], trust: &Trust, artifacts: &[Digest]) -> Statement {
    let mut detached = Detached::new(signature, trust, artifacts);
    detached.hold(message);
    detached.statement()
}

/// Whether it is a whole signature of SSH, whoever made it.
pub(crate) fn is_ssh_signature(text: &str) -> Result<(), String> {
    SshSignature::of(text).map(drop)
}

/// Whether it is a whole signature of minisign, whoever made it.
pub(crate) fn is_minisign_signature(text: &str) -> Result<(), String> {
    minisign(text).map(drop)
}

fn minisign(text: &str) -> Result<MinisignSignature, String> {
    MinisignSignature::decode(text)
        .map_err(|_| "it is no whole minisign signature of four lines; sign again".to_owned())
}

fn by_ssh<'t>(text: &str, trust: &'t Trust) -> Result<Made<'t>, String> {
    let signature = SshSignature::of(text)?;
    let signers = trust.keys.iter().filter_map(|one| match &one.key {
        AnyKey::Ssh(signer) => Some((one, signer)),
        AnyKey::Plain(_) | AnyKey::Minisign(_) => None,
    });
    let signers: Vec<_> = signers.collect();
    let Some((one, signer)) = signers.iter().find(|(_, signer)| signer.blob == signature.key) else {
        let names = signers.iter().filter(|(one, _)| one.revoked.is_none());
        return Err(format!(
            "an SSH key signed it that is not trusted; trusted are {}",
            listed(
                names
                    .map(|(one, _)| one.name.clone())
                    .collect::<Vec<_>>()
                    .into_iter()
            )
        ));
    };
    one.holds()?;
    signature
        .may_be_by(signer)
        .map_err(|reason| format!("it names the key of `{}`, but {reason}", one.name))?;
    Ok(Made::BySsh(&one.name, signer, signature))
}

fn by_minisign<'t>(text: &str, trust: &'t Trust) -> Result<Made<'t>, String> {
    let signature = minisign(text)?;
    let keys = trust.keys.iter().filter_map(|one| match &one.key {
        AnyKey::Minisign(key) => Some((one, key)),
        AnyKey::Plain(_) | AnyKey::Ssh(_) => None,
    });
    let keys: Vec<_> = keys.collect();
    // The key's short name is compared before any byte of the file is looked at.
    let is_named = |key: &MinisignKey| {
        !matches!(
            key.verify(b"", &signature, true),
            Err(MinisignError::UnexpectedKeyId)
        )
    };
    let named: Vec<_> = keys.iter().filter(|(_, key)| is_named(key)).collect();
    if named.is_empty() {
        let names = keys.iter().filter(|(one, _)| one.revoked.is_none());
        return Err(format!(
            "a minisign key signed it that is not trusted; trusted are {}",
            listed(
                names
                    .map(|(one, _)| one.name.clone())
                    .collect::<Vec<_>>()
                    .into_iter()
            )
        ));
    }
    for (one, _) in &named {
        one.holds()?;
    }
    let named = named.iter().map(|(one, key)| (one.name.as_str(), *key)).collect();
    Ok(Made::ByMinisign(named, Box::new(signature)))
}
