//! `gateline waiver`: accepted findings, listed and ended.

use gateline_api::{
    Empty, Exit, LiftWaiver, ListWaivers, ReasonRequest, WaiverPath, WaiverQuery, WaiverView,
};
use gateline_model::PipelineName;

use super::Reason;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List waivers that are in force
    List(List),
    /// End a waiver early
    Lift(Lift),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only this pipeline's
    #[arg(long)]
    pipeline: Option<PipelineName>,
}

#[derive(Debug, clap::Args)]
struct Lift {
    /// The waiver: its id, or the beginning of it
    waiver: String,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let now = session.now();
    let of = |project, pipeline| WaiverQuery { project, pipeline };
    let list = match args.verb {
        Verb::List(list) => {
            let query = of(session.options.project.clone(), list.pipeline);
            client.get::<ListWaivers>(&Empty {}, &query).await?
        }
        Verb::Lift(lift) => {
            let query = of(session.options.project.clone(), None);
            let granted = client.get::<ListWaivers>(&Empty {}, &query).await?;
            let waiver = named(&granted, &lift.waiver)?;
            let path = WaiverPath {
                project: waiver.project.clone(),
                waiver: waiver.id,
            };
            let request = ReasonRequest {
                reason: lift.reason.reason,
            };
            let left = client.send::<LiftWaiver>(&path, &request).await?;
            session
                .out
                .say(&format!("waiver {} lifted; what is left:", waiver.id.short()));
            left
        }
    };
    session.out.answer(&list, || render::waivers(&list, now))?;
    Ok(Exit::Done)
}

/// The one waiver that is meant.
fn named<'a>(granted: &'a [WaiverView], name: &str) -> Result<&'a WaiverView, Failure> {
    let hex = name.strip_prefix("sha256:").unwrap_or(name);
    let meant: Vec<&WaiverView> = granted
        .iter()
        .filter(|view| view.id.hex().starts_with(hex))
        .collect();
    match meant[..] {
        [one] if !hex.is_empty() => Ok(one),
        [] => Err(Failure::no_such(
            "waiver.unknown",
            format!("waiver `{name}`"),
            "none in force is called that; list them with `gateline waiver list`",
        )),
        [..] => Err(Failure::usage(
            format!("waiver `{name}`"),
            format!("{} waivers begin like that; write more of it", meant.len()),
        )),
    }
}
