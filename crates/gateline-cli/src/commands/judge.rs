//! `gateline judge`: what the judge says of a recorded rollout, offline.

use std::path::PathBuf;

use gateline_api::Exit;
use gateline_judge::{Settings, Trace, replay};

use crate::failure::Failure;
use crate::files;
use crate::render;
use crate::session::Session;

/// Largest recording, in bytes: a week of twenty pods, tick by tick.
const TICKS_BYTES_MAX: usize = 256 << 20;
/// Largest file of settings, in bytes.
const SETTINGS_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show what the judge says of a recorded rollout
    Replay(Replay),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The same recording and settings give the same ruling, bit for bit.
`docs/reference/judge-ticks.md` tells what a line must be.
Exits with 0 whatever the ruling is, and with 2 when a line cannot be read.

Examples:
  gateline judge replay --ticks rollout.jsonl
  gateline judge replay --ticks rollout.jsonl --json
  gateline judge replay --ticks rollout.jsonl --with stricter.yaml"
)]
struct Replay {
    /// A recording: one tick of one arm, or of one of its pods, a line; `-` is stdin
    #[arg(long, value_name = "FILE")]
    ticks: PathBuf,
    /// Settings of the judge, in YAML or JSON; its defaults where there are none
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let Verb::Replay(Replay { ticks, with }) = args.verb;
    let settings = match with {
        Some(path) => {
            let text = files::text(&path, SETTINGS_BYTES_MAX)?;
            serde_saphyr::from_str::<Settings>(&text)
                .map_err(|err| err.to_string())
                .and_then(|settings| settings.checked().map_err(|err| err.to_string()))
                .map_err(|err| Failure::usage(format!("could not read `{}`", path.display()), err))?
        }
        None => Settings::default(),
    };
    let text = files::text(&ticks, TICKS_BYTES_MAX)?;
    let trace = Trace::read(&text).map_err(|err| {
        Failure::usage(format!("could not read `{}`", ticks.display()), err)
            .hint("`docs/reference/judge-ticks.md` tells what a line must be")
    })?;
    let ruling = replay(settings, &trace);
    session.out.answer(&ruling, || render::ruling(&ruling))?;
    Ok(Exit::Done)
}
