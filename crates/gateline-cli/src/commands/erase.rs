//! `gateline erase`: a person's name and words, taken out of the log. What happened stays, and can be proved.

use gateline_api::{Empty, EraseReply, EraseRequest, EraseText, Exit};
use gateline_model::{ActorId, StreamId};

use super::Reason;
use crate::failure::Failure;
use crate::prompt;
use crate::render::{Line, Page};
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline erase --actor ana --reason \"left, request 4711\" --dry-run
  gateline erase --containing \"Ana Example\" --reason \"request 4711\" --yes
  gateline erase 17 18 --reason \"a customer's name in a reason\"

What stays: the events, who caused them by actor id, every decision and every proof. What stands in backups made
before is still there.")]
pub struct Args {
    /// Only events with these log numbers
    #[arg(value_name = "NUMBER")]
    events: Vec<u64>,
    /// Only what this actor caused
    #[arg(long)]
    actor: Option<ActorId>,
    /// Only this stream, as promotion/PROJECT/PIPELINE/STAGE/NUMBER
    #[arg(long)]
    stream: Option<StreamId>,
    /// Only where this stands in the names or the text, in capitals or not
    #[arg(long, value_name = "TEXT")]
    containing: Option<String>,
    #[command(flatten)]
    reason: Reason,
    /// Only show what would be erased
    #[arg(long)]
    dry_run: bool,
    /// Do not ask: it cannot be taken back
    #[arg(long)]
    yes: bool,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let request = EraseRequest {
        events: args.events,
        actor: args.actor,
        stream: args.stream,
        containing: args.containing,
        before: None,
        dry_run: true,
        reason: args.reason.reason,
    };
    if request.events.is_empty()
        && request.actor.is_none()
        && request.stream.is_none()
        && request.containing.is_none()
    {
        return Err(Failure::usage(
            "nothing is named",
            "give log numbers, `--actor`, `--stream` or `--containing`",
        ));
    }
    let found = all(&request, session).await?;
    if args.dry_run || found.is_empty() {
        return shown(found, args.dry_run, session);
    }
    if !args.yes {
        if !prompt::is_possible() {
            return Err(Failure::usage(
                "nothing was erased",
                "it cannot be taken back, and nobody can be asked here: look with `--dry-run`, then say `--yes`",
            ));
        }
        let question = format!(
            "Erase names and texts beside {} for ever? [y/N] ",
            counted(found.len())
        );
        if !prompt::yes(&question)? {
            return Err(Failure::usage("nothing was erased", "you did not say yes"));
        }
    }
    let request = EraseRequest {
        dry_run: false,
        ..request
    };
    let erased = all(&request, session).await?;
    shown(erased, false, session)
}

/// Asks until the beginning of the log.
async fn all(request: &EraseRequest, session: &mut Session) -> Result<Vec<u64>, Failure> {
    let client = session.connect()?;
    let (mut request, mut numbers) = (request.clone(), Vec::new());
    loop {
        let reply = client.send::<EraseText>(&Empty {}, &request).await?;
        numbers.extend(reply.erased);
        // It only ever goes back: a server that says otherwise would be asked for ever.
        match (reply.next, request.before) {
            (None, _) => return Ok(numbers),
            (Some(next), Some(before)) if next >= before => return Ok(numbers),
            (Some(next), _) => request.before = Some(next),
        }
    }
}

fn shown(erased: Vec<u64>, dry_run: bool, session: &mut Session) -> Result<Exit, Failure> {
    let verb = if dry_run { "would lose" } else { "lost" };
    let reply = EraseReply { erased, next: None };
    session.out.answer(&reply, || {
        let mut page = Page::default();
        if reply.erased.is_empty() {
            page.line("no names and no text are beside such events, or they were erased before");
            return page;
        }
        page.line(format!("{} {verb} names and text:", counted(reply.erased.len())));
        let numbers: Vec<String> = reply.erased.iter().map(|number| format!("#{number}")).collect();
        page.line(Line::new().dim(numbers.join(" ")));
        if dry_run && let Some(newest) = reply.erased.first() {
            let before = newest + 1;
            page.line(Line::new().dim(format!(
                "read one with `gateline log --before {before} --limit 1`"
            )));
        }
        page
    })?;
    Ok(Exit::Done)
}

fn counted(events: usize) -> String {
    match events {
        1 => "1 event".to_owned(),
        events => format!("{events} events"),
    }
}
