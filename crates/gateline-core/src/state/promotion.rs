//! A promotion's state: held before its gates, rolling out, or ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateline_model::{
    ActorId, Approval, Asked, CheckOf, Decision, Digest, Event, Evidence, EvidenceId, GateName, No, Override,
    PauseReason, Planned, PromotionId, PromotionKind, PromotionOutcome, ReleaseId, RollbackReason, Ruling,
    Served, Span, Stage, StepAction, StepChecks, Strategy, TargetName, Weight,
};
use jiff::Timestamp;

use super::IllegalEvent;

/// What a promotion stream has come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Promotion {
    /// Its id.
    pub id: PromotionId,
    /// The release.
    pub release: ReleaseId,
    /// Its kind.
    pub kind: PromotionKind,
    /// The pinned pipeline version.
    pub pipeline: Digest,
    /// Whether the pipeline asked for it.
    pub automatic: bool,
    /// Who asked.
    pub requested_by: ActorId,
    /// When.
    pub requested_at: Timestamp,
    /// The last recorded decision.
    pub decision: Option<Arc<Decision>>,
    /// What layers were asked, and since when.
    pub asked: Vec<AskedLayer>,
    /// People who were asked by name to look.
    pub named: BTreeSet<ActorId>,
    /// Answers of yes that were not voided or withdrawn.
    pub approvals: Vec<Approval>,
    /// Answers of no that were not voided or withdrawn.
    pub refusals: Vec<(No, Approval)>,
    /// Every statement that was signed for an answer, also one that was voided or withdrawn: none counts twice.
    pub signed: BTreeSet<Digest>,
    /// Overrides that were granted.
    pub overrides: Vec<Override>,
    /// Overrides that a second person is to confirm.
    pub overrides_asked: Vec<Override>,
    /// The last recorded check of each gate.
    pub checks: BTreeMap<(CheckOf, GateName), Checked>,
    /// Where it stands.
    pub phase: Phase,
}

/// A layer that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedLayer {
    /// Its index in the rule.
    pub layer: u32,
    /// Who.
    pub from: Asked,
    /// What.
    pub question: Digest,
    /// Since when.
    pub at: Timestamp,
    /// How soon they should answer.
    pub until: Option<Timestamp>,
    /// When they were reminded last.
    pub reminded_at: Option<Timestamp>,
    /// Whether it was told that others may answer too.
    pub escalated: bool,
}

/// A check's last recorded evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Its id.
    pub id: EvidenceId,
    /// Digest of the check that found it.
    pub check: Digest,
    /// The record.
    pub evidence: Arc<Evidence>,
    /// When it was recorded.
    pub at: Timestamp,
}

/// Where a promotion stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Before its gates.
    Held,
    /// Admitted: the target is being changed.
    Rolling(Box<Rollout>),
    /// Over.
    Ended(Box<Ended>),
}

/// The end of a promotion.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// How.
    pub outcome: PromotionOutcome,
    /// One sentence.
    pub says: String,
    /// When.
    pub at: Timestamp,
    /// Traffic of its canary.
    pub served: Served,
    /// The rollout, where there was one.
    pub rollout: Option<Box<Rollout>>,
}

/// A rollout under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// When the gates let the release in.
    pub admitted_at: Timestamp,
    /// The lane's target.
    pub target: TargetName,
    /// The release that was live until then.
    pub live: Option<ReleaseId>,
    /// All steps; a rollback adds its own behind them.
    pub steps: Vec<StepAction>,
    /// The step that was intended last.
    pub step: u32,
    /// Its attempt, from 1.
    pub attempt: u32,
    /// What became of it.
    pub state: StepState,
    /// The last ruling, and the step that it is about.
    pub ruling: Option<(u32, Ruling)>,
    /// Why it stands still, if it does.
    pub paused: Option<(PauseReason, Timestamp)>,
    /// What happened that it stands still for, or that the command for a failed rollout runs for.
    pub failed: Option<String>,
    /// Set while it is being taken back.
    pub rollback: Option<Rollback>,
    /// Checks and deadline of the verification, once it began.
    pub verification: Option<(Vec<GateName>, Timestamp)>,
    /// When it is taken back if it is not over by then.
    pub until: Option<Timestamp>,
    /// Indices of the steps that were not planned, ascending.
    pub added: Vec<u32>,
    /// When each step became true.
    pub since: BTreeMap<u32, Timestamp>,
}

/// Why and since when a rollout is being taken back.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollback {
    /// What for.
    pub why: RollbackReason,
    /// One sentence.
    pub says: String,
    /// Since when.
    pub since: Timestamp,
    /// When it counts as failed.
    pub until: Timestamp,
    /// Why the last attempt at one of its steps failed; it is tried again.
    pub failed: Option<String>,
}

/// What became of the step that was intended last.
#[derive(Debug, Clone, PartialEq)]
pub enum StepState {
    /// It is being made true.
    Intended {
        /// Since when.
        since: Timestamp,
    },
    /// It is true.
    Applied {
        /// Since when.
        since: Timestamp,
        /// When the rollout may go on by itself.
        go_on_at: Option<Timestamp>,
        /// How often the judge looks.
        measure_every: Option<Span>,
        /// The checks that must be satisfied to go on.
        checks: Option<StepChecks>,
    },
    /// Its target refused it.
    Failed {
        /// Why, in the driver's words.
        why: String,
    },
    /// Nobody can tell.
    Parked {
        /// Why it is unknown.
        why: String,
    },
}

impl Rollout {
    /// The index in the plan of the step that was intended last. A step that was not planned stands for the one before it.
    pub fn planned(&self) -> usize {
        self.planned_at(self.step)
    }

    /// The same for any step.
    pub fn planned_at(&self, step: u32) -> usize {
        let added = self.added.iter().filter(|index| **index <= step).count();
        (step as usize).saturating_sub(added)
    }

    /// Whether this check is waited for now.
    pub fn is_checked(&self, of: CheckOf, gate: &GateName) -> bool {
        let here = match (of, &self.state) {
            (CheckOf::Verify, _) => self.verification.is_some(),
            (CheckOf::Step, StepState::Applied { checks, .. }) => {
                checks.as_ref().is_some_and(|checks| checks.gates.contains(gate))
            }
            (CheckOf::Step | CheckOf::Entry | CheckOf::Watch, _) => false,
        };
        here && self.rollback.is_none()
    }

    /// Whether the command for a failed rollout was run already.
    pub fn is_degraded(&self) -> bool {
        self.steps.contains(&StepAction::Degrade)
    }

    /// What the last intended step makes true.
    pub fn action(&self) -> Option<StepAction> {
        self.steps.get(self.step as usize).copied()
    }

    /// The share of traffic that the release has, as far as the steps that are true say.
    pub fn weight(&self) -> Weight {
        let mut steps = self.applied().iter().rev();
        steps.find_map(|action| action.weight()).unwrap_or(Weight::NONE)
    }

    /// How many steps were taken and are true.
    pub fn applied(&self) -> &[StepAction] {
        let done = self.step as usize + usize::from(matches!(self.state, StepState::Applied { .. }));
        &self.steps[..done.min(self.steps.len())]
    }
}

impl Promotion {
    /// The last sentence said of it. Pages, lists and the command line all print this one.
    pub fn says(&self) -> String {
        let headline = || {
            self.decision
                .as_ref()
                .map(|decision| decision.headline.clone())
                .unwrap_or_default()
        };
        let rollout = match &self.phase {
            Phase::Held => return headline(),
            Phase::Ended(ended) => return ended.says.clone(),
            Phase::Rolling(rollout) => rollout,
        };
        if let (StepState::Parked { why }, Some(action)) = (&rollout.state, rollout.action()) {
            return format!(
                "nobody can tell whether step `{action}` is true: {why}; look, then resume or abort"
            );
        }
        match (&rollout.rollback, &rollout.failed, &rollout.ruling) {
            (Some(rollback), _, _) => match &rollback.failed {
                Some(why) => format!("{}; attempt {} is next: {why}", rollback.says, rollout.attempt),
                None => rollback.says.clone(),
            },
            (None, Some(failed), _) => failed.clone(),
            (None, None, Some((_, ruling))) => ruling.headline.clone(),
            (None, None, None) => headline(),
        }
    }

    /// The rollout, while there is one.
    pub fn rollout(&self) -> Option<&Rollout> {
        match &self.phase {
            Phase::Rolling(rollout) => Some(rollout),
            Phase::Held | Phase::Ended(_) => None,
        }
    }

    /// Since when its rollout stands still for a person to let go on or to end; none where it does not.
    pub fn stands_since(&self) -> Option<Timestamp> {
        let rollout = self.rollout().filter(|rollout| rollout.rollback.is_none())?;
        rollout.paused.map(|(_, since)| since)
    }

    /// How it rolls out in its stage: by the level of risk of its last decision, which after admission is that it was
    /// admitted with.
    pub fn strategy_in<'s>(&self, stage: &'s Stage) -> &'s Strategy {
        let level = self.decision.as_ref().map(|decision| decision.risk);
        stage.rollout_at(level.unwrap_or_default())
    }

    /// The steps of its rollout as its stage plans them, with what each waits for.
    pub fn plan_in<'s>(&self, stage: &'s Stage, follows: bool) -> Vec<Planned<'s>> {
        let strategy = self.strategy_in(stage);
        match self.kind {
            PromotionKind::Forward if follows => strategy.plan(stage.target.instances()),
            PromotionKind::Forward | PromotionKind::Rollback => strategy.plan_at_once(follows),
        }
    }

    /// The overrides that are still in force.
    pub fn overrides_in_force(&self, now: Timestamp) -> impl Iterator<Item = &Override> {
        self.overrides
            .iter()
            .filter(move |permission| now < permission.until)
    }

    pub(crate) fn begin(
        id: &PromotionId,
        event: &Event,
        by: &ActorId,
        at: Timestamp,
    ) -> Result<Self, IllegalEvent> {
        match event {
            Event::PromotionRequested {
                release,
                kind,
                pipeline,
                automatic,
            } => Ok(Self {
                id: id.clone(),
                release: *release,
                kind: *kind,
                pipeline: *pipeline,
                automatic: *automatic,
                requested_by: by.clone(),
                requested_at: at,
                decision: None,
                asked: Vec::new(),
                named: BTreeSet::new(),
                approvals: Vec::new(),
                refusals: Vec::new(),
                signed: BTreeSet::new(),
                overrides: Vec::new(),
                overrides_asked: Vec::new(),
                checks: BTreeMap::new(),
                phase: Phase::Held,
            }),
            other => Err(IllegalEvent {
                event: other.name(),
                why: "a promotion begins by being requested",
            }),
        }
    }

    /// Every answer, yes or no.
    pub fn answers(&self) -> impl Iterator<Item = &Approval> {
        self.approvals
            .iter()
            .chain(self.refusals.iter().map(|(_, answer)| answer))
    }

    fn forget(&mut self, which: impl Fn(&Approval) -> bool) {
        self.approvals.retain(|answer| !which(answer));
        self.refusals.retain(|(_, answer)| !which(answer));
    }

    pub(crate) fn evolve(&mut self, event: &Event, at: Timestamp) -> Result<(), IllegalEvent> {
        let illegal = |why| {
            Err(IllegalEvent {
                event: event.name(),
                why,
            })
        };
        match (event, &mut self.phase) {
            (_, Phase::Ended(_)) => return illegal("the promotion has ended"),
            (Event::PipelineRepinned { pipeline }, Phase::Held) => self.pipeline = *pipeline,
            (Event::DecisionRecorded { decision }, Phase::Held) => self.decision = Some(decision.clone()),
            (
                Event::ApprovalAsked {
                    layer,
                    from,
                    question,
                    until,
                },
                Phase::Held,
            ) => {
                self.asked.retain(|asked| asked.layer != *layer);
                self.asked.push(AskedLayer {
                    layer: *layer,
                    from: from.clone(),
                    question: *question,
                    at,
                    until: *until,
                    reminded_at: None,
                    escalated: false,
                });
            }
            (Event::ApprovalReminded { layer, escalated, .. }, Phase::Held) => {
                let asked = self.asked.iter_mut().find(|asked| asked.layer == *layer);
                let Some(asked) = asked else {
                    return illegal("the layer was not asked");
                };
                asked.reminded_at = Some(at);
                asked.escalated = *escalated;
            }
            (Event::PersonAsked { who }, Phase::Held) => {
                self.named.insert(who.clone());
            }
            (Event::ApprovalGiven { approval }, Phase::Held) => {
                self.forget(|answer| answer.by == approval.by && answer.question == approval.question);
                self.signed.extend(approval.bound.statement);
                self.approvals.push(approval.clone());
            }
            (Event::ApprovalRefused { no, answer }, Phase::Held) => {
                self.forget(|old| old.by == answer.by && old.question == answer.question);
                self.signed.extend(answer.bound.statement);
                self.refusals.push((*no, answer.clone()));
            }
            (Event::ApprovalWithdrawn { by }, Phase::Held) => self.forget(|answer| answer.by == *by),
            (Event::ApprovalVoided { by, question, .. }, Phase::Held) => {
                self.forget(|answer| answer.by == *by && answer.question == *question);
            }
            (Event::OverrideAsked { permission }, Phase::Held) => {
                self.overrides_asked.retain(|old| old.gate != permission.gate);
                self.overrides_asked.push(permission.clone());
            }
            (Event::OverrideGranted { permission }, Phase::Held) => {
                self.overrides_asked.retain(|old| old.gate != permission.gate);
                self.overrides.retain(|old| old.gate != permission.gate);
                self.overrides.push(permission.clone());
            }
            (Event::OverrideWithdrawn { gate, .. }, Phase::Held) => {
                self.overrides_asked.retain(|old| old.gate != *gate);
                self.overrides.retain(|old| old.gate != *gate);
            }
            (
                Event::CheckRecorded {
                    gate,
                    of,
                    check,
                    evidence,
                },
                Phase::Held | Phase::Rolling(_),
            ) => {
                let checked = Checked {
                    id: evidence.id(),
                    check: *check,
                    evidence: evidence.clone(),
                    at,
                };
                self.checks.insert((*of, gate.clone()), checked);
            }
            (
                Event::PromotionAdmitted {
                    steps,
                    live,
                    target,
                    until,
                },
                Phase::Held,
            ) => {
                let rollout = Rollout::admitted(steps, *live, target, *until, at);
                self.phase = Phase::Rolling(Box::new(rollout));
            }
            (
                Event::PromotionEnded {
                    outcome,
                    says,
                    served,
                    ..
                },
                Phase::Held | Phase::Rolling(_),
            ) => {
                let rollout = match std::mem::replace(&mut self.phase, Phase::Held) {
                    Phase::Rolling(rollout) => Some(rollout),
                    Phase::Held | Phase::Ended(_) => None,
                };
                let (outcome, says, served) = (*outcome, says.clone(), *served);
                self.phase = Phase::Ended(Box::new(Ended {
                    outcome,
                    says,
                    at,
                    served,
                    rollout,
                }));
            }
            (other, Phase::Rolling(rollout)) => {
                if matches!(other, Event::StepApplied { .. }) {
                    // What an earlier step's checks found says nothing of this one.
                    self.checks.retain(|(of, _), _| *of != CheckOf::Step);
                }
                return rollout.evolve(other, at);
            }
            (_, Phase::Held) => return illegal("the promotion is not rolling out"),
        }
        Ok(())
    }
}

impl Rollout {
    fn admitted(
        steps: &[StepAction],
        live: Option<ReleaseId>,
        target: &TargetName,
        until: Option<Timestamp>,
        at: Timestamp,
    ) -> Self {
        Self {
            admitted_at: at,
            target: target.clone(),
            live,
            steps: steps.to_vec(),
            step: 0,
            attempt: 0,
            state: StepState::Intended { since: at },
            ruling: None,
            paused: None,
            failed: None,
            rollback: None,
            verification: None,
            until,
            added: Vec::new(),
            since: BTreeMap::new(),
        }
    }

    fn evolve(&mut self, event: &Event, at: Timestamp) -> Result<(), IllegalEvent> {
        match event {
            Event::StepIntended { step, attempt, .. } => {
                self.step = *step;
                self.attempt = *attempt;
                self.state = StepState::Intended { since: at };
            }
            Event::StepApplied {
                step,
                go_on_at,
                measure_every,
                checks,
                ..
            } => {
                self.since.insert(*step, at);
                if let Some(rollback) = &mut self.rollback {
                    rollback.failed = None;
                }
                self.state = StepState::Applied {
                    since: at,
                    go_on_at: *go_on_at,
                    measure_every: *measure_every,
                    checks: checks.clone(),
                };
            }
            Event::StepFailed { why, .. } => {
                self.state = StepState::Failed { why: why.clone() };
                if let Some(rollback) = &mut self.rollback {
                    rollback.failed = Some(why.clone());
                }
            }
            Event::StepParked { why, .. } => self.state = StepState::Parked { why: why.clone() },
            Event::RulingChanged { step, ruling, .. } => self.ruling = Some((*step, ruling.clone())),
            Event::RolloutPaused { why, says } => {
                self.paused = Some((*why, at));
                self.failed.clone_from(says);
            }
            Event::RolloutResumed {} => {
                self.paused = None;
                self.failed = None;
            }
            // The step that follows it is an event of its own.
            Event::RolloutAdvanced { .. } => {}
            Event::StepAdded { step, action, says } => {
                if *action == StepAction::Degrade {
                    self.failed = Some(says.clone());
                }
                let index = (*step as usize).min(self.steps.len());
                self.steps.insert(index, *action);
                self.added.push(*step);
            }
            Event::RollbackBegan { why, says, until } => {
                self.rollback = Some(Rollback {
                    why: *why,
                    says: says.clone(),
                    since: at,
                    until: *until,
                    failed: None,
                });
                self.paused = None;
                self.failed = None;
                self.verification = None;
                self.steps.truncate(self.step as usize + 1);
                self.steps.extend([StepAction::Withdraw, StepAction::Discard]);
            }
            Event::VerificationBegan { checks, until } => self.verification = Some((checks.clone(), *until)),
            other => {
                return Err(IllegalEvent {
                    event: other.name(),
                    why: "a rollout is under way",
                });
            }
        }
        Ok(())
    }
}
