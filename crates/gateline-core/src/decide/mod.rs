//! Decide: one command and the world in, events or a rejection out. The only place where rules are applied.
//!
//! One file per noun. A rule stands in `gates/` when it is about a gate, here when it is about order and rights of way.

mod account;
mod alerts;
pub(crate) mod answer;
mod closing;
mod erase;
mod held;
mod incidents;
mod live;
mod on_call;
mod overrides;
mod people;
mod project;
mod propose;
mod quorum;
mod release;
mod request;
mod rights;
mod rollout;
mod signature;
mod standing;
mod steer;
mod tell;
mod times;
mod verify;
mod waive;
mod watch;

pub use account::ACCOUNTS_MAX;
pub use alerts::unheard;
pub use erase::{ERASED_MAX, no_such_event};
pub use people::{DELEGATED_MAX, DELEGATIONS_MAX, DELEGATIONS_PER_ACTOR_MAX, KEYS_PER_ACTOR_MAX};
pub use project::server_project;
pub use propose::PROPOSALS_OPEN_MAX;
pub(crate) use rollout::again_after;
pub use signature::{ToSign, proposal_to_sign, to_sign};
pub(crate) use signature::{lost_key, revoked_key};
pub use tell::{ATTEMPTS_MAX, ONCE_WORDS};
pub use times::CALENDARS_PER_PROJECT_MAX;
pub use waive::{WAIVED_MAX, WAIVERS_PER_PROJECT_MAX};

use std::collections::BTreeSet;
use std::sync::Arc;

use gateline_model::{Pipeline, StageName, StreamId, Work, WorkId, limits::TEXT_BYTES_MAX};
use jiff::Timestamp;

use crate::command::{Command, Facts};
use crate::draft::{Draft, Proposed};
use crate::rejection::Rejection;
use crate::state::Promotion;
use crate::world::World;

/// What a command comes to.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a decision that nobody records did not happen"]
pub struct Decided {
    /// The events to record, in order. None when everything is as wanted already.
    pub events: Vec<Proposed>,
    /// Every stream that was read or will be written: the append names their versions.
    pub reads: BTreeSet<StreamId>,
    /// When to look again by itself, for work that is still planned.
    pub again: Option<Timestamp>,
    /// All work that the written streams plan afterwards.
    pub planned: Vec<Work>,
    /// Work that they planned before and do not plan any more.
    pub not_planned: Vec<WorkId>,
    /// The promotions that were written, as they are afterwards.
    pub promotions: Vec<Arc<Promotion>>,
}

/// Decides one command.
///
/// # Errors
/// A [`Rejection`] that says what, why and what to do; then nothing changes.
pub fn decide(world: &World, command: &Command, facts: &Facts) -> Result<Decided, Rejection> {
    let mut draft = Draft::new(world, facts);
    rights::check(&draft, command)?;
    let again = one(&mut draft, command)?;
    tell::plan(&mut draft);
    Ok(draft.finish(again))
}

fn one(draft: &mut Draft<'_>, command: &Command) -> Result<Option<Timestamp>, Rejection> {
    match command {
        Command::ApplyPipeline { .. }
        | Command::ApplyPolicy { .. }
        | Command::ApplyCalendar { .. }
        | Command::ApplyRoles { .. }
        | Command::ApplyNotifications { .. } => propose::new_version(draft, command)?,
        Command::ApproveProposal {
            proposal,
            question,
            comment,
            signed,
        } => propose::approve(
            draft,
            proposal,
            question.as_ref(),
            comment.as_deref(),
            signed.as_ref(),
        )?,
        Command::RejectProposal {
            proposal,
            question,
            reason,
        } => propose::reject(draft, proposal, question.as_ref(), reason)?,
        Command::WithdrawProposal { proposal, reason } => propose::withdraw(draft, proposal, reason)?,
        Command::DeclareFreeze {
            project,
            freeze,
            reason,
        } => times::freeze(draft, project, freeze, reason)?,
        Command::LiftFreeze {
            project,
            name,
            reason,
        } => times::lift_freeze(draft, project, name, reason)?,
        Command::Waive { .. } => waive::grant(draft, command)?,
        Command::LiftWaiver {
            project,
            waiver,
            reason,
        } => waive::lift(draft, project, waiver, reason)?,
        Command::OpenIncident { .. } => incidents::open(draft, command)?,
        Command::HearAlerts { project, alerts } => alerts::hear(draft, project, alerts)?,
        Command::LiftSuspect { .. } => closing::lift(draft, command)?,
        Command::CloseIncident { .. } => closing::close(draft, command)?,
        Command::MakeAccount { account } => account::make(draft, account)?,
        Command::SetPassword { account } => account::set_password(draft, account)?,
        Command::DisableAccount { account } => account::disable(draft, account)?,
        Command::IssueToken { .. } => project::issue_token(draft, command)?,
        Command::RevokeToken { id } => project::revoke_token(draft, id)?,
        Command::EraseText { events, reason } => erase::erase(draft, events, reason)?,
        Command::RegisterRelease { release, text } => release::register(draft, release, text)?,
        Command::SubmitEvidence { release, evidence } => release::submit(draft, release, evidence)?,
        Command::Promote { release, stage } => request::promote(draft, release, stage)?,
        Command::RollBack { stage, reason } => request::roll_back(draft, stage, reason)?,
        Command::Approve {
            promotion,
            question,
            comment,
            signed,
        } => {
            answer::approve(
                draft,
                promotion,
                question.as_ref(),
                comment.as_deref(),
                signed.as_ref(),
            )?;
        }
        Command::Refuse {
            promotion,
            no,
            question,
            reason,
            signed,
        } => answer::refuse(draft, promotion, *no, question.as_ref(), reason, signed.as_ref())?,
        Command::Withdraw { promotion, reason } => answer::withdraw(draft, promotion, reason)?,
        Command::AskPerson { promotion, who } => answer::ask_person(draft, promotion, who)?,
        Command::Delegate { .. } => people::delegate(draft, command)?,
        Command::EndDelegation { project, by, to } => people::end_delegation(draft, project, by, to)?,
        Command::ReportOnCall {
            project,
            team,
            source,
            who,
        } => return Ok(on_call::report(draft, project, team, source, who)),
        Command::ResendLetter { project, letter } => tell::resend(draft, project, *letter)?,
        Command::ReportLetter {
            project,
            letter,
            attempt,
            delivered,
        } => tell::report(draft, project, *letter, *attempt, delivered),
        Command::SignIn {
            actor,
            provider,
            groups,
            until,
            subject,
        } => people::sign_in(draft, actor, provider, (groups, *until), *subject)?,
        Command::EnrolKey { key } => people::enrol_key(draft, key)?,
        Command::RevokeKey { fingerprint, reason } => people::revoke_key(draft, fingerprint, reason)?,
        Command::Override {
            promotion,
            gate,
            until,
            reason,
        } => {
            overrides::override_gate(draft, promotion, gate, *until, reason)?;
        }
        Command::ConfirmOverride {
            promotion,
            gate,
            asked_at,
        } => overrides::confirm(draft, promotion, gate, *asked_at)?,
        Command::WithdrawOverride {
            promotion,
            gate,
            reason,
        } => overrides::withdraw(draft, promotion, gate, reason)?,
        Command::WriteReview {
            promotion,
            gate,
            text,
        } => overrides::write_review(draft, promotion, gate, text)?,
        Command::Abort { promotion, reason } => steer::abort(draft, promotion, reason)?,
        Command::Pause { promotion, reason } => steer::pause(draft, promotion, reason)?,
        Command::Resume { promotion, reason } => steer::resume(draft, promotion, reason)?,
        Command::Advance {
            promotion,
            step,
            weight,
            reason,
        } => steer::advance(draft, promotion, (*step, *weight), reason)?,
        Command::LiftBar {
            stage,
            release,
            reason,
        } => live::lift_bar(draft, stage, release, reason)?,
        Command::Judge { promotion } => return held::judge(draft, promotion),
        Command::ReportCheck {
            promotion,
            gate,
            of,
            check,
            evidence,
            served,
        } => {
            return verify::report_check(draft, promotion, gate, (*of, *check), evidence, *served);
        }
        Command::ReportStep {
            promotion,
            step,
            attempt,
            outcome,
            served,
        } => {
            rollout::report(draft, promotion, *step, *attempt, outcome, *served)?;
        }
        Command::Rule {
            promotion,
            step,
            ruling,
            chunks,
            settings,
            served,
        } => {
            rollout::rule(draft, promotion, *step, ruling, (*chunks, *settings), *served)?;
        }
        Command::Continue {
            promotion,
            step,
            served,
        } => {
            return rollout::continue_after_pause(draft, promotion, *step, *served);
        }
        Command::ReportLook { .. } => return Ok(watch::report_look(draft, command)),
        Command::ReportNoise { .. } => watch::report_noise(draft, command),
        Command::EndWatch { stage } => return Ok(watch::end_if_over(draft, stage)),
        Command::ReportHealth {
            stage,
            seen,
            not_seen_from,
        } => {
            live::report_health(draft, stage, seen, *not_seen_from);
        }
    }
    Ok(None)
}

/// A reason that a person gave: there must be one, and it has a limit.
fn reason(text: &str) -> Result<String, Rejection> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(Rejection::invalid(
            "reason.missing",
            "a reason is needed".into(),
            "give it with `--reason`",
        ));
    }
    if trimmed.len() > TEXT_BYTES_MAX {
        let says = format!(
            "the reason has {} bytes; the limit is {TEXT_BYTES_MAX} (TEXT_BYTES_MAX)",
            trimmed.len()
        );
        return Err(Rejection::invalid(
            "reason.too_long",
            says,
            "shorten it and link to the rest",
        ));
    }
    let unseen = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    if trimmed.contains(unseen) {
        return Err(Rejection::invalid(
            "reason.unreadable",
            "the reason has control characters, which nobody can read".into(),
            "write it as plain text",
        ));
    }
    Ok(trimmed.to_owned())
}

fn private(draft: &Draft<'_>, reason: Option<String>) -> gateline_model::Private {
    gateline_model::Private {
        actor_name: draft.facts.actor.name.clone(),
        reason,
        ..Default::default()
    }
}

/// A stage that its pipeline does not have.
fn unknown_stage(pipeline: &Pipeline, stage: &StageName) -> Rejection {
    let names: Vec<&str> = pipeline.stages.iter().map(|stage| stage.name.as_str()).collect();
    Rejection::unknown(
        "stage.unknown",
        format!("pipeline `{}` has no stage `{stage}`", pipeline.name),
        &format!("its stages are {}", names.join(", ")),
    )
}
