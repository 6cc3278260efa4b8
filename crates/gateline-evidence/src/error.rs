//! Why a report could not be read, and where in it.

use std::{fmt, io};

use crate::input::Input;
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
    /// The report's own bytes could not be had.
    #[error("the report could not be read: {0}")]
    Io(io::ErrorKind),
    /// No known format, and none was named.
    #[error("{}", unrecognised(begins, *is_cut, *unpack))]
    Unrecognised {
        /// The first characters, shortened.
        begins: String,
        /// Whether it is JSON that ends too early, so that what tells its format may be gone.
        is_cut: bool,
        /// What to do first with bytes that are no text of UTF-8.
        unpack: Option<&'static str>,
    },
    /// What was asked for makes no sense, whatever the report says.
    #[error("{0}")]
    Asked(String),
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

/// What a JSON parser says, without the place, which is told in front or of which nobody sees the text, and without the
/// names of what it was to be read into.
pub(crate) fn says(error: &serde_json::Error) -> String {
    let says = error.to_string();
    let says = says.split(" at line ").next().unwrap_or(&says);
    let Some((what, expected)) = says.split_once(", expected ") else {
        return match says.starts_with("data did not match any variant") {
            true => "a value has none of the forms that it may have".to_owned(),
            false => says.to_owned(),
        };
    };
    let expected = match expected {
        inner if inner.starts_with("struct ") => "an object",
        "f64" | "f32" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i64" => "a whole number",
        inner => inner,
    };
    format!("{what}, expected {expected}")
}

/// Naming a format helps with a report that is whole.
fn unrecognised(begins: &str, is_cut: bool, unpack: Option<&str>) -> String {
    match (unpack, is_cut) {
        (Some(unpack), _) => format!("the report cannot be read: {unpack}"),
        (None, true) => format!(
            "the JSON is cut off, and what is left of it, which begins with `{begins}`, tells no format; report it again, whole"
        ),
        (None, false) => format!(
            "the format is not known by its content, which begins with `{begins}`; name it, one of {}",
            Format::known()
        ),
    }
}

/// A place in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Offset from the start of the report, in bytes, from 0.
    pub byte: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, byte {}", self.line, self.byte)
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        ReadError::Io(error.kind())
    }
}

/// What a reader of one format finds wrong; [`read`](crate::read) adds the format and the line.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It ends too early: what begins at this byte was not ended.
    Cut(usize, String),
    /// It is wrong at this byte.
    Wrong(usize, String),
    /// What was asked for makes no sense.
    Asked(String),
    /// Its bytes could not be had.
    Io(io::ErrorKind),
}

impl Fault {
    pub(crate) fn malformed(byte: usize, reason: impl Into<String>) -> Fault {
        Fault::Wrong(byte, reason.into())
    }

    pub(crate) fn truncated(byte: usize, reason: impl Into<String>) -> Fault {
        Fault::Cut(byte, reason.into())
    }

    pub(crate) fn not_utf8(byte: usize) -> Fault {
        Fault::malformed(byte, "it is not UTF-8 text; have the tool write UTF-8")
    }

    pub(crate) fn into_error(self, format: Format, input: &mut Input<'_>) -> ReadError {
        let mut place = |byte: usize| {
            let byte = byte.min(input.bytes());
            Ok(Place {
                line: input.line_of(byte)?,
                byte,
            })
        };
        let error = match self {
            Fault::Cut(byte, reason) => place(byte).map(|place| ReadError::Truncated {
                format,
                place,
                reason,
            }),
            Fault::Wrong(byte, reason) => place(byte).map(|place| ReadError::Malformed {
                format,
                place,
                reason,
            }),
            Fault::Asked(reason) => Ok(ReadError::Asked(reason)),
            Fault::Io(kind) => Ok(ReadError::Io(kind)),
        };
        error.unwrap_or_else(|error: io::Error| error.into())
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Io(error.kind())
    }
}
