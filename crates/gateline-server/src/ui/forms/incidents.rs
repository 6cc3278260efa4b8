//! Forms about incidents: opening one, lifting a suspect, closing one.

use std::collections::BTreeMap;

use gateline_core::Command;
use gateline_model::{Cause, StageRef};

use super::{Act, Done, Fields, bad, done, no_such, submit};
use crate::refused::Refused;
use crate::ui::link;
use crate::ui::pages::incidents_again;
use crate::ui::visit::Visit;
use crate::views;

/// Opens or closes an incident, or lifts a suspect of one.
pub(in crate::ui) async fn about_incident(visit: Visit, act: Act, fields: Fields) -> Result<Done, Refused> {
    let page = said(&visit, act, &fields).await;
    done(act, fields, page, async |tried| {
        incidents_again(&visit, Some(tried)).await
    })
    .await
}

async fn said(visit: &Visit, act: Act, fields: &Fields) -> Result<String, Refused> {
    let reason = fields.reason.trim().to_owned();
    let command = match act {
        Act::OpenIncident => {
            let stage: StageRef = fields.stage.trim().parse().map_err(bad)?;
            Command::OpenIncident {
                project: stage.project.clone(),
                name: fields.name.trim().to_owned(),
                stages: vec![stage],
                labels: BTreeMap::new(),
                since: None,
                reason,
            }
        }
        Act::LiftSuspect | Act::CloseIncident => {
            let project = fields.project.parse().map_err(bad)?;
            let number = fields.incident.parse().map_err(bad)?;
            views::incident(&visit.app.hub, &visit.sight, &project, number).await?;
            match act {
                Act::LiftSuspect => Command::LiftSuspect {
                    project,
                    number,
                    promotion: fields.promotion.parse().map_err(bad)?,
                    reason,
                },
                _ => Command::CloseIncident {
                    project,
                    number,
                    cause: match fields.cause.as_str() {
                        "" => Cause::NotTold,
                        "none" => Cause::NoChange,
                        promotion => Cause::Change {
                            promotion: promotion.parse().map_err(bad)?,
                        },
                    },
                    reason,
                },
            }
        }
        other => return Err(no_such(other, "incident")),
    };
    submit(visit, fields, command).await?;
    Ok(link::INCIDENTS.to_owned())
}
