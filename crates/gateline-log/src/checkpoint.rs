//! Checkpoints (c2sp.org/tlog-checkpoint): the head of a log, signed by the log.
//! Knows neither the leaves nor whether an earlier checkpoint is consistent: see `ConsistencyProof`.

use thiserror::Error;

use crate::decimal;
use crate::frontier::TreeHead;
use crate::hash::{Hash, HashError};
use crate::note::{KeyName, Note, NoteError, Signer, Verifier};

/// The head of the log that is named by its origin.
///
/// An origin is the name of the key that signs for the log, as the specification advises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: KeyName,
    /// Its size and root.
    pub head: TreeHead,
}

impl Checkpoint {
    /// The signed checkpoint of `head`; its origin is the signer's name.
    #[must_use]
    pub fn sign(head: &TreeHead, signer: &Signer) -> String {
        let origin = signer.verifier().name();
        let text = format!("{origin}\n{}\n{}\n", head.size, head.root.to_base64());
        signer
            .sign(&text)
            .expect("a checkpoint is three short printable lines")
    }

    /// Reads a signed checkpoint of the log `origin` that at least one of `trusted` signed. Extension lines after the
    /// root are allowed and have no meaning.
    ///
    /// # Errors
    /// [`CheckpointError`] if it is not a signed note, not trusted, not a checkpoint, or of another log.
    pub fn verify(note: &str, origin: &KeyName, trusted: &[Verifier]) -> Result<Self, CheckpointError> {
        let checkpoint = Self::read(Note::parse(note)?.verify(trusted)?)?;
        if checkpoint.origin == *origin {
            return Ok(checkpoint);
        }
        Err(CheckpointError::Origin {
            found: checkpoint.origin.to_string(),
            expected: origin.to_string(),
        })
    }

    fn read(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        let mut line = |what| lines.next().ok_or(CheckpointError::Missing { what });
        let origin = line("origin")?.parse().map_err(|_| CheckpointError::OriginForm)?;
        let size = decimal(line("size")?).ok_or(CheckpointError::Size)?;
        let root = Hash::from_base64(line("root hash")?).map_err(CheckpointError::Root)?;
        if lines.any(str::is_empty) {
            return Err(CheckpointError::EmptyLine);
        }
        Ok(Self {
            origin,
            head: TreeHead { size, root },
        })
    }
}

/// Why text is not a checkpoint that can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// Not a signed note, or not one of a trusted key.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Fewer than three lines.
    #[error("the checkpoint has no {what}; it is three lines: origin, size, root hash")]
    Missing {
        /// The line that is not there.
        what: &'static str,
    },
    /// The origin is not a key name.
    #[error("line 1 of the checkpoint is not an origin: no white space, no `+`, not empty")]
    OriginForm,
    /// The size is not a decimal number.
    #[error("line 2 of the checkpoint is not a size: a decimal number without leading zeros, below 2^63")]
    Size,
    /// The root is not a hash.
    #[error("line 3 of the checkpoint is not a root hash: {0}")]
    Root(HashError),
    /// An empty line in the text.
    #[error("the checkpoint has an empty line")]
    EmptyLine,
    /// A checkpoint of another log.
    #[error("the checkpoint is of the log `{found}`, not of `{expected}`")]
    Origin {
        /// Origin of the checkpoint.
        found: String,
        /// Origin that was asked for.
        expected: String,
    },
}
