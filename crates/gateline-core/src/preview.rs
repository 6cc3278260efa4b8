//! The preview of a proposed version: what it would have decided for the last promotions, on what was known then.
//!
//! The log is folded up to each recorded decision, and the gates are judged there once more, with the new version in the place of
//! the one in force. Who said yes then is taken to say yes again where the new version asks the same people; what a gate has no
//! evidence of, it does not know now either. Reads no log and runs no module: callers hand in events, and what modules say.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateline_model::{
    Approval, CheckOf, Decision, Event, Evidence, Facts as EvidenceFacts, Found, NewVersion, PolicyOrder,
    PolicyReading, ProjectName, PromotionId, Reading, Recorded, StreamId,
};

use crate::command::{Actor, Facts};
use crate::decision::{Judged, judge_entry};
use crate::draft::Draft;
use crate::gates::policy;
use crate::rejection::Rejection;
use crate::state::{Checked, Project, Promotion};
use crate::world::{World, WorldError};

/// Promotions that a preview looks at: the last ones before the version was proposed.
pub const PREVIEW_PROMOTIONS_MAX: usize = 20;

/// One promotion of a preview.
#[derive(Debug, Clone, PartialEq)]
pub struct Previewed {
    /// Which.
    pub promotion: PromotionId,
    /// What was recorded: the last decision before its admission or its end.
    pub then: Decision,
    /// What the new version would have decided at that moment; why nothing, where it could not.
    pub now: Result<Decision, String>,
}

/// What runs a policy module on an input, as of a moment.
pub type RunModule<'a> = dyn FnMut(&PolicyOrder, jiff::Timestamp) -> Result<PolicyReading, String> + 'a;

/// The log, folded once more, with a stop at each decision that is looked at.
pub struct Backtest {
    world: World,
    of: ProjectName,
    new: NewVersion,
    /// The decisions that are looked at, by log number.
    wanted: BTreeMap<u64, PromotionId>,
    found: Vec<Previewed>,
}

impl Backtest {
    /// Looks at the last decision of each of the last promotions. `decisions` are recorded decisions, the newest first.
    pub fn new<'r>(
        of: &ProjectName,
        new: &NewVersion,
        decisions: impl IntoIterator<Item = &'r Recorded>,
    ) -> Self {
        let mut wanted: BTreeMap<u64, PromotionId> = BTreeMap::new();
        for recorded in decisions {
            let (StreamId::Promotion(id), Event::DecisionRecorded { .. }) =
                (&recorded.stream, &recorded.event)
            else {
                continue;
            };
            let concerned = match new {
                NewVersion::Pipeline { pipeline, .. } => id.stage.pipeline == pipeline.name,
                NewVersion::Policy { .. } | NewVersion::Calendar { .. } | NewVersion::Roles { .. } => true,
                // They decide nothing.
                NewVersion::Notifications { .. } => false,
            };
            let seen = wanted.values().any(|other| other == id);
            if concerned && id.stage.project == *of && !seen {
                wanted.insert(recorded.number, id.clone());
            }
            if wanted.len() == PREVIEW_PROMOTIONS_MAX {
                break;
            }
        }
        Self {
            world: World::default(),
            of: of.clone(),
            new: new.clone(),
            wanted,
            found: Vec::new(),
        }
    }

    /// Log number of the last event that it must be given; none where there is nothing to look at.
    pub fn until(&self) -> Option<u64> {
        self.wanted.last_key_value().map(|(number, _)| *number)
    }

    /// How many promotions it looks at.
    pub fn looked_at(&self) -> usize {
        self.wanted.len()
    }

    /// Takes the next event of the log, from the first one on.
    ///
    /// # Errors
    /// When the log is damaged.
    pub fn fold(&mut self, recorded: &Recorded, run: &mut RunModule<'_>) -> Result<(), WorldError> {
        if let Event::DecisionRecorded { decision } = &recorded.event
            && let Some(promotion) = self.wanted.get(&recorded.number)
        {
            let facts = Facts {
                now: decision.at,
                actor: Actor::gateline(),
            };
            let now = judge(&self.world, promotion, &self.of, &self.new, &facts, run);
            self.found.push(Previewed {
                promotion: promotion.clone(),
                then: Decision::clone(decision),
                now: now.map_err(|rejection| rejection.says),
            });
        }
        self.world.fold(recorded)
    }

    /// What it found, the latest promotion first.
    pub fn finish(mut self) -> Vec<Previewed> {
        self.found.reverse();
        self.found
    }
}

/// Judges a promotion as if the version were in force.
fn judge(
    world: &World,
    promotion: &PromotionId,
    of: &ProjectName,
    new: &NewVersion,
    facts: &Facts,
    run: &mut RunModule<'_>,
) -> Result<Decision, Rejection> {
    let before = Draft::new(world, facts);
    let promotion = before.open_promotion(promotion)?;
    let judged_then = judge_entry(&before, &promotion)?;
    let project = before.project(of).unwrap_or_default();
    let draft = Draft::suppose(world, facts, of.clone(), with(&project, new));
    let mut supposed = Promotion::clone(&promotion);
    if let NewVersion::Pipeline { pipeline, .. } = new {
        supposed.pipeline = pipeline.version();
    }
    run_modules(&draft, &mut supposed, facts, run)?;
    let judged = judge_entry(&draft, &supposed)?;
    if !carry_answers(&mut supposed, &judged_then, &judged) {
        return Ok(judged.decision);
    }
    Ok(judge_entry(&draft, &supposed)?.decision)
}

/// The project with the version in force.
fn with(project: &Project, new: &NewVersion) -> Project {
    let mut supposed = project.clone();
    match new {
        NewVersion::Pipeline { pipeline, .. } => {
            let version = pipeline.version();
            supposed.in_force.insert(pipeline.name.clone(), version);
            supposed.versions.insert(version, pipeline.clone());
        }
        NewVersion::Policy { name, module } => {
            supposed.policies.insert(name.clone(), *module);
        }
        NewVersion::Calendar { name, calendar } => {
            supposed.calendars.insert(name.clone(), calendar.clone());
        }
        NewVersion::Notifications { notifications, .. } => {
            supposed.notifications = Some(notifications.clone());
        }
        NewVersion::Roles { roles, .. } => supposed.roles = Some(roles.clone()),
    }
    supposed
}

/// Has the policy modules of the stage's gates run on what was known then, where that was not done with the same already.
fn run_modules(
    draft: &Draft<'_>,
    promotion: &mut Promotion,
    facts: &Facts,
    run: &mut RunModule<'_>,
) -> Result<(), Rejection> {
    let stage = crate::decision::pinned(draft, promotion)?.stage;
    for gate in stage.gates.iter().filter(|gate| gate.kind == policy::KIND.name) {
        let Some(order) = policy::order_in(draft, promotion, gate) else {
            continue;
        };
        let Some(check) = policy::check_in(draft, promotion, gate) else {
            continue;
        };
        let key = (CheckOf::Entry, gate.name.clone());
        let ran = promotion
            .checks
            .get(&key)
            .filter(|checked| checked.check == check)
            .and_then(|checked| reading(&checked.evidence));
        if ran.is_some_and(|ran| ran.module == order.module && ran.basis == order.basis) {
            continue;
        }
        let found = match run(&order, facts.now) {
            Ok(reading) => Found::Facts {
                facts: EvidenceFacts::Reading(Reading::Policy(reading)),
            },
            Err(reason) => Found::Errored {
                reason,
                of: None,
                from: Vec::new(),
            },
        };
        let evidence = Evidence {
            artifacts: Vec::new(),
            stage: Some(stage.name.clone()),
            name: Some(gate.name.to_string()),
            found,
            raw: None,
            format: "check".to_owned(),
            warnings: Vec::new(),
            by: facts.actor.id.clone(),
            at: facts.now,
        };
        let checked = Checked {
            id: evidence.id(),
            check,
            evidence: Arc::new(evidence),
            at: facts.now,
        };
        promotion.checks.insert(key, checked);
    }
    Ok(())
}

fn reading(evidence: &Evidence) -> Option<&PolicyReading> {
    match &evidence.found {
        Found::Facts {
            facts: EvidenceFacts::Reading(Reading::Policy(reading)),
        } => Some(reading),
        Found::Facts { .. } | Found::Errored { .. } => None,
    }
}

/// Lets who said yes or no then say the same to the new version, where it asks the same people. Whether anybody does.
fn carry_answers(promotion: &mut Promotion, then: &Judged, now: &Judged) -> bool {
    let (Ok(Some(then)), Ok(Some(now))) = (&then.approvals, &now.approvals) else {
        return false;
    };
    let mut carried = false;
    let mut carry = |answer: &mut Approval| {
        let was = then.layers.iter().find(|layer| layer.question == answer.question);
        let is = was.and_then(|was| now.layers.iter().find(|layer| layer.layer.from == was.layer.from));
        if let Some(is) = is {
            answer.question = is.question;
            answer.shown = is.shown.clone();
            carried = true;
        }
    };
    promotion.approvals.iter_mut().for_each(&mut carry);
    promotion
        .refusals
        .iter_mut()
        .for_each(|(_, answer)| carry(answer));
    carried
}
