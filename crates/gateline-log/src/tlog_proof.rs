//! Offline proofs of one entry (c2sp.org/tlog-proof@v1, files named `.tlog-proof`): index, path and signed checkpoint
//! in one text. Anyone with the log's public key can check it without asking the log.
//! Knows nothing of what the entry says.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::decimal;
use crate::hash::{Hash, leaf_hash};
use crate::note::{KeyName, MAX_NOTE, Verifier};
use crate::proof::{InclusionProof, MAX_PATH, ProofError};

/// Longest proof text in bytes: a note of full length, and as much again for path and extra data.
pub const MAX_TLOG_PROOF: usize = 2 * MAX_NOTE;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// The proof that one entry is in the log of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Data beside the proof that nothing vouches for; empty for none.
    pub extra: Vec<u8>,
    /// Index and path of the entry.
    pub inclusion: InclusionProof,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

impl TlogProof {
    /// Checks that `entry` is in the log `origin`, as one of `trusted` signed it; gives the checkpoint.
    ///
    /// # Errors
    /// [`TlogProofError::Checkpoint`] if the log's word cannot be trusted, [`TlogProofError::Inclusion`] if the entry
    /// is not what was logged at this index.
    pub fn verify(
        &self,
        entry: &[u8],
        origin: &KeyName,
        trusted: &[Verifier],
    ) -> Result<Checkpoint, TlogProofError> {
        let checkpoint = Checkpoint::verify(&self.checkpoint, origin, trusted)?;
        self.inclusion.verify(leaf_hash(entry), &checkpoint.head)?;
        Ok(checkpoint)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            extra,
            inclusion: InclusionProof { index, path },
            checkpoint,
        } = self;
        writeln!(f, "{HEADER}")?;
        if !extra.is_empty() {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {index}")?;
        for hash in path {
            writeln!(f, "{}", hash.to_base64())?;
        }
        write!(f, "\n{checkpoint}")
    }
}

impl FromStr for TlogProof {
    type Err = TlogProofError;

    fn from_str(text: &str) -> Result<Self, TlogProofError> {
        if text.len() > MAX_TLOG_PROOF {
            return Err(TlogProofError::TooLong { len: text.len() });
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or(TlogProofError::NoCheckpoint)?;
        let mut lines = head.split('\n').zip(1..).peekable();
        lines
            .next_if(|(line, _)| *line == HEADER)
            .ok_or(TlogProofError::Header)?;
        let extra = lines
            .next_if(|(line, _)| line.starts_with("extra "))
            .map(|(line, _)| &line[6..]);
        let extra = extra.map(|data| STANDARD.decode(data).ok().filter(|data| !data.is_empty()));
        let extra = extra.map_or(Ok(Vec::new()), |data| data.ok_or(TlogProofError::Extra))?;
        let index = lines
            .next()
            .and_then(|(line, _)| decimal(line.strip_prefix("index ")?));
        let index = index.ok_or(TlogProofError::Index)?;
        let path =
            lines.map(|(line, n)| Hash::from_base64(line).map_err(|_| TlogProofError::Hash { line: n }));
        let path = path.collect::<Result<Vec<_>, _>>()?;
        if path.len() > MAX_PATH {
            return Err(TlogProofError::PathLength { len: path.len() });
        }
        Ok(Self {
            extra,
            inclusion: InclusionProof { index, path },
            checkpoint: checkpoint.to_owned(),
        })
    }
}

/// Why text is not an offline proof, or proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TlogProofError {
    /// Over [`MAX_TLOG_PROOF`].
    #[error("the proof has {len} bytes, the limit is {MAX_TLOG_PROOF}")]
    TooLong {
        /// Bytes of the proof.
        len: usize,
    },
    /// No blank line.
    #[error("the proof has no checkpoint after a blank line: it is cut off")]
    NoCheckpoint,
    /// Another first line.
    #[error("line 1 of the proof is not `{HEADER}`")]
    Header,
    /// Extra data that is not base64, or empty.
    #[error("line 2 of the proof has `extra` data that is empty or not base64")]
    Extra,
    /// No index.
    #[error("the proof has no `index N` line: a decimal number without leading zeros, below 2^63")]
    Index,
    /// Not a hash.
    #[error("line {line} of the proof is not a hash in base64")]
    Hash {
        /// Line, from 1.
        line: usize,
    },
    /// More than [`MAX_PATH`] hashes.
    #[error("the proof has {len} hashes, no log needs more than {MAX_PATH}")]
    PathLength {
        /// Hashes that were there.
        len: usize,
    },
    /// The checkpoint cannot be trusted.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The entry is not in the log of the checkpoint.
    #[error("the entry is not in the log at this index: {0}")]
    Inclusion(#[from] ProofError),
}
