//! The reading of tool output: bytes in, [`Facts`](gateline_model::Facts) out.
//!
//! One file per format. Counts are taken from what the tool saw, case by case and line by line, never from its own
//! totals alone. **A tool that did not look is not a pass**: a report that is whole but says too little comes back as
//! [`Complete::No`] with the reason, and its evidence is `errored`.
//! Knows no network, no clock, no artifact and no threshold.

mod attestation;
mod bandit;
mod checkov;
mod cobertura;
mod collect;
mod coverage;
mod coverage_py;
mod custom;
mod diff;
mod error;
mod eslint;
mod format;
mod gitleaks;
mod grype;
mod hadolint;
mod head;
mod input;
mod jacoco;
mod json_bounds;
mod junit;
mod kev;
mod lcov;
mod libtest;
mod npm_audit;
mod osv_scanner;
mod performance;
mod pip_audit;
mod read;
mod sarif;
mod sbom;
mod semgrep;
mod severity;
mod signing;
mod stream;
mod terraform;
mod text;
mod trivy;
mod verify;
mod vex;
mod xml;

pub use coverage::LINE_BRANCHES_MAX;
pub use custom::PATH_STEPS_MAX;
pub use error::{Place, ReadError};
pub use format::{Format, UnknownFormat};
pub use gateline_model::limits::EVIDENCE_BYTES_MAX;
pub use input::{JSON_DEPTH_MAX, PIECE_BYTES_MAX, Source, WHOLE_BYTES_MAX};
pub use junit::DURATION_SECS_MAX;
pub use npm_audit::NPM_VIA_MAX;
pub use performance::LATENCIES_MAX;
pub use pip_audit::PIP_VULNERABILITIES_MAX;
pub use read::{Ask, Complete, Read, WARNINGS_MAX, read, read_from};
pub use sarif::{RULES_MAX, RUNS_MAX};
pub use signing::{
    Asserted, CLIENT_DATA_BYTES_MAX, PROOF_BYTES_MAX, Passkey, SignatureError, Site, SshKey, enrol_passkey,
    verify_passkey, verify_ssh, verify_statement,
};
pub use text::PATH_CHARS_MAX;
pub use verify::{
    Detached, Identity, KEYS_MAX, SIGNATURE_BYTES_MAX, SIGNATURES_MAX, Trust, TrustError, verify,
    verify_detached,
};
pub use xml::{XML_ATTRIBUTES_MAX, XML_DEPTH_MAX};
