//! SHA-256 hashes and the three ways a Merkle tree makes them (RFC 6962, section 2.1).
//! Knows nothing of what is hashed.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// A SHA-256 hash. Printed, parsed and serialised as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// All bits zero: "there is none" where a field must be there.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// SHA-256 of `bytes`, without a prefix.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Standard base64 with padding, 44 characters, as checkpoints and proofs write it.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads what [`Hash::to_base64`] writes, and nothing else.
    ///
    /// # Errors
    /// [`HashError::Base64`] if `text` is not canonical base64, [`HashError::Length`] if it is not 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, HashError> {
        let bytes = STANDARD.decode(text).map_err(|_| HashError::Base64)?;
        Self::try_from(bytes.as_slice())
    }

    fn hex(&self) -> [u8; 64] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        hex
    }
}

/// The leaf hash of a log entry: SHA-256(0x00 || entry).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(
        Sha256::new()
            .chain_update([0])
            .chain_update(entry)
            .finalize()
            .into(),
    )
}

/// The hash of an inner node: SHA-256(0x01 || left || right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(
        Sha256::new()
            .chain_update([1])
            .chain_update(left.0)
            .chain_update(right.0)
            .finalize()
            .into(),
    )
}

/// The root of the tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Hash::of(b"")
}

/// Why something is not a hash.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HashError {
    /// Other characters than 0-9 and a-f.
    #[error("a hash in hexadecimal has only the digits 0-9 and a-f (lower case)")]
    Hex,
    /// Not canonical base64.
    #[error("a hash in base64 has the standard alphabet and its padding")]
    Base64,
    /// Not 32 bytes.
    #[error("a SHA-256 hash has 32 bytes, not {found}")]
    Length {
        /// Bytes that were there.
        found: usize,
    },
}

impl TryFrom<&[u8]> for Hash {
    type Error = HashError;

    fn try_from(bytes: &[u8]) -> Result<Self, HashError> {
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| HashError::Length { found: bytes.len() })
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        fn digit(byte: u8) -> Result<u8, HashError> {
            match byte {
                b'0'..=b'9' => Ok(byte - b'0'),
                b'a'..=b'f' => Ok(byte - b'a' + 10),
                _ => Err(HashError::Hex),
            }
        }
        if text.len() != 64 {
            return Err(HashError::Length {
                found: text.len() / 2,
            });
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(str::from_utf8(&self.hex()).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.hex()).expect("hexadecimal digits are ASCII"))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_three_hashes_are_those_of_rfc_6962() {
        let empty_leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        let pair = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
        assert_eq!(empty_root().to_string(), EMPTY);
        assert_eq!(leaf_hash(b"").to_string(), empty_leaf);
        assert_eq!(node_hash(&leaf_hash(b""), &leaf_hash(&[0])).to_string(), pair);
    }

    #[test]
    fn every_text_form_reads_back() {
        let hash = leaf_hash(b"entry");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(Hash::from_base64(&hash.to_base64()), Ok(hash));
        assert_eq!(Hash::try_from(hash.as_bytes().as_slice()), Ok(hash));
        let json = serde_json::to_string(&hash).unwrap();
        assert_eq!(json, format!("\"{hash}\""));
        assert_eq!(serde_json::from_str::<Hash>(&json).unwrap(), hash);
    }

    #[test]
    fn other_spellings_are_refused() {
        assert_eq!(EMPTY.to_uppercase().parse::<Hash>(), Err(HashError::Hex));
        assert_eq!(EMPTY[2..].parse::<Hash>(), Err(HashError::Length { found: 31 }));
        assert_eq!(
            format!("{EMPTY}00").parse::<Hash>(),
            Err(HashError::Length { found: 33 })
        );
        assert_eq!("é".repeat(32).parse::<Hash>(), Err(HashError::Hex));
        assert_eq!(
            Hash::try_from([0; 31].as_slice()),
            Err(HashError::Length { found: 31 })
        );
        let text = empty_root().to_base64();
        assert_eq!(
            Hash::from_base64(text.trim_end_matches('=')),
            Err(HashError::Base64)
        );
        assert_eq!(
            Hash::from_base64(&text.replace("U=", "V=")),
            Err(HashError::Base64),
            "spare bits must be zero"
        );
        assert_eq!(Hash::from_base64("AAAA"), Err(HashError::Length { found: 3 }));
        assert!(serde_json::from_str::<Hash>("7").is_err());
    }
}
