//! The chain of a rollout's ticks: what makes the judge's input provable. The same for every store.

use gateline_model::{Arm, Digest, Tick};

use crate::StoreError;

/// The root of a rollout without ticks: the digest of nothing.
pub(crate) fn empty_root() -> Digest {
    Digest::of(b"")
}

/// What makes a tick that is put again the same tick.
pub(crate) fn key(tick: &Tick) -> (Arm, i64) {
    (tick.arm, tick.at.as_microsecond())
}

/// The bytes that are kept and hashed.
pub(crate) fn line(tick: &Tick) -> Result<Vec<u8>, StoreError> {
    // JSON has no word for infinity: it would be written and not be read again.
    if tick.buckets.iter().any(|(bound, _)| !bound.is_finite()) {
        let why =
            "a bucket's bound is not finite; leave the last bucket out, `requests` is its count".to_owned();
        return Err(StoreError::Unavailable {
            doing: "put ticks",
            why,
        });
    }
    Ok(serde_json::to_vec(tick).expect("numbers, words and times always serialise"))
}

/// The root with one more tick: SHA-256(root before || line).
pub(crate) fn chain(root: &Digest, line: &[u8]) -> Digest {
    Digest::of(&[root.as_bytes(), line].concat())
}
