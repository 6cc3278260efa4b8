//! One in-toto statement: what it is about, and what it says of it.
//!
//! Layout: in-toto Attestation Framework, Statement v1 and v0.1. Predicates: SLSA provenance v1 and v0.2, verification summary
//! v1, test-result v0.1, vulns v0.2 and v0.1; of any other the type and the subjects are kept.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use gateline_model::{Digest, SUBJECTS_MAX, Signature, Statement};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::provenance;
use crate::error::says;
use crate::text;

const STATEMENT_TYPES: &[&str] = &[
    "https://in-toto.io/Statement/v1",
    "https://in-toto.io/Statement/v0.1",
];

/// The result of tests of which some failed.
const FAILED: &str = "FAILED";

/// What a statement tells, before anybody looked at its signature.
pub(crate) struct Told {
    /// The statement, with the first of its subjects.
    pub(crate) statement: Statement,
    /// All of its subjects.
    pub(crate) subjects: Vec<Digest>,
    /// Why it says too little.
    pub(crate) incomplete: Option<String>,
    /// What is odd in it.
    pub(crate) warnings: Vec<String>,
}

impl Told {
    /// A signature over these artifacts themselves, which says nothing of them.
    pub(crate) fn bare(subjects: Vec<Digest>) -> Told {
        Told {
            statement: Statement {
                predicate_type: None,
                subjects: subjects.iter().copied().take(SUBJECTS_MAX).collect(),
                signature: Signature::Unchecked,
                provenance: None,
                result: None,
            },
            subjects,
            incomplete: None,
            warnings: Vec::new(),
        }
    }

    /// Reads a statement. An error is why it is none.
    pub(crate) fn of(bytes: &[u8]) -> Result<Told, String> {
        let read: StatementText = serde_json::from_slice(bytes).map_err(|error| says(&error))?;
        read.check()?;
        let mut told = Told::bare(Vec::new());
        told.take_subjects(&read.subject.unwrap_or_default());
        match &read.predicate_type {
            Some(of) => told.take_predicate(of, bytes)?,
            None => told.incomplete = Some("it has no `predicateType`".to_owned()),
        }
        Ok(told)
    }

    fn take_subjects(&mut self, subjects: &[Subject]) {
        for subject in subjects {
            match subject.sha256() {
                Some(digest) => self.subjects.push(digest),
                None => {
                    let name = subject.name.as_deref().or(subject.uri.as_deref()).unwrap_or("?");
                    let name = text::name(name);
                    self.warnings.push(format!(
                        "the subject `{name}` has no SHA-256 digest and is passed over"
                    ));
                }
            }
        }
        let kept = self.subjects.iter().copied().take(SUBJECTS_MAX);
        self.statement.subjects = kept.collect();
        if self.subjects.len() > SUBJECTS_MAX {
            let all = self.subjects.len();
            self.warnings
                .push(format!("of {all} subjects the first {SUBJECTS_MAX} are shown"));
        }
        if self.subjects.is_empty() {
            let reason = "no subject has a SHA-256 digest, so that no artifact can be told to be meant";
            self.incomplete = Some(reason.to_owned());
        }
    }

    fn take_predicate(&mut self, of: &str, bytes: &[u8]) -> Result<(), String> {
        self.statement.predicate_type = Some(text::name(of));
        let provenance = match of {
            "https://slsa.dev/provenance/v1" => Some(provenance::v1(&predicate(bytes)?)),
            "https://slsa.dev/provenance/v0.2" => Some(provenance::v0_2(&predicate(bytes)?)),
            _ => None,
        };
        if let Some(read) = provenance {
            let (provenance, incomplete) = read;
            self.statement.provenance = Some(provenance);
            self.incomplete = self.incomplete.take().or(incomplete);
            return Ok(());
        }
        self.statement.result = match of {
            // Of any version: what a later one says in other words is an error, and no pass.
            _ if of.starts_with("https://slsa.dev/verification_summary/") => {
                let summary: Summary = predicate(bytes)?;
                Some(text::name(&summary.result))
            }
            _ if of.starts_with("https://in-toto.io/attestation/test-result/") => {
                let tests: TestResult = predicate(bytes)?;
                let failed = tests.failed.map_or(0, |failed| failed.len());
                Some(match text::name(&tests.result) {
                    said if failed > 0 && said != FAILED => {
                        self.warnings.push(format!(
                            "its `result` is `{said}` beside {failed} `failedTests`: it counts as `{FAILED}`"
                        ));
                        FAILED.to_owned()
                    }
                    said => said,
                })
            }
            "https://in-toto.io/attestation/vulns/v0.2" | "https://in-toto.io/attestation/vulns/v0.1" => {
                let vulns: Vulns = predicate(bytes)?;
                Some(match vulns.scanner.result.map(|found| found.len()) {
                    Some(1) => "1 vulnerability".to_owned(),
                    Some(count) => format!("{count} vulnerabilities"),
                    None => return Err("its scanner has no list of results: it did not look".to_owned()),
                })
            }
            _ => None,
        };
        Ok(())
    }
}

#[derive(Deserialize)]
struct StatementText {
    #[serde(rename = "_type")]
    of: String,
    subject: Option<Vec<Subject>>,
    #[serde(rename = "predicateType")]
    predicate_type: Option<String>,
    // Named, so that a second one is an error here and cannot be read as another than the one that a peer reads.
    #[serde(rename = "predicate")]
    _predicate: Option<IgnoredAny>,
}

impl StatementText {
    fn check(&self) -> Result<(), String> {
        match STATEMENT_TYPES.contains(&self.of.as_str()) {
            true => Ok(()),
            false => {
                let of = text::name(&self.of);
                Err(format!(
                    "its `_type` is `{of}`, which is no in-toto statement that is known"
                ))
            }
        }
    }
}

#[derive(Deserialize)]
struct Subject {
    name: Option<String>,
    uri: Option<String>,
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

impl Subject {
    fn sha256(&self) -> Option<Digest> {
        let hex = self.digest.get("sha256")?.to_ascii_lowercase();
        Digest::from_str(&format!("sha256:{hex}")).ok()
    }
}

#[derive(Deserialize)]
struct Summary {
    #[serde(rename = "verificationResult", alias = "verification_result")]
    result: String,
}

#[derive(Deserialize)]
struct TestResult {
    result: String,
    #[serde(rename = "failedTests")]
    failed: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
struct Vulns {
    scanner: Scanner,
}

#[derive(Deserialize)]
struct Scanner {
    result: Option<Vec<IgnoredAny>>,
}

/// The predicate of a statement, as the type that it should have.
fn predicate<P: DeserializeOwned>(bytes: &[u8]) -> Result<P, String> {
    #[derive(Deserialize)]
    struct With<P> {
        predicate: P,
    }
    let with: With<P> = serde_json::from_slice(bytes).map_err(|error| says(&error))?;
    Ok(with.predicate)
}
