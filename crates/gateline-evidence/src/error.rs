//! Why a report could not be read, and where in it.

use std::fmt;

use crate::{EVIDENCE_BYTES_MAX, Format};

/// A report that could not be read. It leaves no facts; its evidence is `errored`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Larger than [`EVIDENCE_BYTES_MAX`].
    #[error(
        "the report has {bytes} bytes, more than the {EVIDENCE_BYTES_MAX} that are read; report it in parts"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// No bytes at all: most often a tool that ended before it wrote.
    #[error("the report is empty; see whether the tool ran to its end")]
    Empty,
    /// Not UTF-8.
    #[error("the report is not UTF-8 text at byte {byte}; have the tool write UTF-8")]
    NotUtf8 {
        /// Offset of the first byte that is not text.
        byte: usize,
    },
    /// No known format, and none was named.
    #[error("the format is not known by its content, which begins with `{begins}`; name it, one of {known}", known = Format::known())]
    Unrecognised {
        /// The first characters, shortened.
        begins: String,
    },
    /// It ends too early.
    #[error("the {format} report is cut off at {place}: {reason}; report it again, whole")]
    Truncated {
        /// The format it was read as.
        format: Format,
        /// Where the part begins that was not ended.
        place: Place,
        /// What was not ended.
        reason: String,
    },
    /// It breaks the rules of its format, or a named limit.
    #[error("the {format} report cannot be read at {place}: {reason}")]
    Malformed {
        /// The format it was read as.
        format: Format,
        /// Where.
        place: Place,
        /// What is wrong there.
        reason: String,
    },
}

/// A place in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Offset from the start of the report, in bytes, from 0.
    pub byte: usize,
}

impl Place {
    /// The place of a byte offset, which may lie past the end.
    pub(crate) fn at(text: &str, byte: usize) -> Place {
        let byte = byte.min(text.len());
        let line = 1 + text.as_bytes()[..byte]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        Place { line, byte }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, byte {}", self.line, self.byte)
    }
}

/// What a reader of one format finds wrong; `read` adds the format and the line.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) byte: usize,
    pub(crate) reason: String,
    pub(crate) cut: Cut,
}

/// Whether the report ends too early, or is wrong where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Off,
    No,
}

impl Fault {
    pub(crate) fn malformed(byte: usize, reason: impl Into<String>) -> Fault {
        Fault {
            byte,
            reason: reason.into(),
            cut: Cut::No,
        }
    }

    pub(crate) fn truncated(byte: usize, reason: impl Into<String>) -> Fault {
        Fault {
            byte,
            reason: reason.into(),
            cut: Cut::Off,
        }
    }

    pub(crate) fn into_error(self, format: Format, text: &str) -> ReadError {
        let Fault { byte, reason, cut } = self;
        let place = Place::at(text, byte);
        match cut {
            Cut::Off => ReadError::Truncated {
                format,
                place,
                reason,
            },
            Cut::No => ReadError::Malformed {
                format,
                place,
                reason,
            },
        }
    }
}
