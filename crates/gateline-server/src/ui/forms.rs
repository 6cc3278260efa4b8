//! Forms: a command each, as the session's actor. Done: on to a page. Refused: the page again, with the problem and what
//! was written.

mod answer;
mod incidents;
mod keys;
mod overrides;
mod password;
mod proposals;
mod waive;

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use gateline_api::{Password, Problem, PromotionPath, ReleaseName, StagePath, entry};
use gateline_core::Command;
use gateline_model::Scope;
use gateline_store::{Blob, IdempotencyKey};
use maud::Markup;
use serde::{Deserialize, Serialize};

use super::answers::Answer;
use super::fields::until_of;
use super::link;
use super::pages::{PromoteAddress, promote_again, promotion_again, stage_again};
use super::visit::{Visit, html, status};
use crate::auth::{By, end_others};
use crate::call::idempotency;
use crate::hub::Receipt;
use crate::refused::Refused;
use crate::views;

pub(super) use answer::{answer, end_delegation};
pub(super) use incidents::about_incident;
pub(super) use keys::keys;
pub(super) use overrides::about_override;
pub(super) use password::password;
pub(super) use proposals::about_proposal;
pub(super) use waive::{lift_waiver, waive};

/// What a form does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Abort,
    Advance,
    Answer(Answer),
    ApproveProposal,
    CloseIncident,
    ConfirmOverride,
    EndDelegation,
    EndSessions,
    EnrolKey,
    LiftBar,
    LiftSuspect,
    LiftWaiver,
    OpenIncident,
    Override,
    Pause,
    Promote,
    RejectProposal,
    Resume,
    RevokeKey,
    RollBack,
    SetPassword,
    Waive,
    WithdrawOverride,
    WithdrawProposal,
    WriteReview,
}

impl Act {
    /// The scope that it needs, as the API's endpoint of the same command.
    pub(super) fn scope(self) -> Scope {
        match self {
            Act::Answer(_) | Act::EndDelegation | Act::EnrolKey | Act::RevokeKey => Scope::Approve,
            // Everybody's own.
            Act::EndSessions | Act::SetPassword => Scope::Read,
            // Who may is the stage's to say.
            Act::WriteReview => Scope::Read,
            Act::ApproveProposal | Act::RejectProposal => Scope::Approve,
            // Whoever proposed or granted it may.
            Act::WithdrawOverride | Act::WithdrawProposal => Scope::Read,
            Act::ConfirmOverride | Act::Override => Scope::Override,
            Act::CloseIncident | Act::OpenIncident => Scope::Incident,
            Act::LiftWaiver | Act::Waive => Scope::Waive,
            Act::Abort
            | Act::Advance
            | Act::LiftBar
            | Act::LiftSuspect
            | Act::Pause
            | Act::Promote
            | Act::Resume
            | Act::RollBack => Scope::Promote,
        }
    }

    /// The word in addresses.
    pub(super) fn word(self) -> &'static str {
        match self {
            Act::Abort => "abort",
            Act::Advance => "advance",
            Act::Answer(answer) => answer.word(),
            Act::ApproveProposal => "approve",
            Act::CloseIncident => "close",
            Act::ConfirmOverride => "confirm",
            Act::EndDelegation | Act::EndSessions => "end",
            Act::EnrolKey => "enrol",
            Act::LiftBar => "unbar",
            Act::LiftSuspect | Act::LiftWaiver => "lift",
            Act::OpenIncident => "open",
            Act::Override => "override",
            Act::Pause => "pause",
            Act::Promote => "promote",
            Act::RejectProposal => "reject",
            Act::Resume => "resume",
            Act::RevokeKey => "revoke",
            Act::RollBack => "rollback",
            Act::SetPassword => "set",
            Act::Waive => "waive",
            Act::WithdrawOverride | Act::WithdrawProposal => "withdraw",
            Act::WriteReview => "review",
        }
    }
}

/// The fields of every form; each uses some of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    pub(super) csrf: String,
    pub(super) key: String,
    pub(super) question: String,
    pub(super) step: String,
    pub(super) gate: String,
    pub(super) until: String,
    pub(super) reason: String,
    pub(super) release: String,
    pub(super) finding: String,
    pub(super) stage: String,
    pub(super) ticket: String,
    pub(super) project: String,
    pub(super) waiver: String,
    pub(super) incident: String,
    pub(super) cause: String,
    pub(super) name: String,
    pub(super) signed: String,
    pub(super) fingerprint: String,
    pub(super) label: String,
    pub(super) who: String,
    pub(super) team: String,
    /// Where the form stands, where that is not the page of what it is about.
    pub(super) page: String,
    pub(super) after: String,
    pub(super) promotion: String,
    pub(super) asked_at: String,
    /// Passwords are in no digest of a form, and in no page.
    #[serde(skip_serializing)]
    pub(super) old: Password,
    #[serde(skip_serializing)]
    pub(super) new: Password,
    #[serde(skip_serializing)]
    pub(super) again: Password,
}

/// A form that was refused: it is shown again with what was written in it.
pub(super) struct Tried {
    pub(super) act: Act,
    pub(super) problem: Problem,
    pub(super) fields: Fields,
}

/// What became of a form.
pub(super) enum Done {
    /// It was accepted: the page to go to.
    Accepted(String),
    /// It was refused with this status: its page again.
    Refused(StatusCode, Markup),
    /// It was accepted, and begins another session.
    Begun(Response),
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        match self {
            Done::Accepted(page) => Redirect::to(&page).into_response(),
            Done::Refused(status, page) => html(status, page),
            Done::Begun(response) => response,
        }
    }
}

pub(super) type Sent = Result<Form<Fields>, FormRejection>;

/// The fields that were sent, from a page of this session.
pub(super) fn fields(visit: &Visit, sent: Sent) -> Result<Fields, Refused> {
    let Form(fields) = sent.map_err(|err| match err.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refused::new(&entry::BODY_TOO_LARGE, err.body_text()),
        _ => Refused::new(&entry::BODY, err.body_text()),
    })?;
    visit.expect_form(&fields.csrf)?;
    Ok(fields)
}

/// Submits as the session's actor; the same form sent twice is one request.
async fn submit(visit: &Visit, fields: &Fields, command: Command) -> Result<Receipt, Refused> {
    submit_keeping(visit, fields, command, Vec::new()).await
}

/// The same, with content that is kept by digest.
async fn submit_keeping(
    visit: &Visit,
    fields: &Fields,
    command: Command,
    kept: Vec<Arc<Blob>>,
) -> Result<Receipt, Refused> {
    let key = key_of(visit, fields)?;
    let actor = visit.caller.actor.clone();
    Ok(visit.app.hub.submit(actor, command, Some(key), kept).await?)
}

fn key_of(visit: &Visit, fields: &Fields) -> Result<IdempotencyKey, Refused> {
    let request = serde_json::to_vec(fields).unwrap_or_default();
    idempotency(&visit.caller.actor, visit.address(), &fields.key, &[&request])
}

/// Whether the same form was accepted before.
async fn recalled(visit: &Visit, fields: &Fields) -> Result<bool, Refused> {
    let key = key_of(visit, fields)?;
    Ok(visit.app.hub.recall(&key).await?.is_some())
}

/// On to the page; or the same page again, which is made from what was tried.
async fn done(
    act: Act,
    fields: Fields,
    became: Result<String, Refused>,
    again: impl AsyncFnOnce(&Tried) -> Result<Markup, Refused>,
) -> Result<Done, Refused> {
    match became {
        Ok(page) => Ok(Done::Accepted(page)),
        Err(refused) => {
            let problem = refused.problem().clone();
            let code = status(problem.status);
            let tried = Tried { act, problem, fields };
            Ok(Done::Refused(code, again(&tried).await?))
        }
    }
}

fn bad(text: impl ToString) -> Refused {
    Refused::new(&entry::BODY, text.to_string())
}

/// Overrides, pauses, resumes or aborts a promotion.
pub(super) async fn steer(mut visit: Visit, act: Act, fields: Fields) -> Result<Done, Refused> {
    let path: PromotionPath = visit.path().await?;
    let became = match steering(&path, act, &fields) {
        Ok(command) => submit(&visit, &fields, command).await,
        Err(refused) => Err(refused),
    };
    let page = became.map(|_| link::promotion(&path.id()));
    done(act, fields, page, async |tried| {
        promotion_again(&visit, &path, Some(tried)).await
    })
    .await
}

fn steering(path: &PromotionPath, act: Act, fields: &Fields) -> Result<Command, Refused> {
    let promotion = path.id();
    let reason = fields.reason.trim().to_owned();
    Ok(match act {
        Act::Override => Command::Override {
            promotion,
            gate: fields.gate.parse().map_err(bad)?,
            until: until(fields)?,
            reason,
        },
        Act::Pause => Command::Pause { promotion, reason },
        Act::Resume => Command::Resume { promotion, reason },
        Act::Abort => Command::Abort { promotion, reason },
        Act::Advance => Command::Advance {
            promotion,
            // The page of a step that stands says which one that is.
            step: Some(fields.step.parse().map_err(bad)?),
            weight: None,
            reason,
        },
        Act::Answer(_)
        | Act::ApproveProposal
        | Act::CloseIncident
        | Act::ConfirmOverride
        | Act::EndDelegation
        | Act::EndSessions
        | Act::EnrolKey
        | Act::LiftBar
        | Act::LiftSuspect
        | Act::LiftWaiver
        | Act::OpenIncident
        | Act::Promote
        | Act::RejectProposal
        | Act::RevokeKey
        | Act::RollBack
        | Act::SetPassword
        | Act::Waive
        | Act::WithdrawOverride
        | Act::WithdrawProposal
        | Act::WriteReview => return Err(no_such(act, "promotion")),
    })
}

/// The moment that was written as an end.
fn until(fields: &Fields) -> Result<jiff::Timestamp, Refused> {
    until_of(&fields.until).ok_or_else(|| bad(format!("`{}` is no time", fields.until)))
}

fn no_such(act: Act, noun: &str) -> Refused {
    Refused::new(&entry::ROUTE, format!("a {noun} has no action `{}`", act.word()))
}

/// Asks for a release's promotion into a stage.
pub(super) async fn promote(mut visit: Visit, act: Act, fields: Fields) -> Result<Done, Refused> {
    let address: PromoteAddress = visit.path().await?;
    let page = request(&visit, &address, &fields).await;
    done(act, fields, page, async |tried| {
        promote_again(&visit, &address, Some(tried)).await
    })
    .await
}

async fn request(visit: &Visit, address: &PromoteAddress, fields: &Fields) -> Result<String, Refused> {
    let release = address.release(visit).await?.id;
    let stage = address.stage_ref();
    let command = Command::Promote {
        release,
        stage: stage.clone(),
    };
    let receipt = submit(visit, fields, command).await?;
    let opened = views::opened(&visit.app.hub, &receipt, &stage, Some(&release))?;
    Ok(link::promotion(&opened))
}

/// Rolls a stage back, or lifts a bar there.
pub(super) async fn change(mut visit: Visit, act: Act, fields: Fields) -> Result<Done, Refused> {
    let of: StagePath = visit.path().await?;
    let page = changed(&visit, &of, act, &fields).await;
    done(act, fields, page, async |tried| {
        stage_again(&visit, &of, Some(tried)).await
    })
    .await
}

async fn changed(visit: &Visit, of: &StagePath, act: Act, fields: &Fields) -> Result<String, Refused> {
    let hub = &visit.app.hub;
    let stage = of.reference();
    let reason = fields.reason.trim().to_owned();
    match act {
        Act::RollBack => {
            let command = Command::RollBack {
                stage: stage.clone(),
                reason,
            };
            let receipt = submit(visit, fields, command).await?;
            Ok(link::promotion(&views::opened(hub, &receipt, &stage, None)?))
        }
        Act::LiftBar => {
            let name: ReleaseName = fields.release.parse().map_err(bad)?;
            let release = hub
                .with_world(|world| views::release_named(world, &visit.sight, &name))?
                .id;
            let command = Command::LiftBar {
                stage: stage.clone(),
                release,
                reason,
            };
            submit(visit, fields, command).await?;
            Ok(link::stage(&stage))
        }
        Act::Abort
        | Act::Advance
        | Act::Answer(_)
        | Act::ApproveProposal
        | Act::CloseIncident
        | Act::ConfirmOverride
        | Act::EndDelegation
        | Act::EndSessions
        | Act::EnrolKey
        | Act::LiftSuspect
        | Act::LiftWaiver
        | Act::OpenIncident
        | Act::Override
        | Act::Pause
        | Act::Promote
        | Act::RejectProposal
        | Act::Resume
        | Act::RevokeKey
        | Act::SetPassword
        | Act::Waive
        | Act::WithdrawOverride
        | Act::WithdrawProposal
        | Act::WriteReview => Err(no_such(act, "stage")),
    }
}

/// Ends all sessions of whoever asks, but this one.
pub(super) async fn end_sessions(visit: Visit, _: Act, _: Fields) -> Result<Done, Refused> {
    let kept = match &visit.caller.by {
        By::Session(id) => Some(*id),
        By::Token(_) | By::Signed => None,
    };
    end_others(&visit.app, &visit.caller.actor.id, kept).await?;
    Ok(Done::Accepted("/sessions".to_owned()))
}

/// The page whose form this address is: the same without its first part, and without the word of what was to be done.
pub(super) async fn back(visit: Visit) -> Response {
    let path = visit.address().strip_prefix("/ui").unwrap_or("/");
    let page = match path.strip_prefix("/promote/") {
        Some(_) => path,
        None => path.rsplit_once('/').map_or("/", |(page, _)| page),
    };
    Redirect::to(page).into_response()
}
