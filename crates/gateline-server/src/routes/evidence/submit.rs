//! `POST /api/v1/releases/{release}/evidence`

use std::sync::Arc;

use gateline_api::{EvidenceQuery, EvidenceView, SubmitEvidence, entry};
use gateline_core::authority::Object;
use gateline_core::{Actor, Command, ReleaseState};
use gateline_evidence::{Ask, Complete, Format, Read, ReadError, Source};
use gateline_model::limits::NAME_BYTES_MAX;
use gateline_model::{Digest, Event, Evidence, Found, Scope, StageName};
use gateline_store::{Blob, BlobError};
use jiff::Timestamp;

use crate::call::{App, Call};
use crate::hub::Receipt;
use crate::refused::Refused;
use crate::upload::{self, Content, Purpose, Told};
use crate::views;

pub(crate) async fn handle(call: Call<SubmitEvidence>) -> Result<EvidenceView, Refused> {
    let app = call.app.clone();
    let actor = call.actor()?;
    let release = app
        .hub
        .with_world(|world| views::release_named(world, &call.sight, &call.path.release))?;
    let about = About::of(&call.query, &release)?;
    let object = Object {
        stage: about.stage.clone(),
        ..Object::pipeline(&release.release.of)
    };
    call.expect_right(Scope::SubmitEvidence, &object)?;
    let told = Told::read(&call.headers)?;
    let purpose = purpose(&actor, &release, &call.query);
    // The same request again is answered before its body is taken: what was accepted is not sent twice.
    if let (Some(key), Some(digest)) = (&told.key, told.digest)
        && let Some(receipt) = app.hub.recall(&purpose.key(key, digest)).await?
    {
        return answer(&app, &release, &receipt, digest);
    }
    let content = upload::receive(&app.uploads, &purpose, &told, call.into_stream()).await?;
    let mut seen = look(content, about.ask.clone()).await?;
    let done = submit(&app, actor, &release, &purpose, &told, about, &mut seen).await;
    // What the server could not do just now is asked for again, and need not be sent again for it.
    if !done
        .as_ref()
        .is_err_and(|refused| refused.problem().status == 503)
    {
        seen.content.forget();
    }
    done
}

/// What an upload of evidence is for: the same key of the same actor stands for something else elsewhere.
pub(super) fn purpose(actor: &Actor, release: &ReleaseState, query: &EvidenceQuery) -> Purpose {
    let route = format!("POST /api/v1/releases/{}/evidence", release.id);
    Purpose::new(actor, route, Digest::of_json(query))
}

/// What the query says of the bytes, checked before any of them is taken.
struct About {
    ask: OwnedAsk,
    artifacts: Vec<Digest>,
    stage: Option<StageName>,
    name: Option<String>,
}

/// How a report is to be read.
#[derive(Clone)]
struct OwnedAsk {
    format: Option<Format>,
    of: Option<String>,
    path: Option<String>,
}

impl About {
    fn of(query: &EvidenceQuery, release: &ReleaseState) -> Result<Self, Refused> {
        let EvidenceQuery {
            name,
            stage,
            format,
            of,
            path,
            artifacts,
        } = query;
        let format = format.as_deref().map(str::parse).transpose();
        let format = format
            .map_err(|err: gateline_evidence::UnknownFormat| Refused::new(&entry::FORMAT, err.to_string()))?;
        Ok(Self {
            ask: OwnedAsk {
                format,
                of: of.clone(),
                path: path.clone(),
            },
            artifacts: self::artifacts(artifacts.as_deref(), release)?,
            stage: stage.clone(),
            name: self::name(name.as_deref())?,
        })
    }
}

/// Content with what is in it.
struct Seen {
    content: Content,
    read: Result<Read, ReadError>,
    blob: Arc<Blob>,
}

/// Reads and compresses content, each as a stream. Both keep a core busy for a while: not one that answers others.
async fn look(content: Content, ask: OwnedAsk) -> Result<Seen, Refused> {
    let looked = tokio::task::spawn_blocking(move || {
        let read = |source: &mut dyn Source| {
            let OwnedAsk { format, of, path } = &ask;
            let ask = Ask {
                format: *format,
                of: of.as_deref(),
                path: path.as_deref(),
            };
            gateline_evidence::read_from(source, ask)
        };
        let (read, blob) = std::thread::scope(|scope| {
            let packed = scope.spawn(|| content.pack());
            (content.look(read), packed.join())
        });
        (content, read, blob)
    });
    let stopped = |_| Refused::new(&entry::BUG, "the report's reader stopped");
    let (content, read, blob) = looked.await.map_err(|_| stopped(()))?;
    let unread = |err: &dyn std::fmt::Display| {
        Refused::new(
            &entry::UNAVAILABLE,
            format!("what arrived could not be read back: {err}"),
        )
    };
    let blob = match blob.map_err(|_| stopped(()))? {
        Ok(blob) => blob,
        Err(err @ BlobError::TooLarge) => return Err(Refused::new(&entry::BODY_TOO_LARGE, err.to_string())),
        Err(BlobError::Read(err)) => return Err(unread(&err)),
        Err(err @ BlobError::Spool(_)) => return Err(Refused::new(&entry::DISK_FULL, err.to_string())),
    };
    Ok(Seen {
        content,
        read: read.map_err(|err| unread(&err))?,
        blob: Arc::new(blob),
    })
}

/// Records it. What was found is moved out of what was seen.
async fn submit(
    app: &App,
    actor: Actor,
    release: &ReleaseState,
    purpose: &Purpose,
    told: &Told,
    about: About,
    seen: &mut Seen,
) -> Result<EvidenceView, Refused> {
    let raw = seen.blob.digest();
    if let Some(announced) = told.digest.filter(|announced| *announced != raw) {
        let detail = format!("{announced} was announced, {raw} arrived; nothing was recorded");
        return Err(Refused::new(&entry::UPLOAD_DIGEST, detail));
    }
    let read = std::mem::replace(&mut seen.read, Err(ReadError::Empty));
    let (format, found, warnings) = found(read, about.ask.format)?;
    let evidence = Arc::new(Evidence {
        artifacts: about.artifacts,
        stage: about.stage,
        name: about.name,
        found,
        raw: Some(raw),
        format: format.to_owned(),
        warnings,
        by: actor.id.clone(),
        at: Timestamp::now(),
    });
    let command = Command::SubmitEvidence {
        release: release.id,
        evidence,
    };
    let key = told.key.as_ref().map(|key| purpose.key(key, raw));
    let receipt = app
        .hub
        .submit(actor, command, key, vec![seen.blob.clone()])
        .await?;
    answer(app, release, &receipt, raw)
}

/// The evidence that was recorded. Nothing is recorded when the same report came last: then that one stands.
fn answer(
    app: &App,
    release: &ReleaseState,
    receipt: &Receipt,
    raw: Digest,
) -> Result<EvidenceView, Refused> {
    let recorded = receipt.events.iter().find_map(|recorded| match &recorded.event {
        Event::EvidenceRecorded { evidence } => Some(evidence.clone()),
        _ => None,
    });
    let last = || {
        let release = app.hub.with_world(|world| world.release(&release.id).cloned())?;
        let last = release.evidence.iter().rfind(|(_, old)| old.raw == Some(raw))?;
        Some(last.1.clone())
    };
    match recorded.or_else(last) {
        Some(evidence) => Ok(views::evidence(evidence.id(), &evidence)),
        None => Err(Refused::new(&entry::BUG, "evidence was accepted and is nowhere")),
    }
}

/// What was found, or why nothing was. A report that is cut off or says too little is recorded as errored: somebody
/// reported, and nobody could find out.
fn found(
    read: Result<Read, ReadError>,
    asked: Option<Format>,
) -> Result<(&'static str, Found, Vec<String>), Refused> {
    let errored = |format: Format, reason: String, from: &[String]| {
        let of = Some(format.kind().to_owned());
        let from = from.to_vec();
        (format.name(), Found::Errored { reason, of, from }, Vec::new())
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
            facts,
            complete: Complete::No { reason },
            warnings,
        }) => {
            // The tool did not look, and is known all the same: only its own next report stands for this one.
            let (format, found, _) = errored(format, reason, facts.sources());
            Ok((format, found, warnings))
        }
        Err(err @ (ReadError::Truncated { format, .. } | ReadError::Malformed { format, .. })) => {
            Ok(errored(format, err.to_string(), &[]))
        }
        Err(err @ (ReadError::Empty | ReadError::Io(_))) => match asked {
            Some(format) => Ok(errored(format, err.to_string(), &[])),
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
