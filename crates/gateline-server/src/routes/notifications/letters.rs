//! `GET /api/v1/projects/{project}/letters`

use gateline_api::ListLetters;
use gateline_model::Letter;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListLetters>) -> Result<Vec<Letter>, Refused> {
    Ok(views::letters(
        &call.app.hub,
        &call.sight,
        &call.path.project,
        &call.query,
    ))
}
