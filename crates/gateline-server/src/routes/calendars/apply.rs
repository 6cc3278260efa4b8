//! `PUT /api/v1/calendars`

use std::sync::Arc;

use gateline_api::{ApplyCalendar, CalendarReply, CalendarRequest, entry};
use gateline_core::Command;
use gateline_core::authority::Object;
use gateline_model::{Declared, Scope, Zone};
use gateline_spec::read_calendar;
use gateline_store::Blob;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::authors;
use crate::call::Call;
use crate::refused::Refused;
use crate::views;

/// How many calendars are read at once.
const READ_AT_ONCE_MAX: usize = 1;

static READING: Semaphore = Semaphore::const_new(READ_AT_ONCE_MAX);

pub(crate) async fn handle(call: Call<ApplyCalendar>) -> Result<CalendarReply, Refused> {
    let CalendarRequest {
        project,
        name,
        text,
        written,
    } = call.body.clone();
    call.expect_right(Scope::Apply, &Object::project(&project))?;
    let kept = Blob::of(text.as_bytes()).map_err(|err| Refused::new(&entry::BODY, err.to_string()))?;
    let today = Zone::utc().date(Timestamp::now());
    // Reading is work, and not the runtime's: one at a time, so that it leaves room for everything else. The turn is kept by
    // the work itself, for whoever asked may be gone.
    let turn = READING.acquire().await.expect("it is never closed");
    let read = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        read_calendar(&text, today)
    });
    let calendar = match read.await {
        Ok(read) => read.map_err(|err| Refused::new(&entry::CALENDAR_INVALID, err.to_string()))?,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    let (version, entries) = (calendar.version(), calendar.holidays.len() as u64);
    let command = Command::ApplyCalendar {
        project: project.clone(),
        name: name.clone(),
        calendar: Arc::new(calendar),
        written: authors::known(&call.app, written),
    };
    let receipt = call.submit_with(command, vec![Arc::new(kept)]).await?;
    let declared = Declared::Calendar(name.clone());
    let proposed = views::proposed(&call.app.hub, &project, &declared, version).await?;
    Ok(CalendarReply {
        project,
        name,
        version,
        entries,
        changed: !receipt.events.is_empty() && proposed.is_none(),
        proposed,
    })
}
