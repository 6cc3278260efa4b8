//! The chain of a rollout's ticks, which makes the judge's input provable, and the sample of them for a picture. The same
//! for every store.

use std::collections::BTreeMap;

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

/// The same of a line, with the arm as a column has it; none where it is no tick.
pub(crate) fn key_of(line: &str) -> Option<(&'static str, i64)> {
    let (arm, at) = key(&serde_json::from_str::<Tick>(line).ok()?);
    Some((word(arm), at))
}

/// An arm as a column has it.
pub(crate) fn word(arm: Arm) -> &'static str {
    match arm {
        Arm::Canary => "canary",
        Arm::Stable => "stable",
    }
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

/// The root after each of a rollout's ticks: what a ruling names as the chunks that it was made from.
///
/// # Errors
/// [`StoreError`] for a tick that no store would have taken.
pub fn tick_roots(ticks: &[Tick]) -> Result<Vec<Digest>, StoreError> {
    let mut root = empty_root();
    let next = |tick: &Tick| {
        root = chain(&root, &line(tick)?);
        Ok(root)
    };
    ticks.iter().map(next).collect()
}

/// The moments of a sample, in microseconds.
pub(crate) fn moments_of(measured: Option<(i64, i64)>, moments: usize) -> Vec<i64> {
    let Some((from, until)) = measured else {
        return Vec::new();
    };
    let gaps = moments.saturating_sub(1).max(1) as i64;
    // Divided before it is multiplied, so that no span overflows; the last moment is the end itself.
    let before = (0..gaps).map(|moment| from + (until - from) / gaps * moment);
    before.chain([until]).collect()
}

/// Of each arm the last tick at or before each of some moments, evenly spread over what was measured, in order of time.
/// The work depends on the number of moments only.
pub(crate) fn sample(
    measured: Option<(i64, i64)>,
    moments: usize,
    latest: impl Fn(Arm, i64) -> Result<Option<Tick>, StoreError>,
) -> Result<Vec<Tick>, StoreError> {
    let mut ticks = BTreeMap::new();
    for at in moments_of(measured, moments) {
        for arm in [Arm::Canary, Arm::Stable] {
            if let Some(tick) = latest(arm, at)? {
                ticks.insert((tick.at, arm), tick);
            }
        }
    }
    Ok(ticks.into_values().collect())
}
