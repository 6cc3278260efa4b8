//! Deciding about the watch of what went live: when it begins, what each look means, and what happens when it fails.

use gateline_model::{
    Event, Found, LookOutcome, Private, PromotionId, PromotionKind, Risk, Stage, StageRef, StreamId, Verdict,
    WatchOutcome, WatchThen,
};
use jiff::Timestamp;

use super::{incidents, request};
use crate::command::Command;
use crate::decision::judge_watch;
use crate::draft::Draft;
use crate::gates;
use crate::rejection::Rejection;
use crate::state::{Promotion, Watching};

/// What went live by going forward is watched, where its stage says so.
pub(super) fn begin(draft: &mut Draft<'_>, promotion: &Promotion, stage: &Stage) {
    let (Some(watch), PromotionKind::Forward) = (&stage.watch, promotion.kind) else {
        return;
    };
    let risk = promotion.decision.as_ref().map(|decision| decision.risk);
    let began = Event::WatchBegan {
        promotion: promotion.id.clone(),
        release: promotion.release,
        pipeline: promotion.pipeline,
        risk: risk.unwrap_or(Risk::Critical),
        gates: watch.gates.iter().map(|gate| gate.name.clone()).collect(),
        every: watch.every,
        in_a_row: watch.in_a_row,
        until: watch.r#for.after(draft.facts.now),
    };
    draft.emit(StreamId::Stage(promotion.id.stage.clone()), began);
}

/// Another rollout begins in the stage: what is looked at from now on is not the watched release alone.
pub(super) fn supersede(draft: &mut Draft<'_>, stage: &StageRef, by: &PromotionId) {
    if let Some(watch) = open(draft, stage) {
        let says = format!("{by} began to change what is live here");
        end(draft, stage, &watch, WatchOutcome::Superseded, says);
    }
}

fn open(draft: &Draft<'_>, stage: &StageRef) -> Option<Watching> {
    draft.stage(stage).watch.clone().filter(Watching::is_open)
}

fn end(draft: &mut Draft<'_>, stage: &StageRef, watch: &Watching, outcome: WatchOutcome, says: String) {
    let ended = Event::WatchEnded {
        promotion: watch.promotion.clone(),
        outcome,
        says,
        looks: watch.looks(),
    };
    draft.emit(StreamId::Stage(stage.clone()), ended);
}

/// What was watched, as the version says that it is watched by.
fn watched(draft: &Draft<'_>, stage: &StageRef, watch: &Watching) -> Option<Stage> {
    let pipeline = draft.pipeline_version(&stage.project, &watch.pipeline)?;
    pipeline.stage(&stage.stage).cloned()
}

/// A look came back. Answers when to look again.
pub(super) fn report_look(draft: &mut Draft<'_>, command: &Command) -> Option<Timestamp> {
    let Command::ReportLook {
        stage: stage_ref,
        promotion,
        gate,
        check,
        evidence,
    } = command
    else {
        return None;
    };
    let check = *check;
    let now = draft.facts.now;
    let watch = open(draft, stage_ref).filter(|watch| watch.promotion == *promotion)?;
    let stage = watched(draft, stage_ref, &watch)?;
    let again = Some(watch.every.after(now));
    if watch.until <= now {
        // Late: the time is over, and what it came to is about to be said.
        return again;
    }
    let rules = stage.watch.as_ref()?;
    let declared = rules.gates.iter().find(|declared| declared.name == *gate)?;
    let observes = gates::observed(declared, watch.risk);
    if observes.is_none_or(|observes| observes.digest() != check) {
        return again;
    }
    let (outcome, says) = match &evidence.found {
        Found::Errored { reason, .. } => (LookOutcome::Errored, reason.clone()),
        Found::Facts { .. } => {
            let verdict = judge_watch(draft, &watch, declared, (check, evidence)).ok()?;
            match verdict.verdict {
                Verdict::Satisfied => (LookOutcome::Passed, verdict.says),
                Verdict::Refused => (LookOutcome::Failed, verdict.says),
                Verdict::Waiting => (LookOutcome::Errored, verdict.says),
            }
        }
    };
    let looked = Event::WatchLooked {
        gate: gate.clone(),
        outcome,
        says: says.clone(),
        evidence: evidence.clone(),
    };
    draft.emit(StreamId::Stage(stage_ref.clone()), looked);
    let watch = open(draft, stage_ref)?;
    let failing = watch.gates.get(gate).map_or(0, |looked| looked.failing);
    if outcome == LookOutcome::Failed && failing >= watch.in_a_row {
        let noise = watch.gates.get(gate).and_then(|looked| looked.noise.as_ref());
        let noise = noise.filter(|noise| noise.is_too_much());
        let warned = noise.map(|noise| format!("; of this threshold: {}", noise.says()));
        let times = match watch.in_a_row {
            1 => String::new(),
            times => format!("{times} looks in a row, "),
        };
        let says = format!("{gate}: {times}{says}{}", warned.unwrap_or_default());
        fail(draft, stage_ref, &watch, rules.then, says);
        return None;
    }
    again
}

/// The watch failed: what the stage says. What cannot be done by itself is an incident, for a person; and where there is no
/// room for one, the end of the watch says so.
fn fail(draft: &mut Draft<'_>, stage_ref: &StageRef, watch: &Watching, then: WatchThen, says: String) {
    let back = |draft: &mut Draft<'_>| go_back(draft, stage_ref, watch.release, &watch.promotion);
    let why_not = match then {
        WatchThen::Tell => return end(draft, stage_ref, watch, WatchOutcome::Failed, says),
        WatchThen::Incident => None,
        WatchThen::RollBack => match back(&mut Draft::new_on(draft)) {
            Ok(()) => {
                end(draft, stage_ref, watch, WatchOutcome::Failed, says);
                let _: Result<(), String> = back(draft);
                return;
            }
            Err(why) => Some(why),
        },
    };
    match incidents::of_watch(draft, stage_ref, watch, &says, why_not.as_deref()) {
        Ok(new) => {
            end(draft, stage_ref, watch, WatchOutcome::Failed, says);
            incidents::record(draft, &stage_ref.project, new, Private::default());
        }
        Err(full) => {
            let not_taken_back = why_not.map(|why| format!("; not taken back: {why}"));
            let not_taken_back = not_taken_back.unwrap_or_default();
            let says = format!("{says}{not_taken_back}; no incident was opened: {}", full.says);
            end(draft, stage_ref, watch, WatchOutcome::Failed, says);
        }
    }
}

/// Brings back what was live before, and bars what is: that because of a promotion. Tells why not where that must not, or
/// cannot, happen by itself.
pub(super) fn go_back(
    draft: &mut Draft<'_>,
    stage_ref: &StageRef,
    release: gateline_model::ReleaseId,
    because_of: &PromotionId,
) -> Result<(), String> {
    let here = draft.stage(stage_ref);
    let irreversible = draft
        .release(&release)
        .is_some_and(|state| state.release.change.irreversible);
    if irreversible {
        return Err("the release is never taken back by itself".to_owned());
    }
    if here.live.as_ref().is_none_or(|live| live.release != release) {
        return Err("it is not live any more".to_owned());
    }
    let Some(before) = here.before.clone() else {
        return Err("nothing was live before it, or that was a rollback itself".to_owned());
    };
    let wanted = request::Request {
        release: before.release,
        number: before.number,
        kind: PromotionKind::Rollback,
        automatic: true,
    };
    let mut tried = Draft::new_on(draft);
    let asked = |draft: &mut Draft<'_>| -> Result<(), Rejection> {
        if !draft.stage(stage_ref).barred.contains_key(&release) {
            let barred = Event::ReleaseBarred {
                release,
                promotion: because_of.clone(),
            };
            draft.emit(StreamId::Stage(stage_ref.clone()), barred);
        }
        let pipeline = draft.pipeline_in_force(&stage_ref.project, &stage_ref.pipeline)?;
        if pipeline.stage(&stage_ref.stage).is_none() {
            return Err(super::unknown_stage(&pipeline, &stage_ref.stage));
        }
        request::open(draft, &pipeline, stage_ref, wanted)
    };
    // What cannot be asked for leaves nothing half-done.
    asked(&mut tried).map_err(|rejection| rejection.says)?;
    asked(draft).map_err(|rejection| rejection.says)
}

/// Its time may be over. Answers when to look again.
pub(super) fn end_if_over(draft: &mut Draft<'_>, stage_ref: &StageRef) -> Option<Timestamp> {
    let watch = open(draft, stage_ref)?;
    if draft.facts.now < watch.until {
        return Some(watch.until);
    }
    let unseen: Vec<&str> = watch
        .gates
        .iter()
        .filter(|(_, looked)| looked.looks.passed == 0)
        .map(|(gate, _)| gate.as_str())
        .collect();
    let (outcome, says) = match unseen.is_empty() {
        true => {
            let lasted = gateline_model::Span::between(watch.since, watch.until);
            (WatchOutcome::Passed, format!("nothing was wrong for {lasted}"))
        }
        false => (
            WatchOutcome::Inconclusive,
            format!("was never seen satisfied: {}", unseen.join(", ")),
        ),
    };
    end(draft, stage_ref, &watch, outcome, says);
    None
}

/// The noise of a watched threshold was measured.
pub(super) fn report_noise(draft: &mut Draft<'_>, command: &Command) {
    let Command::ReportNoise {
        stage: stage_ref,
        promotion,
        gate,
        noise,
    } = command
    else {
        return;
    };
    let watch = open(draft, stage_ref).filter(|watch| watch.promotion == *promotion);
    let asked = watch.as_ref().and_then(|watch| watch.gates.get(gate));
    if asked.is_some_and(|looked| looked.noise.is_none()) {
        let measured = Event::NoiseMeasured {
            gate: gate.clone(),
            noise: noise.clone(),
        };
        draft.emit(StreamId::Stage(stage_ref.clone()), measured);
    }
}
