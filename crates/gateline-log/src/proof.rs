//! Inclusion and consistency proofs (RFC 6962 section 2.1, RFC 9162 section 2.1): made from stored nodes, verified
//! from hashes alone.
//! Knows neither where nodes are stored nor who signed a root.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::frontier::TreeHead;
use crate::hash::{Hash, empty_root, node_hash};

/// Longest path of a proof: one hash per level of the largest tree, and one more for a consistency proof.
pub const MAX_PATH: usize = 64;

/// Where proofs get their hashes: `(level, index)` is the root of the complete subtree over the leaves from
/// `index << level` up to `(index + 1) << level`. Level 0 is the leaves.
pub type Nodes<'a> = &'a dyn Fn(u8, u64) -> Option<Hash>;

/// Proof that one leaf is in a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InclusionProof {
    /// Index of the leaf, from 0.
    pub index: u64,
    /// Siblings from the leaf up to the root.
    pub path: Vec<Hash>,
}

impl InclusionProof {
    /// Makes the proof for leaf `index` in the tree of the first `size` leaves.
    ///
    /// # Errors
    /// [`ProofError::Index`] if the leaf is not in that tree, [`ProofError::NodeMissing`] if `nodes` lacks one.
    pub fn prove(nodes: Nodes<'_>, index: u64, size: u64) -> Result<Self, ProofError> {
        if index >= size {
            return Err(ProofError::Index { index, size });
        }
        let (mut low, mut high, mut path) = (0, size, Vec::new());
        while high - low > 1 {
            let middle = split(low, high);
            if index < middle {
                path.push(range_hash(nodes, middle, high)?);
                high = middle;
            } else {
                path.push(range_hash(nodes, low, middle)?);
                low = middle;
            }
        }
        path.reverse();
        Ok(Self { index, path })
    }

    /// Checks that `leaf` is at [`index`](Self::index) in the tree of `head`.
    ///
    /// # Errors
    /// [`ProofError::Index`], [`ProofError::PathLength`] or [`ProofError::Root`] if it is not.
    pub fn verify(&self, leaf: Hash, head: &TreeHead) -> Result<(), ProofError> {
        let Self { index, ref path } = *self;
        if index >= head.size {
            return Err(ProofError::Index {
                index,
                size: head.size,
            });
        }
        let mut climb = Climb {
            node: index,
            last: head.size - 1,
        };
        let mut root = leaf;
        for sibling in path {
            root = match climb.next().ok_or(ProofError::PathLength)? {
                Side::Left => node_hash(sibling, &root),
                Side::Right => node_hash(&root, sibling),
            };
        }
        climb.arrived()?;
        same_root(root, head)
    }
}

/// Proof that a log only grew: an older tree is the beginning of a newer one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsistencyProof {
    /// Nodes in the order of RFC 6962 section 2.1.2.
    pub path: Vec<Hash>,
}

impl ConsistencyProof {
    /// Makes the proof from the tree of the first `old` leaves to that of the first `new` leaves. It is empty if the
    /// older tree is empty or both are the same.
    ///
    /// # Errors
    /// [`ProofError::Shrunk`] if `old` is over `new`, [`ProofError::NodeMissing`] if `nodes` lacks one.
    pub fn prove(nodes: Nodes<'_>, old: u64, new: u64) -> Result<Self, ProofError> {
        if old > new {
            return Err(ProofError::Shrunk { old, new });
        }
        let (mut low, mut high, mut path) = (0, new, Vec::new());
        while old != 0 && old != high {
            let middle = split(low, high);
            if old <= middle {
                path.push(range_hash(nodes, middle, high)?);
                high = middle;
            } else {
                path.push(range_hash(nodes, low, middle)?);
                low = middle;
            }
        }
        // From 0 the verifier knows this node already: it is the old root.
        if low != 0 {
            path.push(range_hash(nodes, low, high)?);
        }
        path.reverse();
        Ok(Self { path })
    }

    /// Checks that the tree of `old` is the beginning of the tree of `new`.
    ///
    /// # Errors
    /// [`ProofError::Shrunk`], [`ProofError::PathLength`] or [`ProofError::Root`] if it is not.
    pub fn verify(&self, old: &TreeHead, new: &TreeHead) -> Result<(), ProofError> {
        if old.size > new.size {
            return Err(ProofError::Shrunk {
                old: old.size,
                new: new.size,
            });
        }
        if old.size == 0 || old.size == new.size {
            let known = if old.size == 0 { empty_root() } else { new.root };
            return if self.path.is_empty() {
                same_root(known, old)
            } else {
                Err(ProofError::PathLength)
            };
        }
        let mut climb = Climb {
            node: old.size - 1,
            last: new.size - 1,
        };
        climb.rise(old.size.trailing_zeros());
        let (first, rest) = if old.size.is_power_of_two() {
            (old.root, self.path.as_slice())
        } else {
            let (first, rest) = self.path.split_first().ok_or(ProofError::PathLength)?;
            (*first, rest)
        };
        let (mut old_root, mut new_root) = (first, first);
        for sibling in rest {
            match climb.next().ok_or(ProofError::PathLength)? {
                Side::Left => {
                    old_root = node_hash(sibling, &old_root);
                    new_root = node_hash(sibling, &new_root);
                }
                Side::Right => new_root = node_hash(&new_root, sibling),
            }
        }
        climb.arrived()?;
        same_root(old_root, old)?;
        same_root(new_root, new)
    }
}

/// The root of the tree of the first `size` leaves.
///
/// # Errors
/// [`ProofError::NodeMissing`] if `nodes` lacks one.
pub fn root_at(nodes: Nodes<'_>, size: u64) -> Result<Hash, ProofError> {
    if size == 0 {
        Ok(empty_root())
    } else {
        range_hash(nodes, 0, size)
    }
}

/// Why a proof cannot be made or does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// The leaf is not in the tree.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    Index {
        /// Index that was asked for.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// The newer tree is smaller.
    #[error("a log never shrinks, but this one went from {old} to {new} leaves")]
    Shrunk {
        /// Leaves in the older tree.
        old: u64,
        /// Leaves in the newer tree.
        new: u64,
    },
    /// The source of nodes lacks one.
    #[error("the stored tree lacks node {index} of level {level}: the tree is smaller, or was damaged")]
    NodeMissing {
        /// Level of the node, 0 for leaves.
        level: u8,
        /// Index within the level.
        index: u64,
    },
    /// Too many or too few hashes.
    #[error("the proof has too many or too few hashes for its place in the tree")]
    PathLength,
    /// The hashes lead somewhere else.
    #[error("the proof leads to another root than {expected}, the root at {size} leaves")]
    Root {
        /// The root that was to be reached.
        expected: Hash,
        /// Leaves in its tree.
        size: u64,
    },
}

/// The way from a node up to the root of a tree whose last node on the same level is `last`.
struct Climb {
    node: u64,
    last: u64,
}

/// On which side of the way the sibling stands.
enum Side {
    Left,
    Right,
}

impl Climb {
    /// Goes up past the next sibling; none at the root.
    fn next(&mut self) -> Option<Side> {
        if self.last == 0 {
            return None;
        }
        if self.node == self.last && self.node & 1 == 0 {
            // The last node of a level has no sibling until its number is odd: it is its own parent.
            self.rise(self.node.trailing_zeros());
        }
        let side = if self.node & 1 == 1 {
            Side::Left
        } else {
            Side::Right
        };
        self.rise(1);
        Some(side)
    }

    fn rise(&mut self, levels: u32) {
        self.node >>= levels;
        self.last >>= levels;
    }

    fn arrived(&self) -> Result<(), ProofError> {
        if self.last == 0 {
            Ok(())
        } else {
            Err(ProofError::PathLength)
        }
    }
}

fn same_root(found: Hash, head: &TreeHead) -> Result<(), ProofError> {
    if found == head.root {
        Ok(())
    } else {
        Err(ProofError::Root {
            expected: head.root,
            size: head.size,
        })
    }
}

/// Where RFC 6962 splits the leaves from `low` up to `high`: after the largest power of two less than their number.
fn split(low: u64, high: u64) -> u64 {
    low + (1 << (high - low - 1).ilog2())
}

/// The hash over the leaves from `low` up to `high`, where `low` is a place at which [`split`] splits.
fn range_hash(nodes: Nodes<'_>, low: u64, high: u64) -> Result<Hash, ProofError> {
    let leaves = high - low;
    if leaves.is_power_of_two() {
        let level = leaves.ilog2() as u8;
        let index = low >> level;
        return nodes(level, index).ok_or(ProofError::NodeMissing { level, index });
    }
    let middle = split(low, high);
    // The smaller right side first: a tree that is too small is noticed before its left side is read.
    let right = range_hash(nodes, middle, high)?;
    Ok(node_hash(&range_hash(nodes, low, middle)?, &right))
}
