//! SSH's keys, allowed signers and signatures, as `ssh-keygen -Y sign` makes them.
//!
//! Layout: PROTOCOL.sshsig, PROTOCOL.u2f and ssh-keygen(1), "ALLOWED SIGNERS" of OpenSSH. Ed25519 and ECDSA on P-256, in a file
//! or in a security key. Knows no clock and no certificate authority: lines that need one are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use gateline_model::Digest;
use sha2::{Digest as _, Sha512};

use super::key::{Fits, Key};
use super::{SIGNATURE_BYTES_MAX, SSH_BEGIN};
use crate::attestation::envelope::decode;
use crate::signing::SignatureError;
use crate::text;

const END: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8] = b"SSHSIG";
/// What a signature may be for: a signature for logging in, or for a commit, is not one for evidence.
const NAMESPACES: &[&str] = &["file", "gateline-evidence"];
/// A person touched the security key.
const PRESENT: u8 = 1;

/// Who may sign.
pub(super) struct Signer {
    /// The key as SSH writes it.
    pub(super) blob: Vec<u8>,
    key: Key,
    /// The application of a key that is in a security key.
    application: Option<Vec<u8>>,
    /// What its line allows it to sign for; anything without one.
    namespaces: Option<Vec<String>>,
}

/// Reads public keys (`ssh-ed25519 AAAA.. comment`) and allowed signers (`name options ssh-ed25519 AAAA..`), one a line.
pub(super) fn signers(name: &str, text: &str) -> Result<Vec<(String, Signer)>, String> {
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let read = |(at, line)| signer(name, line).map_err(|reason| format!("line {}: {reason}", at + 1));
    let signers: Vec<_> = lines.map(read).collect::<Result<_, _>>()?;
    match signers.is_empty() {
        true => Err("there is no key in it".to_owned()),
        false => Ok(signers),
    }
}

fn signer(name: &str, line: &str) -> Result<(String, Signer), String> {
    let words: Vec<_> = line.split_whitespace().collect();
    let is_sort =
        |word: &&str| word.starts_with("ssh-") || word.starts_with("ecdsa-") || word.starts_with("sk-");
    let at = words
        .iter()
        .position(is_sort)
        .ok_or("it is no public key that is known: PEM, SSH or minisign")?;
    let base64 = words
        .get(at + 1)
        .ok_or("the key itself is missing behind its sort")?;
    let blob = decode(base64).ok_or("the key is not base64")?;
    let mut signer = Signer::of(blob)?;
    let (signed_as, options) = match words[..at].split_first() {
        Some((signed_as, options)) => (text::name(signed_as), options.join(" ")),
        None => (name.to_owned(), String::new()),
    };
    for option in options.split("\",").filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("namespaces", list)) => {
                let list = list.trim_matches('"').split(',');
                signer.namespaces = Some(list.map(str::to_owned).collect());
            }
            Some(_) | None => {
                let option = text::one_line(option, 40);
                return Err(format!(
                    "the option `{option}` is not looked at, so that the key would be trusted for more than it says; leave the line out, \
                     or the option if you mean it"
                ));
            }
        }
    }
    Ok((signed_as, signer))
}

impl Signer {
    fn of(blob: Vec<u8>) -> Result<Signer, String> {
        let mut rest = Wire(&blob);
        let (key, is_in_security_key) = match rest.string()? {
            b"ssh-ed25519" => (Key::ed25519(rest.string()?)?, false),
            b"ecdsa-sha2-nistp256" => (rest.p256()?, false),
            b"sk-ssh-ed25519@openssh.com" => (Key::ed25519(rest.string()?)?, true),
            b"sk-ecdsa-sha2-nistp256@openssh.com" => (rest.p256()?, true),
            _ => return Err("it is neither Ed25519 nor ECDSA on P-256; make one of these".to_owned()),
        };
        let application = match is_in_security_key {
            true => Some(rest.string()?.to_vec()),
            false => None,
        };
        rest.end()?;
        Ok(Signer {
            blob,
            key,
            application,
            namespaces: None,
        })
    }
}

/// The public key of somebody who signs statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKey {
    /// Sort and key, as they stand in a `.pub` file, without the comment.
    pub line: String,
    /// What stands behind them there.
    pub comment: String,
    /// What it is called: `SHA256:` and the digest in base64, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
}

impl SshKey {
    /// Reads the line of a `.pub` file: Ed25519 or ECDSA on P-256, in a file or in a security key.
    ///
    /// # Errors
    /// [`SignatureError::Key`] says what is wrong with it.
    pub fn of(text: &str) -> Result<SshKey, SignatureError> {
        let mut words = text.split_whitespace();
        let (Some(sort), Some(base64)) = (words.next(), words.next()) else {
            let says = "it is no line of a `.pub` file, as in `ssh-ed25519 AAAA.. comment`";
            return Err(SignatureError::Key(says.to_owned()));
        };
        let line = format!("{sort} {base64}");
        let (_, signer) = signer("", &line).map_err(SignatureError::Key)?;
        let comment: Vec<&str> = words.collect();
        let digest = STANDARD_NO_PAD.encode(Digest::of(&signer.blob).as_bytes());
        Ok(SshKey {
            line,
            comment: text::one_line(&comment.join(" "), 60),
            fingerprint: format!("SHA256:{digest}"),
        })
    }
}

/// Holds a signature, as `ssh-keygen -Y sign` writes it, against a public key, what it is for, and the message.
///
/// # Errors
/// [`SignatureError`]
pub fn verify_ssh(
    line: &str,
    purpose: &'static str,
    message: &[u8],
    signature: &str,
) -> Result<(), SignatureError> {
    let unreadable = SignatureError::Unreadable;
    if signature.len() > SIGNATURE_BYTES_MAX {
        let says = format!(
            "it has {} bytes; at most {SIGNATURE_BYTES_MAX} are read",
            signature.len()
        );
        return Err(unreadable(says));
    }
    let (_, signer) = signer("", line).map_err(SignatureError::Key)?;
    let signature = SshSignature::of(signature).map_err(unreadable)?;
    if signature.key != signer.blob {
        return Err(SignatureError::OtherKey);
    }
    if signature.namespace != purpose.as_bytes() {
        return Err(SignatureError::Purpose {
            made: text::one_line(&String::from_utf8_lossy(&signature.namespace), 40),
            wanted: purpose,
        });
    }
    if let Fits::Never(reason) = signature.fits(&signer, &[]).map_err(unreadable)? {
        return Err(SignatureError::Unreadable(reason.to_owned()));
    }
    match signature.is_over(&signer, Over::Bytes(message)) {
        true => Ok(()),
        false => Err(SignatureError::Altered),
    }
}

/// What a signature is over.
#[derive(Clone, Copy)]
pub(super) enum Over<'m> {
    /// All of it.
    Bytes(&'m [u8]),
    /// What has this SHA-256.
    Digest(&'m Digest),
}

/// A signature over a file.
pub(super) struct SshSignature {
    /// The key that made it, as it says itself.
    pub(super) key: Vec<u8>,
    namespace: Vec<u8>,
    reserved: Vec<u8>,
    hash: Vec<u8>,
    signature: Vec<u8>,
}

impl SshSignature {
    /// Reads the armoured text.
    pub(super) fn of(text: &str) -> Result<SshSignature, String> {
        let inside = text
            .trim()
            .strip_prefix(SSH_BEGIN)
            .and_then(|rest| rest.strip_suffix(END));
        let inside = inside.ok_or("the SSH signature is cut off: it has no END")?;
        let base64: String = inside.split_whitespace().collect();
        let bytes = decode(&base64).ok_or("the SSH signature is not base64")?;
        let body = bytes
            .strip_prefix(MAGIC)
            .ok_or("it is no SSH signature of a file")?;
        let mut rest = Wire(body);
        if rest.number()? != 1 {
            return Err("the SSH signature is of a version that is not known".to_owned());
        }
        let [key, namespace, reserved, hash, signature] = [(); 5].map(|()| rest.string().map(<[u8]>::to_vec));
        rest.end()?;
        Ok(SshSignature {
            key: key?,
            namespace: namespace?,
            reserved: reserved?,
            hash: hash?,
            signature: signature?,
        })
    }

    /// Whether it is for something that this signer may sign.
    pub(super) fn may_be_by(&self, signer: &Signer) -> Result<(), String> {
        let namespace = String::from_utf8_lossy(&self.namespace);
        if !NAMESPACES.contains(&namespace.as_ref()) {
            return Err(format!(
                "it was made for `{}`, and not for `file` or `gateline-evidence`; sign with `ssh-keygen -Y sign -n gateline-evidence`",
                text::one_line(&namespace, 40)
            ));
        }
        if let Some(allowed) = &signer.namespaces
            && !allowed.iter().any(|one| one == namespace.as_ref())
        {
            return Err(format!("that key may not sign for `{namespace}`, says its line"));
        }
        if !matches!(self.hash.as_slice(), b"sha256" | b"sha512") {
            return Err("it is over a hash that is not known".to_owned());
        }
        // Whatever it is over, its shape tells.
        match self.fits(signer, &[]) {
            Ok(Fits::Yes | Fits::No) => Ok(()),
            Ok(Fits::Never(reason)) => Err(reason.to_owned()),
            Err(reason) => Err(reason),
        }
    }

    /// Whether it is this signer's over this very message.
    pub(super) fn is_over(&self, signer: &Signer, message: Over<'_>) -> bool {
        let hashed = match (self.hash.as_slice(), message) {
            (b"sha256", Over::Bytes(bytes)) => Digest::of(bytes).as_bytes().to_vec(),
            (b"sha256", Over::Digest(digest)) => digest.as_bytes().to_vec(),
            (b"sha512", Over::Bytes(bytes)) => Sha512::digest(bytes).to_vec(),
            (_, Over::Bytes(_) | Over::Digest(_)) => return false,
        };
        self.fits(signer, &hashed) == Ok(Fits::Yes)
    }

    /// Whether it is this signer's over a file with this hash.
    fn fits(&self, signer: &Signer, hashed: &[u8]) -> Result<Fits, String> {
        let mut signed = MAGIC.to_vec();
        for part in [&self.namespace, &self.reserved, &self.hash] {
            put(&mut signed, part);
        }
        put(&mut signed, hashed);
        let mut rest = Wire(&self.signature);
        rest.string()?;
        let raw = rest.string()?;
        if let Some(application) = &signer.application {
            let (flags, counter) = (rest.byte()?, rest.number()?);
            if flags & PRESENT == 0 {
                return Err("nobody touched the security key when it signed".to_owned());
            }
            let (application, message) = (Digest::of(application), Digest::of(&signed));
            signed = [
                application.as_bytes().as_slice(),
                &[flags],
                &counter.to_be_bytes(),
                message.as_bytes(),
            ]
            .concat();
        }
        rest.end()?;
        let signature = match &signer.key {
            Key::P256(_) => der(raw)?,
            Key::Ed25519(_) => raw.to_vec(),
        };
        Ok(signer.key.fits(&signed, &signature))
    }
}

/// The two numbers of SSH's ECDSA signature in DER: both write numbers in the same way.
fn der(raw: &[u8]) -> Result<Vec<u8>, String> {
    let mut rest = Wire(raw);
    let mut inside = Vec::new();
    for _ in 0..2 {
        let number = rest.string()?;
        let length = u8::try_from(number.len()).ok().filter(|length| *length <= 33);
        inside.extend([0x02, length.ok_or("a number of its signature is too long")?]);
        inside.extend(number);
    }
    rest.end()?;
    let length = u8::try_from(inside.len()).map_err(|_| "its signature is too long")?;
    Ok([&[0x30, length], inside.as_slice()].concat())
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend((part.len() as u32).to_be_bytes());
    bytes.extend(part);
}

/// SSH's binary form (RFC 4251, section 5), from which parts are taken off in front.
struct Wire<'w>(&'w [u8]);

impl<'w> Wire<'w> {
    fn take(&mut self, length: usize) -> Result<&'w [u8], String> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or("it is cut off")?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<u32, String> {
        let bytes = self.take(4)?;
        Ok(bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn string(&mut self) -> Result<&'w [u8], String> {
        let length = self.number()?;
        self.take(length as usize)
    }

    fn p256(&mut self) -> Result<Key, String> {
        match self.string()? {
            b"nistp256" => Key::p256(self.string()?),
            _ => Err("its curve is not P-256".to_owned()),
        }
    }

    fn end(&self) -> Result<(), String> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err("something stands behind its end".to_owned()),
        }
    }
}
