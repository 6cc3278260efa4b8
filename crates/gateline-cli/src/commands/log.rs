//! `gateline log`: what happened, by whom, in which order.

use gateline_api::{Empty, Exit, GetCheckpoint, LogPage, LogQuery, PAGE_DEFAULT, PAGE_MAX, SearchLog};
use gateline_model::{ActorId, StreamId};

use crate::failure::Failure;
use crate::moment::Moment;
use crate::render::{self, Line, Page, Table};
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline log --prefix promotion/payments/
  gateline log --event override_granted --since 30d
  gateline log --actor ana --json
  gateline log --checkpoint")]
pub struct Args {
    /// Only this stream, as promotion/PROJECT/PIPELINE/STAGE/NUMBER
    #[arg(long)]
    stream: Option<StreamId>,
    /// Only streams whose name begins so, as stage/payments/
    #[arg(long)]
    prefix: Option<String>,
    /// Only events of this name, as promotion_admitted
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Only what this actor caused
    #[arg(long)]
    actor: Option<ActorId>,
    /// Not before this time, or so long ago
    #[arg(long, value_name = "TIME|SPAN")]
    since: Option<Moment>,
    /// Before this time, or so long ago
    #[arg(long, value_name = "TIME|SPAN")]
    until: Option<Moment>,
    /// Only log numbers below this one
    #[arg(long, value_name = "NUMBER", value_parser = crate::number::log_number, allow_negative_numbers = true)]
    before: Option<u64>,
    /// At most so many events
    #[arg(long, value_name = "N", default_value_t = PAGE_DEFAULT, value_parser = crate::number::list_limit, allow_negative_numbers = true)]
    limit: u32,
    /// Only the log's size and Merkle root: keep them to prove later that nothing was changed
    #[arg(long)]
    checkpoint: bool,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let now = session.now();
    if args.checkpoint {
        let checkpoint = client.get::<GetCheckpoint>(&Empty {}, &Empty {}).await?;
        session.out.answer(&checkpoint, || {
            let mut page = Page::default();
            let mut table = Table::default();
            table.row(["size".into(), checkpoint.size.into()]);
            table.row(["root".into(), (&checkpoint.root).into()]);
            table.row(["at".into(), render::ago(checkpoint.at, now).into()]);
            page.table(table);
            page
        })?;
        return Ok(Exit::Done);
    }
    let mut query = LogQuery {
        stream: args.stream,
        prefix: args.prefix,
        event: args.event,
        actor: args.actor,
        from: args.since.map(|since| since.back(now)),
        until: args.until.map(|until| until.back(now)),
        before: args.before,
        limit: None,
    };
    let mut log = LogPage {
        events: Vec::new(),
        next: None,
        erased: Vec::new(),
    };
    loop {
        let left = args.limit as usize - log.events.len();
        query.limit = Some((left as u32).min(PAGE_MAX));
        let page = client.get::<SearchLog>(&Empty {}, &query).await?;
        let came = page.events.len();
        log.events.extend(page.events.into_iter().take(left));
        log.erased.extend(page.erased);
        log.next = page.next;
        query.before = page.next;
        if page.next.is_none() || came == 0 || log.events.len() >= args.limit as usize {
            break;
        }
    }
    session.out.answer(&log, || {
        let mut page = Page::default();
        let mut table = Table::default();
        for event in &log.events {
            table.row(render::event_line(event, &log.erased, now));
        }
        page.table(table);
        if log.events.is_empty() {
            page.line("no events");
        }
        if let Some(next) = log.next {
            page.line(Line::new().dim(format!("older ones with `--before {next}`")));
        }
        page
    })?;
    Ok(Exit::Done)
}
