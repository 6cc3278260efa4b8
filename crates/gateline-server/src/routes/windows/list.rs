//! `GET /api/v1/windows`

use gateline_api::{ListWindows, TimetableView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListWindows>) -> Result<Vec<TimetableView>, Refused> {
    Ok(views::timetables(&call.app.hub, &call.sight, &call.query))
}
