//! Deciding about checks: what an entry check changes, and how the checks after a rollout settle it.

use std::sync::Arc;

use gateline_model::{
    CheckOf, Digest, Event, Evidence, Found, GateName, PromotionId, Risk, RollbackReason, Served, StreamId,
    Verdict,
};
use jiff::Timestamp;

use super::{held, rollout, standing};
use crate::decision::{Pinned, checked_by, judge_checks, pinned};
use crate::draft::Draft;
use crate::gates;
use crate::rejection::Rejection;
use crate::state::Promotion;

/// All steps but the last are true: begins the checks, or goes on where there are none.
pub(super) fn begin(draft: &mut Draft<'_>, promotion: &Promotion, served: Served) -> Result<(), Rejection> {
    let Pinned { stage, .. } = pinned(draft, promotion)?;
    let checks: Vec<GateName> = stage.verify.iter().map(|gate| gate.name.clone()).collect();
    let nothing_to_check = checks.is_empty();
    let until = stage.verify_within.after(draft.facts.now);
    let stream = StreamId::Promotion(promotion.id.clone());
    draft.emit(stream, Event::VerificationBegan { checks, until });
    if nothing_to_check {
        rollout::go_on(draft, &promotion.id, served)
    } else {
        Ok(())
    }
}

/// A check came back. Answers when to run it again where nothing changed.
pub(super) fn report_check(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    gate: &GateName,
    (of, check): (CheckOf, Digest),
    evidence: &Arc<Evidence>,
    served: Served,
) -> Result<Option<Timestamp>, Rejection> {
    let promotion = draft.open_promotion(id)?;
    let Pinned { stage, .. } = pinned(draft, &promotion)?;
    let Some(declared) = checked_by(&stage, of).find(|declared| declared.name == *gate) else {
        return Ok(None);
    };
    let risk = promotion
        .decision
        .as_ref()
        .map_or(Risk::Critical, |decision| decision.risk);
    let observes = gates::observed(declared, risk);
    if observes
        .as_ref()
        .is_some_and(|observes| observes.digest() != check)
    {
        // The pipeline asks for another check since this one was begun: that one is run.
        return Ok(Some(draft.facts.now));
    }
    let every = observes.map_or(gates::EVERY_DEFAULT, |observes| observes.every);
    let again = Some(every.after(draft.facts.now));

    let stream = StreamId::Promotion(id.clone());
    let recorded = Event::CheckRecorded {
        gate: gate.clone(),
        of,
        check,
        evidence: evidence.clone(),
    };
    match (of, promotion.rollout()) {
        (CheckOf::Entry, None) => {
            // The same bad news again is no news: the check is run again later.
            let mut after = Draft::new_on(draft);
            after.emit(stream.clone(), recorded.clone());
            let was = last_code(&promotion, gate);
            let judged = crate::decision::judge_entry(&after, &*after.open_promotion(id)?)?;
            let is = judged
                .decision
                .verdicts
                .iter()
                .find(|verdict| verdict.gate == *gate);
            let bad_news = is.is_some_and(|verdict| verdict.verdict != Verdict::Satisfied);
            if bad_news && was.is_some_and(|was| is.is_some_and(|verdict| verdict.code == was)) {
                return Ok(again);
            }
            draft.emit(stream, recorded);
            held::judge(draft, id)?;
        }
        (CheckOf::Verify | CheckOf::Step, Some(under_way)) if under_way.is_checked(of, gate) => {
            // As before entry: that it still cannot be found out is no news.
            let errored = |evidence: &Evidence| match &evidence.found {
                Found::Errored { reason, .. } => Some(reason.clone()),
                Found::Facts { .. } => None,
            };
            let before = promotion.checks.get(&(of, gate.clone()));
            let was = before.and_then(|checked| errored(&checked.evidence));
            if was.is_some() && was == errored(evidence) {
                return Ok(again);
            }
            draft.emit(stream, recorded);
            match of {
                CheckOf::Step => standing::settle(draft, id, served)?,
                CheckOf::Entry | CheckOf::Verify | CheckOf::Watch => settle(draft, id, served)?,
            }
        }
        // The promotion moved on while the check ran: its answer is late.
        (CheckOf::Entry, Some(_)) | (CheckOf::Verify | CheckOf::Step | CheckOf::Watch, _) => {}
    }
    Ok(again)
}

fn last_code<'a>(promotion: &'a Promotion, gate: &GateName) -> Option<&'a str> {
    let decision = promotion.decision.as_ref()?;
    decision
        .verdicts
        .iter()
        .find(|verdict| verdict.gate == *gate)
        .map(|verdict| verdict.code.as_str())
}

/// All checks satisfied settles it; one refusal takes it back.
fn settle(draft: &mut Draft<'_>, id: &PromotionId, served: Served) -> Result<(), Rejection> {
    let promotion = draft.open_promotion(id)?;
    let verdicts = judge_checks(draft, &promotion, CheckOf::Verify)?;
    if let Some(refused) = verdicts
        .iter()
        .find(|verdict| verdict.verdict == Verdict::Refused)
    {
        let says = format!("verification failed: {}: {}", refused.gate, refused.says);
        return rollout::take_back(draft, id, RollbackReason::VerificationFailed, says);
    }
    let paused = promotion
        .rollout()
        .is_some_and(|rollout| rollout.paused.is_some());
    if !paused
        && verdicts
            .iter()
            .all(|verdict| verdict.verdict == Verdict::Satisfied)
    {
        return rollout::go_on(draft, id, served);
    }
    Ok(())
}
