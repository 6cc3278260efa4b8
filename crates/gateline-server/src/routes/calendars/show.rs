//! `GET /api/v1/calendars/{project}/{calendar}`

use gateline_api::{CalendarView, GetCalendar};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetCalendar>) -> Result<CalendarView, Refused> {
    views::calendar(&call.app.hub, &call.path)
}
