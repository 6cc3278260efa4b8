//! `GET /api/v1/proposals/{project}/{number}/preview`

use gateline_api::{PreviewProposal, PreviewView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<PreviewProposal>) -> Result<PreviewView, Refused> {
    views::preview(&call.app.hub, &call.sight, &call.path.id()).await
}
