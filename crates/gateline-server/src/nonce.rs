//! Nonces: words that nobody has and nobody guesses.

use std::fmt::Write as _;

use gateline_api::entry;

use crate::refused::Refused;

/// So many random bytes, in hex.
///
/// # Errors
/// 503 when the machine has no randomness.
pub(crate) fn nonce<const BYTES: usize>() -> Result<String, Refused> {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random).map_err(|err| {
        Refused::new(
            &entry::UNAVAILABLE,
            format!("the machine has no randomness: {err}"),
        )
    })?;
    Ok(random.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_are_not_the_same_and_each_has_all_its_digits() {
        let (one, other) = (nonce::<16>().unwrap(), nonce::<16>().unwrap());
        assert_ne!(one, other);
        assert_eq!((one.len(), nonce::<32>().unwrap().len()), (32, 64));
    }
}
