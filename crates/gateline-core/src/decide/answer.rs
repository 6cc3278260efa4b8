//! Deciding about answers: yes, no, taken back, and asking a named person. Each is bound to what was shown.

use std::sync::Arc;

use gateline_model::{
    ActorId, Answered, Approval, Digest, Event, GateVerdict, No, PromotionId, StreamId, Tier, Who,
};

use super::{held, private, reason, signature};
use crate::approvals::{self, Approvals, Excluded, LayerNow, Stands};
use crate::command::Signed;
use crate::decision::{Judged, judge_entry};
use crate::draft::Draft;
use crate::gates::FROZEN;
use crate::inbox::{MayAnswer, Waiting};
use crate::people::People;
use crate::rejection::Rejection;
use crate::state::Promotion;

/// Most people who are asked by name for one promotion.
const NAMED_MAX: usize = 20;

pub(super) fn approve(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    seen: Option<&Digest>,
    comment: Option<&str>,
    signed: Option<&Signed>,
) -> Result<(), Rejection> {
    let asked = Asked::of(draft, id, seen)?;
    if asked.approvals.is_complete() {
        return Err(Rejection::conflict(
            "approval.complete",
            format!("promotion `{id}` has all its approvals"),
            "nothing needs to be done",
        ));
    }
    asked.not_frozen()?;
    let seat = asked.seat(draft)?;
    let tier = signature::tier(draft, signed)?;
    let asked_here = seat.layer.layer.from.to_string();
    signature::strong_enough(&asked_here, asked.approvals.rule.tier_of(&seat.layer.layer), tier)?;
    let comment = comment.filter(|text| !text.trim().is_empty());
    if seat.layer.layer.comment && comment.is_none() {
        return Err(Rejection::invalid(
            "approval.comment",
            format!("{} answer with a comment", seat.layer.layer.from),
            "say what you looked at, with `--comment`",
        ));
    }
    let approval = asked.answer(draft, &seat, tier, signed);
    let text = private(draft, comment.map(reason).transpose()?);
    signature::used_once(
        draft,
        &asked.promotion.signed,
        &Answered::Promotion(id.clone()),
        signed,
    )?;
    draft.emit_with(
        StreamId::Promotion(id.clone()),
        Event::ApprovalGiven { approval },
        text,
    );
    held::judge(draft, id).map(drop)
}

pub(super) fn refuse(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    no: No,
    seen: Option<&Digest>,
    why: &str,
    signed: Option<&Signed>,
) -> Result<(), Rejection> {
    let why = reason(why)?;
    let asked = Asked::of(draft, id, seen)?;
    let seat = asked.seat_of_no(draft)?;
    // A no lets nothing in, so it counts however it is bound; a signature that comes with it must hold all the same.
    let tier = signature::tier(draft, signed)?;
    signature::used_once(
        draft,
        &asked.promotion.signed,
        &Answered::Promotion(id.clone()),
        signed,
    )?;
    let answer = asked.answer(draft, &seat, tier, signed);
    let text = private(draft, Some(why));
    draft.emit_with(
        StreamId::Promotion(id.clone()),
        Event::ApprovalRefused { no, answer },
        text,
    );
    held::judge(draft, id).map(drop)
}

pub(super) fn withdraw(draft: &mut Draft<'_>, id: &PromotionId, why: &str) -> Result<(), Rejection> {
    let why = reason(why)?;
    let promotion = held::held_promotion(draft, id)?;
    let by = draft.facts.actor.id.clone();
    if !promotion.answers().any(|answer| answer.by == by) {
        return Err(Rejection::conflict(
            "approval.none",
            format!("`{by}` has not answered promotion `{id}`"),
            "nothing needs to be done",
        ));
    }
    let text = private(draft, Some(why));
    draft.emit_with(
        StreamId::Promotion(id.clone()),
        Event::ApprovalWithdrawn { by },
        text,
    );
    held::judge(draft, id).map(drop)
}

pub(super) fn ask_person(draft: &mut Draft<'_>, id: &PromotionId, who: &ActorId) -> Result<(), Rejection> {
    let asked = Asked::of(draft, id, None)?;
    if asked.promotion.named.contains(who) {
        return Ok(());
    }
    if asked.promotion.named.len() >= NAMED_MAX {
        return Err(Rejection::conflict(
            "approval.named_limit",
            format!("{NAMED_MAX} people were asked by name for promotion `{id}` (NAMED_MAX)"),
            "wait for their answers",
        ));
    }
    let people = People::read(draft, &id.stage.project);
    let paths = asked.paths();
    let may_answer = asked
        .approvals
        .layers
        .iter()
        .any(|now| now.stands == Stands::Open && people.seat(who, &now.from.0, paths).is_some());
    if !may_answer {
        return Err(Rejection::conflict(
            "approval.not_asked_them",
            format!("`{who}` is in none of the teams that are asked now, so the answer would not count"),
            "ask somebody who is, or let one of them delegate with `gateline delegate`",
        ));
    }
    let text = private(draft, None);
    draft.emit_with(
        StreamId::Promotion(id.clone()),
        Event::PersonAsked { who: who.clone() },
        text,
    );
    Ok(())
}

/// Which answers of an actor to a promotion would be taken now.
pub(crate) fn may_answer(draft: &Draft<'_>, id: &PromotionId) -> MayAnswer {
    match Asked::of(draft, id, None) {
        Ok(asked) => MayAnswer {
            yes: asked.seat(draft).map(|seat| asked.waiting(draft, seat)),
            no: asked.seat_of_no(draft).is_ok(),
        },
        Err(rejection) => MayAnswer {
            yes: Err(rejection),
            no: false,
        },
    }
}

/// How an actor may say yes to a promotion now.
///
/// # Errors
/// The rejection that the answer would get.
pub(crate) fn may_approve(draft: &Draft<'_>, id: &PromotionId) -> Result<Waiting, Rejection> {
    let asked = Asked::of(draft, id, None)?;
    let seat = asked.seat(draft)?;
    Ok(asked.waiting(draft, seat))
}

/// A held promotion whose people are asked, as it is judged now.
pub(super) struct Asked {
    promotion: Arc<Promotion>,
    pub(super) judged: Judged,
    pub(super) approvals: Approvals,
}

/// Where an actor's answer goes: to which layer, by which right, instead of whom.
pub(super) struct Seat<'a> {
    pub(super) layer: &'a LayerNow,
    from: Who,
    instead_of: Option<ActorId>,
}

impl Asked {
    pub(super) fn of(draft: &Draft<'_>, id: &PromotionId, seen: Option<&Digest>) -> Result<Self, Rejection> {
        let promotion = held::held_promotion(draft, id)?;
        let mut judged = judge_entry(draft, &promotion)?;
        let approvals = std::mem::replace(&mut judged.approvals, Ok(None)).map_err(|why| {
            let says = format!("could not find out who is asked: {why}");
            Rejection::conflict("approval.errored", says, "mend the pipeline")
        })?;
        let Some(approvals) = approvals else {
            return Err(Rejection::conflict(
                "approval.not_needed",
                format!("promotion `{id}` asks nobody"),
                &format!("see what it waits for with `gateline explain {id}`"),
            ));
        };
        let decision = &judged.decision;
        if let Some(seen) = seen.filter(|seen| **seen != decision.question) {
            let says = format!(
                "what you saw ({}) is not what is asked now ({})",
                seen.code(),
                decision.code()
            );
            return Err(Rejection::conflict(
                "approval.stale",
                says,
                "look again and answer what you see",
            ));
        }
        let gate = decision.verdicts.iter().find(|gate| gate.kind == "approval");
        if let Some(gate) = gate.filter(|gate| {
            matches!(
                gate.code.as_str(),
                "approval.not_asked" | "approval.too_few_layers"
            )
        }) {
            return Err(Rejection::conflict(
                "approval.not_asked",
                format!("nobody is asked yet: {}", gate.says),
                "people are asked last, when the gates in front are satisfied",
            ));
        }
        Ok(Self {
            promotion,
            judged,
            approvals,
        })
    }

    /// A yes during a freeze would be to something that cannot go in: what is true then is not known yet.
    fn not_frozen(&self) -> Result<(), Rejection> {
        let mut gates = self.judged.decision.verdicts.iter();
        match gates.find(|gate| gate.code == FROZEN) {
            None => Ok(()),
            Some(gate) => Err(Rejection::conflict(
                FROZEN,
                format!(
                    "a freeze holds stage `{}`: {}",
                    self.promotion.id.stage.stage, gate.says
                ),
                "answer when it is over; you are asked then",
            )),
        }
    }

    /// What waits on an actor who has a seat.
    fn waiting(&self, draft: &Draft<'_>, seat: Seat<'_>) -> Waiting {
        let Seat {
            layer,
            from,
            instead_of,
        } = seat;
        Waiting {
            promotion: self.promotion.id.clone(),
            from,
            instead_of,
            since: layer.asked_at.unwrap_or(draft.facts.now),
            until: layer.deadline(draft.facts.now),
            by_name: self.promotion.named.contains(&draft.facts.actor.id),
            comment: layer.layer.comment,
            signed: self.approvals.rule.tier_of(&layer.layer),
        }
    }

    fn paths(&self) -> &[String] {
        &self.judged.release.release.change.paths
    }

    /// The first layer that is asked now and takes this actor's answer, or the most telling reason why none does.
    pub(super) fn seat(&self, draft: &Draft<'_>) -> Result<Seat<'_>, Rejection> {
        let people = People::read(draft, &self.promotion.id.stage.project);
        let mut why = None;
        let open = self
            .approvals
            .layers
            .iter()
            .filter(|now| now.stands == Stands::Open);
        for layer in open {
            match self.seat_in(draft, &people, layer) {
                Ok(Some(seat)) => return Ok(seat),
                Ok(None) => {}
                Err(rejection) => why = why.or(Some(rejection)),
            }
        }
        // The final authority may answer at any time, to what is asked now or was asked last.
        let actor = &draft.facts.actor.id;
        let last = self.approvals.open().next().or(self.approvals.layers.last());
        if let (Some(team), Some(layer)) = (&self.approvals.rule.authority, last) {
            let instead_of = people.decides_for(actor, team);
            if people.is_in(actor, team) || instead_of.is_some() {
                let instead_of = instead_of.filter(|_| !people.is_in(actor, team));
                for who in [Some(actor), instead_of.as_ref()].into_iter().flatten() {
                    self.not_excluded(layer, who)?;
                }
                return Ok(Seat {
                    layer,
                    from: Who::Team(team.clone()),
                    instead_of,
                });
            }
        }
        Err(why.unwrap_or_else(|| self.not_asked(draft, &people)))
    }

    /// Where an actor's no goes: also to a layer that has its count, and also from somebody who said yes. Whoever finds a
    /// fault is heard until the release is in.
    fn seat_of_no(&self, draft: &Draft<'_>) -> Result<Seat<'_>, Rejection> {
        let people = People::read(draft, &self.promotion.id.stage.project);
        let actor = &draft.facts.actor.id;
        let mut layers: Vec<&LayerNow> = self.approvals.layers.iter().collect();
        layers.retain(|now| matches!(now.stands, Stands::Open | Stands::Complete));
        layers.sort_by_key(|now| now.stands == Stands::Complete);
        for layer in layers {
            for (from, instead_of) in people.seats(actor, &layer.from.0, self.paths()) {
                let mut who = std::iter::once(actor).chain(&instead_of);
                if who.all(|who| self.not_excluded(layer, who).is_ok()) {
                    return Ok(Seat {
                        layer,
                        from,
                        instead_of,
                    });
                }
            }
        }
        self.seat(draft)
    }

    /// Nobody says yes to what they asked for or wrote themselves, unless the layer lets them.
    fn not_excluded(&self, layer: &LayerNow, who: &ActorId) -> Result<(), Rejection> {
        let (code, did) = match approvals::excluded(&self.promotion, &self.judged.release, &layer.layer, who)
        {
            Some(Excluded::Requester) => ("approval.own", "requested this promotion"),
            Some(Excluded::Registrar) => (
                "approval.registrar",
                "registered this release, whose promotion the pipeline requested by itself,",
            ),
            Some(Excluded::Author) => ("approval.author", "wrote this change"),
            None => return Ok(()),
        };
        let says = format!("`{who}` {did} and may not approve it");
        Err(Rejection::forbidden(code, says, "ask somebody else"))
    }

    fn seat_in<'a>(
        &self,
        draft: &Draft<'_>,
        people: &People,
        layer: &'a LayerNow,
    ) -> Result<Option<Seat<'a>>, Rejection> {
        let mut why = None;
        for (from, instead_of) in people.seats(&draft.facts.actor.id, &layer.from.0, self.paths()) {
            match self.may_sit(draft, people, layer, instead_of.as_ref()) {
                Ok(()) => {
                    return Ok(Some(Seat {
                        layer,
                        from,
                        instead_of,
                    }));
                }
                Err(rejection) => why = why.or(Some(rejection)),
            }
        }
        why.map_or(Ok(None), Err)
    }

    /// Whether an actor may answer for a layer, in his own name or instead of somebody.
    fn may_sit(
        &self,
        draft: &Draft<'_>,
        people: &People,
        layer: &LayerNow,
        instead_of: Option<&ActorId>,
    ) -> Result<(), Rejection> {
        let actor = &draft.facts.actor.id;
        let seat = instead_of.unwrap_or(actor);
        for who in [actor, seat] {
            self.not_excluded(layer, who)?;
        }
        let answers = self.promotion.approvals.iter();
        let answers = answers.filter(|answer| signature::revoked_key(people, answer).is_none());
        let mut same = answers.filter(|answer| answer.by == *actor || answer.seat() == seat);
        if same.clone().any(|answer| answer.question == layer.question) {
            return Err(Rejection::conflict(
                "approval.twice",
                format!("`{seat}` has approved this"),
                "one person counts once; to change the answer, take it back with `gateline withdraw`, or say no with `gateline reject`",
            ));
        }
        let earlier = self
            .approvals
            .layers
            .iter()
            .filter(|other| other.index != layer.index);
        let counted = earlier.flat_map(|other| &other.given);
        let mut elsewhere = counted.filter(|answer| answer.by == *actor || answer.seat() == seat);
        if layer.layer.distinct
            && let Some(before) = elsewhere.next()
            && same.next().is_some()
        {
            let who = if before.by == *actor { actor } else { seat };
            return Err(Rejection::forbidden(
                "approval.other_layer",
                format!(
                    "`{who}` has approved for another layer, and {} must be somebody else",
                    layer.layer.from
                ),
                "ask somebody else of them",
            ));
        }
        Ok(())
    }

    fn not_asked(&self, draft: &Draft<'_>, people: &People) -> Rejection {
        let actor = &draft.facts.actor.id;
        let later = |now: &&LayerNow| people.seat(actor, &now.from.0, self.paths()).is_some();
        if let Some(expired) = self
            .approvals
            .layers
            .iter()
            .find(|now| now.stands == Stands::Expired)
        {
            return Rejection::conflict(
                "approval.expired",
                format!("the time to answer is over: {}", expired.says()),
                "request the promotion anew",
            );
        }
        match self.approvals.layers.iter().find(later) {
            Some(layer) if layer.stands == Stands::Complete => Rejection::conflict(
                "approval.layer_complete",
                format!("{} have answered already: {}", layer.layer.from, layer.says()),
                "nothing needs to be done; a no still counts: `gateline reject` or `gateline request-changes`",
            ),
            Some(layer) => Rejection::conflict(
                "approval.later",
                format!(
                    "{} are asked later, when the layers before them are complete",
                    layer.layer.from
                ),
                "wait until you are asked",
            ),
            None => {
                let open: Vec<String> = self.approvals.open().map(|now| now.from.to_string()).collect();
                let all = || {
                    self.approvals
                        .layers
                        .iter()
                        .map(|now| now.from.to_string())
                        .collect()
                };
                let from = if open.is_empty() { all() } else { open };
                let layers = self.approvals.layers.iter();
                let mut unknown: Vec<&String> = layers.flat_map(|now| &now.unknown).collect();
                unknown.sort();
                unknown.dedup();
                let unknown: String = unknown.iter().map(|why| format!("; {why}")).collect();
                Rejection::forbidden(
                    "approval.not_asked_you",
                    format!("`{actor}` is not in {}{unknown}", from.join(" or ")),
                    "ask somebody who is",
                )
            }
        }
    }

    fn answer(&self, draft: &Draft<'_>, seat: &Seat<'_>, tier: Tier, signed: Option<&Signed>) -> Approval {
        Approval {
            by: draft.facts.actor.id.clone(),
            instead_of: seat.instead_of.clone(),
            from: seat.from.clone(),
            question: seat.layer.question,
            shown: seat.layer.shown.clone(),
            bound: signature::bound(tier, signed),
            at: draft.facts.now,
        }
    }
}

/// Voids the answers whose question changed, naming what changed; asks the layers that are to be asked.
pub(super) fn keep_up(draft: &mut Draft<'_>, promotion: &Promotion, judged: &Judged) {
    let stream = StreamId::Promotion(promotion.id.clone());
    let layers: &[LayerNow] = match &judged.approvals {
        Ok(Some(approvals)) => &approvals.layers,
        Ok(None) => &[],
        Err(_) => return,
    };
    let people = People::read(draft, &promotion.id.stage.project);
    // What the last decision locked, this one unlocks by voiding it: that is said.
    let before = promotion.decision.iter().flat_map(|decision| &decision.verdicts);
    let mut locked = before.filter(|gate| gate.code == "approval.locked");
    let locked_until = locked.next().and_then(|gate| gate.until);
    for answer in promotion.answers() {
        let mut stale = layers.iter().all(|now| now.question != answer.question);
        let changed = match stale {
            true => approvals::changed(answer, &judged.parts),
            false => Vec::new(),
        };
        // While nobody knows what a gate says, nobody knows whether it says something else: the answer stands, and does not count.
        stale &= changed.is_empty()
            || !changed
                .iter()
                .all(|part| approvals::is_looked_at(part, &judged.decision.verdicts));
        let revoked = signature::revoked_key(&people, answer);
        let handed_on = !people.still_sits(answer);
        if stale || revoked.is_some() || handed_on {
            let voided = Event::ApprovalVoided {
                by: answer.by.clone(),
                question: answer.question,
                changed,
                locked_until,
                instead_of: answer.instead_of.clone().filter(|_| !stale && revoked.is_none()),
                revoked: revoked.filter(|_| !stale),
            };
            draft.emit(stream.clone(), voided);
        }
    }
    let asking = judged.decision.verdicts.iter().any(GateVerdict::is_asking);
    for now in layers
        .iter()
        .filter(|now| asking && now.stands == Stands::Open && now.asked_at.is_none())
    {
        let asked = Event::ApprovalAsked {
            layer: now.index,
            from: now.from.clone(),
            question: now.question,
            until: now.layer.sla.map(|sla| sla.after(draft.facts.now)),
        };
        draft.emit(stream.clone(), asked);
    }
    remind(
        draft,
        &stream,
        layers.iter().filter(|now| asking && now.stands == Stands::Open),
    );
}

/// Reminds the layers that were asked and did not answer: as often as they say, and when others may answer too.
fn remind<'a>(draft: &mut Draft<'_>, stream: &StreamId, open: impl Iterator<Item = &'a LayerNow>) {
    for now in open.filter(|now| now.asked_at.is_some()) {
        let due = now.remind_at.is_some_and(|at| at <= draft.facts.now);
        let escalated = now.is_escalated();
        if due || (escalated && !now.escalation_told) {
            let reminded = Event::ApprovalReminded {
                layer: now.index,
                from: now.from.clone(),
                escalated,
            };
            draft.emit(stream.clone(), reminded);
        }
    }
}
