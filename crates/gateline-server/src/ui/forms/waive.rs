//! Forms about waivers: accepting a finding of a piece of evidence, and ending that early.

use gateline_core::Command;

use super::{Act, Done, Fields, bad, done, submit, until};
use crate::refused::Refused;
use crate::ui::link;
use crate::ui::pages::{EvidenceAddress, evidence_again, waivers_again};
use crate::ui::visit::Visit;

/// Accepts one finding of a release's evidence for a time.
pub(in crate::ui) async fn waive(mut visit: Visit, act: Act, fields: Fields) -> Result<Done, Refused> {
    let address: EvidenceAddress = visit.path().await?;
    let page = granted(&visit, &address, &fields).await;
    done(act, fields, page, async |tried| {
        evidence_again(&visit, &address, Some(tried)).await
    })
    .await
}

async fn granted(visit: &Visit, address: &EvidenceAddress, fields: &Fields) -> Result<String, Refused> {
    let release = address.release(visit).await?;
    let given = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
    let command = Command::Waive {
        release: release.id,
        finding: fields.finding.trim().to_owned(),
        stage: given(&fields.stage)
            .map(|stage| stage.parse().map_err(bad))
            .transpose()?,
        until: until(fields)?,
        ticket: given(&fields.ticket),
        reason: fields.reason.trim().to_owned(),
    };
    submit(visit, fields, command).await?;
    Ok(link::evidence(&release.of, &release.version, &address.digest))
}

/// Ends a waiver early.
pub(in crate::ui) async fn lift_waiver(visit: Visit, act: Act, fields: Fields) -> Result<Done, Refused> {
    let page = lifted(&visit, &fields).await;
    done(act, fields, page, async |tried| {
        waivers_again(&visit, Some(tried)).await
    })
    .await
}

async fn lifted(visit: &Visit, fields: &Fields) -> Result<String, Refused> {
    let command = Command::LiftWaiver {
        project: fields.project.parse().map_err(bad)?,
        waiver: fields.waiver.parse().map_err(bad)?,
        reason: fields.reason.trim().to_owned(),
    };
    submit(visit, fields, command).await?;
    Ok(link::WAIVERS.to_owned())
}
