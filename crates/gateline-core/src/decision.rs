//! The decision: every gate judged, in a fixed order, and what follows from the verdicts.

use std::sync::Arc;

use gateline_model::{
    Admission, CheckOf, Decision, Digest, Event, Evidence, Gate, GateVerdict, HeldByReviews, Opening, Parts,
    Pipeline, PromotionKind, Risk, Stage, Verdict, WindowName,
};
use serde_json::json;

use crate::approvals::{self, Approvals, Question};
use crate::draft::Draft;
use crate::gates::{self, GateView, Says};
use crate::rejection::Rejection;
use crate::risk::{RiskView, assess};
use crate::state::{Checked, Promotion, ReleaseState, StepState, Watching};
use crate::timetable::{AskedOf, Opens};

/// A decision, and what was needed to make it.
pub(crate) struct Judged {
    pub decision: Decision,
    pub stage: Stage,
    pub release: Arc<ReleaseState>,
    /// What the decision's question is made of.
    pub parts: Parts,
    /// Who is asked and who answered; nobody where no rule asks; an error when that could not be found out.
    pub approvals: Result<Option<Approvals>, String>,
    pub lane_free: bool,
}

/// Judges all entry gates of an open promotion, as the world is at `facts.now`.
///
/// # Errors
/// When the promotion is not open, or its pipeline does not have its stage.
pub fn judge_gates(
    world: &crate::World,
    promotion: &gateline_model::PromotionId,
    facts: &crate::Facts,
) -> Result<Decision, Rejection> {
    let draft = Draft::new(world, facts);
    let promotion = draft.open_promotion(promotion)?;
    Ok(judge_entry(&draft, &promotion)?.decision)
}

pub(crate) fn judge_entry(draft: &Draft<'_>, promotion: &Promotion) -> Result<Judged, Rejection> {
    let Pinned {
        pipeline,
        stage,
        release,
    } = pinned(draft, promotion)?;
    let stage_ref = &promotion.id.stage;
    let assessment = assess(&RiskView {
        draft,
        pipeline: &pipeline,
        stage: &stage,
        stage_ref,
        release: &release,
        promotion: Some(promotion),
    });
    let risk = assessment.level;
    let entry_gates = entry_gates(&stage, release.release.change.breaking);
    let state = draft.stage(stage_ref);
    let target = stage.target_name.fill(&release.release.version);
    let lane_free = target.is_some_and(|target| !state.lanes.contains_key(&target));

    let mut view = GateView {
        now: draft.facts.now,
        draft,
        promotion,
        release: &release,
        pipeline: &pipeline,
        stage: &stage,
        stage_ref,
        of: CheckOf::Entry,
        last_look: false,
        earlier: &[],
        question: None,
        risk,
        assessment: Some(&assessment),
    };
    let (mut verdicts, mut question) = judge_all(&entry_gates, &view, None);
    if lane_free && !verdicts.iter().any(GateVerdict::keeps_out) {
        // Everything would admit now: live checks must be fresh at the moment of acting. That one is due again changes
        // nothing of what people were shown, so what they are asked stays the same.
        view.last_look = true;
        (verdicts, question) = judge_all(&entry_gates, &view, Some(question));
    }
    let scheduled = question.rule.as_ref().ok().copied().flatten();
    let scheduled = scheduled.and_then(|rule| rule.scheduled.as_ref());
    let approvals = question.rule.map(|_| question.approvals);
    let parts = question.parts;

    let admission = admission(&verdicts);
    let until = verdicts
        .iter()
        .flat_map(|gate| {
            [
                gate.until,
                gate.overridden.as_ref().map(|permission| permission.until),
            ]
        })
        .flatten()
        .chain(promotion.overrides_asked.iter().map(|asked| asked.until))
        .chain(
            approvals
                .iter()
                .flatten()
                .filter_map(|approvals| approvals.wakes_at),
        )
        .filter(|until| *until > draft.facts.now)
        .min();
    let opening = opening(&view, &verdicts, scheduled);
    let decision = Decision {
        release: release.id,
        version: release.release.version.clone(),
        stage: stage_ref.clone(),
        pipeline: promotion.pipeline,
        admission,
        headline: headline(admission, &verdicts, lane_free),
        verdicts,
        risk,
        assessment,
        question: Digest::of_json(&parts),
        at: draft.facts.now,
        until,
        opening,
    };
    Ok(Judged {
        decision,
        parts,
        approvals,
        stage,
        release,
        lane_free,
    })
}

/// Judges the checks of a rollout's step, or those after it.
pub(crate) fn judge_checks(
    draft: &Draft<'_>,
    promotion: &Promotion,
    of: CheckOf,
) -> Result<Vec<GateVerdict>, Rejection> {
    let Pinned {
        pipeline,
        stage,
        release,
    } = pinned(draft, promotion)?;
    let view = GateView {
        now: draft.facts.now,
        draft,
        promotion,
        release: &release,
        pipeline: &pipeline,
        stage: &stage,
        stage_ref: &promotion.id.stage,
        of,
        last_look: false,
        earlier: &[],
        question: None,
        // The level that it was admitted with; nobody knows a better one afterwards.
        risk: promotion
            .decision
            .as_ref()
            .map_or(Risk::Critical, |decision| decision.risk),
        assessment: None,
    };
    let asked = match promotion.rollout().map(|rollout| &rollout.state) {
        Some(StepState::Applied { checks, .. }) if of == CheckOf::Step => checks.as_ref(),
        _ => None,
    };
    let is_asked = |gate: &&Gate| match of {
        CheckOf::Step => asked.is_some_and(|asked| asked.gates.contains(&gate.name)),
        CheckOf::Entry | CheckOf::Verify | CheckOf::Watch => true,
    };
    Ok(checked_by(&stage, of)
        .filter(is_asked)
        .map(|gate| verdict(gate, gates::judge(gate, &view), &view))
        .collect())
}

/// Judges what one look of a watch found, as if its promotion were still open.
pub(crate) fn judge_watch(
    draft: &Draft<'_>,
    watch: &Watching,
    gate: &Gate,
    (check, evidence): (Digest, &Arc<Evidence>),
) -> Result<GateVerdict, Rejection> {
    let requested = Event::PromotionRequested {
        release: watch.release,
        kind: PromotionKind::Forward,
        pipeline: watch.pipeline,
        automatic: true,
    };
    let (now, by) = (draft.facts.now, &draft.facts.actor.id);
    let mut promotion = Promotion::begin(&watch.promotion, &requested, by, now)
        .map_err(|illegal| Rejection::conflict("promotion.unknown", illegal.to_string(), ""))?;
    let checked = Checked {
        id: evidence.id(),
        check,
        evidence: evidence.clone(),
        at: now,
    };
    promotion
        .checks
        .insert((CheckOf::Watch, gate.name.clone()), checked);
    let Pinned {
        pipeline,
        stage,
        release,
    } = pinned(draft, &promotion)?;
    let view = GateView {
        now,
        draft,
        promotion: &promotion,
        release: &release,
        pipeline: &pipeline,
        stage: &stage,
        stage_ref: &watch.promotion.stage,
        of: CheckOf::Watch,
        last_look: false,
        earlier: &[],
        question: None,
        risk: watch.risk,
        assessment: None,
    };
    Ok(verdict(gate, gates::judge(gate, &view), &view))
}

/// The gates of a stage that are checked for this.
pub(crate) fn checked_by(stage: &Stage, of: CheckOf) -> impl Iterator<Item = &Gate> {
    let (one, other): (&[Gate], &[Gate]) = match of {
        CheckOf::Entry => (&stage.gates, &[]),
        CheckOf::Step => (&stage.before, &stage.during),
        CheckOf::Verify => (&stage.verify, &[]),
        CheckOf::Watch => (stage.watch.as_ref().map_or(&[], |watch| &watch.gates), &[]),
    };
    one.iter().chain(other)
}

/// When the calendar lets the release in next, while it keeps it out. What is overridden is not asked.
fn opening(view: &GateView<'_>, verdicts: &[GateVerdict], scheduled: Option<&WindowName>) -> Option<Opening> {
    let asked = |kind: &str| {
        verdicts
            .iter()
            .any(|gate| gate.kind == kind && gate.overridden.is_none())
    };
    let forward = view.promotion.kind == PromotionKind::Forward;
    let project = view.draft.project(&view.stage_ref.project);
    let timetable = view.timetable(project.as_deref());
    let asked = AskedOf {
        windows: asked("window"),
        freezes: asked("freeze"),
        scheduled: scheduled.filter(|_| forward && asked("approval")),
    };
    match timetable.opens(view.now, asked) {
        Opens::At(opening) => Some(opening),
        Opens::Now | Opens::NotKnown => None,
    }
}

/// What a promotion was pinned to.
pub(crate) struct Pinned {
    pub pipeline: Arc<Pipeline>,
    pub stage: Stage,
    pub release: Arc<ReleaseState>,
}

pub(crate) fn pinned(draft: &Draft<'_>, promotion: &Promotion) -> Result<Pinned, Rejection> {
    let stage_ref = &promotion.id.stage;
    let pipeline = draft
        .pipeline_version(&stage_ref.project, &promotion.pipeline)
        .ok_or_else(|| {
            Rejection::unknown(
                "pipeline.unknown",
                format!("the pinned pipeline of `{}` is gone", promotion.id),
                "",
            )
        })?;
    let stage = pipeline.stage(&stage_ref.stage).cloned().ok_or_else(|| {
        Rejection::unknown(
            "stage.unknown",
            format!("pipeline `{}` has no such stage: `{stage_ref}`", pipeline.name),
            "",
        )
    })?;
    let release = draft.release(&promotion.release).ok_or_else(|| {
        Rejection::unknown(
            "release.unknown",
            format!("there is no release `{}`", promotion.release),
            "",
        )
    })?;
    Ok(Pinned {
        pipeline,
        stage,
        release,
    })
}

/// The gates that come after people were asked: an approver is shown those in front.
const AFTER_THE_QUESTION: [&str; 4] = ["approval", "window", "freeze", "review"];

/// All entry gates in their fixed order: cheap and automatic first, then time, then people, then the calendar.
fn entry_gates(stage: &Stage, breaking: bool) -> Vec<Gate> {
    let mut declared = stage.gates.clone();
    declared.sort_by_key(|gate| gate.kind == "soak");
    let made = |kind: &str, because: &str| {
        Gate::new(
            kind.parse().expect("kinds are legal names"),
            kind,
            json!({}),
            because,
        )
    };
    if !stage.approval.is_empty() || (stage.production && breaking) {
        declared.push(made(
            "approval",
            "The stage's approval rules ask the people whose judgement is needed.",
        ));
    }
    if !stage.windows.is_empty() {
        declared.push(made("window", "The stage admits only in its windows."));
    }
    declared.push(made("freeze", "A freeze holds every stage that it names."));
    if stage
        .overrides
        .open_reviews_hold
        .contains(&HeldByReviews::Promotions)
    {
        declared.push(made(
            "review",
            "The stage admits nothing while nobody has written what came of its last override.",
        ));
    }
    declared
}

/// Judges all gates, those in front of the question first, and says what people are asked: what is given, or else what
/// follows from the gates in front.
fn judge_all<'a>(
    entry_gates: &[Gate],
    view: &GateView<'a>,
    asked: Option<Question<'a>>,
) -> (Vec<GateVerdict>, Question<'a>) {
    let behind = |gate: &Gate| AFTER_THE_QUESTION.contains(&gate.kind.as_str());
    let at = entry_gates.iter().position(behind).unwrap_or(entry_gates.len());
    let (in_front, behind) = entry_gates.split_at(at);
    let mut verdicts: Vec<GateVerdict> = Vec::with_capacity(entry_gates.len());
    for gate in in_front {
        let judged = judge_one(gate, view, &verdicts, None);
        verdicts.push(judged);
    }
    let question = asked.unwrap_or_else(|| approvals::question(view, &verdicts));
    for gate in behind {
        let judged = judge_one(gate, view, &verdicts, Some(&question));
        verdicts.push(judged);
    }
    (verdicts, question)
}

fn judge_one(
    gate: &Gate,
    view: &GateView<'_>,
    earlier: &[GateVerdict],
    question: Option<&Question<'_>>,
) -> GateVerdict {
    let here = GateView {
        earlier,
        question,
        draft: view.draft,
        ..*view
    };
    let says = match view.promotion.kind {
        PromotionKind::Forward => gates::judge(gate, &here),
        PromotionKind::Rollback => gates::judge_rollback(gate, &here),
    };
    verdict(gate, says, &here)
}

fn verdict(gate: &Gate, says: Says, view: &GateView<'_>) -> GateVerdict {
    let Says {
        verdict,
        code,
        says,
        numbers,
        evidence,
        until,
        check_due,
        mut changed_by,
        next,
        details,
        waivers,
    } = says;
    let before = view
        .promotion
        .decision
        .as_ref()
        .and_then(|decision| decision.verdicts.iter().find(|old| old.gate == gate.name));
    let since = match before {
        Some(old) if old.verdict == verdict && old.code == code => old.since,
        Some(_) | None => view.now,
    };
    let keeps_out = verdict != Verdict::Satisfied && gate.mode.is_enforce();
    let overridden = view.overridden(&gate.name).filter(|_| keeps_out).cloned();
    let says = match view
        .override_lost(&gate.name)
        .filter(|_| keeps_out && overridden.is_none())
    {
        Some(who) => format!("{says}; its override counts no more, for {who} may not override here any more"),
        None => says,
    };
    let mut asked = view.promotion.overrides_asked.iter();
    if let Some(asked) = asked.find(|asked| keeps_out && asked.gate == gate.name && view.now < asked.until) {
        let by = &asked.by;
        changed_by.push(format!(
            "a second person, who confirms the override that {by} asked for"
        ));
    }
    GateVerdict {
        gate: gate.name.clone(),
        kind: gate.kind.clone(),
        because: gate.because.clone(),
        verdict,
        code: code.to_owned(),
        says,
        numbers,
        evidence,
        since,
        until,
        check_due,
        changed_by,
        next,
        details,
        waivers,
        mode: gate.mode,
        owner: gate.owner.clone(),
        runbook: gate.runbook.clone(),
        overridden,
    }
}

fn admission(verdicts: &[GateVerdict]) -> Admission {
    let mut keeping_out = verdicts.iter().filter(|gate| gate.keeps_out()).peekable();
    if keeping_out.peek().is_none() {
        Admission::Admit
    } else if keeping_out.any(|gate| gate.verdict == Verdict::Refused) {
        Admission::Refuse
    } else {
        Admission::Hold
    }
}

fn headline(admission: Admission, verdicts: &[GateVerdict], lane_free: bool) -> String {
    let why = why(admission, verdicts, lane_free);
    match admission {
        Admission::Admit if !lane_free => format!("admitted; {why}"),
        Admission::Admit => format!("admitted: {why}"),
        Admission::Hold => format!("held: {why}"),
        Admission::Refuse => format!("refused: {why}"),
    }
}

/// The reason of a decision without the word for it, so that another sentence can end with it.
pub(crate) fn why(admission: Admission, verdicts: &[GateVerdict], lane_free: bool) -> String {
    let of = verdicts.len();
    let overridden = verdicts.iter().filter(|gate| gate.overridden.is_some()).count();
    let keeping_out: Vec<&str> = verdicts
        .iter()
        .filter(|gate| gate.keeps_out())
        .map(|gate| gate.gate.as_str())
        .collect();
    match admission {
        Admission::Admit if !lane_free => "waits for the lane, which another promotion has".to_owned(),
        Admission::Admit if overridden > 0 => {
            format!(
                "{} of {of} gates satisfied, {overridden} overridden",
                of - overridden
            )
        }
        Admission::Admit => format!("{of} of {of} gates satisfied"),
        Admission::Hold => {
            format!(
                "{} of {of} gates not satisfied: {}",
                keeping_out.len(),
                keeping_out.join(", ")
            )
        }
        Admission::Refuse => {
            let worst = verdicts
                .iter()
                .find(|gate| gate.keeps_out() && gate.verdict == Verdict::Refused);
            worst
                .map(|gate| format!("{}: {}", gate.gate, gate.says))
                .unwrap_or_default()
        }
    }
}
