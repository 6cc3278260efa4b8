//! What is attached to artifacts in registries: fetched by a driver, and recorded as evidence like any report.
//!
//! The same content is recorded once for a release, however often it is looked at. Knows no gate and no key.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateline_core::{Actor, Command, Credential};
use gateline_drivers::oci;
use gateline_evidence::{Ask, Complete, ReadError};
use gateline_model::{
    ArtifactAt, ArtifactName, Digest, Event, Evidence, EvidenceId, Found, Registry, ReleaseId,
};
use gateline_store::Blob;
use jiff::Timestamp;

use super::{Hub, SubmitError};

/// What a look at registries brought.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    /// The evidence that is attached, recorded now or before.
    pub(crate) evidence: Vec<(EvidenceId, Arc<Evidence>)>,
    /// How much of it is new.
    pub(crate) new: usize,
    /// What else is there and is not read.
    pub(crate) passed_over: Vec<String>,
}

/// Records what is attached to a release's artifacts. Artifacts without a registry are left out.
///
/// # Errors
/// One sentence, wherever not all of it could be fetched or recorded.
pub(crate) async fn record(
    hub: &Hub,
    release: &ReleaseId,
    registries: &BTreeMap<ArtifactName, Registry>,
) -> Result<Fetched, String> {
    let state = hub.with_world(|world| world.release(release).cloned());
    let state = state.ok_or_else(|| format!("there is no release `{release}`"))?;
    let mut fetched = Fetched::default();
    for artifact in &state.release.artifacts {
        let (Some(registry), ArtifactAt::Oci { repository, digest }) =
            (registries.get(&artifact.name), &artifact.at)
        else {
            continue;
        };
        let attached = oci::attached(registry, repository, digest).await;
        let attached = attached.map_err(|err| err.to_string())?;
        fetched.passed_over.extend(attached.passed_over);
        for content in attached.contents {
            keep(hub, release, *digest, content, &mut fetched).await?;
        }
    }
    Ok(fetched)
}

async fn keep(
    hub: &Hub,
    release: &ReleaseId,
    artifact: Digest,
    content: Vec<u8>,
    fetched: &mut Fetched,
) -> Result<(), String> {
    let raw = Digest::of(&content);
    let known = |raw: Digest| {
        let state = hub.with_world(|world| world.release(release).cloned())?;
        let is_it = |evidence: &Evidence| evidence.raw == Some(raw) && evidence.artifacts.contains(&artifact);
        state.evidence.iter().rfind(|(_, one)| is_it(one)).cloned()
    };
    if let Some(known) = known(raw) {
        fetched.evidence.push(known);
        return Ok(());
    }
    let (kept, read) = tokio::task::spawn_blocking(move || {
        let read = gateline_evidence::read(&content, Ask::default());
        (Blob::of(&content), read)
    })
    .await
    .map_err(|err| format!("the reader of what is attached stopped: {err}"))?;
    let kept = kept.map_err(|err| format!("what is attached could not be recorded: {err}"))?;
    let Some((format, found, warnings)) = found(read) else {
        fetched
            .passed_over
            .push(format!("`{}` is of no format that is read", raw.short()));
        return Ok(());
    };
    let evidence = Arc::new(Evidence {
        artifacts: vec![artifact],
        stage: None,
        name: None,
        found,
        raw: Some(raw),
        format,
        warnings,
        by: driver().id,
        at: Timestamp::now(),
    });
    let command = Command::SubmitEvidence {
        release: *release,
        evidence,
    };
    let receipt = hub
        .submit(driver(), command, None, vec![Arc::new(kept)])
        .await
        .map_err(|err| says(&err))?;
    let recorded = receipt
        .events
        .iter()
        .any(|one| matches!(&one.event, Event::EvidenceRecorded { .. }));
    fetched.new += usize::from(recorded);
    fetched.evidence.extend(known(raw));
    Ok(())
}

/// Who submits what a registry has.
fn driver() -> Actor {
    Actor {
        id: "driver/oci".parse().expect("it is a legal actor id"),
        name: None,
        shown: Credential::Gateline,
    }
}

/// What was found; `None` where it is no evidence at all.
fn found(read: Result<gateline_evidence::Read, ReadError>) -> Option<(String, Found, Vec<String>)> {
    let (format, reason, warnings) = match read {
        Ok(read) => match read.complete {
            Complete::Yes => {
                let facts = read.facts;
                return Some((
                    read.format.name().to_owned(),
                    Found::Facts { facts },
                    read.warnings,
                ));
            }
            Complete::No { reason } => (read.format, reason, read.warnings),
        },
        Err(err @ (ReadError::Truncated { format, .. } | ReadError::Malformed { format, .. })) => {
            (format, err.to_string(), Vec::new())
        }
        Err(
            ReadError::Empty
            | ReadError::Io(_)
            | ReadError::Asked(_)
            | ReadError::Unrecognised { .. }
            | ReadError::TooLarge { .. },
        ) => return None,
    };
    let of = Some(format.kind().to_owned());
    Some((
        format.name().to_owned(),
        Found::Errored {
            reason,
            of,
            from: Vec::new(),
        },
        warnings,
    ))
}

fn says(err: &SubmitError) -> String {
    match err {
        SubmitError::Rejected(rejection) => {
            format!("what is attached could not be recorded: {}", rejection.says)
        }
        SubmitError::Unavailable(why) => format!("what is attached could not be recorded: {why}"),
        SubmitError::Busy { .. } | SubmitError::KeyReused => {
            "what is attached could not be recorded: the server is busy".to_owned()
        }
    }
}
