//! `GET /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/summary`

use gateline_api::{GetSummary, SummaryView, entry};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetSummary>) -> Result<SummaryView, Refused> {
    let id = call.path.id();
    if let Some(summary) = views::summary(&call.app.hub, &id).await? {
        let text = summary.text(gateline_model::moment);
        return Ok(SummaryView { summary, text });
    }
    // Refused as unknown where there never was one.
    let view = views::promotion(&call.app.hub, &id).await?;
    Err(Refused::new(
        &entry::PROMOTION_NOT_HELD,
        format!(
            "promotion `{id}` is {}: nobody is asked about it any more",
            view.state
        ),
    ))
}
