//! Deciding about a release: its registration, and the evidence for it.

use std::sync::Arc;

use gateline_model::{
    Event, Evidence, Pipeline, Private, Promote, PromotionKind, Release, ReleaseId, StreamId,
    limits::{ARTIFACTS_MAX, EVIDENCE_PER_RELEASE_MAX, LABELS_MAX, PATHS_MAX, WRITERS_MAX},
};

use super::request::{self, Request};
use super::unknown_stage;
use crate::draft::Draft;
use crate::rejection::Rejection;

/// Registers a release and requests its first promotions. The same content again changes nothing.
pub(super) fn register(
    draft: &mut Draft<'_>,
    release: &Arc<Release>,
    text: &Private,
) -> Result<(), Rejection> {
    let id = release.id();
    let pipeline = draft.pipeline_in_force(&release.of.project, &release.of.pipeline)?;
    if draft.release(&id).is_some() {
        return Ok(());
    }
    let project = draft.project(&release.of.project).unwrap_or_default();
    if let Some((other, _)) = project
        .labels
        .get(&(release.of.pipeline.clone(), release.version.clone()))
    {
        return Err(Rejection::conflict(
            "release.label_used",
            format!(
                "`{}@{}` is release {} with other content; a release never changes",
                release.of.pipeline,
                release.version,
                other.short()
            ),
            "register it under a new version",
        ));
    }
    fits(&pipeline, release)?;

    let number = project.numbers.get(&release.of.pipeline).copied().unwrap_or(0) + 1;
    let numbered = Event::ReleaseNumbered {
        pipeline: release.of.pipeline.clone(),
        version: release.version.clone(),
        release: id,
        number,
    };
    draft.emit(StreamId::Project(release.of.project.clone()), numbered);
    let private = Private {
        actor_name: draft.facts.actor.name.clone(),
        ..text.clone()
    };
    let registered = Event::ReleaseRegistered {
        release: release.clone(),
        number,
    };
    draft.emit_with(StreamId::Release(id), registered, private);
    for stage in pipeline
        .entries()
        .filter(|stage| stage.promote == Promote::Automatic)
    {
        let stage_ref = pipeline.stage_ref(&stage.name);
        let request = Request {
            release: id,
            number,
            kind: PromotionKind::Forward,
            automatic: true,
        };
        request::open(draft, &pipeline, &stage_ref, request)?;
    }
    Ok(())
}

/// So much of a path that is refused is told.
const PATH_SHOWN_CHARS: usize = 120;

/// Why a path is not written in the one way that owners are looked up by: two spellings of a path would have two owners.
fn not_normal(path: &str) -> Option<&'static str> {
    if path.contains('\\') {
        return Some("has a `\\`");
    }
    if path.chars().any(char::is_control) {
        return Some("has a control character");
    }
    path.split('/').find_map(|part| match part {
        "" => Some("begins or ends with `/`, or has an empty part"),
        "." | ".." => Some("has a part `.` or `..`"),
        _ => None,
    })
}

/// Whether a release has what its pipeline asks for.
fn fits(pipeline: &Pipeline, release: &Release) -> Result<(), Rejection> {
    for (what, count, limit, name) in [
        (
            "artifacts",
            release.artifacts.len(),
            ARTIFACTS_MAX,
            "ARTIFACTS_MAX",
        ),
        ("labels", release.change.labels.len(), LABELS_MAX, "LABELS_MAX"),
        ("paths", release.change.paths.len(), PATHS_MAX, "PATHS_MAX"),
        (
            "writers",
            release.change.written_by.len(),
            WRITERS_MAX,
            "WRITERS_MAX",
        ),
    ] {
        if count > limit {
            let says = format!("the release has {count} {what}; the limit is {limit} ({name})");
            return Err(Rejection::invalid("release.too_large", says, "split the release"));
        }
    }
    if let Some((path, why)) = release
        .change
        .paths
        .iter()
        .find_map(|path| Some((path, not_normal(path)?)))
    {
        let shown: String = path.chars().take(PATH_SHOWN_CHARS).collect();
        return Err(Rejection::invalid(
            "release.path",
            format!("change.paths: `{}` {why}", shown.escape_debug()),
            "write each path as the repository has it, from its root: `db/schema.sql`",
        ));
    }
    for wanted in &pipeline.artifacts {
        let Some(artifact) = release
            .artifacts
            .iter()
            .find(|artifact| artifact.name == wanted.name)
        else {
            return Err(Rejection::invalid(
                "release.artifact_missing",
                format!(
                    "pipeline `{}` needs an artifact `{}` of kind {}",
                    pipeline.name,
                    wanted.name,
                    wanted.kind.word()
                ),
                &format!("add it with `--artifact {}=..`", wanted.name),
            ));
        };
        if artifact.at.kind() != wanted.kind.word() {
            return Err(Rejection::invalid(
                "release.artifact_kind",
                format!(
                    "artifact `{}` is of kind {}, not {}",
                    wanted.name,
                    artifact.at.kind(),
                    wanted.kind.word()
                ),
                "name an artifact of the right kind, or change the pipeline",
            ));
        }
    }
    let foreign = release.artifacts.iter().find(|artifact| {
        !pipeline
            .artifacts
            .iter()
            .any(|wanted| wanted.name == artifact.name)
    });
    match foreign {
        Some(artifact) => Err(Rejection::invalid(
            "release.artifact_unknown",
            format!(
                "pipeline `{}` knows no artifact `{}`",
                pipeline.name, artifact.name
            ),
            "declare it in the pipeline, or leave it out",
        )),
        None => Ok(()),
    }
}

/// Records evidence. The same report again changes nothing.
pub(super) fn submit(
    draft: &mut Draft<'_>,
    id: &ReleaseId,
    evidence: &Arc<Evidence>,
) -> Result<(), Rejection> {
    let Some(state) = draft.release(id) else {
        return Err(Rejection::unknown(
            "release.unknown",
            format!("there is no release `{id}`"),
            "register it first with `gateline release create`",
        ));
    };
    let own: Vec<_> = state
        .release
        .artifacts
        .iter()
        .map(|artifact| artifact.at.digest())
        .collect();
    if evidence.artifacts.is_empty() {
        return Err(Rejection::invalid(
            "evidence.unbound",
            "the evidence names no artifact digest".into(),
            "name the digest that the tool looked at",
        ));
    }
    if let Some(foreign) = evidence.artifacts.iter().find(|digest| !own.contains(digest)) {
        return Err(Rejection::invalid(
            "evidence.foreign_digest",
            format!(
                "the evidence is about {foreign}, which is no artifact of `{}`",
                state.release.version
            ),
            "report it for the release that has this artifact",
        ));
    }
    if let Some(stage) = &evidence.stage {
        let of = &state.release.of;
        let pipeline = draft.pipeline_in_force(&of.project, &of.pipeline)?;
        if pipeline.stage(stage).is_none() {
            return Err(unknown_stage(&pipeline, stage));
        }
    }
    if state.evidence.len() >= EVIDENCE_PER_RELEASE_MAX {
        let says = format!(
            "the release has {EVIDENCE_PER_RELEASE_MAX} pieces of evidence (EVIDENCE_PER_RELEASE_MAX)"
        );
        return Err(Rejection::conflict(
            "evidence.too_many",
            says,
            "register a new release",
        ));
    }
    // The same bytes may be read in two ways: as another format, or at another path.
    let known_already = state.evidence.last().is_some_and(|(_, last)| {
        last.raw.is_some()
            && (&last.raw, &last.name, &last.stage) == (&evidence.raw, &evidence.name, &evidence.stage)
            && (&last.format, &last.found) == (&evidence.format, &evidence.found)
    });
    if !known_already {
        draft.emit(
            StreamId::Release(*id),
            Event::EvidenceRecorded {
                evidence: evidence.clone(),
            },
        );
    }
    Ok(())
}
