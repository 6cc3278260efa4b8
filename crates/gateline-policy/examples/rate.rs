//! Evaluations a second of a module's rules and of a condition: `rate MODULE_DIR INPUT CONDITION`. For `cargo xtask bench policy`.
//! Each counts all that one judging takes: the input is read anew, as nothing is kept between two.

use std::path::Path;
use std::time::{Duration, Instant};

use gateline_policy::{Condition, Module, ModuleFiles, Outcome, PolicyOutcome};
use jiff::Timestamp;
use serde_json::Value;

/// How long each is repeated.
const FOR: Duration = Duration::from_secs(2);
/// The example's files that have rules or data; its tests are left out for the others' sake.
const FILES: [&str; 4] = [
    ".manifest",
    "lib/change.rego",
    "release/rules.rego",
    "settings/data.yaml",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, input, condition] = arguments.as_slice() else {
        return Err("usage: rate MODULE_DIR INPUT CONDITION".into());
    };
    let mut files = Vec::new();
    for file in FILES {
        files.push((file.to_owned(), std::fs::read(Path::new(directory).join(file))?));
    }
    let module = Module::load(&ModuleFiles::of(files)?)?;
    let text = std::fs::read_to_string(input)?;
    let now = Timestamp::UNIX_EPOCH;
    let rego = rate(|| {
        let input: Value = serde_json::from_str(&text).unwrap_or_default();
        matches!(module.ask(&input, now), PolicyOutcome::Passed { rules: 3, .. })
    });
    let condition = Condition::parse(condition, &["change", "release", "risk", "stage"])?;
    let facts: Value = serde_json::from_str(&text)?;
    let cel = rate(|| condition.judge(&facts) == Outcome::Holds);
    println!(
        "{} {}",
        rego.ok_or("the rules deny")?,
        cel.ok_or("the condition does not hold")?
    );
    Ok(())
}

/// How often a second something is done; nothing where it once does not come out as it should.
fn rate(mut once: impl FnMut() -> bool) -> Option<f64> {
    let (mut count, began) = (0_u32, Instant::now());
    while began.elapsed() < FOR {
        if !once() {
            return None;
        }
        count += 1;
    }
    Some(f64::from(count) / began.elapsed().as_secs_f64())
}
