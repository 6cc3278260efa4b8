//! Commands: what somebody wants, in the imperative, and the facts that it is decided with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateline_model::{
    ActorId, Alert, Cause, CheckOf, Delivered, Digest, Evidence, Freeze, FreezeName, GateName, GroupName,
    HealthSeen, Key, No, NoiseFound, Notifications, Pipeline, Private, PromotionId, ProposalId, Release,
    ReleaseId, Roles, Ruling, Scope, Served, StageRef, TokenId, Weight, Written,
};
use jiff::Timestamp;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The opaque id that goes into the log.
    pub id: ActorId,
    /// The display name: erasable.
    pub name: Option<String>,
    /// What was shown: how far it reaches at most.
    pub shown: Credential,
}

/// What an actor showed to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Nothing: it is this process.
    Gateline,
    /// A sign-in as a person: reaches as far as the person's roles.
    Session,
    /// A token, with what it may do: `admin` reaches everything.
    Token(Vec<Scope>),
}

impl Actor {
    /// Gateline itself: reports of leased work and promotions that a pipeline requests.
    pub fn gateline() -> Self {
        Self {
            id: "gateline".parse().expect("it is a legal actor id"),
            name: None,
            shown: Credential::Gateline,
        }
    }
}

/// What a command is decided with, besides the streams.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The moment; never before the log's last event.
    pub now: Timestamp,
    /// Who asks.
    pub actor: Actor,
}

/// What somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Bring a pipeline version into force, or propose it where it is protected.
    ApplyPipeline {
        /// Its content.
        pipeline: Arc<Pipeline>,
        /// Digest of the file as it was written.
        source: Digest,
        /// The commit that it was taken from, and who wrote that.
        written: Option<Written>,
    },
    /// Bring a version of a policy module into force, or propose it where it is protected.
    ApplyPolicy {
        /// The project.
        project: gateline_model::ProjectName,
        /// What it is called there.
        name: gateline_model::PolicyName,
        /// Digest of its files, which are kept with the command.
        module: Digest,
        /// The commit that it was taken from, and who wrote that.
        written: Option<Written>,
    },
    /// Bring a version of a calendar into force, or propose it where it is protected.
    ApplyCalendar {
        /// The project.
        project: gateline_model::ProjectName,
        /// What it is called there.
        name: gateline_model::CalendarName,
        /// Its content. The file that it was read from is kept with the command.
        calendar: Arc<gateline_model::Calendar>,
        /// The commit that it was taken from, and who wrote that.
        written: Option<Written>,
    },
    /// Say yes to a proposed version.
    ApproveProposal {
        /// Which proposal.
        proposal: ProposalId,
        /// The question that was seen; it must still be the same.
        question: Option<Digest>,
        /// A comment.
        comment: Option<String>,
        /// The signature, which was verified.
        signed: Option<Signed>,
    },
    /// Say no to a proposed version.
    RejectProposal {
        /// Which proposal.
        proposal: ProposalId,
        /// The question that was seen; it must still be the same.
        question: Option<Digest>,
        /// Why.
        reason: String,
    },
    /// Take one's proposal back, or one's approval of it.
    WithdrawProposal {
        /// Which proposal.
        proposal: ProposalId,
        /// Why.
        reason: String,
    },
    /// Let stages admit nothing for a time.
    DeclareFreeze {
        /// The project.
        project: gateline_model::ProjectName,
        /// The freeze.
        freeze: Freeze,
        /// Why.
        reason: String,
    },
    /// Accept a finding of a release's evidence for a time.
    Waive {
        /// The release whose evidence has it.
        release: ReleaseId,
        /// The finding, by identity.
        finding: String,
        /// The stage; every one where it is not given.
        stage: Option<gateline_model::StageName>,
        /// Until when.
        until: Timestamp,
        /// Where it is written down what is done about it.
        ticket: Option<String>,
        /// Why.
        reason: String,
    },
    /// End a waiver early.
    LiftWaiver {
        /// The project.
        project: gateline_model::ProjectName,
        /// The waiver.
        waiver: gateline_model::WaiverId,
        /// Why.
        reason: String,
    },
    /// End a freeze early.
    LiftFreeze {
        /// The project.
        project: gateline_model::ProjectName,
        /// Which.
        name: FreezeName,
        /// Why.
        reason: String,
    },
    /// Say that something is wrong.
    OpenIncident {
        /// The project.
        project: gateline_model::ProjectName,
        /// What is wrong, in a few words.
        name: String,
        /// Stages that it touches, besides those whose rules match its labels.
        stages: Vec<StageRef>,
        /// Its labels.
        labels: BTreeMap<String, String>,
        /// When it began; now where it is not given.
        since: Option<Timestamp>,
        /// What is known of it.
        reason: String,
    },
    /// Take alerts in: those that fire are incidents where a stage matches them, those that are resolved end theirs.
    HearAlerts {
        /// The project.
        project: gateline_model::ProjectName,
        /// The alerts.
        alerts: Vec<Alert>,
    },
    /// Say that a suspect of an incident did not cause it, and let it go on.
    LiftSuspect {
        /// The project.
        project: gateline_model::ProjectName,
        /// The incident's number.
        number: u64,
        /// The suspect, by its promotion.
        promotion: PromotionId,
        /// Why.
        reason: String,
    },
    /// Say that an incident is over, or afterwards what had caused it.
    CloseIncident {
        /// The project.
        project: gateline_model::ProjectName,
        /// Its number.
        number: u64,
        /// What caused it.
        cause: Cause,
        /// How it ended.
        reason: String,
    },
    /// Make a local account, or open it again. Its password goes beside the log with it.
    MakeAccount {
        /// Which.
        account: gateline_model::AccountName,
    },
    /// Give a local account another password, which goes beside the log with it.
    SetPassword {
        /// Which.
        account: gateline_model::AccountName,
    },
    /// Let nobody in with a local account any more.
    DisableAccount {
        /// Which.
        account: gateline_model::AccountName,
    },
    /// Make a token.
    IssueToken {
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
    /// Withdraw a token.
    RevokeToken {
        /// Which.
        id: TokenId,
    },
    /// Erase the names and texts beside events. The caller has seen that they have some.
    EraseText {
        /// Their log numbers.
        events: BTreeSet<u64>,
        /// Why.
        reason: String,
    },
    /// Register a release.
    RegisterRelease {
        /// Its content.
        release: Arc<Release>,
        /// Its names and notes.
        text: Private,
    },
    /// Record evidence.
    SubmitEvidence {
        /// The release.
        release: ReleaseId,
        /// The record.
        evidence: Arc<Evidence>,
    },
    /// Request a promotion.
    Promote {
        /// The release.
        release: ReleaseId,
        /// The stage to enter.
        stage: StageRef,
    },
    /// Bring back the release that was live before.
    RollBack {
        /// The stage.
        stage: StageRef,
        /// Why.
        reason: String,
    },
    /// Say yes.
    Approve {
        /// To which promotion.
        promotion: PromotionId,
        /// The question that was seen; it must still be the same.
        question: Option<Digest>,
        /// A comment.
        comment: Option<String>,
        /// The signature over it, which was verified.
        signed: Option<Signed>,
    },
    /// Say no, or what is to be changed first.
    Refuse {
        /// To which promotion.
        promotion: PromotionId,
        /// What the no asks for.
        no: No,
        /// The question that was seen; it must still be the same.
        question: Option<Digest>,
        /// Why.
        reason: String,
        /// The signature over it, which was verified.
        signed: Option<Signed>,
    },
    /// Take one's answer back.
    Withdraw {
        /// Which promotion's.
        promotion: PromotionId,
        /// Why.
        reason: String,
    },
    /// Ask a named person to look.
    AskPerson {
        /// At which promotion.
        promotion: PromotionId,
        /// Who.
        who: ActorId,
    },
    /// Hand one's answers on for a time.
    Delegate {
        /// The project that it is for; the server's for all.
        project: gateline_model::ProjectName,
        /// To whom.
        to: ActorId,
        /// For which team; for every one where it is not given.
        team: Option<GroupName>,
        /// From then; now where it is not given.
        from: Option<Timestamp>,
        /// Until then.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// End a delegation early.
    EndDelegation {
        /// The project that it is for.
        project: gateline_model::ProjectName,
        /// Who had handed it on.
        by: ActorId,
        /// To whom.
        to: ActorId,
    },
    /// Bring roles into force, or propose them where they are protected.
    ApplyRoles {
        /// Their content.
        roles: Arc<Roles>,
        /// Digest of the file as it was written.
        source: Digest,
        /// The commit that it was taken from, and who wrote that.
        written: Option<Written>,
    },
    /// Bring rules of notifications into force, or propose them where they are protected.
    ApplyNotifications {
        /// Their content.
        notifications: Arc<Notifications>,
        /// Digest of the file as it was written.
        source: Digest,
        /// The commit that it was taken from, and who wrote that.
        written: Option<Written>,
    },
    /// Report whom a source names as on call, or why it could not be read.
    ReportOnCall {
        /// The project.
        project: gateline_model::ProjectName,
        /// The team.
        team: GroupName,
        /// The source, by digest of its declaration.
        source: Digest,
        /// Who, or why not.
        who: Result<Vec<ActorId>, String>,
    },
    /// Send a letter again that was given up.
    ResendLetter {
        /// The project.
        project: gateline_model::ProjectName,
        /// The letter's number.
        letter: u64,
    },
    /// Report what became of an attempt to deliver a letter.
    ReportLetter {
        /// The project.
        project: gateline_model::ProjectName,
        /// The letter's number.
        letter: u64,
        /// Which attempt, from 1.
        attempt: u32,
        /// What became of it.
        delivered: Delivered,
    },
    /// Report that a person came in by a provider. Only this process says so.
    SignIn {
        /// Who.
        actor: ActorId,
        /// Which provider.
        provider: String,
        /// The groups, as `PROVIDER:GROUP`.
        groups: Vec<String>,
        /// Until when they are believed.
        until: Timestamp,
        /// Digest of the provider's own name of the person, where there is a provider.
        subject: Option<Digest>,
    },
    /// Let a key sign an actor's answers.
    EnrolKey {
        /// The key.
        key: Key,
    },
    /// Let a key sign no more.
    RevokeKey {
        /// Which.
        fingerprint: String,
        /// Why.
        reason: String,
    },
    /// Permit admission although a gate is not satisfied.
    Override {
        /// Which promotion.
        promotion: PromotionId,
        /// Exactly one gate.
        gate: GateName,
        /// When the permission ends.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// Take an override back.
    WithdrawOverride {
        /// Which promotion.
        promotion: PromotionId,
        /// The gate.
        gate: GateName,
        /// Why.
        reason: String,
    },
    /// Confirm an override that somebody else asked for.
    ConfirmOverride {
        /// Which promotion.
        promotion: PromotionId,
        /// The gate.
        gate: GateName,
        /// The permission that was seen, by when it was asked for; it must still be the same.
        asked_at: Option<Timestamp>,
    },
    /// Write what came of an override.
    WriteReview {
        /// The promotion that was admitted.
        promotion: PromotionId,
        /// The gate that was overridden.
        gate: GateName,
        /// The review.
        text: String,
    },
    /// End a promotion.
    Abort {
        /// Which.
        promotion: PromotionId,
        /// Why.
        reason: String,
    },
    /// Let a rollout stand still.
    Pause {
        /// Which.
        promotion: PromotionId,
        /// Why.
        reason: String,
    },
    /// Let a rollout go on.
    Resume {
        /// Which.
        promotion: PromotionId,
        /// Why.
        reason: String,
    },
    /// Let a rollout go on to its next step without waiting for time or the judge.
    Advance {
        /// Which.
        promotion: PromotionId,
        /// The step that stood when it was looked at, from 0: refused where another one stands.
        step: Option<u32>,
        /// The same by the share of traffic that the release had.
        weight: Option<Weight>,
        /// Why.
        reason: String,
    },
    /// Let a barred release be promoted again.
    LiftBar {
        /// The stage.
        stage: StageRef,
        /// The release.
        release: ReleaseId,
        /// Why.
        reason: String,
    },
    /// Judge the gates of a held promotion again.
    Judge {
        /// Which.
        promotion: PromotionId,
    },
    /// Report what a check found.
    ReportCheck {
        /// Whose.
        promotion: PromotionId,
        /// The gate that asked for it.
        gate: GateName,
        /// Entry or verification.
        of: CheckOf,
        /// Digest of the check that was run.
        check: Digest,
        /// What it found.
        evidence: Arc<Evidence>,
        /// Traffic of the canary so far.
        served: Served,
    },
    /// Report what became of a step.
    ReportStep {
        /// Whose.
        promotion: PromotionId,
        /// Which step.
        step: u32,
        /// Which attempt.
        attempt: u32,
        /// What became of it.
        outcome: StepOutcome,
        /// Traffic of the canary so far.
        served: Served,
    },
    /// Report a changed ruling.
    Rule {
        /// Whose.
        promotion: PromotionId,
        /// The step that was judged.
        step: u32,
        /// The ruling.
        ruling: Ruling,
        /// Root of the chunks that it was ruled from.
        chunks: Digest,
        /// Digest of the judge's settings.
        settings: Digest,
        /// Traffic of the canary so far.
        served: Served,
    },
    /// A step's pause, or the time for verification, is over.
    Continue {
        /// Whose.
        promotion: PromotionId,
        /// The step.
        step: u32,
        /// Traffic of the canary so far.
        served: Served,
    },
    /// Report what a look of a watch found.
    ReportLook {
        /// Where.
        stage: StageRef,
        /// The promotion that brought what is watched.
        promotion: PromotionId,
        /// The check's gate.
        gate: GateName,
        /// Digest of the check that was run.
        check: Digest,
        /// What it found.
        evidence: Arc<Evidence>,
    },
    /// Report how noisy a watched threshold is.
    ReportNoise {
        /// Where.
        stage: StageRef,
        /// The promotion that brought what is watched.
        promotion: PromotionId,
        /// The check's gate.
        gate: GateName,
        /// How often it would have fired, or why that is not known.
        noise: NoiseFound,
    },
    /// The time of a watch is over.
    EndWatch {
        /// Where.
        stage: StageRef,
    },
    /// Report the health of what is live.
    ReportHealth {
        /// Where.
        stage: StageRef,
        /// The health, and why it is so.
        seen: HealthSeen,
        /// Nobody looked from then until now.
        not_seen_from: Option<Timestamp>,
    },
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// It is true.
    Applied,
    /// The target refused it; nothing is half-done.
    Failed(String),
    /// Nobody can tell.
    Unknown(String),
}

/// A signature over what was shown. The caller held its bytes against the key; whose key that is, is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The key, by fingerprint.
    pub key: String,
    /// Digest of the signed statement.
    pub statement: Digest,
    /// Digest of the statement with its signature, which are kept with the command.
    pub proof: Digest,
    /// How often a passkey says that it signed.
    pub counter: Option<u32>,
}
