//! The services under `examples/`, taken through their own pipelines: real tools make the evidence, the real binary
//! decides on it, and what it says is compared with the table below.
//!
//! Runs the very scripts that users copy (`ci/dev.sh`, `ci/staging.sh`). A tool that is missing fails the step.

mod place;
mod tools;

use place::Place;
use tools::Tools;

/// One release, made and looked at by a script, and how that is to end.
struct Row {
    /// A folder under `examples/`.
    service: &'static str,
    version: &'static str,
    /// A file under the service's `planted/`: what is wrong with this release.
    planted: Option<&'static str>,
    /// The script, by the stage that it waits for.
    stage: &'static str,
    ends: Ends,
    /// What the decision must say.
    says: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Admitted,
    Refused,
}

impl Ends {
    /// The exit code of `gateline explain`, which the scripts end with.
    fn code(self) -> i32 {
        match self {
            Ends::Admitted => 0,
            Ends::Refused => 3,
        }
    }
}

macro_rules! rows {
    ($($service:literal $version:literal $planted:expr, $stage:literal $ends:ident $says:expr;)*) => {
        &[$(Row { service: $service, version: $version, planted: $planted, stage: $stage, ends: Ends::$ends, says: &$says }),*]
    };
}

/// With pytest, coverage.py, ruff and nextest.
const USUAL: &[Row] = rows! {
    "python-service" "1.0.0" None, "dev" Admitted [];
    "python-service" "1.0.1" Some("failing-test.patch"), "dev" Refused ["failed"];
    "python-service" "1.0.2" Some("untested-code.patch"), "dev" Refused ["points less than the live release"];
    "python-service" "1.0.3" Some("lint.patch"), "dev" Refused ["F401"];
    "rust-service" "1.0.0" None, "dev" Admitted [];
    "rust-service" "1.0.1" Some("failing-test.patch"), "dev" Refused ["failed"];
    "rust-service" "1.0.2" Some("lost-tests.patch"), "dev" Refused ["fewer"];
};

/// With semgrep, syft, cargo-cyclonedx, vitest, eslint and k6 besides.
const ALL: &[Row] = rows! {
    "python-service" "1.0.0" None, "dev" Admitted [];
    "python-service" "1.0.0" None, "staging" Admitted [];
    "python-service" "1.1.0" Some("float-price.patch"), "dev" Admitted [];
    "python-service" "1.1.0" Some("float-price.patch"), "staging" Refused ["money-is-whole-cents"];
    "rust-service" "1.0.0" None, "dev" Admitted [];
    "rust-service" "1.0.0" None, "staging" Admitted [];
    "node-service" "1.0.0" None, "dev" Admitted [];
    "node-service" "1.0.0" None, "staging" Admitted [];
    "node-service" "1.0.1" Some("failing-test.patch"), "dev" Refused ["failed"];
    "node-service" "1.0.2" Some("untested-code.patch"), "dev" Refused ["points less than the live release"];
    "node-service" "1.0.3" Some("lint.patch"), "dev" Refused ["eqeqeq"];
    "node-service" "1.1.0" Some("slow.patch"), "dev" Admitted [];
    "node-service" "1.1.0" Some("slow.patch"), "staging" Refused ["p95 "];
};

/// The usual rows. Tells how many ended as they should.
///
/// # Errors
/// What did not, or which tool cannot be had.
pub fn usual() -> Result<u64, String> {
    run(USUAL, &Tools::usual()?)
}

/// All that takes long.
///
/// # Errors
/// As [`usual`].
pub fn all() -> Result<u64, String> {
    run(ALL, &Tools::all()?)
}

fn run(rows: &[Row], tools: &Tools) -> Result<u64, String> {
    let place = Place::open(tools)?;
    let mut applied: Vec<&str> = Vec::new();
    let mut passed = 0;
    for row in rows {
        if !applied.contains(&row.service) {
            place.apply(row.service)?;
            applied.push(row.service);
        }
        place.bring(row.service, row.version, row.planted)?;
        let ended = place.look(row.service, row.version, row.stage)?;
        let what = format!("{} {} into {}", row.service, row.version, row.stage);
        if ended.code != Some(row.ends.code()) {
            let code = ended
                .code
                .map_or_else(|| "a signal".to_owned(), |code| code.to_string());
            return Err(format!(
                "{what}: the script ended with {code}, and not with {}",
                row.ends.code()
            ));
        }
        if let Some(word) = row.says.iter().find(|word| !ended.said.contains(**word)) {
            return Err(format!("{what}: the decision does not say `{word}`"));
        }
        println!("-- as it should be: {what}");
        passed += 1;
    }
    Ok(passed)
}
