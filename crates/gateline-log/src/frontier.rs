//! The compact frontier of a growing Merkle tree: all that an append needs, at most 64 hashes.
//! Keeps no leaves and makes no proofs; a caller that wants proofs later stores the nodes it is shown.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::hash::{Hash, empty_root, node_hash};

/// Largest number of leaves: what a signed 64-bit column holds, and 63 levels of proof.
pub const MAX_SIZE: u64 = i64::MAX as u64;

/// A tree of a given size is known by its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeHead {
    /// Number of leaves.
    pub size: u64,
    /// Merkle tree hash of these leaves; [`empty_root`] for none.
    pub root: Hash,
}

/// The roots of the complete subtrees that cover all leaves, largest (leftmost) first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    // One per bit set in `size`.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self {
            size: 0,
            peaks: Vec::with_capacity(64),
        }
    }

    /// Number of leaves; also the index of the next one.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next leaf by its hash. Two node hashes on average, no allocation.
    pub fn append(&mut self, leaf: Hash) {
        self.append_with(leaf, |_, _, _| {});
    }

    /// As [`Frontier::append`], and shows every node that is complete from now on as `(level, index, hash)`, the leaf
    /// itself first. What is shown over all appends is what proofs are made from (see [`Nodes`](crate::Nodes)).
    pub fn append_with(&mut self, leaf: Hash, mut complete: impl FnMut(u8, u64, Hash)) {
        let (mut level, mut index, mut hash) = (0, self.size, leaf);
        complete(level, index, hash);
        while index & 1 == 1 {
            let left = self
                .peaks
                .pop()
                .expect("there is one peak for each bit set in the size");
            hash = node_hash(&left, &hash);
            level += 1;
            index >>= 1;
            complete(level, index, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The Merkle tree hash of all leaves so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        let folded = self
            .peaks
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right));
        folded.unwrap_or_else(empty_root)
    }

    /// Size and root together.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead {
            size: self.size,
            root: self.root(),
        }
    }

    /// The stored form: the size as 8 bytes big-endian, then 32 bytes per peak, largest first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 32 * self.peaks.len());
        bytes.extend(self.size.to_be_bytes());
        self.peaks.iter().for_each(|peak| bytes.extend(peak.as_bytes()));
        bytes
    }

    /// Reads the stored form. Whether the peaks are right shows only in the root.
    ///
    /// # Errors
    /// [`FrontierError`] if the number of bytes does not fit the size, or the size is over [`MAX_SIZE`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let found = bytes.len();
        let (size, rest) = bytes
            .split_first_chunk()
            .ok_or(FrontierError::Truncated { found })?;
        let size = u64::from_be_bytes(*size);
        if size > MAX_SIZE {
            return Err(FrontierError::Size { size });
        }
        let (chunks, spare) = rest.as_chunks::<32>();
        let mut frontier = Self { size, ..Self::new() };
        frontier
            .peaks
            .extend(chunks.iter().copied().map(Hash::new).take(64));
        if !spare.is_empty() || chunks.len() != size.count_ones() as usize {
            let expected = 8 + 32 * size.count_ones() as usize;
            return Err(FrontierError::Length {
                size,
                expected,
                found,
            });
        }
        Ok(frontier)
    }
}

impl Default for Frontier {
    fn default() -> Self {
        Self::new()
    }
}

/// Why bytes are not a frontier.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrontierError {
    /// Fewer bytes than the size alone takes.
    #[error("a frontier starts with 8 bytes of size, only {found} are there")]
    Truncated {
        /// Bytes that were there.
        found: usize,
    },
    /// The size is over [`MAX_SIZE`].
    #[error("a frontier of {size} leaves is over the limit of {MAX_SIZE}")]
    Size {
        /// The size that was read.
        size: u64,
    },
    /// More or fewer peaks than the size has.
    #[error("a frontier of {size} leaves has {expected} bytes, not {found}")]
    Length {
        /// The size that was read.
        size: u64,
        /// Bytes that this size takes.
        expected: usize,
        /// Bytes that were there.
        found: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;

    fn frontier(size: u64) -> Frontier {
        let mut frontier = Frontier::new();
        (0..size).for_each(|index| frontier.append(leaf_hash(&index.to_be_bytes())));
        frontier
    }

    /// MTH of RFC 6962 section 2.1, word for word.
    fn tree_hash(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(&tree_hash(left), &tree_hash(right))
            }
        }
    }

    #[test]
    fn the_root_is_the_merkle_tree_hash_at_every_size() {
        let leaves: Vec<Hash> = (0..=300_u64)
            .map(|index| leaf_hash(&index.to_be_bytes()))
            .collect();
        let mut frontier = Frontier::new();
        for (size, leaf) in leaves.iter().enumerate() {
            assert_eq!(frontier.root(), tree_hash(&leaves[..size]), "size {size}");
            assert_eq!(frontier.size(), size as u64);
            frontier.append(*leaf);
        }
    }

    #[test]
    fn bytes_read_back_and_go_on_alike() {
        for size in 0..70 {
            let mut whole = frontier(size);
            let mut read = Frontier::from_bytes(&whole.to_bytes()).unwrap();
            assert_eq!(read, whole);
            read.append(Hash::ZERO);
            whole.append(Hash::ZERO);
            assert_eq!(read.head(), whole.head());
        }
    }

    #[test]
    fn an_append_does_not_allocate() {
        let mut frontier = frontier(0);
        let room = frontier.peaks.capacity();
        (0..1000).for_each(|_| frontier.append(Hash::ZERO));
        assert_eq!(frontier.peaks.capacity(), room);
    }

    #[test]
    fn every_complete_node_is_shown_once() {
        let mut shown = Vec::new();
        let mut frontier = Frontier::new();
        (0..5).for_each(|_| frontier.append_with(Hash::ZERO, |level, index, _| shown.push((level, index))));
        assert_eq!(
            shown,
            [(0, 0), (0, 1), (1, 0), (0, 2), (0, 3), (1, 1), (2, 0), (0, 4)]
        );
    }

    #[test]
    fn bytes_of_the_wrong_length_are_refused() {
        let bytes = frontier(5).to_bytes();
        for len in 0..8 {
            assert_eq!(
                Frontier::from_bytes(&bytes[..len]),
                Err(FrontierError::Truncated { found: len })
            );
        }
        for len in 8..bytes.len() {
            let refused = FrontierError::Length {
                size: 5,
                expected: 72,
                found: len,
            };
            assert_eq!(Frontier::from_bytes(&bytes[..len]), Err(refused));
        }
        for spare in [1, 31, 32] {
            let longer = [bytes.as_slice(), &vec![0; spare]].concat();
            let refused = FrontierError::Length {
                size: 5,
                expected: 72,
                found: 72 + spare,
            };
            assert_eq!(Frontier::from_bytes(&longer), Err(refused));
        }
        assert!(Frontier::from_bytes(&vec![0; 1 << 20]).is_err());
        let huge = [255; 8 + 64 * 32];
        assert_eq!(
            Frontier::from_bytes(&huge),
            Err(FrontierError::Size { size: u64::MAX })
        );
    }
}
