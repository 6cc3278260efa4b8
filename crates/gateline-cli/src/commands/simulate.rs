//! `gateline simulate`: a rehearsal without a server, on a virtual clock.

use std::path::{Path, PathBuf};

use gateline_api::Exit;
use serde_json::json;

use crate::failure::Failure;
use crate::files;
use crate::session::Session;

/// Largest scenario, in bytes.
const SCENARIO_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "Exits with 4 when a run violates an invariant.

Examples:
  gateline simulate scenarios/soak.scenario
  gateline simulate --seeds 2000
  gateline simulate --seed 1234")]
#[group(id = "what", required = true, multiple = false)]
pub struct Args {
    /// A scenario: its transcript is printed
    #[arg(value_name = "FILE", group = "what")]
    file: Option<PathBuf>,
    /// Play so many random runs with faults, and hold the invariants against them
    #[arg(long, value_name = "N", group = "what", value_parser = crate::number::seeds, allow_negative_numbers = true)]
    seeds: Option<u64>,
    /// Play one random run and show all that happens
    #[arg(long, value_name = "SEED", group = "what", value_parser = crate::number::seed, allow_negative_numbers = true)]
    seed: Option<u64>,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    match args {
        Args { file: Some(file), .. } => scenario(&file, session),
        Args {
            seeds: Some(seeds), ..
        } => many(seeds, session),
        Args { seed: Some(seed), .. } => one(seed, session),
        Args {
            file: None,
            seeds: None,
            seed: None,
        } => Err(Failure::bug("the command line let nothing be simulated")),
    }
}

fn scenario(file: &Path, session: &mut Session) -> Result<Exit, Failure> {
    let text = files::text(file, SCENARIO_BYTES_MAX)?;
    let name = file.display().to_string();
    let dir = file.parent().unwrap_or(Path::new("."));
    let transcript = gateline_sim::run_scenario(&name, &text, dir)
        .map_err(|err| Failure::usage(format!("could not play `{name}`"), err))?;
    session
        .out
        .answer_text(&json!({"file": name, "transcript": transcript}), &transcript)?;
    Ok(Exit::Done)
}

fn many(seeds: u64, session: &mut Session) -> Result<Exit, Failure> {
    let report = gateline_sim::simulate(0..seeds);
    let failed: Vec<u64> = report.failed.iter().map(|run| run.seed).collect();
    let reply = json!({
        "seeds": report.seeds, "violations": report.violations(), "failed": failed,
        "events": report.events, "admitted": report.admitted,
    });
    session.out.answer_text(&reply, &format!("{report}\n"))?;
    Ok(ending(report.failed.is_empty()))
}

fn one(seed: u64, session: &mut Session) -> Result<Exit, Failure> {
    let run = gateline_sim::run_seed(seed, true);
    let reply = json!({
        "seed": run.seed, "violations": run.violations, "transcript": run.transcript,
        "events": run.events, "admitted": run.admitted, "ended": run.ended,
        "shrunk": run.shrunk.as_ref().map(|shrunk| json!({
            "requests": shrunk.requests, "faults": shrunk.faults,
            "violations": shrunk.violations, "transcript": shrunk.transcript,
        })),
    });
    let mut text = String::new();
    for line in &run.transcript {
        text.push_str(line);
        text.push('\n');
    }
    for violation in &run.violations {
        text.push_str(&format!("violated {violation}\n"));
    }
    if let Some(shrunk) = &run.shrunk {
        text.push_str(&format!("\n{shrunk}\n"));
    }
    text.push_str(&format!("seed {seed}: {} violations\n", run.violations.len()));
    session.out.answer_text(&reply, &text)?;
    Ok(ending(run.violations.is_empty()))
}

fn ending(all_is_well: bool) -> Exit {
    if all_is_well { Exit::Done } else { Exit::Failed }
}
