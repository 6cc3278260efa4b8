//! A whole Merkle tree in memory, for offline verification, tests and logs of moderate size.
//! Keeps hashes only: about 64 bytes per leaf, never an entry.

use crate::frontier::{Frontier, TreeHead};
use crate::hash::Hash;
use crate::proof::{ConsistencyProof, InclusionProof, ProofError, root_at};

/// Every complete node of a tree, by level and index.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    frontier: Frontier,
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// Adds the next leaf by its hash.
    pub fn append(&mut self, leaf: Hash) {
        let Self { frontier, levels } = self;
        frontier.append_with(leaf, |level, _, hash| {
            let level = usize::from(level);
            if level == levels.len() {
                levels.push(Vec::new());
            }
            levels[level].push(hash);
        });
    }

    /// Size and root of all leaves so far.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.frontier.head()
    }

    /// Size and root as they were when there were `size` leaves.
    ///
    /// # Errors
    /// [`ProofError::NodeMissing`] if the tree was never that large.
    pub fn head_at(&self, size: u64) -> Result<TreeHead, ProofError> {
        root_at(&|level, index| self.node(level, index), size).map(|root| TreeHead { size, root })
    }

    /// The proof that leaf `index` is in the tree of `size` leaves.
    ///
    /// # Errors
    /// As [`InclusionProof::prove`].
    pub fn inclusion(&self, index: u64, size: u64) -> Result<InclusionProof, ProofError> {
        InclusionProof::prove(&|level, index| self.node(level, index), index, size)
    }

    /// The proof that the tree of `old` leaves is the beginning of the tree of `new` leaves.
    ///
    /// # Errors
    /// As [`ConsistencyProof::prove`].
    pub fn consistency(&self, old: u64, new: u64) -> Result<ConsistencyProof, ProofError> {
        ConsistencyProof::prove(&|level, index| self.node(level, index), old, new)
    }

    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        self.levels
            .get(usize::from(level))?
            .get(usize::try_from(index).ok()?)
            .copied()
    }
}

impl FromIterator<Hash> for Tree {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut tree = Self::default();
        leaves.into_iter().for_each(|leaf| tree.append(leaf));
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{empty_root, leaf_hash};

    #[test]
    fn old_heads_stay_known() {
        let (mut tree, mut frontier) = (Tree::default(), Frontier::new());
        let mut heads = vec![frontier.head()];
        for index in 0..300_u64 {
            let leaf = leaf_hash(&index.to_be_bytes());
            tree.append(leaf);
            frontier.append(leaf);
            heads.push(frontier.head());
            assert_eq!(tree.head(), frontier.head());
        }
        for head in heads {
            assert_eq!(tree.head_at(head.size), Ok(head));
        }
    }

    #[test]
    fn the_tree_without_leaves_has_the_empty_root() {
        let tree = Tree::default();
        assert_eq!(
            tree.head(),
            TreeHead {
                size: 0,
                root: empty_root()
            }
        );
        assert_eq!(tree.head_at(0), Ok(tree.head()));
    }

    #[test]
    fn a_head_of_the_future_is_refused() {
        let tree: Tree = (0..5).map(|_| Hash::ZERO).collect();
        assert_eq!(
            tree.head_at(6),
            Err(ProofError::NodeMissing { level: 1, index: 2 })
        );
        assert!(matches!(
            tree.head_at(u64::MAX),
            Err(ProofError::NodeMissing { .. })
        ));
    }
}
