//! Events as short sentences, for a stranger.

use gateline_core::World;
use gateline_model::{Decision, Event, GateVerdict, PromotionId, Recorded, ReleaseId, StreamId, Verdict};
use jiff::Timestamp;

/// `Mon 02 09:00:05`.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%a %d %H:%M:%S").to_string()
}

/// A promotion without its project and pipeline: `production/1`.
pub(crate) fn promotion(id: &PromotionId) -> String {
    format!("{}/{}", id.stage.stage, id.number)
}

fn stream(world: &World, stream: &StreamId) -> String {
    match stream {
        StreamId::Project(name) => name.to_string(),
        StreamId::Release(id) => label(world, id),
        StreamId::Stage(stage) => stage.stage.to_string(),
        StreamId::Promotion(id) => promotion(id),
        StreamId::Notifications(_) => "letters".to_owned(),
        StreamId::Incidents(_) => "incidents".to_owned(),
    }
}

fn label(world: &World, release: &ReleaseId) -> String {
    world
        .release(release)
        .map_or_else(|| release.short(), |state| state.release.version.to_string())
}

/// The stream's name and one sentence; none for events that only repeat what the one beside them says.
pub(crate) fn event(world: &World, recorded: &Recorded) -> Option<String> {
    let repeats = match &recorded.event {
        Event::ReleaseNumbered { .. } | Event::PromotionOpened { .. } | Event::PromotionClosed { .. } => true,
        Event::VerificationBegan { checks, .. } => checks.is_empty(),
        _ => false,
    };
    let sentence = || recorded.says(time, |release| label(world, release));
    (!repeats).then(|| format!("{:<12}  {}", stream(world, &recorded.stream), sentence()))
}

/// A stored decision, row by row.
pub(crate) fn decision(decision: &Decision) -> Vec<String> {
    let Decision {
        version,
        stage,
        headline,
        verdicts,
        risk,
        until,
        opening,
        at,
        ..
    } = decision;
    let mut rows = vec![format!(
        "{version} -> {}: {headline} (risk {})",
        stage.stage,
        risk.word()
    )];
    rows.extend(verdicts.iter().flat_map(verdict));
    rows.extend(opening.iter().map(|opening| opening.says_from(*at)));
    rows.extend(until.map(|until| format!("decided again {}", time(until))));
    rows
}

fn verdict(gate: &GateVerdict) -> Vec<String> {
    let mark = match (gate.verdict, &gate.overridden) {
        (_, Some(_)) => "overridden",
        (Verdict::Satisfied, None) => "ok",
        (Verdict::Waiting, None) => "waiting",
        (Verdict::Refused, None) => "refused",
    };
    let mut row = format!("{mark:<10} {:<10} {}", gate.gate.as_str(), gate.says);
    if let Some(until) = gate.until {
        row.push_str(&format!(" (until {})", time(until)));
    }
    let mut rows = vec![row];
    rows.extend(gate.details.iter().map(|line| format!("{:<21} - {line}", "")));
    if gate.verdict == Verdict::Satisfied {
        return rows;
    }
    if !gate.changed_by.is_empty() {
        rows.push(format!("{:<21} changed by {}", "", gate.changed_by.join("; ")));
    }
    if !gate.next.is_empty() {
        rows.push(format!("{:<21} next: {}", "", gate.next));
    }
    rows
}
