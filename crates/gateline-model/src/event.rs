//! Events: everything that can happen, in the past tense. This list is the product's history.
//!
//! Long because it is one list, of every event with its fields.
//!
//! `evolve` reads only these bodies. Personal names and free text go beside them into [`Private`], which can be erased. Their
//! names are in `name`, their sentences in `sentence`, and how one stands in the log in `recorded`.

mod name;
mod recorded;
mod sentence;

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use name::TOLD_EVENTS;
pub use recorded::{Private, Recorded};

use crate::{
    AccountName, ActorId, Approval, Asked, Calendar, CalendarName, Cause, Decision, Declared, Delegation,
    Digest, Evidence, Freeze, FreezeName, GateName, GroupName, Health, Incident, Key, LookOutcome, Looks, No,
    NoiseFound, Notice, Notifications, Origin, Override, Pipeline, PipelineName, PolicyName, PromotionId,
    PromotionKind, PromotionOutcome, Proposal, ProposalApproval, ProposalOutcome, Recipient, Release,
    ReleaseId, Review, Risk, Roles, RuleName, Ruling, Scope, Span, StepAction, TargetName, TokenId, Version,
    Waiver, WaiverId, WatchOutcome,
};

/// Version of the events' bodies that this build writes. Older ones are upcast in `gateline-store`.
pub const EVENT_VERSION: u16 = 1;

/// A recorded fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    // ---- project ----
    /// A pipeline version came into force.
    PipelineApplied {
        /// The version.
        version: Digest,
        /// Its content.
        pipeline: Arc<Pipeline>,
        /// The file as it was written, kept by digest.
        source: Digest,
        /// Where it is from.
        #[serde(default, skip_serializing_if = "Origin::is_unknown")]
        origin: Origin,
    },
    /// A version of a policy module came into force.
    PolicyApplied {
        /// Which.
        name: PolicyName,
        /// The version: the digest of its files, which are kept by it.
        module: Digest,
        /// Where it is from.
        #[serde(default, skip_serializing_if = "Origin::is_unknown")]
        origin: Origin,
    },
    /// Roles came into force.
    RolesApplied {
        /// The version.
        version: Digest,
        /// Their content.
        roles: Arc<Roles>,
        /// The file as it was written, kept by digest.
        source: Digest,
        /// Where it is from.
        #[serde(default, skip_serializing_if = "Origin::is_unknown")]
        origin: Origin,
    },
    /// A new version of what is protected was proposed. It is not in force.
    VersionProposed {
        /// The proposal, with the version.
        proposal: Arc<Proposal>,
    },
    /// An owner approved a proposal.
    ProposalApproved {
        /// Its number in the project.
        number: u64,
        /// The approval.
        approval: ProposalApproval,
    },
    /// An owner took an approval of a proposal back.
    ProposalApprovalWithdrawn {
        /// Its number in the project.
        number: u64,
        /// Who.
        by: ActorId,
    },
    /// A proposal waits no more.
    ProposalEnded {
        /// Its number in the project.
        number: u64,
        /// What it was a version of.
        of: Declared,
        /// The version.
        version: Digest,
        /// How it ended.
        outcome: ProposalOutcome,
    },
    /// A source says who is on call in a team: it changed, or was confirmed before what was known became too old.
    OnCallLearned {
        /// The team.
        team: GroupName,
        /// The source, by digest of its declaration.
        source: Digest,
        /// Who; nobody where the source names nobody.
        who: Vec<ActorId>,
    },
    /// A source could not be asked who is on call in a team, or its answer could not be read: nobody is.
    OnCallErrored {
        /// The team.
        team: GroupName,
        /// The source, by digest of its declaration.
        source: Digest,
        /// Why, in the driver's words.
        why: String,
    },
    /// Rules of notifications came into force.
    NotificationsApplied {
        /// The version.
        version: Digest,
        /// Their content.
        notifications: Arc<Notifications>,
        /// The file as it was written, kept by digest.
        source: Digest,
        /// Where it is from.
        #[serde(default, skip_serializing_if = "Origin::is_unknown")]
        origin: Origin,
    },
    /// A person came in by a provider, which said what groups the person is in.
    SignedIn {
        /// Who.
        actor: ActorId,
        /// Which provider.
        provider: String,
        /// The groups, as `PROVIDER:GROUP`.
        groups: Vec<String>,
        /// Until when they are believed.
        until: Timestamp,
        /// Digest of the provider's own name of the person (issuer and subject), which stays when others change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<Digest>,
    },
    /// A key may sign answers of an actor from now on.
    KeyEnrolled {
        /// The key.
        key: Key,
    },
    /// A passkey signed, and said how often it did by now.
    KeyUsed {
        /// Which, by fingerprint.
        fingerprint: String,
        /// How often it signed.
        counter: u32,
    },
    /// A key may not sign any more.
    KeyRevoked {
        /// Which, by fingerprint.
        fingerprint: String,
        /// Whose it was.
        actor: ActorId,
    },
    /// An actor handed the right to answer on, for a time.
    DelegationDeclared {
        /// The delegation.
        delegation: Delegation,
    },
    /// A delegation ended early.
    DelegationEnded {
        /// Who had handed it on.
        by: ActorId,
        /// To whom.
        to: ActorId,
    },
    /// A version of a calendar came into force.
    CalendarApplied {
        /// Which.
        name: CalendarName,
        /// The version.
        version: Digest,
        /// Its content. The file that it was read from is kept by digest.
        calendar: Arc<Calendar>,
        /// Where it is from.
        #[serde(default, skip_serializing_if = "Origin::is_unknown")]
        origin: Origin,
    },
    /// Stages admit nothing for a time.
    FreezeDeclared {
        /// The freeze.
        freeze: Freeze,
    },
    /// A freeze ended early.
    FreezeLifted {
        /// Which.
        name: FreezeName,
    },
    /// A finding was accepted for a time.
    WaiverGranted {
        /// The waiver.
        waiver: Waiver,
    },
    /// A waiver ended early.
    WaiverLifted {
        /// Which.
        waiver: WaiverId,
        /// The finding that it was about.
        finding: String,
    },
    /// A local account was made, or opened again. Its password is beside the log, as a hash.
    AccountMade {
        /// Which.
        account: AccountName,
    },
    /// A local account got another password.
    PasswordSet {
        /// Which.
        account: AccountName,
    },
    /// A local account lets nobody in any more.
    AccountDisabled {
        /// Which.
        account: AccountName,
    },
    /// A token was made. Only its hash is kept.
    TokenIssued {
        /// Its id.
        id: TokenId,
        /// SHA-256 of the secret.
        hash: Digest,
        /// Whose identity it carries.
        actor: ActorId,
        /// What it may do.
        scopes: Vec<Scope>,
        /// Groups that it may approve for.
        groups: Vec<GroupName>,
        /// When it ends.
        expires: Option<Timestamp>,
    },
    /// A token was withdrawn.
    TokenRevoked {
        /// Which.
        id: TokenId,
    },
    /// Names and texts that stood beside earlier events were erased for ever. The events themselves stay.
    TextErased {
        /// Their log numbers, ascending.
        events: Vec<u64>,
    },

    /// A release got its number: the pipeline's order of registration. Labels are unique here.
    ReleaseNumbered {
        /// The pipeline.
        pipeline: PipelineName,
        /// The label.
        version: Version,
        /// The release.
        release: ReleaseId,
        /// The number, from 1.
        number: u64,
    },

    // ---- release ----
    /// A release was registered.
    ReleaseRegistered {
        /// Its content.
        release: Arc<Release>,
        /// Counts the pipeline's releases from 1: the order of registration.
        number: u64,
    },
    /// Evidence was recorded.
    EvidenceRecorded {
        /// The record.
        evidence: Arc<Evidence>,
    },

    // ---- stage ----
    /// A promotion into the stage began.
    PromotionOpened {
        /// Which.
        promotion: PromotionId,
        /// Of which release.
        release: ReleaseId,
        /// Its kind.
        kind: PromotionKind,
    },
    /// A promotion into the stage ended.
    PromotionClosed {
        /// Which.
        promotion: PromotionId,
        /// How.
        outcome: PromotionOutcome,
    },
    /// A promotion took the right to change a target.
    LaneTaken {
        /// The target.
        target: TargetName,
        /// The promotion.
        promotion: PromotionId,
    },
    /// The right was given back.
    LaneFreed {
        /// The target.
        target: TargetName,
        /// The promotion.
        promotion: PromotionId,
    },
    /// A release became what is live.
    WentLive {
        /// The release.
        release: ReleaseId,
        /// Its label.
        version: Version,
        /// Its number.
        number: u64,
        /// The promotion that brought it.
        promotion: PromotionId,
        /// Time between two looks at its health.
        health_every: Span,
    },
    /// The pipeline may not promote a release by itself any more.
    ReleaseBarred {
        /// The release.
        release: ReleaseId,
        /// The promotion that showed why.
        promotion: PromotionId,
    },
    /// A person let a barred release go on.
    BarLifted {
        /// The release.
        release: ReleaseId,
    },
    /// The health of what is live changed, or nobody looked for a while.
    HealthObserved {
        /// The health now.
        health: Health,
        /// Nobody looked from then until now: that time is unknown.
        not_seen_from: Option<Timestamp>,
        /// Why it is not healthy, as it was first seen: the health itself has not changed since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },

    /// A release came in by an override: somebody is to write what came of it.
    ReviewOpened {
        /// The review.
        review: Review,
    },
    /// The review was written.
    ReviewWritten {
        /// The promotion that was admitted.
        promotion: PromotionId,
        /// The gate that was overridden.
        gate: GateName,
    },

    /// What went live is watched for a time.
    WatchBegan {
        /// The promotion that brought it.
        promotion: PromotionId,
        /// The release.
        release: ReleaseId,
        /// The pipeline version whose checks are looked at.
        pipeline: Digest,
        /// The level of risk that it was admitted with: checks may differ by it.
        risk: Risk,
        /// The checks.
        gates: Vec<GateName>,
        /// Time between two looks of a check.
        every: Span,
        /// How many looks of one check must fail in a row.
        in_a_row: u32,
        /// When it is over.
        until: Timestamp,
    },
    /// A check of the watch was looked at.
    WatchLooked {
        /// The check's gate.
        gate: GateName,
        /// What it came to.
        outcome: LookOutcome,
        /// Why, in one sentence with numbers.
        says: String,
        /// What was found.
        evidence: Arc<Evidence>,
    },
    /// How often a watched threshold would have fired while nothing was wrong.
    NoiseMeasured {
        /// The check's gate.
        gate: GateName,
        /// How often, or why that is not known.
        noise: NoiseFound,
    },
    /// A watch ended.
    WatchEnded {
        /// The promotion that brought what was watched.
        promotion: PromotionId,
        /// How.
        outcome: WatchOutcome,
        /// One sentence.
        says: String,
        /// What its looks found.
        looks: Looks,
    },

    // ---- promotion ----
    /// Somebody, or the pipeline, asked for it.
    PromotionRequested {
        /// The release.
        release: ReleaseId,
        /// Its kind.
        kind: PromotionKind,
        /// The pipeline version that is pinned.
        pipeline: Digest,
        /// Set when the pipeline itself asked.
        automatic: bool,
    },
    /// A newer pipeline version came into force before admission.
    PipelineRepinned {
        /// The version that is pinned now.
        pipeline: Digest,
    },
    /// The gates were judged, and a verdict or a reason is new.
    DecisionRecorded {
        /// The decision.
        decision: Arc<Decision>,
    },
    /// A layer's people were asked.
    ApprovalAsked {
        /// Index of the layer in the rule.
        layer: u32,
        /// Who.
        from: Asked,
        /// What: the layer's question.
        question: Digest,
        /// How soon they should answer.
        until: Option<Timestamp>,
    },
    /// A layer's people were reminded, as they have not answered yet.
    ApprovalReminded {
        /// Index of the layer in the rule.
        layer: u32,
        /// Who may answer now.
        from: Asked,
        /// Whether the time to answer was over, so that others may answer too.
        escalated: bool,
    },
    /// A named person was asked to look.
    PersonAsked {
        /// Who.
        who: ActorId,
    },
    /// An actor said yes.
    ApprovalGiven {
        /// To what, by whom.
        approval: Approval,
    },
    /// An actor said no.
    ApprovalRefused {
        /// What the no asks for.
        no: No,
        /// To what, by whom.
        answer: Approval,
    },
    /// An actor took an answer back.
    ApprovalWithdrawn {
        /// Who.
        by: ActorId,
    },
    /// What an answer was given to changed.
    ApprovalVoided {
        /// Who had answered.
        by: ActorId,
        /// What the answer was given to.
        question: Digest,
        /// The parts that changed, as in `risk` and `gate tests`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changed: Vec<String>,
        /// The key that had signed it and was revoked since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revoked: Option<String>,
        /// Instead of whom it was given, where that delegation is over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead_of: Option<ActorId>,
        /// Until when what was approved would have been locked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        locked_until: Option<Timestamp>,
    },
    /// An actor wants to permit admission although a gate is not satisfied; a second person is to confirm it.
    OverrideAsked {
        /// The permission, as it would be.
        permission: Override,
    },
    /// An actor permitted admission although a gate is not satisfied.
    OverrideGranted {
        /// The permission.
        permission: Override,
    },
    /// An override was taken back before it let the release in.
    OverrideWithdrawn {
        /// The gate that it named.
        gate: GateName,
        /// Who had asked for it.
        by: ActorId,
    },
    /// A live check came back.
    CheckRecorded {
        /// The gate that asked for it.
        gate: GateName,
        /// Entry or verification.
        of: CheckOf,
        /// Digest of the check: what it found says nothing of a check with other parameters.
        check: Digest,
        /// What it found.
        evidence: Arc<Evidence>,
    },
    /// The gates let the release in: the lane is taken, the rollout begins.
    PromotionAdmitted {
        /// The steps to take.
        steps: Vec<StepAction>,
        /// The release that is live until then.
        live: Option<ReleaseId>,
        /// The lane's target.
        target: TargetName,
        /// When it is taken back if it is not over by then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// A step is about to be taken. Committed before the effect.
    StepIntended {
        /// Index of the step.
        step: u32,
        /// Which attempt, from 1.
        attempt: u32,
        /// What it makes true.
        action: StepAction,
    },
    /// A step is true.
    StepApplied {
        /// Index of the step.
        step: u32,
        /// Which attempt.
        attempt: u32,
        /// When the rollout may go on by itself; none when it goes on at once.
        go_on_at: Option<Timestamp>,
        /// Whether the judge looks at the traffic of this step, and how often.
        measure_every: Option<Span>,
        /// The checks that must be satisfied to go on, and when they count as failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        checks: Option<StepChecks>,
    },
    /// A step that was not planned is taken next: a weight that the evidence allows, or the command for a failed rollout.
    StepAdded {
        /// Index of the step.
        step: u32,
        /// What it makes true.
        action: StepAction,
        /// Why, in one sentence.
        says: String,
    },
    /// A step was refused by its target.
    StepFailed {
        /// Index of the step.
        step: u32,
        /// Which attempt.
        attempt: u32,
        /// Why, in the driver's words.
        why: String,
    },
    /// Nobody can tell whether a step is true: a person looks.
    StepParked {
        /// Index of the step.
        step: u32,
        /// Which attempt.
        attempt: u32,
        /// Why it is unknown.
        why: String,
    },
    /// The judge's ruling changed.
    RulingChanged {
        /// Index of the step that was judged.
        step: u32,
        /// The ruling.
        ruling: Ruling,
        /// Root of the chunks that it was ruled from.
        chunks: Digest,
        /// Digest of the judge's settings.
        settings: Digest,
    },
    /// The rollout stands still.
    RolloutPaused {
        /// Why.
        why: PauseReason,
        /// What happened, where something did: what failed, or which incident it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        says: Option<String>,
    },
    /// The rollout goes on.
    RolloutResumed {},
    /// A person's word stands for the time, and for the judge's word, that the step which stands would wait for.
    RolloutAdvanced {
        /// Which step, from 0.
        step: u32,
    },
    /// The rollout is being taken back.
    RollbackBegan {
        /// What for.
        why: RollbackReason,
        /// One sentence with numbers.
        says: String,
        /// When it counts as failed.
        until: Timestamp,
    },
    /// All steps are true; the checks after the rollout begin.
    VerificationBegan {
        /// The checks to run.
        checks: Vec<GateName>,
        /// When verification counts as failed.
        until: Timestamp,
    },
    /// It is over.
    PromotionEnded {
        /// How.
        outcome: PromotionOutcome,
        /// One sentence.
        says: String,
        /// The release that took its place.
        superseded_by: Option<ReleaseId>,
        /// Traffic that the canary served, and how much of it failed.
        served: Served,
    },

    // ---- incidents ----
    /// Something is wrong.
    IncidentOpened {
        /// What, where, and which changes may have caused it.
        incident: Arc<Incident>,
    },
    /// A person said that a suspect of an incident did not cause it: what it was stopped for is lifted.
    SuspectLifted {
        /// The incident's number.
        number: u64,
        /// The suspect, by its promotion.
        promotion: PromotionId,
    },
    /// An incident is over, or somebody said afterwards what had caused it.
    IncidentClosed {
        /// Its number.
        number: u64,
        /// What caused it.
        cause: Cause,
    },

    // ---- notifications ----
    /// Somebody is to be told of an event that was recorded with this one.
    NotificationPlanned {
        /// The letter that tells it; several notices may be gathered in one.
        letter: u64,
        /// Where it goes.
        to: Recipient,
        /// The rule that says so.
        rule: RuleName,
        /// What this rule tells once only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        once: Option<String>,
        /// When the letter is sent.
        due: Timestamp,
        /// What is told.
        notice: Arc<Notice>,
    },
    /// A channel took a letter.
    LetterSent {
        /// Its number.
        letter: u64,
        /// Which attempt, from 1.
        attempt: u32,
        /// What the channel said.
        says: String,
    },
    /// A letter could not be delivered.
    LetterFailed {
        /// Its number.
        letter: u64,
        /// Which attempt, from 1.
        attempt: u32,
        /// Why.
        why: String,
        /// When it is tried again; none where it was given up.
        again: Option<Timestamp>,
    },
    /// A letter that was given up is sent after all, as somebody asked.
    LetterResent {
        /// Its number.
        letter: u64,
    },
}

/// What a check is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckOf {
    /// An entry gate.
    Entry,
    /// A step of the rollout.
    Step,
    /// A verification.
    Verify,
    /// A watch of what is live.
    Watch,
}

/// Why a rollout stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// An actor asked.
    Asked,
    /// The judge could not tell in time.
    Inconclusive,
    /// The release must not be rolled back by itself.
    Irreversible,
    /// A step could not be observed.
    Parked,
    /// A person says when to go on.
    GoAhead,
    /// It failed, and the stage asks for a person instead of taking it back.
    Failed,
    /// An incident is open where it rolls out.
    Incident,
}

/// Why a rollout is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RollbackReason {
    /// The judge ruled so.
    Judged,
    /// A step failed.
    StepFailed,
    /// Verification failed.
    VerificationFailed,
    /// An actor aborted it.
    Aborted,
    /// A hotfix takes the lane.
    Superseded,
    /// It took longer than its stage allows.
    TimedOut,
    /// An incident is open where it rolls out.
    Incident,
}

/// The checks that must be satisfied at a step to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepChecks {
    /// Their names.
    pub gates: Vec<GateName>,
    /// When they count as failed.
    pub until: Timestamp,
}

/// Traffic of a promotion's canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Served {
    /// Requests.
    pub requests: u64,
    /// Failed ones.
    pub bad_requests: u64,
}
