//! `gateline status`: the board.

use gateline_api::{Board, BoardOrder, BoardQuery, BoardShow, Empty, Exit, GetBoard, page_limit};

use crate::failure::Failure;
use crate::out::Form;
use crate::render;
use crate::session::Session;
use crate::watch::{LOOK_EVERY, Patience, Told, tell_line};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline status
  gateline status payments --show held
  gateline status --watch")]
pub struct Args {
    /// Only pipelines whose PROJECT/PIPELINE contains this
    text: Option<String>,
    /// Only pipelines in which something is like this
    #[arg(long, value_enum)]
    show: Option<Show>,
    /// In which order; by name where it is not given
    #[arg(long, value_enum)]
    order: Option<Order>,
    /// At most so many pipelines
    #[arg(long, value_name = "N", value_parser = page_limit, allow_negative_numbers = true)]
    limit: Option<u32>,
    /// Follow what changes, until interrupted
    #[arg(long)]
    watch: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Show {
    /// Something is proposed
    Open,
    /// A promotion is held or refused before its gates
    Held,
    /// A rollout is under way
    RollingOut,
    /// What is live somewhere is not healthy, or its health is unknown
    NotHealthy,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Order {
    /// By project and name
    Name,
    /// What needs somebody first, then what is rolling out, then what is held, then the rest
    Need,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let project = session
        .options
        .project
        .as_ref()
        .map(|project| format!("{project}/"));
    let query = BoardQuery {
        text: args.text.or(project),
        show: args.show.map(|show| match show {
            Show::Open => BoardShow::Open,
            Show::Held => BoardShow::Held,
            Show::RollingOut => BoardShow::RollingOut,
            Show::NotHealthy => BoardShow::NotHealthy,
        }),
        order: args.order.map(|order| match order {
            Order::Name => BoardOrder::Name,
            Order::Need => BoardOrder::Need,
        }),
        after: None,
        limit: args.limit,
    };
    if !args.watch {
        let board = client.get::<GetBoard>(&Empty {}, &query).await?;
        let now = session.now();
        session.out.answer(&board, || render::board(&board, now))?;
        return Ok(Exit::Done);
    }
    let mut patience = Patience::default();
    let mut told = Told::default();
    loop {
        let answer = client.get::<GetBoard>(&Empty {}, &query).await;
        if let Some(board) = patience.take(answer, session)? {
            tell(&board, &mut told, session)?;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn tell(board: &Board, told: &mut Told, session: &mut Session) -> Result<(), Failure> {
    let now = session.now();
    if session.out.can_redraw() {
        return session.out.redraw(&render::board(board, now));
    }
    match session.out.form() {
        Form::Json if told.is_new("", format!("{}", board.log)) => session.out.json_line(board),
        Form::Json => Ok(()),
        Form::Text => {
            for (name, line, key) in render::cell_line(board, now) {
                if told.is_new(&name, key) {
                    tell_line(line, session)?;
                }
            }
            Ok(())
        }
    }
}
