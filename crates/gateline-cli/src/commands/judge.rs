//! `gateline judge`: what the judge says of a rollout that was, from a file or from what the server kept.

use std::path::{Path, PathBuf};

use gateline_api::{Exit, ReplayQuery, ReplayRollout};
use gateline_judge::{Settings, Trace, replay};
use gateline_model::JudgeBy;

use crate::failure::Failure;
use crate::files;
use crate::render;
use crate::session::Session;
use crate::which::Which;

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
    override_usage = "gateline judge replay [OPTIONS] <PROMOTION|RELEASE>
       gateline judge replay [OPTIONS] --ticks <FILE>",
    after_help = "The same recording and settings give the same ruling, bit for bit.
Of a promotion, every recorded ruling is made again from the ticks that were kept; `--with` says what another judge,
written as in a pipeline, would have said. Of a file, `--with` holds settings of the judge by evidence;
`docs/reference/judge-ticks.md` tells what a line must be.
Exits with 0 whatever the ruling is, 2 when something cannot be read, 4 when the record comes out otherwise.

Examples:
  gateline judge replay payments/payment-service/production/7
  gateline judge replay payment-service@1.4.0 --to production --with kayenta.yaml
  gateline judge replay --ticks rollout.jsonl
  gateline judge replay --ticks rollout.jsonl --json
  gateline judge replay --ticks rollout.jsonl --with stricter.yaml"
)]
struct Replay {
    #[command(flatten)]
    of: Option<Which>,
    /// A recording: one tick of one arm, or of one of its pods, a line; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["what", "to"])]
    ticks: Option<PathBuf>,
    /// Other settings, in YAML or JSON
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let Verb::Replay(Replay { of, ticks, with }) = args.verb;
    match (of, ticks) {
        (_, Some(ticks)) => of_file(&ticks, with.as_deref(), session),
        (Some(of), None) => of_promotion(&of, with.as_deref(), session).await,
        (None, None) => Err(Failure::usage(
            "nothing to replay",
            "name a promotion, or a file with `--ticks`",
        )),
    }
}

/// What the server kept of a rollout, judged again by the server.
async fn of_promotion(of: &Which, with: Option<&Path>, session: &mut Session) -> Result<Exit, Failure> {
    let judge = match with {
        Some(path) => {
            let text = files::text(path, SETTINGS_BYTES_MAX)?;
            gateline_spec::read_judge(&text).map_err(|found| {
                Failure::usage(
                    format!("could not read `{}`", path.display()),
                    found.render(&text, false),
                )
            })?;
            Some(text)
        }
        None => None,
    };
    let client = session.connect()?;
    let path = of.to_look_at(session, &client).await?;
    let replay = client.get::<ReplayRollout>(&path, &ReplayQuery { judge }).await?;
    session.out.answer(&replay, || render::replay(&replay))?;
    Ok(match replay.same {
        Some(false) => Exit::Failed,
        Some(true) | None => Exit::Done,
    })
}

/// Settings of the judge by evidence: its own, or a judge as a pipeline writes it.
fn settings(text: &str) -> Result<Settings, String> {
    let own = serde_saphyr::from_str::<Settings>(text).map_err(|err| err.to_string());
    let settings = match (own, gateline_spec::read_judge(text)) {
        (Ok(own), _) => own,
        (Err(_), Ok(judge)) if judge.by == JudgeBy::Evidence => Settings::from(&judge.tolerate),
        (Err(_), Ok(judge)) => {
            let by = judge.by.word();
            return Err(format!("a recording is judged by `evidence`, not by `{by}`"));
        }
        (Err(err), Err(_)) => return Err(err),
    };
    settings.checked().map_err(|err| err.to_string())
}

/// A recording, judged here.
fn of_file(ticks: &Path, with: Option<&Path>, session: &mut Session) -> Result<Exit, Failure> {
    let settings = match with {
        Some(path) => settings(&files::text(path, SETTINGS_BYTES_MAX)?)
            .map_err(|err| Failure::usage(format!("could not read `{}`", path.display()), err))?,
        None => Settings::default(),
    };
    let text = files::text(ticks, TICKS_BYTES_MAX)?;
    let trace = Trace::read(&text).map_err(|err| {
        Failure::usage(format!("could not read `{}`", ticks.display()), err)
            .hint("`docs/reference/judge-ticks.md` tells what a line must be")
    })?;
    let ruling = replay(settings, &trace);
    session.out.answer(&ruling, || render::ruling(&ruling))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_the_judges_own_or_those_of_a_pipeline() {
        let own = settings("{slo: {errors: 0.01}}").unwrap();
        let of_pipeline = settings("{by: evidence, tolerate: {slo: 1%}, patience: 1h}").unwrap();
        assert_eq!(own.slo, of_pipeline.slo);
        assert_eq!(
            settings("kayenta").unwrap_err(),
            "a recording is judged by `evidence`, not by `kayenta`"
        );
        assert!(settings("{slo: {errors: 2}}").unwrap_err().contains("slo.errors"));
        assert!(settings("{nothing: 1}").is_err());
    }
}
