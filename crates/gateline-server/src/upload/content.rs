//! Content that has arrived whole: read as often as is needed, and given up when it is stored or refused.

use std::fs::File;
use std::io::{self, Cursor};

use axum::body::Bytes;
use gateline_evidence::Source;
use gateline_store::{Blob, BlobError};

use super::folder::Seat;

/// A body that is all there.
pub(crate) enum Content {
    /// A short one.
    Memory(Bytes),
    /// One in a file.
    File(Seat),
}

impl Content {
    /// Looks at it from its beginning, as a stream.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut dyn Source) -> T) -> io::Result<T> {
        match self {
            Content::Memory(bytes) => Ok(look(&mut Cursor::new(bytes))),
            Content::File(seat) => Ok(look(&mut seat.again()?)),
        }
    }

    /// Makes it ready to be kept.
    pub(crate) fn pack(&self) -> Result<Blob, BlobError> {
        match self {
            Content::Memory(bytes) => Blob::of(bytes),
            Content::File(seat) => {
                let mut file: File = seat.again().map_err(BlobError::Read)?;
                Blob::read(&mut file, &|| seat.spool())
            }
        }
    }

    /// Lets nothing of it stay in the folder.
    pub(crate) fn forget(&mut self) {
        match self {
            Content::Memory(_) => {}
            Content::File(seat) => seat.forget(),
        }
    }
}
