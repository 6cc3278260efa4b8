//! Approvals: who is asked now, who answered, and which answers still count. Computed anew each time, from the answers
//! in the log and the people of this moment.

use std::collections::{BTreeMap, BTreeSet};

use gateline_model::{
    ActorId, Approval, ApprovalRule, Asked, Digest, GateVerdict, GroupName, Layer, No, OnExpire, Parts, Who,
    WindowName,
};
use jiff::Timestamp;
use serde_json::json;

use crate::decide::revoked_key;
use crate::gates::{self, FROZEN, GateView, approval_rule};
use crate::people::People;
use crate::state::{Promotion, ReleaseState};

/// A rule as it stands now, layer by layer.
pub(crate) struct Approvals {
    pub rule: ApprovalRule,
    pub layers: Vec<LayerNow>,
    /// Answers of no that count, with what they ask for.
    pub refusals: Vec<(No, Approval)>,
    /// The yes of the final authority, which stands against every no.
    pub decided_by: Option<Approval>,
    /// When a verdict changes by itself: the time to answer runs out, or an answer ends.
    pub until: Option<Timestamp>,
    /// When to look again at the latest, although no verdict changes: a reminder, a rota that changes hands.
    pub wakes_at: Option<Timestamp>,
}

/// One layer as it stands now.
pub(crate) struct LayerNow {
    pub index: u32,
    pub layer: Layer,
    /// What its people are asked.
    pub question: Digest,
    /// What it is made of.
    pub shown: Parts,
    /// How many must say yes.
    pub needed: usize,
    /// How many are known who may.
    pub known: usize,
    /// Of which teams it could not be found out who is on call, and why, as sentences.
    pub unknown: Vec<String>,
    /// The answers of yes that count.
    pub given: Vec<Approval>,
    /// The teams that own touched paths and of which nobody has said yes, where owners are asked.
    pub unanswered: Vec<GroupName>,
    /// Answers of yes that would count if the key that signed them had not been revoked.
    pub lost: Vec<(ActorId, String)>,
    /// Since when they are asked; none where nobody was asked this yet.
    pub asked_at: Option<Timestamp>,
    /// When they are reminded next; none where nobody is.
    pub remind_at: Option<Timestamp>,
    /// Whether it was told that those under `escalate` may answer.
    pub escalation_told: bool,
    /// Who may answer now.
    pub from: Asked,
    /// Whether so many are needed that those who may answer are too few.
    pub out_of_reach: bool,
    pub stands: Stands,
}

/// Where a layer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    /// Enough people said yes.
    Complete,
    /// It is asked.
    Open,
    /// Nobody answered in time.
    Expired,
    /// A layer before it is not complete.
    Later,
}

/// What people are asked, as the gates in front of them stand.
pub(crate) struct Question<'a> {
    /// What it is made of.
    pub parts: Parts,
    /// The approval rule that applies, if any; an error when that could not be found out.
    pub rule: Result<Option<&'a ApprovalRule>, String>,
    /// Who is asked and who answered; `None` where nobody is asked.
    pub approvals: Option<Approvals>,
}

/// The question that follows from the verdicts of the gates in front.
pub(crate) fn question<'a>(view: &GateView<'a>, in_front: &[GateVerdict]) -> Question<'a> {
    let parts = parts(view, in_front);
    let rule = approval_rule(view);
    let asking = rule
        .as_ref()
        .ok()
        .copied()
        .flatten()
        .filter(|rule| !rule.automatic);
    let approvals = asking.map(|rule| approvals(view, rule, &parts));
    Question {
        parts,
        rule,
        approvals,
    }
}

/// What an approver is shown, part by part. Numbers that move are no part of it.
fn parts(view: &GateView<'_>, in_front: &[GateVerdict]) -> Parts {
    let live = view
        .draft
        .stage(view.stage_ref)
        .live
        .as_ref()
        .map(|live| live.release);
    let fixed = [
        ("release", Digest::of_json(&view.release.id)),
        ("stage", Digest::of_json(view.stage)),
        ("risk", Digest::of_json(&view.risk)),
        ("live", Digest::of_json(&live)),
        ("promotion", Digest::of_json(&view.promotion.id)),
    ];
    let gates = in_front.iter().map(|gate| {
        // The evidence of live checks and of soak changes with each look; that of reports is what was read.
        let steady = gate.check_due.is_none() && !gate.code.starts_with("check.");
        let evidence = if steady { &gate.evidence[..] } else { &[] };
        let overridden = gate.overridden.is_some();
        let declared = view
            .stage
            .gates
            .iter()
            .find(|declared| declared.name == gate.gate);
        let check = declared.and_then(|declared| gates::observed(declared, view.risk));
        let check = check.map(|observes| observes.digest());
        let seen = (gate.verdict, evidence, overridden, &gate.waivers, check);
        (gate_part(gate.gate.as_str()), Digest::of_json(&seen))
    });
    // Points, not values: what moves within a step weighs the same.
    let mut weighed: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for part in view
        .assessment
        .into_iter()
        .flat_map(|assessment| &assessment.factors)
    {
        let seen = (part.points, part.is_unknown());
        let name = format!("risk {} ({})", part.factor, part.of.word());
        weighed.entry(name).or_default().push(seen);
    }
    let factors = weighed
        .into_iter()
        .map(|(name, seen)| (name, Digest::of_json(&seen)));
    let modules = crate::gates::policy::modules_in_force(view);
    let policies = (!modules.is_empty()).then(|| ("policies", Digest::of_json(&modules)));
    fixed
        .into_iter()
        .chain(policies)
        .map(|(name, digest)| (name.to_owned(), digest))
        .chain(factors)
        .chain(windows(view))
        .chain(gates)
        .collect()
}

/// The windows that people were shown: another definition under the same name is another question, and so is another
/// version of a calendar that one names.
fn windows(view: &GateView<'_>) -> Vec<(String, Digest)> {
    let scheduled = approval_rule(view).ok().flatten();
    let scheduled = scheduled.and_then(|rule| rule.scheduled.as_ref());
    let named: BTreeSet<_> = view.stage.windows.iter().chain(scheduled).collect();
    if named.is_empty() {
        return Vec::new();
    }
    let project = view.draft.project(&view.stage_ref.project).unwrap_or_default();
    let defined = |name: &WindowName| {
        let window = view.pipeline.windows.get(name);
        let holidays = window.into_iter().flat_map(|window| &window.holidays);
        let calendars: Vec<Option<Digest>> = holidays
            .map(|holiday| project.calendars.get(holiday).map(|calendar| calendar.version()))
            .collect();
        Digest::of_json(&(window, calendars))
    };
    named
        .into_iter()
        .map(|name| (format!("window {name}"), defined(name)))
        .collect()
}

fn gate_part(gate: &str) -> String {
    format!("{GATE_PART}{gate}")
}

/// How the parts that are gates begin.
const GATE_PART: &str = "gate ";

/// The parts that a layer's people look at.
fn concerning(layer: &Layer, parts: &Parts) -> Parts {
    let concerns = |name: &str| match name.strip_prefix(GATE_PART) {
        Some(gate) => {
            layer.concerns.is_empty() || layer.concerns.iter().any(|concerned| concerned.as_str() == gate)
        }
        None => true,
    };
    parts
        .iter()
        .filter(|(name, _)| concerns(name))
        .map(|(name, digest)| (name.clone(), *digest))
        .collect()
}

/// The parts that are not any more what an answer was given to.
pub(crate) fn changed(answer: &Approval, parts: &Parts) -> Vec<String> {
    let shown = answer.shown.iter();
    shown
        .filter(|(name, digest)| parts.get(*name) != Some(digest))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Whether a part is a gate of which nobody knows at present what it says: it is looked at again, or that could not be found out.
pub(crate) fn is_looked_at(part: &str, verdicts: &[GateVerdict]) -> bool {
    let Some(gate) = part.strip_prefix(GATE_PART) else {
        return false;
    };
    let gate = verdicts.iter().find(|verdict| verdict.gate.as_str() == gate);
    let unknown = ["check.first", "check.again", "check.stale", "check.errored"];
    gate.is_some_and(|gate| unknown.contains(&gate.code.as_str()))
}

/// The approvals of a promotion under a rule, as they stand.
fn approvals(view: &GateView<'_>, rule: &ApprovalRule, parts: &Parts) -> Approvals {
    let people = People::read(view.draft, &view.stage_ref.project);
    let asking = Asking {
        view,
        people: &people,
        rule,
    };
    let mut layers: Vec<LayerNow> = Vec::with_capacity(rule.layers.len());
    for (index, layer) in rule.layers.iter().enumerate() {
        let now = asking.layer(index as u32, layer, parts, &layers);
        layers.push(now);
    }
    let (refusals, decided_by) = asking.refusals(&layers);
    let until = asking.until(&layers);
    let wakes_at = asking.wakes_at(&layers);
    Approvals {
        rule: rule.clone(),
        layers,
        refusals,
        decided_by,
        until,
        wakes_at,
    }
}

struct Asking<'a> {
    view: &'a GateView<'a>,
    people: &'a People,
    rule: &'a ApprovalRule,
}

impl Asking<'_> {
    fn layer(&self, index: u32, layer: &Layer, parts: &Parts, earlier: &[LayerNow]) -> LayerNow {
        let view = self.view;
        // Two layers for a breaking change are two people, whatever the layers say.
        let layer = &Layer {
            distinct: layer.distinct || self.needs_two(),
            ..layer.clone()
        };
        let shown = concerning(layer, parts);
        let question = Digest::of_json(&json!({"index": index, "layer": layer, "shown": shown}));
        let asked = view
            .promotion
            .asked
            .iter()
            .find(|asked| asked.question == question);
        // Time in which a freeze kept people from answering is not theirs: they are asked anew afterwards.
        let asked_at = asked.filter(|_| !self.was_frozen()).map(|asked| asked.at);
        let over = |span: Option<gateline_model::Span>| {
            span.zip(asked_at)
                .is_some_and(|(span, at)| span.after(at) <= view.now)
        };
        let too_late = over(layer.expires);
        let mut from = layer.from.clone();
        if too_late && layer.on_expire == OnExpire::Escalate {
            from = layer.escalate.clone();
        } else if over(layer.sla) {
            from.0.extend(layer.escalate.0.iter().cloned());
        }
        // A share is one of all members: that some of them may not answer makes it no smaller.
        let needed = match layer.quorum {
            Some(share) => share.of(self.asked(&layer.from).len()),
            None => layer.count as usize,
        };
        let mut known = self.known(layer, &from);
        let out_of_reach = layer.quorum.is_some() && known < needed;
        if out_of_reach && from == layer.from {
            from.0.extend(layer.escalate.0.iter().cloned());
            known = self.known(layer, &from);
        }
        let given = self.given(layer, question, earlier);
        let unanswered = self.unanswered(layer, &given);
        let answers = self.view.promotion.approvals.iter();
        let lost = answers
            .filter(|answer| answer.question == question)
            .filter_map(|answer| Some((answer.by.clone(), revoked_key(self.people, answer)?)))
            .collect();
        let stands = if given.len() >= needed && unanswered.is_empty() {
            Stands::Complete
        } else if !self.rule.any_order && earlier.iter().any(|before| before.stands != Stands::Complete) {
            Stands::Later
        } else if too_late && layer.on_expire == OnExpire::Reject {
            Stands::Expired
        } else {
            Stands::Open
        };
        let paths = &view.release.release.change.paths;
        let unknown = self
            .people
            .on_call_unknown(&self.people.teams_asked(&from.0, paths));
        LayerNow {
            index,
            layer: layer.clone(),
            question,
            unknown,
            shown,
            needed,
            known,
            given,
            unanswered,
            lost,
            asked_at,
            remind_at: layer
                .remind
                .zip(asked)
                .map(|(span, asked)| span.after(asked.reminded_at.unwrap_or(asked.at))),
            escalation_told: asked.is_some_and(|asked| asked.escalated || asked.from == from),
            from,
            out_of_reach,
            stands,
        }
    }

    /// Whether the change is one into production that breaks something, and no rule says aloud that one person is enough.
    fn needs_two(&self) -> bool {
        let view = self.view;
        view.release.release.change.breaking && view.stage.production && !self.rule.enough_for_breaking
    }

    /// Whether nobody was asked at the last decision, because of a freeze.
    fn was_frozen(&self) -> bool {
        let before = self.view.promotion.decision.iter();
        let mut gates = before.flat_map(|decision| &decision.verdicts);
        gates.any(|gate| gate.code == FROZEN)
    }

    /// How many are known who may answer.
    fn known(&self, layer: &Layer, from: &Asked) -> usize {
        let mut all = self.asked(from);
        all.retain(|actor| self.excluded(layer, actor).is_none());
        all.len()
    }

    /// Everybody who is known to be one of those who are asked.
    fn asked(&self, from: &Asked) -> Vec<ActorId> {
        let paths = &self.view.release.release.change.paths;
        let mut all: Vec<ActorId> = from
            .0
            .iter()
            .flat_map(|who| self.people.asked(who, paths))
            .collect();
        all.sort();
        all.dedup();
        all
    }

    /// The owners of touched paths that nobody answered for: each team answers for its own. Whoever else is asked, by name,
    /// as a team or because it took too long, answers for all.
    fn unanswered(&self, layer: &Layer, given: &[Approval]) -> Vec<GroupName> {
        if !layer.from.0.contains(&Who::Owners) || given.iter().any(|answer| answer.from != Who::Owners) {
            return Vec::new();
        }
        let mut owners = self.people.owners(&self.view.release.release.change.paths);
        owners.retain(|team| !given.iter().any(|answer| self.people.is_in(answer.seat(), team)));
        owners
    }

    /// Why somebody who is asked may not answer all the same.
    fn excluded(&self, layer: &Layer, actor: &ActorId) -> Option<Excluded> {
        excluded(self.view.promotion, self.view.release, layer, actor)
    }

    /// The answers of yes to a layer's question that count now, one for each seat.
    fn given(&self, layer: &Layer, question: Digest, earlier: &[LayerNow]) -> Vec<Approval> {
        let used = |seat: &ActorId| {
            layer.distinct
                && earlier
                    .iter()
                    .flat_map(|before| &before.given)
                    .any(|one| one.seat() == seat || one.by == *seat)
        };
        let mut given: Vec<Approval> = Vec::new();
        for answer in &self.view.promotion.approvals {
            let again = given
                .iter()
                .any(|one| one.seat() == answer.seat() || one.by == answer.by);
            if answer.question == question
                && self.counts(layer, answer)
                && !used(answer.seat())
                && !used(&answer.by)
                && !again
            {
                given.push(answer.clone());
            }
        }
        given
    }

    /// Whether a yes counts now: it holds, and is bound as strongly as is asked.
    fn counts(&self, layer: &Layer, answer: &Approval) -> bool {
        answer.bound.tier >= self.rule.tier_of(layer) && self.holds(layer, answer)
    }

    /// Whether an answer holds now: its actor is still asked, its key not revoked, its time not over, and what was handed on
    /// not ended.
    fn holds(&self, layer: &Layer, answer: &Approval) -> bool {
        let paths = &self.view.release.release.change.paths;
        let named = layer.from.0.contains(&answer.from) || layer.escalate.0.contains(&answer.from);
        let in_time = self
            .rule
            .valid_for
            .is_none_or(|span| self.view.now < span.after(answer.at));
        named
            && in_time
            && revoked_key(self.people, answer).is_none()
            && self.people.still_sits(answer)
            && self.people.is_asked(answer.seat(), &answer.from, paths)
            && self.excluded(layer, answer.seat()).is_none()
            && self.excluded(layer, &answer.by).is_none()
    }

    /// The answers of no that count, and the yes of the final authority that stands against them.
    fn refusals(&self, layers: &[LayerNow]) -> (Vec<(No, Approval)>, Option<Approval>) {
        let of_a_layer = |answer: &Approval| {
            layers.iter().any(|now| {
                let of_authority = self.is_authority(answer);
                // A no lets nothing in, so it counts however it is bound.
                now.question == answer.question
                    && (of_authority || (self.holds(&now.layer, answer) && now.layer.veto))
            })
        };
        let refusals = self
            .view
            .promotion
            .refusals
            .iter()
            .filter(|(_, answer)| of_a_layer(answer))
            .cloned()
            .collect();
        let decided_by = self.view.promotion.approvals.iter().find(|answer| {
            let bound = |now: &LayerNow| {
                now.question == answer.question && answer.bound.tier >= self.rule.tier_of(&now.layer)
            };
            self.is_authority(answer) && layers.iter().any(bound)
        });
        (refusals, decided_by.cloned())
    }

    /// Whether an answer that holds is the final authority's: of one of its members, or of somebody whom one handed just that on.
    fn is_authority(&self, answer: &Approval) -> bool {
        let Some(authority) = &self.rule.authority else {
            return false;
        };
        let own = answer.instead_of.is_none() || answer.from == Who::Team(authority.clone());
        own && self.people.is_in(answer.seat(), authority)
            && self.people.still_sits(answer)
            && revoked_key(self.people, answer).is_none()
    }

    /// When a verdict changes by itself.
    fn until(&self, layers: &[LayerNow]) -> Option<Timestamp> {
        let open = layers.iter().filter(|now| now.stands == Stands::Open);
        let deadlines = open.filter_map(|now| now.deadline(self.view.now));
        let answers = layers.iter().flat_map(|now| &now.given);
        let ends = answers
            .clone()
            .filter_map(|answer| Some(self.rule.valid_for?.after(answer.at)));
        let handed_on = answers.filter_map(|answer| self.people.sits_until(answer));
        deadlines.chain(ends).chain(handed_on).min()
    }

    /// When somebody is to be told something, or others are asked, although nothing else changes.
    fn wakes_at(&self, layers: &[LayerNow]) -> Option<Timestamp> {
        let open = layers.iter().filter(|now| now.stands == Stands::Open);
        // One that is due now is told with this judging, and who is asked now is asked with it: the next follows.
        let reminders = open.filter_map(|now| {
            let next = now.remind_at.filter(|at| *at > self.view.now);
            Some(next.unwrap_or(now.layer.remind?.after(self.view.now)))
        });
        let rotas = layers
            .iter()
            .filter_map(|now| self.people.changes_at(&now.from.0));
        reminders.chain(rotas).min()
    }
}

/// Why somebody who is asked may not answer all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excluded {
    /// The actor asked for the promotion.
    Requester,
    /// The actor registered the release, for which the pipeline asked by itself.
    Registrar,
    /// The actor wrote the change.
    Author,
}

pub(crate) fn excluded(
    promotion: &Promotion,
    release: &ReleaseState,
    layer: &Layer,
    actor: &ActorId,
) -> Option<Excluded> {
    if !layer.requester_may && !promotion.automatic && promotion.requested_by == *actor {
        return Some(Excluded::Requester);
    }
    if !layer.requester_may && promotion.automatic && release.registered_by == *actor {
        return Some(Excluded::Registrar);
    }
    if !layer.authors_may && release.release.change.written_by.contains(actor) {
        return Some(Excluded::Author);
    }
    None
}

impl Approvals {
    /// Whether every layer has what it needs and no answer of no stands.
    pub(crate) fn is_complete(&self) -> bool {
        self.layers.iter().all(|now| now.stands == Stands::Complete) && self.standing_no().is_none()
    }

    /// The no that keeps the release out, unless the final authority decided otherwise. A rejection goes before a wish.
    pub(crate) fn standing_no(&self) -> Option<&(No, Approval)> {
        let authority_said_no = self.refusals.iter().any(|(_, answer)| {
            self.decided_by
                .as_ref()
                .is_some_and(|decided| decided.seat() == answer.seat())
        });
        if self.decided_by.is_some() && !authority_said_no {
            return None;
        }
        let rejection = self.refusals.iter().find(|(no, _)| *no == No::Reject);
        rejection.or(self.refusals.first())
    }

    /// The layers whose people are asked now.
    pub(crate) fn open(&self) -> impl Iterator<Item = &LayerNow> {
        self.layers.iter().filter(|now| now.stands == Stands::Open)
    }
}

impl LayerNow {
    /// How soon it is to be answered, as it is asked: until then, others are asked or it is over.
    pub(crate) fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let at = self.asked_at.unwrap_or(now);
        let spans = [self.layer.sla, self.layer.expires].into_iter().flatten();
        spans.map(|span| span.after(at)).filter(|end| *end > now).min()
    }

    /// One line: how many of how many, who, and what is missing.
    pub(crate) fn says(&self) -> String {
        let who = if self.given.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.who())
        };
        let stands = match self.stands {
            Stands::Complete | Stands::Open => "",
            Stands::Expired => ", not answered in time",
            Stands::Later => ", asked later",
        };
        let lost = self.lost.iter();
        let lost: String = lost
            .map(|(by, key)| format!("; the yes of {by} counts no more, for key {key} was revoked"))
            .collect();
        let unknown: String = match self.stands {
            Stands::Complete => String::new(),
            Stands::Open | Stands::Expired | Stands::Later => {
                self.unknown.iter().map(|why| format!("; {why}")).collect()
            }
        };
        let owners: Vec<&str> = self.unanswered.iter().map(GroupName::as_str).collect();
        let owners = match self.given.is_empty() || owners.is_empty() {
            true => String::new(),
            false => format!(", and nobody yet for the paths of {}", owners.join(" and ")),
        };
        format!(
            "{} of {} from {}{who}{owners}{stands}{lost}{unknown}",
            self.given.len(),
            self.needed,
            self.from
        )
    }

    /// Who said yes, by which right where there are several, and instead of whom.
    pub(crate) fn who(&self) -> String {
        let one = |answer: &Approval| {
            let mut text = answer.by.to_string();
            if self.layer.from.0 != [answer.from.clone()] {
                text.push_str(&format!(" for {}", answer.from));
            }
            if let Some(instead_of) = &answer.instead_of {
                text.push_str(&format!(" instead of {instead_of}"));
            }
            text
        };
        self.given.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// Whether those under `escalate` may answer.
    pub(crate) fn is_escalated(&self) -> bool {
        self.from != self.layer.from
    }

    /// Whom to ask, as words.
    pub(crate) fn asked(&self) -> impl Iterator<Item = &Who> {
        self.from.0.iter()
    }
}
