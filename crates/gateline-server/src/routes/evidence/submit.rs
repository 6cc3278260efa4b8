//! `POST /api/v1/releases/{release}/evidence`

use std::sync::Arc;

use gateline_api::{EvidenceView, SubmitEvidence, entry};
use gateline_core::{Command, ReleaseState};
use gateline_evidence::{Ask, Complete, Format, Read, ReadError};
use gateline_model::limits::NAME_BYTES_MAX;
use gateline_model::{Digest, Event, Evidence, Found};
use jiff::Timestamp;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<SubmitEvidence>) -> Result<EvidenceView, Refused> {
    let release = call
        .app
        .hub
        .with_world(|world| views::release_named(world, &call.path.release))?;
    let format = call.query.format.as_deref().map(str::parse).transpose();
    let format = format
        .map_err(|err: gateline_evidence::UnknownFormat| Refused::new(&entry::FORMAT, err.to_string()))?;
    let bytes = call.bytes.clone();
    // Reading a large report keeps a core busy for a while: not one that answers others.
    let (of, path) = (call.query.of.clone(), call.query.path.clone());
    let read = tokio::task::spawn_blocking(move || {
        let ask = Ask {
            format,
            of: of.as_deref(),
            path: path.as_deref(),
        };
        gateline_evidence::read(&bytes, ask)
    })
    .await;
    let read =
        read.map_err(|err| Refused::new(&entry::BUG, format!("the report's reader stopped: {err}")))?;
    let (format, found, warnings) = found(read, format)?;
    let raw = Digest::of(&call.bytes);
    let evidence = Arc::new(Evidence {
        artifacts: artifacts(call.query.artifacts.as_deref(), &release)?,
        stage: call.query.stage.clone(),
        name: name(call.query.name.as_deref())?,
        found,
        raw: Some(raw),
        format: format.to_owned(),
        warnings,
        by: call.actor()?.id,
        at: Timestamp::now(),
    });
    let command = Command::SubmitEvidence {
        release: release.id,
        evidence: evidence.clone(),
    };
    let receipt = call
        .submit_with(command, vec![(raw, call.bytes.to_vec())])
        .await?;
    let recorded = receipt.events.iter().find_map(|recorded| match &recorded.event {
        Event::EvidenceRecorded { evidence } => Some(evidence.clone()),
        _ => None,
    });
    // Nothing is recorded when the same report came last: then that one stands.
    let last = || {
        let release = call
            .app
            .hub
            .with_world(|world| world.release(&release.id).cloned());
        release.and_then(|release| {
            Some(
                release
                    .evidence
                    .iter()
                    .rfind(|(_, old)| old.raw == Some(raw))?
                    .1
                    .clone(),
            )
        })
    };
    let evidence = recorded.or_else(last).unwrap_or(evidence);
    Ok(views::evidence(evidence.id(), &evidence))
}

/// What was found, or why nothing was. A report that is cut off or says too little is recorded as errored: somebody
/// reported, and nobody could find out.
fn found(
    read: Result<Read, ReadError>,
    asked: Option<Format>,
) -> Result<(&'static str, Found, Vec<String>), Refused> {
    let errored = |format: Format, reason: String| {
        let of = Some(format.kind().to_owned());
        (format.name(), Found::Errored { reason, of }, Vec::new())
    };
    match read {
        Ok(Read {
            format,
            facts,
            complete: Complete::Yes,
            warnings,
        }) => Ok((format.name(), Found::Facts { facts }, warnings)),
        Ok(Read {
            format,
            complete: Complete::No { reason },
            warnings,
            ..
        }) => {
            let (format, found, _) = errored(format, reason);
            Ok((format, found, warnings))
        }
        Err(err @ (ReadError::Truncated { format, .. } | ReadError::Malformed { format, .. })) => {
            Ok(errored(format, err.to_string()))
        }
        Err(err @ (ReadError::Empty | ReadError::Io(_))) => match asked {
            Some(format) => Ok(errored(format, err.to_string())),
            None => Err(Refused::new(&entry::FORMAT, err.to_string())),
        },
        Err(err @ ReadError::Asked(_)) => Err(Refused::new(&entry::QUERY, err.to_string())),
        Err(err @ ReadError::Unrecognised { .. }) => Err(Refused::new(&entry::FORMAT, err.to_string())),
        Err(err @ ReadError::TooLarge { .. }) => Err(Refused::new(&entry::BODY_TOO_LARGE, err.to_string())),
    }
}

/// The digests that the query names, or all of the release's.
fn artifacts(named: Option<&str>, release: &ReleaseState) -> Result<Vec<Digest>, Refused> {
    let Some(named) = named else {
        return Ok(release
            .release
            .artifacts
            .iter()
            .map(|artifact| artifact.at.digest())
            .collect());
    };
    let digests: Result<Vec<Digest>, _> = named.split(',').map(|digest| digest.trim().parse()).collect();
    digests.map_err(|err| Refused::new(&entry::QUERY, format!("`artifacts`: {err}")))
}

fn name(name: Option<&str>) -> Result<Option<String>, Refused> {
    match name {
        Some(name)
            if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) =>
        {
            let detail = format!("`name` is not 1 to {NAME_BYTES_MAX} bytes of printable text");
            Err(Refused::new(&entry::QUERY, detail))
        }
        name => Ok(name.map(str::to_owned)),
    }
}
