//! The outside: targets, traffic, checks and health, as drivers would meet them.
//!
//! A target tells the truth when it is observed, not always when it took an order, and changes only for whoever observed it last (compare and set).
//! Knows no engine and no log.

use std::collections::{BTreeMap, VecDeque};

use gateline_core::planted::{Planted, is};
use gateline_core::{NoiseOrder, StepOutcome};
use gateline_model::{
    ActorId, Arm, Artifact, AttestationFacts, ChannelName, Check, CheckOrder, Cohort, Delivered, Digest,
    GateName, GroupName, Health, Letter, PolicyReading, PolicyReason, Reading, Span, StageName, Statement,
    StepAction, StepOrder, TargetName, TargetView, Tick, Version,
};
use jiff::Timestamp;

use crate::traffic::{Load, Served};

/// Everything that drivers speak to.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    targets: BTreeMap<TargetName, SimTarget>,
    /// What a release's traffic looks like; others have the default.
    pub loads: BTreeMap<Version, Load>,
    /// Requests per second at each target.
    pub rps: u64,
    /// Why nobody can count the traffic, where nobody can.
    pub uncounted: Option<String>,
    /// What the check of a gate answers; others pass.
    pub answers: BTreeMap<GateName, Answer>,
    /// Health of a stage's live release; others are healthy.
    pub health: BTreeMap<StageName, Health>,
    /// What the targets of a stage do with their next steps instead of applying them.
    pub tricks: BTreeMap<StageName, VecDeque<Trick>>,
    /// Channels that take nothing, and what they say instead.
    pub channels: BTreeMap<ChannelName, String>,
    /// Whom the source of a team names as on call, or why it cannot be read; others name nobody.
    pub on_call: BTreeMap<GroupName, Result<Vec<ActorId>, String>>,
    /// Letters that channels took, by name: how often, and how many notices.
    pub letters: BTreeMap<String, (u32, usize)>,
    /// Operations that were applied more than once: there must be none.
    pub twice: Vec<String>,
}

/// What a check sees.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub status: Option<u16>,
    pub latency_ms: Option<u64>,
    pub value: Option<f64>,
    pub exit_code: Option<i32>,
    pub errored: Option<String>,
    /// How often its metric was over every limit before the release was live.
    pub noise: i64,
    /// What it sees, as JSON: statements, in which `{NAME}` stands for the digest of an artifact, or what a policy module says.
    pub body: Option<String>,
}

/// What a target does with a step instead of applying it and saying so.
#[derive(Debug, Clone)]
pub(crate) enum Trick {
    /// It refuses; nothing is half-done.
    Fail(String),
    /// It does nothing and nobody can tell.
    Unknown(String),
    /// It applies the step, but the answer is lost.
    AppliedButUnknown(String),
    /// It says that it applied the step, and did nothing.
    Lie,
}

#[derive(Debug, Default)]
struct SimTarget {
    /// Raised by each change. Who observed an older one may not change it.
    revision: u64,
    /// Operations that are true: promotion and step.
    applied: BTreeMap<String, u32>,
    live: Option<Version>,
    canary: Option<Version>,
    weight: u8,
    /// Share of the requests that the canary gets a copy of.
    mirrored: u8,
    served: BTreeMap<Version, Served>,
    served_until: Option<Timestamp>,
}

/// What an observation of a step says.
pub(crate) enum Seen {
    Applied,
    /// Not applied, at this revision.
    NotApplied(u64),
}

impl Outside {
    pub(crate) fn new(rps: u64) -> Self {
        Self {
            rps,
            ..Self::default()
        }
    }

    /// Whether a step is true.
    pub(crate) fn observe(&mut self, order: &StepOrder) -> Seen {
        let target = self.targets.entry(order.target_name.clone()).or_default();
        if is(Planted::BlindRepeat) {
            return Seen::NotApplied(target.revision);
        }
        if target.applied.contains_key(operation(&order.key)) {
            Seen::Applied
        } else {
            Seen::NotApplied(target.revision)
        }
    }

    /// Whether a step of a promotion was ever made true, by its operation: what a person would see who goes and looks.
    pub(crate) fn is_true(&self, operation: &str) -> bool {
        let mut targets = self.targets.values();
        targets.any(|target| target.applied.contains_key(operation))
    }

    /// Makes a step true for whoever saw this revision.
    pub(crate) fn apply(&mut self, now: Timestamp, order: &StepOrder, seen: u64) -> StepOutcome {
        self.serve(now, &order.target_name);
        let trick = self
            .tricks
            .get_mut(&order.stage.stage)
            .and_then(VecDeque::pop_front);
        match &trick {
            Some(Trick::Fail(why)) => return StepOutcome::Failed(why.clone()),
            Some(Trick::Unknown(why)) => return StepOutcome::Unknown(why.clone()),
            Some(Trick::Lie) => return StepOutcome::Applied,
            Some(Trick::AppliedButUnknown(_)) | None => {}
        }
        let target = self.targets.entry(order.target_name.clone()).or_default();
        if target.revision != seen {
            return StepOutcome::Unknown("somebody else changed the target meanwhile".to_owned());
        }
        target.change(order);
        let times = target
            .applied
            .entry(operation(&order.key).to_owned())
            .or_default();
        *times += 1;
        if *times > 1 {
            self.twice.push(order.key.clone());
        }
        match trick {
            Some(Trick::AppliedButUnknown(why)) => StepOutcome::Unknown(why),
            Some(Trick::Fail(_) | Trick::Unknown(_) | Trick::Lie) | None => StepOutcome::Applied,
        }
    }

    /// Lets traffic flow up to this moment.
    fn serve(&mut self, now: Timestamp, name: &TargetName) {
        let Some(target) = self.targets.get_mut(name) else {
            return;
        };
        let since = target
            .served_until
            .replace(target.served_until.map_or(now, |until| until.max(now)));
        let millis = since.map_or(0, |since| {
            (now.as_millisecond() - since.as_millisecond())
                .max(0)
                .unsigned_abs()
        });
        let arms = [
            (&target.canary, target.weight.max(target.mirrored)),
            (&target.live, 100 - target.weight),
        ];
        for (version, weight) in arms {
            if let Some(version) = version {
                let load = self.loads.get(version).copied().unwrap_or_default();
                let served = target.served.entry(version.clone()).or_default();
                served.add(&load, self.rps * u64::from(weight) * millis);
            }
        }
    }

    /// Counts of both arms.
    pub(crate) fn measure(&mut self, now: Timestamp, view: &TargetView) -> Result<Vec<Tick>, String> {
        self.serve(now, &view.target_name);
        if let Some(why) = &self.uncounted {
            return Err(why.clone());
        }
        let Some(target) = self.targets.get(&view.target_name) else {
            return Ok(Vec::new());
        };
        let tick = |arm, version: &Version, weight| {
            let served = target.served.get(version).cloned().unwrap_or_default();
            served.tick(now, arm, weight)
        };
        let mut ticks = vec![tick(Arm::Canary, &view.release.version, target.weight)];
        if let Some(live) = target.live.as_ref().filter(|live| **live != view.release.version) {
            ticks.push(tick(Arm::Stable, live, 100 - target.weight));
        }
        Ok(ticks)
    }

    /// What the check of a gate sees.
    pub(crate) fn check(&self, gate: &GateName, order: &CheckOrder) -> Result<Reading, String> {
        let answer = self.answers.get(gate).cloned().unwrap_or_default();
        if let Some(why) = answer.errored {
            return Err(why);
        }
        Ok(match &order.check {
            Check::Metric(check) => Reading::Metric {
                value: answer.value.unwrap_or_default(),
                query: check.query.clone(),
                source: "simulated".to_owned(),
            },
            Check::Http(check) => Reading::Http {
                status: answer.status.unwrap_or(200),
                latency_ms: answer.latency_ms.unwrap_or(20),
                body_matched: check.contains.as_ref().map(|_| true),
                url: check.url.clone(),
            },
            Check::Command(_) => Reading::Command {
                exit_code: answer.exit_code.unwrap_or(0),
                seconds: 1.0,
                output_tail: String::new(),
                output_digest: None,
            },
            Check::Attestation(check) => Reading::Attestation {
                keys: Digest::of_json(check),
                reports: Digest::of_json(&order.reports),
                found: AttestationFacts {
                    statements: statements(&answer.body.unwrap_or("[]".to_owned()), order)?,
                },
            },
            Check::Policy(_) => policy(&answer.body.unwrap_or("{}".to_owned()), order)?,
        })
    }

    /// What the metric of a gate answered before: so many looks over the limit, evenly spread, others at zero.
    pub(crate) fn past(&self, gate: &GateName, order: &NoiseOrder) -> Vec<(Timestamp, f64)> {
        let over = self.answers.get(gate).map_or(0, |answer| answer.noise);
        let length = Span::between(order.from, order.until).as_millis();
        let looks = length / order.every.as_millis().max(1);
        let mut at = order.from;
        let mut numbers = Vec::new();
        for look in 0..looks {
            let fires = over > 0 && (look + 1) % (looks / over).max(1) == 0;
            numbers.push((at, if fires { f64::MAX } else { 0.0 }));
            at = order.every.after(at);
        }
        numbers
    }

    /// Takes a letter, unless its channel takes nothing.
    pub(crate) fn deliver(&mut self, letter: &Letter) -> Delivered {
        if let Some(why) = self.channels.get(&letter.to.channel) {
            return Delivered::Later(why.clone(), None);
        }
        let taken = self.letters.entry(letter.id()).or_default();
        *taken = (taken.0 + 1, letter.notices.len());
        Delivered::Sent("taken".to_owned())
    }

    /// Whom the source of a team names as on call.
    pub(crate) fn on_call(&self, team: &GroupName) -> Result<Vec<ActorId>, String> {
        self.on_call.get(team).cloned().unwrap_or(Ok(Vec::new()))
    }

    /// The health of what is live in a stage.
    pub(crate) fn health(&self, stage: &StageName) -> Health {
        self.health.get(stage).copied().unwrap_or(Health::Healthy)
    }
}

impl SimTarget {
    fn change(&mut self, order: &StepOrder) {
        self.revision += 1;
        self.mirrored = match order.action {
            StepAction::Mirror { share } => share.as_percent(),
            _ => 0,
        };
        match order.action {
            StepAction::Start => (self.canary, self.weight) = (Some(order.release.version.clone()), 0),
            // So many of everybody's requests come from people of a cohort.
            StepAction::Expose { weight, cohort } => {
                let people = match cohort {
                    None => 0,
                    Some(Cohort::Internal) => 1,
                    Some(Cohort::Trusted) => 5,
                };
                self.weight = weight.as_percent().max(people);
            }
            StepAction::Finish => (self.live, self.canary, self.weight) = (self.canary.take(), None, 0),
            StepAction::Withdraw => self.weight = 0,
            StepAction::Discard => self.canary = None,
            StepAction::Replace { .. } => {
                self.canary = Some(order.release.version.clone());
                self.weight = order.action.weight().map_or(0, |weight| weight.as_percent());
            }
            StepAction::Stop => self.live = None,
            StepAction::Mirror { .. } | StepAction::Degrade => {}
        }
    }
}

/// The statements, about the artifacts that are looked at.
fn statements(text: &str, order: &CheckOrder) -> Result<Vec<Statement>, String> {
    let fill = |text: String, artifact: &Artifact| {
        let name = format!("{{{}}}", artifact.name);
        text.replace(&name, &artifact.at.digest().to_string())
    };
    let text = order.artifacts.iter().fold(text.to_owned(), fill);
    serde_json::from_str(&text).map_err(|err| format!("the scenario's statements cannot be read: {err}"))
}

/// A run on just what was handed out. Rules are not run here: the scenario tells `denied` and `warned`.
fn policy(text: &str, order: &CheckOrder) -> Result<Reading, String> {
    let ran: serde_json::Value = serde_json::from_str(text)
        .map_err(|err| format!("the scenario's run of a policy module cannot be read: {err}"))?;
    let policy = order
        .policy
        .as_ref()
        .ok_or("nothing is known that it could be run on")?;
    let reasons = |list: &str, rule: &str| -> Vec<PolicyReason> {
        let messages = ran[list].as_array().into_iter().flatten();
        messages
            .filter_map(|message| {
                Some(PolicyReason {
                    package: "main".to_owned(),
                    rule: rule.to_owned(),
                    message: message.as_str()?.to_owned(),
                    effective_on: None,
                })
            })
            .collect()
    };
    let (denied, warned) = (reasons("denied", "deny"), reasons("warned", "warn"));
    Ok(Reading::Policy(PolicyReading {
        module: policy.module,
        basis: policy.basis,
        input: Digest::of_json(&policy.input),
        rules: 2,
        factors: match &ran["factors"] {
            serde_json::Value::Null => Vec::new(),
            factors => serde_json::from_value(factors.clone())
                .map_err(|err| format!("the scenario's risk factors cannot be read: {err}"))?,
        },
        denials: denied.len() as u64,
        denied,
        warnings: warned.len() as u64,
        warned,
        until: None,
    }))
}

/// Promotion and step of an idempotency key: what must not be applied twice, whatever the attempt.
pub(crate) fn operation(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(operation, _)| operation)
}
