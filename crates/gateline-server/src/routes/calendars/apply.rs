//! `PUT /api/v1/calendars`

use std::sync::Arc;

use gateline_api::{ApplyCalendar, CalendarReply, CalendarRequest, entry};
use gateline_core::Command;
use gateline_model::Zone;
use gateline_spec::read_calendar;
use gateline_store::Blob;
use jiff::Timestamp;

use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(call: Call<ApplyCalendar>) -> Result<CalendarReply, Refused> {
    let CalendarRequest { project, name, text } = call.body.clone();
    let kept = Blob::of(text.as_bytes()).map_err(|err| Refused::new(&entry::BODY, err.to_string()))?;
    let today = Zone::utc().date(Timestamp::now());
    // Reading is work, and not the runtime's.
    let read = tokio::task::spawn_blocking(move || read_calendar(&text, today)).await;
    let calendar = match read {
        Ok(read) => read.map_err(|err| Refused::new(&entry::CALENDAR_INVALID, err.to_string()))?,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    let (version, entries) = (calendar.version(), calendar.holidays.len() as u64);
    let command = Command::ApplyCalendar {
        project: project.clone(),
        name: name.clone(),
        calendar: Arc::new(calendar),
    };
    let receipt = call.submit_with(command, vec![Arc::new(kept)]).await?;
    Ok(CalendarReply {
        project,
        name,
        version,
        entries,
        changed: !receipt.events.is_empty(),
    })
}
