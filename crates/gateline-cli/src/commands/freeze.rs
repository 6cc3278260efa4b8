//! `gateline freeze`: times in which stages admit nothing.

use gateline_api::{
    DeclareFreeze, Empty, Exit, FreezePath, FreezeQuery, FreezeRequest, LiftFreeze, ListFreezes,
    ReasonRequest,
};
use gateline_model::{FreezeName, PipelineName, StageName};

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
    /// Let stages admit nothing for a time
    Declare(Declare),
    /// End a freeze early
    Lift(Lift),
    /// List freezes that are declared and not lifted
    List,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline freeze declare year-end --project payments --from 2026-12-20T00:00:00Z --until 2027-01-04T08:00:00Z \\
    --reason 'nobody is here to look'
  gateline freeze declare outage --project payments --pipeline payment-service --stage production --until 4h \\
    --reason 'the bank is down'")]
struct Declare {
    /// Its name within the project
    name: FreezeName,
    /// Only this pipeline; every pipeline of the project where it is not given
    #[arg(long)]
    pipeline: Option<PipelineName>,
    /// Only these stages; the production stages where none is given
    #[arg(long = "stage", value_name = "STAGE")]
    stages: Vec<StageName>,
    /// When it begins: a time, or so long from now; now where it is not given
    #[arg(long, value_name = "TIME|SPAN")]
    from: Option<Moment>,
    /// When it ends: a time, or so long from now
    #[arg(long, value_name = "TIME|SPAN")]
    until: Moment,
    #[command(flatten)]
    reason: Reason,
}

#[derive(Debug, clap::Args)]
struct Lift {
    /// The freeze
    name: FreezeName,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let now = session.now();
    let list = match args.verb {
        Verb::List => {
            let query = FreezeQuery {
                project: session.options.project.clone(),
            };
            client.get::<ListFreezes>(&Empty {}, &query).await?
        }
        Verb::Declare(declare) => {
            let request = FreezeRequest {
                project: session.project()?,
                name: declare.name,
                pipeline: declare.pipeline,
                stages: declare.stages,
                from: declare.from.map(|from| from.ahead(now)),
                until: declare.until.ahead(now),
                reason: declare.reason.reason,
            };
            let view = client.send::<DeclareFreeze>(&Empty {}, &request).await?;
            session
                .out
                .answer(&view, || render::freezes(std::slice::from_ref(&view), now))?;
            return Ok(Exit::Done);
        }
        Verb::Lift(lift) => {
            let path = FreezePath {
                project: session.project()?,
                name: lift.name,
            };
            let request = ReasonRequest {
                reason: lift.reason.reason,
            };
            let left = client.send::<LiftFreeze>(&path, &request).await?;
            session
                .out
                .say(&format!("freeze {} lifted; what is left:", path.name));
            left
        }
    };
    session.out.answer(&list, || render::freezes(&list, now))?;
    Ok(Exit::Done)
}
