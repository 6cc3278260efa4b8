//! `GET /api/v1/calendars`

use gateline_api::{CalendarBrief, ListCalendars};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListCalendars>) -> Result<Vec<CalendarBrief>, Refused> {
    Ok(views::calendars(
        &call.app.hub,
        &call.sight,
        call.query.project.as_ref(),
    ))
}
