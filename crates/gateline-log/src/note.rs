//! Signed notes (c2sp.org/signed-note) with Ed25519 keys: a text, a blank line, signature lines.
//! Knows nothing of what the text says, and gives it out only once a trusted key has been seen on it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use thiserror::Error;

use crate::hash::Hash;

/// Longest signed note in bytes. Room for a short text and 16 post-quantum signatures of 5 kB, which the
/// specification asks a reader to accept, several times over.
pub const MAX_NOTE: usize = 256 * 1024;

/// Signature type of a plain Ed25519 note key.
const ED25519: u8 = 1;

/// Begins every signature line: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// Name of a note key, such as `gateline.example/log`: not empty, no white space, no `+`, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        let illegal = |c: char| c == '+' || c.is_whitespace() || c.is_control();
        if name.is_empty() || name.contains(illegal) {
            return Err(KeyError::Name);
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A named Ed25519 key that signs notes. The secret is never printed.
pub struct Signer {
    key: SigningKey,
    verifier: Verifier,
}

impl Signer {
    /// The key with this name made from 32 secret random bytes (the RFC 8032 private key).
    #[must_use]
    pub fn new(name: KeyName, secret: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(secret);
        let verifier = Verifier::new(name, key.verifying_key());
        Self { key, verifier }
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Signs `text`. The same text gives the same note, byte for byte.
    ///
    /// # Errors
    /// [`NoteError`] if `text` cannot be the text of a note: no newline at its end, control characters, too long.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        if !text.ends_with('\n') {
            return Err(NoteError::TextEnd);
        }
        let Verifier { name, id, .. } = &self.verifier;
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        let note = format!(
            "{text}\n{DASH}{name} {}\n",
            STANDARD.encode([&id[..], &signature].concat())
        );
        Note::parse(&note)?;
        Ok(note)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier)
    }
}

/// A named Ed25519 public key. Printed and parsed as a "vkey": `name+8 hex digits of key id+base64 of the key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: KeyName,
    id: [u8; 4],
    key: VerifyingKey,
}

impl Verifier {
    /// Name of the key.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Key id: the first 4 bytes of SHA-256(name, newline, signature type, key).
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    fn new(name: KeyName, key: VerifyingKey) -> Self {
        let hashed = Hash::of(&[name.0.as_bytes(), &[b'\n', ED25519], key.as_bytes()].concat());
        let [a, b, c, d, ..] = *hashed.as_bytes();
        Self {
            name,
            id: [a, b, c, d],
            key,
        }
    }
}

impl FromStr for Verifier {
    type Err = KeyError;

    fn from_str(vkey: &str) -> Result<Self, KeyError> {
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        let key = STANDARD.decode(key).map_err(|_| KeyError::Form)?;
        let key = match key.split_first() {
            Some((&ED25519, key)) => <&[u8; 32]>::try_from(key).map_err(|_| KeyError::Point)?,
            Some((&algorithm, _)) => return Err(KeyError::Algorithm { algorithm }),
            None => return Err(KeyError::Form),
        };
        // A weak key would accept one signature for many texts.
        let key = VerifyingKey::from_bytes(key)
            .ok()
            .filter(|key| !key.is_weak())
            .ok_or(KeyError::Point)?;
        let verifier = Self::new(name.parse()?, key);
        let expected = format!("{:08x}", u32::from_be_bytes(verifier.id));
        if id == expected {
            Ok(verifier)
        } else {
            Err(KeyError::Id { expected })
        }
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, id, key } = self;
        let key = STANDARD.encode([&[ED25519], &key.as_bytes()[..]].concat());
        write!(f, "{name}+{:08x}+{key}", u32::from_be_bytes(*id))
    }
}

/// A note that was read, not yet trusted.
#[derive(Clone, Debug)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<(&'a str, Vec<u8>)>,
}

impl<'a> Note<'a> {
    /// Takes a note apart.
    ///
    /// # Errors
    /// [`NoteError`] if it is not a signed note, or longer than [`MAX_NOTE`].
    pub fn parse(note: &'a str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE {
            return Err(NoteError::TooLong { len: note.len() });
        }
        let line_of = |at: usize| note[..at].matches('\n').count() + 1;
        if let Some(at) = note.find(|c: char| c < ' ' && c != '\n') {
            return Err(NoteError::Control { line: line_of(at) });
        }
        let blank = note.rfind("\n\n").ok_or(NoteError::Unsigned)?;
        let (text, lines) = (&note[..=blank], &note[blank + 2..]);
        if lines.is_empty() {
            return Err(NoteError::Unsigned);
        }
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Truncated)?;
        let first = line_of(blank + 2);
        let signatures = lines.split('\n').enumerate();
        let signatures =
            signatures.map(|(n, line)| signature(line).ok_or(NoteError::Line { line: first + n }));
        Ok(Self {
            text,
            signatures: signatures.collect::<Result<_, _>>()?,
        })
    }

    /// The text, ending in a newline, if at least one of `trusted` signed it. Signatures of other keys count for nothing.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] if any signature of a trusted key is wrong, [`NoteError::Untrusted`] if none is there.
    pub fn verify(&self, trusted: &[Verifier]) -> Result<&'a str, NoteError> {
        let mut seen = false;
        for (name, bytes) in &self.signatures {
            let Some((id, signature)) = bytes.split_first_chunk::<4>() else {
                continue;
            };
            for Verifier { key, .. } in trusted.iter().filter(|v| v.name.0 == *name && v.id == *id) {
                Signature::from_slice(signature)
                    .and_then(|signature| key.verify_strict(self.text.as_bytes(), &signature))
                    .map_err(|_| NoteError::BadSignature {
                        name: (*name).to_owned(),
                    })?;
                seen = true;
            }
        }
        if seen {
            Ok(self.text)
        } else {
            Err(NoteError::Untrusted)
        }
    }
}

/// Name and bytes (key id, then the signature proper) of one signature line.
fn signature(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, bytes) = line.strip_prefix(DASH)?.split_once(' ')?;
    name.parse::<KeyName>().ok()?;
    let bytes = STANDARD.decode(bytes).ok().filter(|bytes| bytes.len() > 4)?;
    Some((name, bytes))
}

/// Why text is not a note key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not a [`KeyName`].
    #[error("a key name is not empty and has no white space, `+` or control character")]
    Name,
    /// Not the three parts of a vkey.
    #[error("a public key is written `name+keyid+base64`, this one is not")]
    Form,
    /// A signature type that is not Ed25519.
    #[error("a public key of signature type {algorithm:#04x} is not supported, only Ed25519 (0x01)")]
    Algorithm {
        /// The type byte.
        algorithm: u8,
    },
    /// Not an Ed25519 public key that can be trusted.
    #[error("the 32 bytes of the public key are missing, or no safe Ed25519 key")]
    Point,
    /// The key id does not belong to name and key.
    #[error("the key id does not fit name and key, which give `{expected}`: one of the three was changed")]
    Id {
        /// The id that name and key give.
        expected: String,
    },
}

/// Why text is not a signed note, or not one that can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoteError {
    /// Over [`MAX_NOTE`].
    #[error("the signed note has {len} bytes, the limit is {MAX_NOTE}")]
    TooLong {
        /// Bytes of the note.
        len: usize,
    },
    /// A control character other than newline.
    #[error("line {line} of the signed note has a control character; was it copied with other line ends?")]
    Control {
        /// Line, from 1.
        line: usize,
    },
    /// No blank line, or nothing after it.
    #[error("the signed note has no signature after a blank line: it is cut off, or was never signed")]
    Unsigned,
    /// No newline at the end.
    #[error("the signed note does not end in a newline: it is cut off")]
    Truncated,
    /// The text to sign has no newline at its end.
    #[error("the text of a signed note ends in a newline")]
    TextEnd,
    /// Not a signature line.
    #[error("line {line} of the signed note is not a signature (`\u{2014} name base64`)")]
    Line {
        /// Line, from 1.
        line: usize,
    },
    /// A trusted key's signature is wrong.
    #[error("the signature of `{name}` does not fit: the signed note was changed")]
    BadSignature {
        /// Name of the key.
        name: String,
    },
    /// No trusted key signed.
    #[error("none of the trusted keys signed this note; check which public keys are trusted")]
    Untrusted,
}
