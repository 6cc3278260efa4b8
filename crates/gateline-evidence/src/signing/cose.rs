//! Public keys of passkeys.
//!
//! Layout: COSE_Key (RFC 9053, section 7) in CBOR (RFC 8949), as authenticators write it: one map of short integers to
//! integers and byte strings. ES256 on P-256, EdDSA on Ed25519, and RS256.

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};

use super::SignatureError;
use crate::verify::{Fits, Key as PlainKey};

/// Entries of a key; those that are known have five.
const ENTRIES_MAX: u8 = 8;

const KIND: i64 = 1;
const ALGORITHM: i64 = 3;
const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

/// The key of a passkey.
pub(super) enum CoseKey {
    Plain(PlainKey),
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
}

/// A value in a key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Number(i64),
    Bytes(Vec<u8>),
}

impl CoseKey {
    /// Reads a key, and gives what stands behind it.
    pub(super) fn read(bytes: &[u8]) -> Result<(CoseKey, &[u8]), SignatureError> {
        let mut rest = Cbor(bytes);
        let entries = rest.map().ok_or_else(|| key("it is no COSE key"))?;
        let mut read: Vec<(i64, Value)> = Vec::new();
        for _ in 0..entries {
            let (name, value) = rest.entry().ok_or_else(|| key("it is no COSE key, or cut off"))?;
            if read.iter().any(|(known, _)| *known == name) {
                return Err(key("it says one thing twice"));
            }
            read.push((name, value));
        }
        let number = |name: i64| match read.iter().find(|(known, _)| *known == name) {
            Some((_, Value::Number(number))) => Some(*number),
            Some((_, Value::Bytes(_))) | None => None,
        };
        let part = |name: i64| match read.iter().find(|(known, _)| *known == name) {
            Some((_, Value::Bytes(bytes))) => Ok(bytes.clone()),
            Some((_, Value::Number(_))) | None => Err(key("a part of it is missing")),
        };
        let cose = match (number(KIND), number(ALGORITHM), number(-1)) {
            (Some(2), Some(ES256), Some(1)) => {
                let (x, y) = (part(-2)?, part(-3)?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(key("its point has not 64 bytes"));
                }
                let point = [&[4], x.as_slice(), &y].concat();
                CoseKey::Plain(PlainKey::p256(&point).map_err(SignatureError::Key)?)
            }
            (Some(1), Some(EDDSA), Some(6)) => {
                CoseKey::Plain(PlainKey::ed25519(&part(-2)?).map_err(SignatureError::Key)?)
            }
            (Some(3), Some(RS256), None) => CoseKey::Rsa {
                modulus: part(-1)?,
                exponent: part(-2)?,
            },
            _ => return Err(key("it is neither ES256, EdDSA nor RS256")),
        };
        Ok((cose, rest.0))
    }

    /// Whether a signature over this message is this key's.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            CoseKey::Plain(key) => key.fits(message, signature) == Fits::Yes,
            CoseKey::Rsa { modulus, exponent } => RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .is_ok(),
        }
    }
}

fn key(why: &str) -> SignatureError {
    SignatureError::Key(why.to_owned())
}

/// CBOR, from which items are taken off in front. Lengths are looked at before anything is kept.
struct Cbor<'c>(&'c [u8]);

impl<'c> Cbor<'c> {
    fn take(&mut self, length: usize) -> Option<&'c [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// The kind of an item, and the number in its head.
    fn head(&mut self) -> Option<(u8, u64)> {
        let first = self.take(1)?[0];
        let number = match first & 0x1f {
            small @ 0..=23 => u64::from(small),
            24 => u64::from(self.take(1)?[0]),
            25 => u64::from(u16::from_be_bytes(self.take(2)?.try_into().ok()?)),
            26 => u64::from(u32::from_be_bytes(self.take(4)?.try_into().ok()?)),
            _ => return None,
        };
        Some((first >> 5, number))
    }

    fn map(&mut self) -> Option<u64> {
        let (kind, entries) = self.head()?;
        (kind == 5 && entries <= u64::from(ENTRIES_MAX)).then_some(entries)
    }

    fn entry(&mut self) -> Option<(i64, Value)> {
        let (kind, number) = self.head()?;
        let name = integer(kind, number)?;
        let (kind, number) = self.head()?;
        let value = match kind {
            2 => Value::Bytes(self.take(usize::try_from(number).ok()?)?.to_vec()),
            kind => Value::Number(integer(kind, number)?),
        };
        Some((name, value))
    }
}

fn integer(kind: u8, number: u64) -> Option<i64> {
    let number = i64::try_from(number).ok()?;
    match kind {
        0 => Some(number),
        1 => Some(-1 - number),
        _ => None,
    }
}
