//! `gateline delegate`: one's answers, handed on for a time.

use gateline_api::{
    Delegate, DelegateRequest, Empty, EndDelegation, EndDelegationRequest, Exit, ListDelegations, ProjectPath,
};
use gateline_model::{ActorId, GroupName, ProjectName};

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
    /// Hand your answers on
    To(To),
    /// End a delegation early
    End(End),
    /// List delegations
    List,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Whoever answers instead of you is named on the record beside you; you still count once.

Examples:
  gateline delegate to bo --project payments --until 14d --reason 'on holiday'
  gateline delegate to bo --project payments --team tech-lead --from 2026-12-20T00:00:00Z --until 2027-01-04T08:00:00Z \\
    --reason 'on holiday'"
)]
struct To {
    /// To whom
    who: ActorId,
    /// Only for this team; for all of yours where it is not given
    #[arg(long)]
    team: Option<GroupName>,
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
struct End {
    /// To whom it was handed on
    who: ActorId,
    /// Whose it was; yours where it is not given
    #[arg(long, value_name = "ACTOR")]
    by: Option<ActorId>,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = ProjectPath {
        project: project(session)?,
    };
    let now = session.now();
    let list = match args.verb {
        Verb::To(to) => {
            let request = DelegateRequest {
                to: to.who,
                team: to.team,
                from: to.from.map(|from| from.ahead(now)),
                until: to.until.ahead(now),
                reason: to.reason.reason,
            };
            client.send::<Delegate>(&path, &request).await?
        }
        Verb::End(end) => {
            let request = EndDelegationRequest {
                by: end.by,
                to: end.who,
            };
            client.send::<EndDelegation>(&path, &request).await?
        }
        Verb::List => client.get::<ListDelegations>(&path, &Empty {}).await?,
    };
    session.out.answer(&list, || render::delegations(&list, now))?;
    Ok(Exit::Done)
}

/// The project that must be named.
pub(super) fn project(session: &Session) -> Result<ProjectName, Failure> {
    session.options.project.clone().ok_or_else(|| {
        Failure::usage(
            "which project is meant is not said",
            "teams and roles belong to a project",
        )
        .hint("add `--project PROJECT`; `gateline` is the one whose teams hold everywhere")
    })
}
