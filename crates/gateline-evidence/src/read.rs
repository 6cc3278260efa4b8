//! The one way in: bytes to facts.

use gateline_model::Facts;

use crate::{Format, ReadError, junit, lcov, recognise, sarif, text};

/// Most bytes of one report. Ten times the largest seen in the field; all of it is held in memory.
pub const EVIDENCE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Warnings kept for one report; the last one says how many more there were.
pub const WARNINGS_MAX: usize = 20;
/// Characters of an unknown report that its error shows.
const BEGINS_CHARS_MAX: usize = 40;

/// What a report says.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The format it was read as.
    pub format: Format,
    /// What it says.
    pub facts: Facts,
    /// Whether it says enough to be judged.
    pub complete: Complete,
    /// Oddities that change no number, for the person who set the tool up; at most [`WARNINGS_MAX`] and one.
    pub warnings: Vec<String>,
}

/// Whether a tool looked at all that it was to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an incomplete report is errored evidence, however good its numbers"]
pub enum Complete {
    /// It did, as far as the report tells.
    Yes,
    /// It did not: the evidence is `errored`, whatever the facts say.
    No {
        /// Why, for a person.
        reason: String,
    },
}

impl Complete {
    /// Incomplete with the first of the reasons, or complete if there is none.
    pub(crate) fn unless(reason: Option<String>) -> Complete {
        reason.map_or(Complete::Yes, |reason| Complete::No { reason })
    }
}

/// Reads a report. Without a `format` the content tells it.
///
/// # Errors
/// [`ReadError`] if it is too large, not text, of no known format, cut off, or against the rules of its format.
pub fn read(bytes: &[u8], format: Option<Format>) -> Result<Read, ReadError> {
    if bytes.len() > EVIDENCE_BYTES_MAX {
        return Err(ReadError::TooLarge { bytes: bytes.len() });
    }
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 {
        byte: error.valid_up_to(),
    })?;
    let unrecognised = || ReadError::Unrecognised {
        begins: text::one_line(text, BEGINS_CHARS_MAX),
    };
    let format = format.or_else(|| recognise(text)).ok_or_else(unrecognised)?;
    let read = match format {
        Format::Junit => junit::read(text),
        Format::Lcov => lcov::read(text),
        Format::Sarif => sarif::read(text),
    };
    read.map_err(|fault| fault.into_error(format, text))
}

/// Collects warnings up to the limit and counts the rest.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    kept: Vec<String>,
    dropped: u64,
}

impl Warnings {
    pub(crate) fn add(&mut self, warning: impl FnOnce() -> String) {
        if self.kept.len() < WARNINGS_MAX {
            self.kept.push(warning());
        } else {
            self.dropped += 1;
        }
    }

    pub(crate) fn into_list(mut self) -> Vec<String> {
        if self.dropped > 0 {
            self.kept.push(format!("and {} more warnings", self.dropped));
        }
        self.kept
    }
}
