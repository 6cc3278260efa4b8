//! The summary: what somebody who is asked sees, made from the recorded decision and the people of this moment.

mod plan;

use gateline_model::{
    Act, Ahead, Brings, Change, ChangeText, Decision, GateNow, GateStands, GateVerdict, LayerSays,
    PromotionId, PromotionKind, Recommended, Risk, Stage, Summary, Told, Verdict,
};
use jiff::Timestamp;

use self::plan::told_by_rules;
use crate::approvals::{Approvals, LayerNow, Stands};
use crate::command::{Actor, Facts};
use crate::decision::{Judged, judge_entry};
use crate::draft::Draft;
use crate::state::{Phase, Promotion, ReleaseState, StageState};
use crate::world::World;

/// Artifacts that are named where they differ.
const ARTIFACTS_NAMED_MAX: usize = 4;

/// The summary of a promotion that is held; `None` where it is not. `text` is the erasable part of the release.
pub fn summary(world: &World, id: &PromotionId, text: Option<ChangeText>, now: Timestamp) -> Option<Summary> {
    let promotion = world
        .promotion(id)
        .filter(|promotion| promotion.phase == Phase::Held)?;
    let facts = Facts {
        now,
        actor: Actor::gateline(),
    };
    let draft = Draft::new(world, &facts);
    let judged = judge_entry(&draft, promotion).ok()?;
    let decision = promotion.decision.as_deref().unwrap_or(&judged.decision);
    let here = draft.stage(&id.stage);
    let live = here.live.as_ref().and_then(|live| draft.release(&live.release));
    let of = Of {
        promotion,
        decision,
        judged: &judged,
        here: &here,
        live: live.as_deref(),
    };
    let asking = judged.approvals.as_ref().ok().and_then(Option::as_ref);
    let gates = of.gates();
    let layers = asking.map(|approvals| &approvals.layers[..]).unwrap_or_default();
    let asked_now = decision.verdicts.iter().any(GateVerdict::is_asking);
    Some(Summary {
        promotion: id.clone(),
        version: decision.version.clone(),
        kind: promotion.kind,
        question: decision.question,
        code: decision.code(),
        brings: of.brings(text),
        risk: decision.assessment.clone(),
        recommended: of.recommended(asking, &gates),
        gates,
        ahead: of.ahead(),
        asked: layers.iter().map(layer_says).collect(),
        refusals: asking.map(refusals).unwrap_or_default(),
        answer_by: layers
            .iter()
            .filter(|layer| asked_now && layer.stands == Stands::Open)
            .filter_map(|layer| layer.deadline(now))
            .min(),
        expires_at: judged.stage.expires.after(promotion.requested_at),
        told: layers
            .iter()
            .flat_map(|layer| told(layer, asking, asked_now))
            .chain(told_by_rules(&draft, &judged, promotion))
            .collect(),
    })
}

/// What a summary is made from.
struct Of<'a> {
    promotion: &'a Promotion,
    decision: &'a Decision,
    judged: &'a Judged,
    here: &'a StageState,
    /// The release that is live here, where there is one.
    live: Option<&'a ReleaseState>,
}

impl Of<'_> {
    fn change(&self) -> &Change {
        &self.judged.release.release.change
    }

    fn brings(&self, text: Option<ChangeText>) -> Brings {
        let change = self.change();
        let mut kind = change.kind.word().replace('_', " ");
        for (set, word) in [
            (change.breaking, "breaking"),
            (change.irreversible, "irreversible"),
        ] {
            if set {
                kind.push_str(&format!(", {word}"));
            }
        }
        let live = self.here.live.as_ref();
        Brings {
            kind,
            live: live.map(|live| live.version.clone()),
            live_since: live.map(|live| live.since),
            differs: self.differs(),
            tickets: change.tickets.clone(),
            text,
        }
    }

    /// What is different from the live release: how far away it is, which artifacts, how much was touched.
    fn differs(&self) -> String {
        let (change, release) = (self.change(), &self.judged.release);
        let mut parts = Vec::new();
        if let Some(live) = self.live {
            parts.push(match release.number.checked_sub(live.number) {
                Some(0 | 1) => "the next release".to_owned(),
                Some(more) => format!("{more} releases later"),
                None => format!("{} releases earlier", live.number - release.number),
            });
            let old = &live.release.artifacts;
            let new = &release.release.artifacts;
            let changed: Vec<&str> = new
                .iter()
                .filter(|artifact| !old.contains(artifact))
                .map(|artifact| artifact.name.as_str())
                .collect();
            parts.push(match changed.len() {
                0 => "the same artifacts".to_owned(),
                1..=ARTIFACTS_NAMED_MAX => format!("other bytes of {}", changed.join(", ")),
                many => format!("other bytes of {many} artifacts"),
            });
        }
        if !change.paths.is_empty() {
            let many = change.paths.len();
            parts.push(format!("{many} path{} touched", if many == 1 { "" } else { "s" }));
        }
        if let Some(lines) = change.lines_changed {
            parts.push(format!("{lines} lines changed"));
        }
        if let Some(range) = change.source.as_ref().and_then(|source| source.range.as_ref()) {
            parts.push(format!("commits {range}"));
        }
        parts.join(", ")
    }

    /// All gates but the question itself, exceptions first.
    fn gates(&self) -> Vec<GateNow> {
        let others = self
            .decision
            .verdicts
            .iter()
            .filter(|gate| gate.kind != "approval");
        let mut gates: Vec<GateNow> = others
            .map(|gate| GateNow {
                gate: gate.gate.clone(),
                stands: stands(gate),
                says: gate.says.clone(),
            })
            .collect();
        gates.sort_by_key(|gate| gate.stands);
        gates
    }

    fn ahead(&self) -> Ahead {
        let forward = self.promotion.kind == PromotionKind::Forward;
        let stage = &self.judged.stage;
        let strategy = stage.rollout_at(self.decision.risk);
        let instances = stage.target.instances();
        let forecast = strategy.forecast(instances);
        let (rollout, forecast) = match (forward, &self.live, forecast) {
            (true, Some(_), forecast) => (strategy.says(instances), forecast),
            (true, None, Some(_)) => ("all at once: nothing is live to compare with".to_owned(), None),
            (_, _, None) => (strategy.says(instances), None),
            (false, _, Some(_)) => ("all at once".to_owned(), None),
        };
        Ahead {
            rollout: format!("{rollout}{}", verified(stage)),
            rollback: self.rollback(),
            forecast,
        }
    }

    fn rollback(&self) -> String {
        let version = &self.decision.version;
        if self.change().irreversible {
            return format!(
                "{version} is never taken back by itself: the rollout pauses and a person decides"
            );
        }
        if self.promotion.kind == PromotionKind::Rollback {
            return "a rollback is never rolled back: it stops and a person is called".to_owned();
        }
        match &self.here.live {
            Some(live) => format!("if it goes wrong, traffic returns to {} by itself", live.version),
            None => {
                "if it goes wrong, the target is left without a release: nothing was live before".to_owned()
            }
        }
    }

    fn recommended(&self, asking: Option<&Approvals>, gates: &[GateNow]) -> Recommended {
        let recommended = |act, because: String| Recommended { act, because };
        let Some(asking) = asking else {
            return recommended(Act::Nothing, "nobody is asked here".to_owned());
        };
        let gate = self.decision.verdicts.iter().find(|gate| gate.kind == "approval");
        match gate.map(|gate| gate.code.as_str()) {
            Some("approval.not_asked") => {
                let first = gates
                    .iter()
                    .find(|gate| matches!(gate.stands, GateStands::Refused | GateStands::Waiting));
                let why = first.map_or_else(String::new, |gate| format!(": {} {}", gate.gate, gate.says));
                return recommended(
                    Act::Wait,
                    format!("people are asked after the gates in front{why}"),
                );
            }
            Some("approval.given") => {
                return recommended(Act::Nothing, "everybody who is asked has answered".to_owned());
            }
            Some("approval.expired" | "approval.too_few_layers") => {
                let says = gate.map(|gate| gate.says.clone()).unwrap_or_default();
                return recommended(Act::Nothing, says);
            }
            Some(_) | None => {}
        }
        if let Some((no, answer)) = asking.standing_no() {
            let last = last_word(asking);
            return recommended(Act::Look, format!("{} {}; {last}", no.words(), answer.by));
        }
        let why = self.worth_a_look(gates);
        if why.is_empty() {
            let level = self.decision.risk.word();
            let back = match &self.here.live {
                Some(live) => format!("it can go back to {} by itself", live.version),
                None => "nothing is replaced".to_owned(),
            };
            let closed: Vec<&str> = gates
                .iter()
                .filter(|gate| gate.stands != GateStands::Satisfied)
                .map(|gate| gate.gate.as_str())
                .collect();
            let satisfied = match closed.is_empty() {
                true => "every gate is satisfied without exception".to_owned(),
                false => format!(
                    "every gate in front is satisfied without exception, it goes in when {} lets it",
                    closed.join(" and ")
                ),
            };
            return recommended(
                Act::Approve,
                format!("{satisfied}, the risk is {level}, and {back}"),
            );
        }
        recommended(Act::Look, why.join("; "))
    }

    /// What an approver should look at before an answer.
    fn worth_a_look(&self, gates: &[GateNow]) -> Vec<String> {
        let mut why = Vec::new();
        // A closed window only says when it would go in.
        let calendar = |gate: &GateNow| {
            let verdicts = &self.decision.verdicts;
            let gate = verdicts.iter().find(|verdict| verdict.gate == gate.gate);
            gate.is_some_and(|gate| matches!(gate.kind.as_str(), "window" | "freeze"))
        };
        let exceptional: Vec<String> = gates
            .iter()
            .filter(|gate| gate.stands != GateStands::Satisfied && !calendar(gate))
            .map(|gate| format!("{} ({})", gate.gate, gate.stands.word()))
            .collect();
        if !exceptional.is_empty() {
            why.push(exceptional.join(", "));
        }
        match self.decision.risk {
            Risk::Low | Risk::Medium => {}
            Risk::High | Risk::Critical => why.push(format!("the risk is {}", self.decision.risk.word())),
        }
        let unknown: Vec<&str> = self
            .decision
            .assessment
            .unknown()
            .map(|factor| factor.factor.as_str())
            .collect();
        if !unknown.is_empty() {
            why.push(format!("not known: {}", unknown.join(", ")));
        }
        if self.change().irreversible {
            why.push("it cannot be taken back".to_owned());
        }
        why
    }
}

fn stands(gate: &GateVerdict) -> GateStands {
    match (gate.verdict, &gate.overridden) {
        (Verdict::Satisfied, _) if gate.waivers.is_empty() => GateStands::Satisfied,
        (Verdict::Satisfied, _) => GateStands::Waived,
        (Verdict::Waiting | Verdict::Refused, Some(_)) => GateStands::Overridden,
        (Verdict::Waiting | Verdict::Refused, None) if !gate.mode.is_enforce() => GateStands::Advises,
        (Verdict::Waiting, None) => GateStands::Waiting,
        (Verdict::Refused, None) => GateStands::Refused,
    }
}

fn verified(stage: &Stage) -> String {
    if stage.verify.is_empty() {
        return String::new();
    }
    let checks: Vec<&str> = stage.verify.iter().map(|gate| gate.name.as_str()).collect();
    format!("; then {} within {}", checks.join(", "), stage.verify_within)
}

fn layer_says(layer: &LayerNow) -> LayerSays {
    LayerSays {
        now: layer.stands == Stands::Open,
        complete: layer.stands == Stands::Complete,
        says: layer.says(),
    }
}

/// The answers of no, each with who has the last word over it.
fn refusals(approvals: &Approvals) -> Vec<String> {
    let last = last_word(approvals);
    let refusals = approvals.refusals.iter();
    refusals
        .map(|(no, answer)| format!("{} {} for {}; {last}", no.words(), answer.by, answer.from))
        .collect()
}

/// Who decides where answers differ.
fn last_word(approvals: &Approvals) -> String {
    match (&approvals.decided_by, &approvals.rule.authority) {
        (Some(decided), _) => format!("{} decided otherwise", decided.by),
        (None, Some(authority)) => format!("{authority} decides where answers differ"),
        (None, None) => "it stands until it is taken back".to_owned(),
    }
}

/// Who is told of a layer's question, and when, as the stage declares it.
fn told(layer: &LayerNow, asking: Option<&Approvals>, asked_now: bool) -> Vec<Told> {
    let told = |when: String, who: String| Told { when, who };
    let declared = &layer.layer;
    let mut all = match layer.stands {
        Stands::Open if !asked_now => vec![told(
            "when the gates in front are satisfied".to_owned(),
            layer.from.to_string(),
        )],
        Stands::Open => vec![told("now".to_owned(), layer.from.to_string())],
        Stands::Later => vec![told(
            "when the layers before are complete".to_owned(),
            declared.from.to_string(),
        )],
        Stands::Complete | Stands::Expired => return Vec::new(),
    };
    if let Some(every) = declared.remind {
        all.push(told(
            format!("every {every} until it is answered"),
            declared.from.to_string(),
        ));
    }
    if let Some(after) = declared
        .sla
        .filter(|_| !declared.escalate.is_empty() && !layer.is_escalated())
    {
        all.push(told(
            format!("after {after} without an answer"),
            declared.escalate.to_string(),
        ));
    }
    if let Some(authority) = asking.and_then(|asking| asking.rule.authority.as_ref()) {
        all.push(told("when answers differ".to_owned(), authority.to_string()));
    }
    all
}
