//! The proof: leaves, Merkle tree, checkpoints, offline verification.
//!
//! Everything here is a function of its arguments: an entry becomes a leaf ([`Envelope`]), leaves become a tree
//! ([`Frontier`] while appending, [`Tree`] in memory), a tree is signed as a [`Checkpoint`], and a [`TlogProof`]
//! lets anyone who has the log's public key check one entry without asking the log.
//!
//! Knows no database, no clock, no randomness and no event types: keys, salts and stored hashes are passed in.

mod checkpoint;
mod frontier;
mod hash;
mod leaf;
mod note;
mod proof;
mod tlog_proof;
mod tree;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use frontier::{Frontier, FrontierError, MAX_SIZE, TreeHead};
pub use hash::{Hash, HashError, empty_root, leaf_hash, node_hash};
pub use leaf::{Envelope, LeafError, MAX_ENTRY, MAX_EXACT, salted};
pub use note::{KeyError, KeyName, MAX_NOTE, Note, NoteError, Signer, Verifier};
pub use proof::{ConsistencyProof, InclusionProof, MAX_PATH, Nodes, ProofError, root_at};
pub use tlog_proof::{MAX_TLOG_PROOF, TlogProof, TlogProofError};
pub use tree::Tree;

/// Reads an ASCII decimal number as C2SP writes them: no sign, no leading zero, at most [`MAX_SIZE`].
fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|&number| canonical && digits && number <= MAX_SIZE)
}
