//! `gateline status`: the board.

use gateline_api::{
    Board, BoardOrder, BoardQuery, BoardShow, Empty, Exit, GetBoard, GetPromotion, PromotionPath,
    PromotionView, page_limit,
};

use crate::client::Client;
use crate::failure::Failure;
use crate::out::Form;
use crate::render;
use crate::session::Session;
use crate::watch::{LOOK_EVERY, Patience, Told, tell_line};

/// Rollouts that are shown under the board at most.
const ROLLING_MAX: usize = 8;

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
            let rolling = rolling(&board, &client).await;
            tell(&board, &rolling, &mut told, session)?;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What rolls out, with what its judge says. One that cannot be read is on the board all the same.
async fn rolling(board: &Board, client: &Client) -> Vec<PromotionView> {
    let stages = board.pipelines.iter().flat_map(|pipeline| &pipeline.stages);
    let proposed = stages.flat_map(|stage| &stage.proposed);
    let mut views = Vec::new();
    for one in proposed.filter(|one| one.rollout.is_some()).take(ROLLING_MAX) {
        let path = PromotionPath::from(&one.promotion);
        views.extend(client.get::<GetPromotion>(&path, &Empty {}).await.ok());
    }
    views
}

fn tell(
    board: &Board,
    rolling: &[PromotionView],
    told: &mut Told,
    session: &mut Session,
) -> Result<(), Failure> {
    let now = session.now();
    if session.out.can_redraw() {
        let mut page = render::board(board, now);
        for view in rolling {
            page.gap();
            page = page.then(render::rolling(view, now));
        }
        return session.out.redraw(&page);
    }
    match session.out.form() {
        Form::Json if told.is_new("", format!("{}", board.log)) => session.out.json_line(board),
        Form::Json => Ok(()),
        Form::Text => {
            let of = |name: &str| rolling.iter().find(|view| view.id.to_string() == name);
            for (name, line, key) in render::cell_line(board, now) {
                // What is judged has more to tell than its cell.
                let (line, key) = of(&name).map_or((line, key), |view| render::change_line(view, now));
                if told.is_new(&name, key) {
                    tell_line(line, session)?;
                }
            }
            Ok(())
        }
    }
}
