//! `POST /api/v1/projects/{project}/incidents`

use gateline_api::{IncidentRequest, IncidentView, OpenIncident, entry};
use gateline_core::{Command, Sight};
use gateline_model::Event;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<OpenIncident>) -> Result<IncidentView, Refused> {
    let project = call.path.project.clone();
    let IncidentRequest {
        name,
        stages,
        labels,
        since,
        reason,
    } = call.body.clone();
    let receipt = call
        .submit(Command::OpenIncident {
            project: project.clone(),
            name,
            stages,
            labels,
            since,
            reason,
        })
        .await?;
    let opened = receipt.events.iter().find_map(|recorded| match &recorded.event {
        Event::IncidentOpened { incident } => Some(incident.number),
        _ => None,
    });
    let number =
        opened.ok_or_else(|| Refused::new(&entry::BUG, "the incident was opened and is not there"))?;
    // Whoever opened it is told what came of it.
    views::incident(&call.app.hub, &Sight::all(), &project, number).await
}
