//! A project's state: pipelines in force and pinned, release labels, freezes, tokens.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use gateline_model::{
    AccountName, ActorId, Calendars, Declared, Delegation, Digest, Event, Freeze, FreezeName, GroupName, Key,
    Notifications, Pipeline, PipelineName, PolicyName, Proposal, ProposalApproval, ReleaseId, Roles, Scope,
    TokenId, Version, Waiver, WaiverId,
};
use jiff::Timestamp;

use super::{IllegalEvent, OnCallSources};

/// What a project stream has come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Project {
    /// The version in force of each pipeline.
    pub in_force: BTreeMap<PipelineName, Digest>,
    /// Every version that was ever in force.
    pub versions: HashMap<Digest, Arc<Pipeline>>,
    /// Digest of the file that each version was written in.
    pub sources: HashMap<Digest, Digest>,
    /// The version in force of each policy module.
    pub policies: BTreeMap<PolicyName, Digest>,
    /// Proposals that were not ended, by number; those that waited too long are among them until another is proposed.
    pub proposals: BTreeMap<u64, OpenProposal>,
    /// How many proposals there were.
    pub proposed: u64,
    /// Releases by pipeline and label.
    pub labels: HashMap<(PipelineName, Version), (ReleaseId, u64)>,
    /// How many releases each pipeline has.
    pub numbers: BTreeMap<PipelineName, u64>,
    /// The version in force of each calendar.
    pub calendars: Calendars,
    /// Freezes that were declared and not lifted; the past ones are dropped when a new one is declared.
    pub freezes: BTreeMap<FreezeName, Freeze>,
    /// Waivers that were granted and not lifted; the past ones are dropped when a new one is granted.
    pub waivers: BTreeMap<WaiverId, Waiver>,
    /// Tokens that were issued and not revoked.
    pub tokens: BTreeMap<TokenId, Token>,
    /// The roles in force.
    pub roles: Option<Arc<Roles>>,
    /// The sources that say who is on call, and what they said.
    pub on_call: OnCallSources,
    /// The rules of notifications in force.
    pub notifications: Option<Arc<Notifications>>,
    /// The last sign-in of each person; the past ones are dropped when another signs in.
    pub sign_ins: BTreeMap<ActorId, SignIn>,
    /// Who each subject of a provider came as first, by digest: the same person is the same actor whatever else changes.
    pub subjects: BTreeMap<Digest, ActorId>,
    /// Every key that was ever enrolled, by fingerprint: what one signed is looked at again long after it was revoked.
    pub keys: BTreeMap<String, Enrolled>,
    /// Delegations that were not ended; the past ones are dropped when a new one is declared.
    pub delegations: Vec<Delegation>,
    /// Local accounts, those that are disabled among them.
    pub accounts: BTreeMap<AccountName, Account>,
}

/// A proposal that was not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenProposal {
    /// The proposal.
    pub proposal: Arc<Proposal>,
    /// Since when it waits.
    pub at: Timestamp,
    /// Approvals that were not withdrawn.
    pub approvals: Vec<ProposalApproval>,
    /// Every statement that was signed for it: none counts twice.
    pub signed: BTreeSet<Digest>,
}

/// What a provider said of a person who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The groups, as `PROVIDER:GROUP`.
    pub groups: Vec<String>,
    /// Until when they are believed.
    pub until: Timestamp,
}

/// A key, and since when and until when it may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The key.
    pub key: Key,
    /// From then.
    pub since: Timestamp,
    /// Until then, where it was revoked.
    pub revoked: Option<Timestamp>,
    /// How often a passkey had signed when it did last.
    pub counter: u32,
}

/// Whether a local account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// With its password.
    Open,
    /// Not any more.
    Disabled,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 of the secret.
    pub hash: Digest,
    /// Whose identity it carries.
    pub actor: ActorId,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Groups that it may approve for.
    pub groups: Vec<GroupName>,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

impl Token {
    /// Whether it may administer the server now.
    pub fn administers(&self, now: Timestamp) -> bool {
        self.scopes.contains(&Scope::Admin) && self.expires.is_none_or(|expires| expires > now)
    }

    /// Whether it ends no earlier than the other.
    pub fn outlasts(&self, other: &Token) -> bool {
        match (self.expires, other.expires) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(end), Some(other)) => end >= other,
        }
    }
}

impl Project {
    /// The version in force of a pipeline.
    pub fn pipeline(&self, name: &PipelineName) -> Option<&Arc<Pipeline>> {
        self.versions.get(self.in_force.get(name)?)
    }

    /// The version in force of anything that has versions.
    pub fn version_in_force(&self, declared: &Declared) -> Option<Digest> {
        match declared {
            Declared::Pipeline(name) => self.in_force.get(name).copied(),
            Declared::Policy(name) => self.policies.get(name).copied(),
            Declared::Calendar(name) => self.calendars.get(name).map(|calendar| calendar.version()),
            Declared::Notifications => self.notifications.as_ref().map(|rules| rules.version()),
            Declared::Roles => self.roles.as_ref().map(|roles| roles.version()),
        }
    }

    pub(crate) fn evolve(&mut self, event: &Event, at: Timestamp) -> Result<(), IllegalEvent> {
        match event {
            Event::PipelineApplied {
                version,
                pipeline,
                source,
                ..
            } => {
                self.in_force.insert(pipeline.name.clone(), *version);
                self.versions.insert(*version, pipeline.clone());
                self.sources.insert(*version, *source);
            }
            Event::PolicyApplied { name, module, .. } => {
                self.policies.insert(name.clone(), *module);
            }
            Event::RolesApplied { roles, .. } => {
                self.roles = Some(roles.clone());
                self.on_call.evolve(event, at);
            }
            Event::OnCallLearned { .. } | Event::OnCallErrored { .. } => self.on_call.evolve(event, at),
            Event::VersionProposed { proposal } => {
                self.proposed = proposal.number;
                let open = OpenProposal {
                    proposal: proposal.clone(),
                    at,
                    approvals: Vec::new(),
                    signed: BTreeSet::new(),
                };
                self.proposals.insert(proposal.number, open);
            }
            Event::ProposalApproved { number, approval } => {
                if let Some(open) = self.proposals.get_mut(number) {
                    open.signed.extend(approval.bound.statement);
                    // Again by the same, where the key of the first was revoked.
                    open.approvals.retain(|given| given.by != approval.by);
                    open.approvals.push(approval.clone());
                }
            }
            Event::ProposalApprovalWithdrawn { number, by } => {
                if let Some(open) = self.proposals.get_mut(number) {
                    open.approvals.retain(|given| given.by != *by);
                }
            }
            Event::ProposalEnded { number, .. } => {
                self.proposals.remove(number);
            }
            Event::NotificationsApplied { notifications, .. } => {
                self.notifications = Some(notifications.clone());
            }
            Event::SignedIn {
                actor,
                groups,
                until,
                subject,
                ..
            } => {
                if let Some(subject) = subject {
                    self.subjects.entry(*subject).or_insert_with(|| actor.clone());
                }
                self.sign_ins.retain(|_, sign_in| sign_in.until > at);
                let sign_in = SignIn {
                    groups: groups.clone(),
                    until: *until,
                };
                self.sign_ins.insert(actor.clone(), sign_in);
            }
            Event::KeyEnrolled { key } => {
                let enrolled = Enrolled {
                    key: key.clone(),
                    since: at,
                    revoked: None,
                    counter: key.counter,
                };
                self.keys.insert(key.fingerprint.clone(), enrolled);
            }
            Event::KeyUsed { fingerprint, counter } => {
                if let Some(enrolled) = self.keys.get_mut(fingerprint) {
                    enrolled.counter = *counter;
                }
            }
            Event::KeyRevoked { fingerprint, .. } => {
                if let Some(enrolled) = self.keys.get_mut(fingerprint) {
                    enrolled.revoked = Some(at);
                }
            }
            Event::DelegationDeclared { delegation } => {
                let of = |one: &Delegation| (one.by.clone(), one.to.clone(), one.team.clone());
                let same = |old: &Delegation| of(old) == of(delegation);
                self.delegations.retain(|old| old.until > at && !same(old));
                self.delegations.push(delegation.clone());
            }
            Event::DelegationEnded { by, to } => {
                self.delegations.retain(|old| old.by != *by || old.to != *to);
            }
            Event::CalendarApplied { name, calendar, .. } => {
                self.calendars.insert(name.clone(), calendar.clone());
            }
            Event::FreezeDeclared { freeze } => {
                self.freezes.retain(|_, freeze| freeze.until > at);
                self.freezes.insert(freeze.name.clone(), freeze.clone());
            }
            Event::FreezeLifted { name } => {
                self.freezes.remove(name);
            }
            Event::WaiverGranted { waiver } => {
                self.waivers.retain(|_, waiver| waiver.until > at);
                self.waivers.insert(waiver.id(), waiver.clone());
            }
            Event::WaiverLifted { waiver, .. } => {
                self.waivers.remove(waiver);
            }
            Event::AccountMade { account } => {
                self.accounts.insert(account.clone(), Account::Open);
            }
            // The password is beside the log; the log says only that there is another.
            Event::PasswordSet { .. } => {}
            Event::AccountDisabled { account } => {
                self.accounts.insert(account.clone(), Account::Disabled);
            }
            Event::TokenIssued {
                id,
                hash,
                actor,
                scopes,
                groups,
                expires,
            } => {
                let token = Token {
                    hash: *hash,
                    actor: actor.clone(),
                    scopes: scopes.clone(),
                    groups: groups.clone(),
                    expires: *expires,
                };
                self.tokens.insert(id.clone(), token);
            }
            Event::TokenRevoked { id } => {
                self.tokens.remove(id);
            }
            // Which texts are gone is the world's: they stood beside events of every stream.
            Event::TextErased { .. } => {}
            Event::ReleaseNumbered {
                pipeline,
                version,
                release,
                number,
            } => {
                self.labels
                    .insert((pipeline.clone(), version.clone()), (*release, *number));
                self.numbers.insert(pipeline.clone(), *number);
            }
            other => {
                return Err(IllegalEvent {
                    event: other.name(),
                    why: "it is not a project's event",
                });
            }
        }
        Ok(())
    }
}
