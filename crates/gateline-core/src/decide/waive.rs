//! Deciding about waivers: accepting one named finding for a time, and ending that early.

use gateline_model::{
    Event, Facts, Finding, Found, ProjectName, ReleaseId, Span, StreamId, Waiver, WaiverId,
    limits::TEXT_BYTES_MAX,
};

use super::{private, reason, unknown_stage};
use crate::command::Command;
use crate::draft::Draft;
use crate::rejection::Rejection;

/// Longest time that a finding can be waived at once: a year. What is accepted for longer is accepted anew.
pub const WAIVED_MAX: Span = Span::from_secs(366 * 86_400);
/// Most waivers in force in one project.
pub const WAIVERS_PER_PROJECT_MAX: usize = 10_000;

pub(super) fn grant(draft: &mut Draft<'_>, command: &Command) -> Result<(), Rejection> {
    let Command::Waive {
        release: id,
        finding,
        stage,
        until,
        ticket,
        reason: why,
    } = command
    else {
        return Ok(());
    };
    let why = reason(why)?;
    let release = draft
        .release(id)
        .ok_or_else(|| Rejection::unknown("release.unknown", format!("there is no release `{id}`"), ""))?;
    let of = &release.release.of;
    let found = finding_of(draft, id, finding)?;
    let pipeline = draft.pipeline_in_force(&of.project, &of.pipeline)?;
    if let Some(stage) = stage.as_ref().filter(|stage| pipeline.stage(stage).is_none()) {
        return Err(unknown_stage(&pipeline, stage));
    }
    let now = draft.facts.now;
    let latest = WAIVED_MAX.after(now);
    if *until <= now || *until > latest {
        return Err(Rejection::invalid(
            "waiver.until",
            format!(
                "the waiver would end at {until}; it may end after now and until {latest} (WAIVED_MAX, {WAIVED_MAX})"
            ),
            "give an end within the next year",
        ));
    }
    if ticket
        .as_ref()
        .is_some_and(|ticket| ticket.trim().is_empty() || ticket.len() > TEXT_BYTES_MAX)
    {
        return Err(Rejection::invalid(
            "waiver.ticket",
            format!("a ticket has 1 to {TEXT_BYTES_MAX} bytes (TEXT_BYTES_MAX)"),
            "name a ticket, or leave it out",
        ));
    }
    let waiver = Waiver {
        finding: found.identity.clone(),
        rule: found.rule.clone(),
        place: place(&found),
        severity: found.severity,
        pipeline: of.pipeline.clone(),
        stage: stage.clone(),
        ticket: ticket.clone(),
        by: draft.facts.actor.id.clone(),
        at: now,
        until: *until,
    };
    let project = draft.project(&of.project).unwrap_or_default();
    // The same again is accepted anew: by whom, when and why are part of it. What was sent twice has one idempotency key.
    let others = project.waivers.iter().filter(|(id, _)| **id != waiver.id());
    let in_force = others.filter(|(_, waiver)| waiver.until > now).count();
    if in_force >= WAIVERS_PER_PROJECT_MAX {
        return Err(Rejection::conflict(
            "waiver.too_many",
            format!(
                "project `{}` has {in_force} waivers in force; the limit is {WAIVERS_PER_PROJECT_MAX} (WAIVERS_PER_PROJECT_MAX)",
                of.project
            ),
            "mend findings, and lift their waivers",
        ));
    }
    let text = private(draft, Some(why));
    draft.emit_with(
        StreamId::Project(of.project.clone()),
        Event::WaiverGranted { waiver },
        text,
    );
    Ok(())
}

/// The newest finding of a release's evidence with this identity.
fn finding_of(draft: &Draft<'_>, release: &ReleaseId, identity: &str) -> Result<Finding, Rejection> {
    let release = draft.release(release);
    let reports = release.iter().flat_map(|release| release.evidence.iter().rev());
    let findings = reports.filter_map(|(_, evidence)| match &evidence.found {
        Found::Facts {
            facts: Facts::Findings(facts),
        } => Some(facts),
        Found::Facts { .. } | Found::Errored { .. } => None,
    });
    let found = findings
        .flat_map(|facts| &facts.findings)
        .find(|finding| finding.identity == identity);
    found.cloned().ok_or_else(|| {
        Rejection::unknown(
            "finding.unknown",
            format!("no evidence of this release has a finding `{identity}`"),
            "list them with `gateline evidence show`; a waiver names a finding by its identity",
        )
    })
}

fn place(finding: &Finding) -> String {
    match (&finding.package, &finding.file, finding.line) {
        (Some(package), _, _) => format!("{} {}", package.name, package.version)
            .trim_end()
            .to_owned(),
        (None, Some(file), Some(line)) => format!("{file}:{line}"),
        (None, Some(file), None) => file.clone(),
        (None, None, _) => finding.tool.clone(),
    }
}

pub(super) fn lift(
    draft: &mut Draft<'_>,
    project: &ProjectName,
    id: &WaiverId,
    why: &str,
) -> Result<(), Rejection> {
    let why = reason(why)?;
    let state = draft.project(project).unwrap_or_default();
    let Some(waiver) = state.waivers.get(id) else {
        return Err(Rejection::unknown(
            "waiver.unknown",
            format!("project `{project}` has no waiver `{}`", id.short()),
            "list them with `gateline waiver list`",
        ));
    };
    let event = Event::WaiverLifted {
        waiver: *id,
        finding: waiver.finding.clone(),
    };
    let text = private(draft, Some(why));
    draft.emit_with(StreamId::Project(project.clone()), event, text);
    Ok(())
}
