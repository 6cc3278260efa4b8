//! `POST /api/v1/projects/{project}/alerts`: what Alertmanager sends. Its groups are passed over, each alert counts by itself.

use gateline_api::{AlertRequest, AlertsReply, AlertsRequest, HearAlerts, entry};
use gateline_core::Command;
use gateline_model::{Alert, Digest, Event};

use crate::call::Call;
use crate::refused::Refused;

/// The version of the form that is read.
const VERSION: &str = "4";
/// The label by which Prometheus calls an alert.
const NAME: &str = "alertname";

pub(crate) async fn handle(call: Call<HearAlerts>) -> Result<AlertsReply, Refused> {
    let AlertsRequest { version, alerts } = call.body.clone();
    if version != VERSION {
        let detail = format!("the delivery is of version `{version:.20}`; version `{VERSION}` is read here");
        return Err(Refused::new(&entry::BODY, detail));
    }
    let alerts: Vec<Alert> = alerts.into_iter().map(alert).collect::<Result<_, _>>()?;
    let heard = alerts.len();
    let command = Command::HearAlerts {
        project: call.path.project.clone(),
        alerts,
    };
    let receipt = call.submit(command).await?;
    let (mut opened, mut closed) = (Vec::new(), Vec::new());
    for recorded in &receipt.events {
        match &recorded.event {
            Event::IncidentOpened { incident } => opened.push(incident.number),
            Event::IncidentClosed { number, .. } => closed.push(*number),
            _ => {}
        }
    }
    let unchanged = heard.saturating_sub(opened.len() + closed.len());
    Ok(AlertsReply {
        opened,
        closed,
        unchanged: u32::try_from(unchanged).unwrap_or(u32::MAX),
    })
}

fn alert(told: AlertRequest) -> Result<Alert, Refused> {
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
            let detail = format!("an alert is `firing` or `resolved`, not `{other:.40}`");
            return Err(Refused::new(&entry::BODY, detail));
        }
    };
    let fingerprint = match fingerprint.is_empty() {
        // What has the same labels is the same alert.
        true => Digest::of_json(&labels).hex().to_owned(),
        false => fingerprint,
    };
    if fingerprint.len() > FINGERPRINT_BYTES_MAX {
        let detail =
            format!("a fingerprint is longer than {FINGERPRINT_BYTES_MAX} bytes (FINGERPRINT_BYTES_MAX)");
        return Err(Refused::new(&entry::BODY, detail));
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
