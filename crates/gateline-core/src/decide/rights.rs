//! Rights of way: what each command needs, on what. The table of all commands; `authority` says who has it.

use gateline_model::{AccountName, ProposalId, Scope, StageRef, WaiverId};

use crate::authority::{self, Denied, Object};
use crate::command::{Command, Credential};
use crate::decide::server_project;
use crate::draft::Draft;
use crate::people::People;
use crate::proposals;
use crate::rejection::Rejection;

/// What a command needs.
enum Needs {
    /// A verb on an object.
    Right(Scope, Object),
    /// That this process itself says so.
    Gateline,
    /// Nothing: it is the actor's own.
    Own,
}

pub(super) fn check(draft: &Draft<'_>, command: &Command) -> Result<(), Rejection> {
    let actor = &draft.facts.actor;
    if actor.shown == Credential::Gateline {
        return Ok(());
    }
    match needs(draft, command) {
        Needs::Gateline => Err(Rejection::forbidden(
            "authority.gateline",
            "only Gateline itself reports this".to_owned(),
            "",
        )),
        Needs::Own => Ok(()),
        Needs::Right(scope, object) => {
            let people = People::read(draft, &object.project);
            authority::by_people(draft.world(), &people, actor, scope, &object)
                .map(drop)
                .map_err(Rejection::from)
        }
    }
}

impl From<Denied> for Rejection {
    fn from(denied: Denied) -> Self {
        let (code, hint) = match &denied {
            Denied::Scope(_) => ("authority.scope", "use a token that has it"),
            Denied::NoRoles(_) => (
                "authority.no_roles",
                "declare roles with `gateline apply -f roles.yaml`",
            ),
            Denied::NoRole { .. } => ("authority.no_role", "see who may with `gateline can`"),
            Denied::Unseen { .. } => (
                "authority.unseen",
                "ask whoever administers the project, or the server, for a role there",
            ),
        };
        Rejection::forbidden(code, denied.to_string(), hint)
    }
}

fn needs(draft: &Draft<'_>, command: &Command) -> Needs {
    let right = |scope, object| Needs::Right(scope, object);
    let server = || Object::project(&server_project());
    match command {
        Command::ApplyPipeline { pipeline, .. } => {
            right(Scope::Apply, Object::pipeline(&pipeline.reference()))
        }
        Command::ApplyPolicy { project, .. } | Command::ApplyCalendar { project, .. } => {
            right(Scope::Apply, Object::project(project))
        }
        Command::ApplyRoles { roles, .. } => right(Scope::Admin, Object::project(&roles.project)),
        Command::ApplyNotifications { notifications, .. } => {
            right(Scope::Apply, Object::project(&notifications.project))
        }
        Command::ResendLetter { project, .. } => right(Scope::Apply, Object::project(project)),
        Command::ApproveProposal { proposal, .. }
        | Command::RejectProposal { proposal, .. }
        | Command::WithdrawProposal { proposal, .. } => answers(draft, command, proposal),
        Command::DeclareFreeze { project, freeze, .. } => right(
            Scope::Freeze,
            freeze
                .pipeline
                .as_ref()
                .map_or_else(|| Object::project(project), Object::pipeline),
        ),
        Command::LiftFreeze { project, name, .. } => {
            let declared = draft
                .project(project)
                .and_then(|state| state.freezes.get(name).cloned());
            let pipeline = declared.and_then(|freeze| freeze.pipeline);
            right(
                Scope::Freeze,
                pipeline
                    .as_ref()
                    .map_or_else(|| Object::project(project), Object::pipeline),
            )
        }
        Command::OpenIncident {
            project,
            stages,
            labels,
            ..
        } => right(Scope::Incident, opens(project, stages, labels.is_empty())),
        Command::HearAlerts { project, .. } => right(Scope::Incident, Object::project(project)),
        Command::CloseIncident { project, number, .. } => {
            right(Scope::Incident, closes(draft, project, *number))
        }
        // It lets a release go on.
        Command::LiftSuspect { promotion, .. } => right(Scope::Promote, Object::stage(&promotion.stage)),
        Command::Waive { release, stage, .. } => {
            let of = draft.release(release).map(|state| state.release.of.clone());
            right(
                Scope::Waive,
                of.map_or_else(server, |of| Object {
                    stage: stage.clone(),
                    ..Object::pipeline(&of)
                }),
            )
        }
        Command::LiftWaiver { project, waiver, .. } => right(Scope::Waive, waived(draft, project, waiver)),
        // One's own, by whoever signed in: the rim has seen the old one. A token has no password.
        Command::SetPassword { account } if is_own(draft, account) => Needs::Own,
        Command::MakeAccount { .. }
        | Command::SetPassword { .. }
        | Command::DisableAccount { .. }
        | Command::IssueToken { .. }
        | Command::RevokeToken { .. }
        | Command::EraseText { .. } => right(Scope::Admin, server()),
        Command::RegisterRelease { release, .. } => right(Scope::Register, Object::pipeline(&release.of)),
        Command::SubmitEvidence { release, evidence } => {
            let of = draft.release(release).map(|state| state.release.of.clone());
            let stage = evidence.stage.clone();
            right(
                Scope::SubmitEvidence,
                of.map_or_else(server, |of| Object {
                    stage,
                    ..Object::pipeline(&of)
                }),
            )
        }
        Command::Promote { stage, .. } | Command::RollBack { stage, .. } | Command::LiftBar { stage, .. } => {
            right(Scope::Promote, Object::stage(stage))
        }
        Command::Abort { promotion, .. }
        | Command::Pause { promotion, .. }
        | Command::Resume { promotion, .. }
        | Command::Advance { promotion, .. } => right(Scope::Promote, Object::stage(&promotion.stage)),
        Command::Override { promotion, .. } | Command::ConfirmOverride { promotion, .. } => {
            right(Scope::Override, Object::stage(&promotion.stage))
        }
        Command::WithdrawOverride { promotion, .. } => right(Scope::Read, Object::stage(&promotion.stage)),
        Command::WriteReview { promotion, .. } => right(
            review_scope(draft, &promotion.stage),
            Object::stage(&promotion.stage),
        ),
        Command::Approve { promotion, .. }
        | Command::Refuse { promotion, .. }
        | Command::Withdraw { promotion, .. }
        | Command::AskPerson { promotion, .. } => right(Scope::Approve, Object::stage(&promotion.stage)),
        Command::Delegate { project, .. } | Command::EndDelegation { project, .. } => {
            right(Scope::Approve, Object::project(project))
        }
        // Whose key it is decides.
        Command::EnrolKey { .. } | Command::RevokeKey { .. } => right(Scope::Approve, server()),
        Command::SignIn { .. }
        | Command::Judge { .. }
        | Command::ReportCheck { .. }
        | Command::ReportStep { .. }
        | Command::Rule { .. }
        | Command::Continue { .. }
        | Command::ReportHealth { .. }
        | Command::ReportLook { .. }
        | Command::ReportNoise { .. }
        | Command::EndWatch { .. }
        | Command::ReportOnCall { .. }
        | Command::ReportLetter { .. } => Needs::Gateline,
    }
}

/// Owners answer a proposal; whoever proposed it may take it back with the right to look.
fn answers(draft: &Draft<'_>, command: &Command, proposal: &ProposalId) -> Needs {
    let state = draft.project(&proposal.project).unwrap_or_default();
    let open = state.proposals.get(&proposal.number);
    let object = open.map(|open| proposals::object(&proposal.project, &open.proposal.new));
    let own = open.is_some_and(|open| open.proposal.by == draft.facts.actor.id);
    let scope = match (command, own) {
        (Command::WithdrawProposal { .. }, true) => Scope::Read,
        _ => Scope::Approve,
    };
    Needs::Right(
        scope,
        object.unwrap_or_else(|| Object::project(&proposal.project)),
    )
}

fn is_own(draft: &Draft<'_>, account: &AccountName) -> bool {
    let actor = &draft.facts.actor;
    actor.shown == Credential::Session && actor.id.as_str() == account.as_str()
}

/// Where the stage names who writes reviews, being asked is enough; elsewhere it takes the right to override.
fn review_scope(draft: &Draft<'_>, of: &StageRef) -> Scope {
    let pipeline = draft.pipeline_in_force(&of.project, &of.pipeline).ok();
    let stage = pipeline.as_ref().and_then(|pipeline| pipeline.stage(&of.stage));
    match stage.is_some_and(|stage| !stage.overrides.review.from.is_empty()) {
        true => Scope::Approve,
        false => Scope::Override,
    }
}

/// What an incident is about: the one stage that it touches, or else the project.
fn touched(project: &gateline_model::ProjectName, stages: &[StageRef]) -> Object {
    match stages {
        [stage] if stage.project == *project => Object::stage(stage),
        _ => Object::project(project),
    }
}

/// Labels may touch any stage of the project.
fn opens(project: &gateline_model::ProjectName, stages: &[StageRef], unlabelled: bool) -> Object {
    match unlabelled {
        true => touched(project, stages),
        false => Object::project(project),
    }
}

fn closes(draft: &Draft<'_>, project: &gateline_model::ProjectName, number: u64) -> Object {
    let state = draft.incidents(project);
    let stages = state.get(number).map(|noted| &noted.incident.stages[..]);
    touched(project, stages.unwrap_or_default())
}

fn waived(draft: &Draft<'_>, project: &gateline_model::ProjectName, waiver: &WaiverId) -> Object {
    let state = draft.project(project);
    let waiver = state.as_ref().and_then(|state| state.waivers.get(waiver));
    Object {
        pipeline: waiver.map(|waiver| waiver.pipeline.clone()),
        stage: waiver.and_then(|waiver| waiver.stage.clone()),
        ..Object::project(project)
    }
}
