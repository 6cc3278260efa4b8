//! `gateline freeze`: times in which stages admit nothing.

use gateline_api::{
    DeclareFreeze, Empty, Exit, FreezePath, FreezeQuery, FreezeRequest, LiftFreeze, ListFreezes,
    ReasonRequest,
};
use gateline_model::{
    CalendarName, ChangeKind, Day, FreezeName, PipelineName, Recurs, StageName, TimeOfDay, Window, Zone,
};

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
    --reason 'the bank is down'
  gateline freeze declare fridays --project payments --until 2027-12-31T00:00:00Z --every fri --hours 14:00-24:00 \\
    --zone Europe/Berlin --exempt hotfix --reason 'nobody wants to work on Saturday'")]
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
    /// Only on these days, again and again: `fri`, `first mon`, `day 15`, `last day`
    #[arg(long = "every", value_name = "DAY", conflicts_with = "calendar")]
    every: Vec<Day>,
    /// Only at these times of those days, as in `16:00-24:00`; an end before the start runs past midnight
    #[arg(long, value_name = "HH:MM-HH:MM", requires = "every")]
    hours: Option<Hours>,
    /// Only on the days of this calendar of the project
    #[arg(long, value_name = "CALENDAR")]
    calendar: Option<CalendarName>,
    /// The time zone of `--every` and `--calendar`, as in `Europe/Berlin`
    #[arg(long, value_name = "ZONE", default_value_t = Zone::utc())]
    zone: Zone,
    /// Kinds of change that pass all the same, as `hotfix`
    #[arg(long = "exempt", value_name = "KIND", value_parser = kind)]
    exempt: Vec<ChangeKind>,
    /// Hold rollbacks too
    #[arg(long)]
    applies_to_rollback: bool,
    #[command(flatten)]
    reason: Reason,
}

/// Times of a day, `HH:MM-HH:MM`.
#[derive(Debug, Clone, Copy)]
struct Hours(TimeOfDay, TimeOfDay);

impl std::str::FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text
            .split_once('-')
            .ok_or_else(|| format!("`{text}` are no hours: write HH:MM-HH:MM"))?;
        Ok(Self(from.parse()?, to.parse()?))
    }
}

/// A kind of change, as JSON writes it.
fn kind(text: &str) -> Result<ChangeKind, String> {
    serde_json::from_value(text.into()).map_err(|_| {
        format!("`{text}` is no kind of change: write `hotfix`, `fix`, `config`, .. as releases do")
    })
}

impl Declare {
    fn recurs(&self) -> Option<Recurs> {
        if let Some(name) = self.calendar.clone() {
            let zone = self.zone.clone();
            return Some(Recurs::Calendar { name, zone });
        }
        let whole = Hours(TimeOfDay::MIDNIGHT, TimeOfDay::END);
        let Hours(from, to) = self.hours.unwrap_or(whole);
        (!self.every.is_empty()).then(|| {
            Recurs::Hours(Window {
                zone: self.zone.clone(),
                days: self.every.clone(),
                months: Vec::new(),
                from,
                to,
                holidays: Vec::new(),
                applies_to_rollback: false,
            })
        })
    }
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
            let recurs = declare.recurs();
            let request = FreezeRequest {
                recurs,
                exempt: declare.exempt,
                applies_to_rollback: declare.applies_to_rollback,
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
