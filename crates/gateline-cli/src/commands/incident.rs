//! `gateline incident`: what is wrong where releases are live, and which change is suspected.

use gateline_api::{
    CloseIncident, CloseRequest, Empty, Exit, GetIncident, IncidentPath, IncidentQuery, IncidentRequest,
    LiftSuspect, LiftSuspectRequest, ListIncidents, OpenIncident, ProjectPath,
};
use gateline_model::{Cause, PromotionId, StageRef};

use super::Reason;
use crate::failure::Failure;
use crate::moment::Moment;
use crate::render;
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Say that something is wrong: what changed before it is suspected, and stopped as its stages say
    Open(Open),
    /// List open incidents
    List(List),
    /// Show an incident with its suspects
    Show(Show),
    /// Say that an incident is over, or afterwards what had caused it
    Close(Close),
    /// Say that a suspect is not to blame: its rollout goes on, or its bar is lifted
    Lift(Lift),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline incident open 'checkout is slow' --project payments --stage payments/payment-service/production \\
    --since 10m --reason 'users write to us'
  gateline incident close 3 --project payments --cause payments/payment-service/production/17 \\
    --reason 'the new retry loop; fixed in 1.4.2'")]
struct Open {
    /// What is wrong, in a few words: they stay for ever, so name no person here; a reason can be erased
    name: String,
    /// A stage that it touches, as PROJECT/PIPELINE/STAGE
    #[arg(long = "stage", value_name = "STAGE")]
    stages: Vec<StageRef>,
    /// A label, as NAME=VALUE: stages whose `incidents` match are touched, too
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// When it began: a time, or so long ago; now where it is not given
    #[arg(long, value_name = "TIME|SPAN")]
    since: Option<Moment>,
    #[command(flatten)]
    reason: Reason,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Those that were closed lately, too
    #[arg(long)]
    closed: bool,
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The incident's number in the project
    number: u64,
}

#[derive(Debug, clap::Args)]
struct Close {
    /// The incident's number in the project
    number: u64,
    /// The suspect that caused it, by its promotion; or `none` where no change of ours did
    #[arg(long, value_name = "PROMOTION|none", value_parser = cause)]
    cause: Option<Cause>,
    #[command(flatten)]
    reason: Reason,
}

#[derive(Debug, clap::Args)]
struct Lift {
    /// The incident's number in the project
    number: u64,
    /// The suspect, by its promotion
    #[arg(long, value_name = "PROMOTION")]
    suspect: PromotionId,
    #[command(flatten)]
    reason: Reason,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is no label: write NAME=VALUE")),
    }
}

fn cause(text: &str) -> Result<Cause, String> {
    match text {
        "none" => Ok(Cause::NoChange),
        promotion => match promotion.parse() {
            Ok(promotion) => Ok(Cause::Change { promotion }),
            Err(err) => Err(format!("{err}; or write `none`")),
        },
    }
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let now = session.now();
    let project = || session.project();
    let view = match args.verb {
        Verb::List(list) => {
            let query = IncidentQuery {
                project: session.options.project.clone(),
                closed: list.closed,
            };
            let list = client.get::<ListIncidents>(&Empty {}, &query).await?;
            session.out.answer(&list, || render::incidents(&list, now))?;
            return Ok(Exit::Done);
        }
        Verb::Open(open) => {
            let request = IncidentRequest {
                name: open.name,
                labels: open.labels.into_iter().collect(),
                since: open.since.map(|since| since.back(now)),
                reason: open.reason.reason,
                stages: open.stages.clone(),
            };
            let project = match (&session.options.project, &open.stages[..]) {
                (None, [first, ..]) => first.project.clone(),
                _ => project()?,
            };
            let path = ProjectPath { project };
            client.send::<OpenIncident>(&path, &request).await?
        }
        Verb::Show(show) => {
            let path = IncidentPath {
                project: project()?,
                number: show.number,
            };
            client.get::<GetIncident>(&path, &Empty {}).await?
        }
        Verb::Close(close) => {
            let path = IncidentPath {
                project: project()?,
                number: close.number,
            };
            let request = CloseRequest {
                cause: close.cause.unwrap_or_default(),
                reason: close.reason.reason,
            };
            client.send::<CloseIncident>(&path, &request).await?
        }
        Verb::Lift(lift) => {
            let path = IncidentPath {
                project: lift.suspect.stage.project.clone(),
                number: lift.number,
            };
            let request = LiftSuspectRequest {
                promotion: lift.suspect,
                reason: lift.reason.reason,
            };
            client.send::<LiftSuspect>(&path, &request).await?
        }
    };
    session.out.answer(&view, || render::incident(&view, now))?;
    Ok(Exit::Done)
}
