//! `GET /api/v1/pipelines/{project}/{pipeline}`

use gateline_api::{GetPipeline, PipelineView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetPipeline>) -> Result<PipelineView, Refused> {
    views::pipeline(&call.app.hub, &call.path.reference(), call.query.version).await
}
