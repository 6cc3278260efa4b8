//! `gateline calendar`: holidays and other days from iCalendar files, for windows and freezes.

use std::path::{Path, PathBuf};

use gateline_api::{
    ApplyCalendar, CalendarPath, CalendarQuery, CalendarReply, CalendarRequest, Empty, Exit, GetCalendar,
    ListCalendars,
};
use gateline_model::{CALENDAR_BYTES_MAX, CalendarName, ProjectName};

use super::apply::applied_line;
use crate::failure::Failure;
use crate::files;
use crate::git::CommitArgs;
use crate::render::{self, Line, Page};
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Bring an iCalendar file into force
    Apply(Apply),
    /// List the calendars that are in force
    List,
    /// Show a calendar that is in force, with its days from now on
    Show(Show),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "`gateline apply` does the same for every calendar that a window names and that lies beside the pipeline's file, in
`calendars/NAME.ics`.

Examples:
  gateline calendar apply holidays.ics --project payments --name bavaria"
)]
struct Apply {
    /// The iCalendar file; `-` is stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What windows and freezes call it; the file's name where it is not given
    #[arg(long)]
    name: Option<CalendarName>,
    #[command(flatten)]
    commit: CommitArgs,
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The calendar
    calendar: CalendarName,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Apply(args) => apply(args, session).await,
        Verb::List => {
            let query = CalendarQuery {
                project: session.options.project.clone(),
            };
            let found = session.connect()?.get::<ListCalendars>(&Empty {}, &query).await?;
            session.out.answer(&found, || render::calendars(&found))?;
            Ok(Exit::Done)
        }
        Verb::Show(show) => {
            let path = CalendarPath {
                project: session.project()?,
                calendar: show.calendar,
            };
            let view = session.connect()?.get::<GetCalendar>(&path, &Empty {}).await?;
            let now = session.now();
            session.out.answer(&view, || render::calendar(&view, now))?;
            Ok(Exit::Done)
        }
    }
}

async fn apply(args: Apply, session: &mut Session) -> Result<Exit, Failure> {
    let Apply { file, name, commit } = args;
    let name = match name {
        Some(name) => name,
        None => {
            let stem = file
                .file_stem()
                .and_then(|stem| stem.to_str())
                .unwrap_or_default();
            stem.parse().map_err(|err| {
                Failure::usage("the calendar has no name", err).hint("give one with `--name`")
            })?
        }
    };
    let request = request(&file, session.project()?, name, &commit, session)?;
    let reply = session
        .connect()?
        .send::<ApplyCalendar>(&Empty {}, &request)
        .await?;
    session.out.answer(&reply, || {
        let mut page = Page::default();
        page.line(applied(&reply));
        page
    })?;
    Ok(match reply.proposed {
        Some(_) => Exit::Held,
        None => Exit::Done,
    })
}

/// A file that was read and is a calendar, ready to be sent.
pub(super) fn request(
    file: &Path,
    project: ProjectName,
    name: CalendarName,
    commit: &CommitArgs,
    session: &Session,
) -> Result<CalendarRequest, Failure> {
    let text = files::text(file, CALENDAR_BYTES_MAX)?;
    let today = gateline_model::Zone::utc().date(session.now());
    gateline_spec::read_calendar(&text, today).map_err(|err| {
        Failure::usage(
            format!("`{}` is no calendar that can be used", file.display()),
            err,
        )
    })?;
    Ok(CalendarRequest {
        project,
        name,
        text,
        written: commit.of(file)?,
    })
}

/// What applying came to, as one line.
pub(super) fn applied(reply: &CalendarReply) -> Line {
    let CalendarReply {
        project,
        name,
        version,
        entries,
        changed,
        proposed,
    } = reply;
    let what = format!("calendar {project}/{name}, {entries} entries");
    applied_line(&what, version, *changed, proposed.as_ref())
}
