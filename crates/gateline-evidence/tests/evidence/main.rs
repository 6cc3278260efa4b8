//! The reading of real tool output, and of what goes wrong with it.

mod attestation;
mod beside;
mod checkov;
mod cobertura;
mod contradictions;
mod cosign;
mod coverage_py;
mod custom;
mod diff;
mod example;
mod findings;
mod grype;
mod jacoco;
mod junit;
mod kev;
mod keyless;
mod lcov;
mod libtest;
mod limits;
mod linters;
mod mutations;
mod npm_audit;
mod people;
mod performance;
mod pip_audit;
mod samples;
mod sarif;
mod sbom;
mod signing;
mod terraform;
mod trivy;
mod verify;
mod vex;

use gateline_evidence::{Complete, Format, Read, ReadError, read};
use gateline_model::{CoverageFacts, Facts, FileLines};

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

/// What a report of coverage says.
fn coverage_in(format: Format, text: &str) -> CoverageFacts {
    match read_as(format, text) {
        Ok(Read {
            facts: Facts::Coverage(facts),
            ..
        }) => facts,
        other => panic!("no coverage facts: {other:?}"),
    }
}

/// The lines of each file, as `path +reached -missed`.
fn files(facts: &CoverageFacts) -> Vec<String> {
    let file = |file: &FileLines| format!("{} +{} -{}", file.path, file.hit, file.missed);
    facts.by_file.iter().map(file).collect()
}
