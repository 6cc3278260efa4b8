//! Policy: evaluations a second of the example's rules and of one condition, beside interpreters that others use, in the same run.
//!
//! OPA and cel-go themselves cannot be had from a registry here: rego-cpp and cel-cpp, which are independent and compiled too, and
//! cel-python stand for the peers, each with what its own users pay for a call from Python.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

const INPUT: &str = include_str!("input.json");
const REGO: &str = include_str!("rego.py");
const CEL: &str = include_str!("cel.py");
/// What the input's condition is, of a length that pipelines have.
const CONDITION: &str = r#"stage.production && change.breaking && change.labels.team == "payments" && change.tickets.exists(t, t.startsWith("PAY-")) && risk.level in ["low", "medium"] && release.artifacts.all(a, a.kind == "oci")"#;
/// The peers, from PyPI.
const PACKAGES: [&str; 3] = ["regopy==1.5.2", "cel-expr-python==0.1.3", "cel-python==0.5.0"];
/// Pieces of evidence in the input.
const EVIDENCE: usize = 20;

pub(super) fn run() -> Result<(), String> {
    println!("\n## policy\n\n`cargo xtask bench policy`\n");
    let ours = super::build::example("gateline-policy", "rate")?;
    let python = peers()?;
    let place = std::env::temp_dir().join(format!("gateline-bench-policy-{}", std::process::id()));
    std::fs::create_dir_all(&place).map_err(|err| format!("could not make {}: {err}", place.display()))?;
    let measured = measure(&ours, &python, &place);
    let _ = std::fs::remove_dir_all(&place);
    measured
}

fn measure(ours: &Path, python: &Path, place: &Path) -> Result<(), String> {
    let module = crate::root().join("examples/policies/release-rules");
    let write = |name: &str, text: &str| {
        let path = place.join(name);
        std::fs::write(&path, text).map_err(|err| format!("could not write {}: {err}", path.display()))?;
        Ok::<_, String>(path)
    };
    let input = write("input.json", &input()?)?;
    let (rego, cel) = (write("rego.py", REGO)?, write("cel.py", CEL)?);
    let said = said(Command::new(ours).args([&module, &input]).arg(CONDITION))?;
    let both: Vec<f64> = said
        .split_whitespace()
        .filter_map(|rate| rate.parse().ok())
        .collect();
    let [our_rego, our_cel] = both[..] else {
        return Err(format!("two rates were expected, not `{said}`"));
    };
    let rego_cpp = rate(Command::new(python).args([&rego, &module, &input]))?;
    println!("| what | interpreter | evaluations/s | Gateline does as many |");
    println!("|---|---|---|---|");
    println!("| Rego, 3 rules, {EVIDENCE} pieces of evidence | Gateline (regorus) | {our_rego:.0} | |");
    println!(
        "| | rego-cpp | {rego_cpp:.0} | {:.1} times |",
        our_rego / rego_cpp
    );
    println!("| CEL, one condition | Gateline (cel) | {our_cel:.0} | |");
    for which in ["cel-cpp", "cel-python"] {
        let peer = rate(
            Command::new(python)
                .arg(&cel)
                .args([which, CONDITION])
                .arg(&input),
        )?;
        println!("| | {which} | {peer:.0} | {:.1} times |", our_cel / peer);
    }
    Ok(())
}

/// The input with its evidence.
fn input() -> Result<String, String> {
    let mut input: Value = serde_json::from_str(INPUT).map_err(|err| err.to_string())?;
    let one = |number: usize| {
        json!({"id": format!("sha256:{number:064x}"), "format": "junit", "kind": "tests", "name": format!("suite-{number}"),
            "at": "2026-11-21T09:10:00Z", "by": "ci", "facts": {"kind": "tests", "passed": 120, "failed": 0, "skipped": 2}})
    };
    input["evidence"] = (0..EVIDENCE).map(one).collect();
    Ok(input.to_string())
}

/// A Python with the peers, kept beside what is built.
fn peers() -> Result<PathBuf, String> {
    let place = crate::shell::target().join("bench-policy");
    let python = place.join("bin/python");
    if !python.exists() {
        said(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
    }
    said(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(PACKAGES),
    )?;
    Ok(python)
}

fn rate(command: &mut Command) -> Result<f64, String> {
    let said = said(command)?;
    said.trim()
        .parse()
        .map_err(|_| format!("a rate was expected, not `{said}`"))
}

fn said(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|err| format!("could not run {command:?}: {err}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
