//! `gateline proposal`: new versions of what is protected, which wait for their owners.

use std::path::PathBuf;

use gateline_api::{
    ApproveProposal, Empty, Exit, GetProposal, ListProposalSignatures, ListProposals, PreviewProposal,
    ProposalAnswer, ProposalNo, ProposalPath, ProposalQuery, ProposalView, ReasonRequest, RejectProposal,
    WithdrawProposal,
};
use gateline_model::{ProposalId, ProposalOutcome};

use super::Reason;
use crate::client::Client;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;
use crate::signing::Sign;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the proposals that wait for their owners
    List,
    /// Show a proposal: what it changes, and what it would have decided for the last promotions
    Show(Which),
    /// Approve a proposal as one of its owners
    Approve(Approve),
    /// Reject a proposal as one of its owners, which ends it
    Reject(Answer),
    /// Hold the signed approvals of a proposal against their keys, and write them down
    Signatures(Signatures),
    /// Take your own proposal back, or your approval of one
    Withdraw(Answer),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline proposal show payments/3
  gateline proposal show payments/3 --json")]
struct Which {
    /// The proposal, as PROJECT/NUMBER
    proposal: ProposalId,
}

#[derive(Debug, clap::Args)]
struct Approve {
    #[command(flatten)]
    which: Which,
    /// What else is to be on record
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    #[command(flatten)]
    sign: Sign,
}

#[derive(Debug, clap::Args)]
struct Signatures {
    #[command(flatten)]
    which: Which,
    /// Write statements, signatures and keys into this folder
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Answer {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let now = session.now();
    let view = match args.verb {
        Verb::List => {
            let project = session.options.project.clone();
            let query = ProposalQuery {
                project,
                ..ProposalQuery::default()
            };
            let found = client.get::<ListProposals>(&Empty {}, &query).await?;
            session.out.answer(&found, || render::proposals(&found, now))?;
            return Ok(Exit::Done);
        }
        Verb::Signatures(args) => {
            let list = client
                .get::<ListProposalSignatures>(&path(args.which.proposal), &Empty {})
                .await?;
            return super::signatures::look(&list, args.into.as_deref(), session);
        }
        Verb::Show(which) => return show(&path(which.proposal), &client, session).await,
        Verb::Approve(args) => {
            let path = path(args.which.proposal);
            // The answer is bound to what is read here: another version would be another question.
            let seen = client.get::<GetProposal>(&path, &Empty {}).await?;
            let comment = args.comment.as_deref().unwrap_or_default();
            let signed = args
                .sign
                .proposal(session, &client, &path, &seen.proposal, comment)
                .await?;
            let answer = ProposalAnswer {
                question: Some(seen.proposal.question),
                comment: args.comment,
                signed,
            };
            client.send::<ApproveProposal>(&path, &answer).await?
        }
        Verb::Reject(args) => {
            let path = path(args.which.proposal);
            let seen = client.get::<GetProposal>(&path, &Empty {}).await?;
            let answer = ProposalNo {
                question: Some(seen.proposal.question),
                reason: args.reason.reason,
            };
            client.send::<RejectProposal>(&path, &answer).await?
        }
        Verb::Withdraw(args) => {
            let path = path(args.which.proposal);
            let reason = args.reason.reason;
            client
                .send::<WithdrawProposal>(&path, &ReasonRequest { reason })
                .await?
        }
    };
    session.out.answer(&view, || render::proposal(&view, now))?;
    Ok(exit(&view))
}

fn path(id: ProposalId) -> ProposalPath {
    ProposalPath {
        project: id.project,
        number: id.number,
    }
}

/// Held as long as it waits.
fn exit(view: &ProposalView) -> Exit {
    match view.outcome {
        None => Exit::Held,
        Some(
            ProposalOutcome::InForce
            | ProposalOutcome::Rejected
            | ProposalOutcome::Withdrawn
            | ProposalOutcome::Superseded
            | ProposalOutcome::Expired,
        ) => Exit::Done,
    }
}

async fn show(path: &ProposalPath, client: &Client, session: &mut Session) -> Result<Exit, Failure> {
    let detail = client.get::<GetProposal>(path, &Empty {}).await?;
    let preview = client.get::<PreviewProposal>(path, &Empty {}).await?;
    let now = session.now();
    let both = serde_json::json!({"detail": detail, "preview": preview});
    session
        .out
        .answer(&both, || render::proposal_detail(&detail, &preview, now))?;
    Ok(Exit::Done)
}
