//! Tokens: drawing a secret, and comparing what is kept of it. The secret itself is kept nowhere.

use std::hint::black_box;

use gateline_model::Digest;

/// Longest secret that is looked at, in bytes.
pub const SECRET_BYTES_MAX: usize = 256;
/// How secrets begin, so that scanners find one that leaked.
const SECRET_PREFIX: &str = "gateline_";

/// A new secret and what is kept of it.
pub struct Secret {
    /// For its owner alone.
    pub text: String,
    /// For the log.
    pub hash: Digest,
}

/// Draws a secret of 256 random bits.
///
/// # Errors
/// When the machine has no randomness.
pub fn draw_secret() -> Result<Secret, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    let text = format!("{SECRET_PREFIX}{}", Digest::from_bytes(bytes).hex());
    let hash = hash(&text);
    Ok(Secret { text, hash })
}

/// What is kept of a secret. A plain hash: there are 256 bits to guess.
pub(crate) fn hash(secret: &str) -> Digest {
    Digest::of(secret.as_bytes())
}

/// Whether two digests are the same, in a time that does not depend on them.
pub(super) fn same(one: &Digest, other: &Digest) -> bool {
    let pairs = one.as_bytes().iter().zip(other.as_bytes());
    black_box(pairs.fold(0, |differences, (one, other)| {
        differences | black_box(one ^ other)
    })) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_are_never_the_same_and_their_hashes_match_only_themselves() {
        let (one, other) = (draw_secret().unwrap(), draw_secret().unwrap());
        assert_ne!(one.text, other.text);
        assert!(same(&one.hash, &hash(&one.text)));
        assert!(!same(&one.hash, &other.hash));
        assert!(one.text.len() < SECRET_BYTES_MAX);
    }
}
