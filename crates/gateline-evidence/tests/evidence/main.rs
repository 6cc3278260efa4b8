//! The reading of real tool output, and of what goes wrong with it.

mod example;
mod junit;
mod lcov;
mod limits;
mod mutations;
mod samples;
mod sarif;

use gateline_evidence::{Complete, Format, Read, ReadError, read};

/// Reads a text in a named format.
fn read_as(format: Format, text: &str) -> Result<Read, ReadError> {
    read(text.as_bytes(), Some(format))
}

/// The reason why a report is incomplete, or how the test was wrong.
fn reason(read: Result<Read, ReadError>) -> String {
    match read {
        Ok(Read {
            complete: Complete::No { reason },
            ..
        }) => reason,
        Ok(Read {
            complete: Complete::Yes,
            facts,
            ..
        }) => format!("complete: {facts:?}"),
        Err(error) => format!("error: {error}"),
    }
}

/// What the error says, or how the test was wrong.
fn complaint(read: Result<Read, ReadError>) -> String {
    match read {
        Ok(read) => format!("read: {read:?}"),
        Err(error) => error.to_string(),
    }
}
