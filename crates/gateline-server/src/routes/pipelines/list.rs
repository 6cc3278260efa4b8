//! `GET /api/v1/pipelines`

use gateline_api::{ListPipelines, Page, PipelineBrief};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListPipelines>) -> Result<Page<PipelineBrief>, Refused> {
    Ok(views::pipelines(&call.app.hub, &call.sight, &call.query))
}
