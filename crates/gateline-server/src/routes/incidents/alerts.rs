//! `POST /api/v1/projects/{project}/alerts`: what Alertmanager sends. Its groups are passed over, each alert counts by itself.

use gateline_api::{AlertRequest, AlertsReply, AlertsRequest, HearAlerts, RefusedAlert, ToldAlert, entry};
use gateline_core::Command;
use gateline_model::{ALERTS_MAX, Alert, Digest, Event, INCIDENTS_OPEN_MAX};

use crate::call::Call;
use crate::refused::Refused;

/// The version of the form that is read.
const VERSION: &str = "4";
/// The label by which Prometheus calls an alert.
const NAME: &str = "alertname";
/// What core says where there is no room for any alert of a delivery.
const NO_ROOM: &str = "incident.too_many";

pub(crate) async fn handle(call: Call<HearAlerts>) -> Result<AlertsReply, Refused> {
    let AlertsRequest { version, alerts } = call.body.clone();
    if version != VERSION {
        let detail = format!("the delivery is of version `{version:.20}`; version `{VERSION}` is read here");
        return Err(Refused::new(&entry::BODY, detail));
    }
    let project = call.path.project.clone();
    let (alerts, refused) = read(alerts)?;
    if let Some(first) = refused.first() {
        tracing::warn!(
            %project,
            "{} alerts of a delivery to `{project}` cannot be read and are passed over; the first is alert {}: {}",
            refused.len(),
            first.index,
            first.why
        );
    }
    let command = Command::HearAlerts {
        project: project.clone(),
        alerts: alerts.clone(),
    };
    let (mut opened, mut closed) = (Vec::new(), Vec::new());
    match call.submit(command).await {
        Ok(receipt) => {
            for recorded in &receipt.events {
                match &recorded.event {
                    Event::IncidentOpened { incident } => opened.push(incident.number),
                    Event::IncidentClosed { number, .. } => closed.push(*number),
                    _ => {}
                }
            }
        }
        // Not one of them was taken: that is told below, together with all others.
        Err(full) if full.problem().code == NO_ROOM => {}
        Err(refused) => return Err(refused),
    }
    let unheard = call
        .app
        .hub
        .with_world(|world| gateline_core::unheard(world, &project, &alerts));
    if unheard > 0 {
        let detail = format!(
            "{unheard} of {} alerts were not taken: project `{project}` has {INCIDENTS_OPEN_MAX} open incidents or more (INCIDENTS_OPEN_MAX), and they would stop nothing that is not stopped; {} were",
            alerts.len(),
            alerts.len() - unheard
        );
        tracing::error!(%project, "{detail}");
        call.app.hub.count_unheard(unheard);
        return Err(Refused::new(&entry::ALERTS_FULL, detail));
    }
    let unchanged = alerts.len().saturating_sub(opened.len() + closed.len());
    Ok(AlertsReply {
        opened,
        closed,
        unchanged: u32::try_from(unchanged).unwrap_or(u32::MAX),
        refused,
    })
}

/// The alerts that can be read, and why others cannot. A delivery of which none can is none.
fn read(told: Vec<ToldAlert>) -> Result<(Vec<Alert>, Vec<RefusedAlert>), Refused> {
    let (mut alerts, mut refused) = (Vec::new(), Vec::new());
    for (index, ToldAlert(told)) in (0..).zip(told) {
        match told.and_then(alert) {
            Ok(alert) => alerts.push(alert),
            Err(why) => refused.push(RefusedAlert { index, why }),
        }
    }
    let detail = match refused.first() {
        Some(first) if alerts.is_empty() => format!("alert {}: {}", first.index, first.why),
        Some(_) if refused.len() > ALERTS_MAX => {
            format!(
                "{} alerts cannot be read; a delivery has {ALERTS_MAX} at most (ALERTS_MAX)",
                refused.len()
            )
        }
        Some(_) | None => return Ok((alerts, refused)),
    };
    Err(Refused::new(&entry::BODY, detail))
}

fn alert(told: AlertRequest) -> Result<Alert, String> {
    let AlertRequest {
        status,
        labels,
        annotations,
        starts_at,
        ends_at,
        fingerprint,
    } = told;
    let firing = match status.as_str() {
        "firing" => true,
        "resolved" => false,
        other => {
            return Err(format!("an alert is `firing` or `resolved`, not `{other:.40}`"));
        }
    };
    let fingerprint = match fingerprint.is_empty() {
        // What has the same labels is the same alert.
        true => Digest::of_json(&labels).hex().to_owned(),
        false => fingerprint,
    };
    if fingerprint.len() > FINGERPRINT_BYTES_MAX {
        return Err(format!(
            "a fingerprint is longer than {FINGERPRINT_BYTES_MAX} bytes (FINGERPRINT_BYTES_MAX)"
        ));
    }
    let says = ["summary", "description"]
        .iter()
        .filter_map(|name| annotations.get(*name))
        .map(|text| text.trim())
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("\n");
    Ok(Alert {
        name: labels.get(NAME).cloned().unwrap_or_else(|| "alert".to_owned()),
        fingerprint,
        firing,
        labels,
        since: starts_at,
        // The beginning of the calendar stands there where the sender knows no end, as of one that fires; or when that would be
        // given up.
        until: ends_at.filter(|until| !firing && *until >= starts_at),
        says,
    })
}

/// Longest fingerprint of an alert, in bytes: Alertmanager's have 16.
pub(crate) const FINGERPRINT_BYTES_MAX: usize = 128;
