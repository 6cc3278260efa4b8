//! Deciding who is told: what a command records is held against the project's rules of notifications, and what they ask
//! for is recorded with it. Knows no channel: letters go where the server's file says.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateline_model::limits::{NOTICE_GATES_MAX, NOTICE_TEXT_BYTES_MAX};
use gateline_model::{
    ArtifactAt, Decision, Delivered, Event, GateVerdict, LetterState, Notice, NoticeGate, NoticeOfPromotion,
    Notifications, ProjectName, PromotionId, Recipient, Recorded, Span, StageRef, StreamId, TellRule,
    Verdict, Who, Whom, moment, placeholders,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::conditions::{TELL_FACTS, facts, holds};
use crate::draft::{Draft, Proposed};
use crate::people::People;
use crate::rejection::Rejection;
use crate::state::{LETTERS_SHOWN_MAX, Phase, Promotion, ReleaseState};

/// How long a letter rests after its first attempt failed; four times as long after each further one.
const REST_FIRST: Span = Span::from_secs(30);
/// The longest rest between two attempts.
const REST_MAX: Span = Span::from_secs(6 * 3_600);
/// The longest time that a channel may ask to be left alone.
const ASKED_MAX: Span = Span::from_secs(86_400);
/// Attempts after which a letter is given up: about 15 hours after the first.
pub const ATTEMPTS_MAX: u32 = 8;
/// Longest text that makes something told once, in bytes.
const ONCE_BYTES_MAX: usize = 600;

/// What a rule's `once` may name.
pub const ONCE_WORDS: &[&str] = &[
    "day",
    "event",
    "pipeline",
    "project",
    "promotion",
    "question",
    "release",
    "risk",
    "stage",
];

/// Records what became of an attempt to deliver a letter. A report about an earlier attempt changes nothing.
pub(super) fn report(
    draft: &mut Draft<'_>,
    project: &ProjectName,
    number: u64,
    attempt: u32,
    delivered: &Delivered,
) {
    let now = draft.facts.now;
    let waits = draft
        .telling(project)
        .pending
        .get(&number)
        .map(|letter| letter.attempts);
    if waits.is_none_or(|attempts| attempts + 1 != attempt) {
        return;
    }
    let letter = number;
    let event = match delivered {
        Delivered::Sent(says) => Event::LetterSent {
            letter,
            attempt,
            says: cut(says),
        },
        Delivered::Later(why, asked) => Event::LetterFailed {
            letter,
            attempt,
            why: cut(why),
            again: again(attempt, *asked, now),
        },
        Delivered::Never(why) => Event::LetterFailed {
            letter,
            attempt,
            why: cut(why),
            again: None,
        },
    };
    draft.emit(StreamId::Notifications(project.clone()), event);
}

/// Sends a letter after all that was given up: its channel was mended since.
pub(super) fn resend(draft: &mut Draft<'_>, project: &ProjectName, letter: u64) -> Result<(), Rejection> {
    let telling = draft.telling(project);
    match telling.letter(letter).map(|one| one.state) {
        Some(LetterState::Pending) => Ok(()),
        Some(LetterState::Failed) => {
            let stream = StreamId::Notifications(project.clone());
            draft.emit(stream, Event::LetterResent { letter });
            Ok(())
        }
        Some(LetterState::Sent) => Err(Rejection::conflict(
            "letter.sent",
            format!("letter `{project}/{letter}` was sent"),
            "nothing needs to be done",
        )),
        None => Err(Rejection::unknown(
            "letter.unknown",
            format!("there is no letter `{project}/{letter}` among the last {LETTERS_SHOWN_MAX} that ended"),
            "list them with `gateline notifications --state failed`",
        )),
    }
}

fn again(attempt: u32, asked: Option<Span>, now: Timestamp) -> Option<Timestamp> {
    if attempt >= ATTEMPTS_MAX {
        return None;
    }
    let rest = REST_FIRST.times(4_i64.saturating_pow(attempt.saturating_sub(1)));
    let rest = rest.min(REST_MAX);
    Some(rest.max(asked.unwrap_or(Span::ZERO).min(ASKED_MAX)).after(now))
}

/// Plans what the rules say of everything that the draft proposes.
pub(super) fn plan(draft: &mut Draft<'_>) {
    // What is planned here is told nobody.
    let proposed = draft.proposed().len();
    let mut known: BTreeMap<ProjectName, Option<Arc<Notifications>>> = BTreeMap::new();
    for index in 0..proposed {
        let one = &draft.proposed()[index];
        let Some(project) = project_of(draft, &one.stream) else {
            continue;
        };
        let rules = known.entry(project.clone()).or_insert_with(|| {
            let state = draft.project(&project);
            state.and_then(|state| state.notifications.clone())
        });
        let Some(rules) = rules.clone() else { continue };
        let name = one.event.name();
        let is_about = |rule: &&TellRule| rule.on.iter().any(|on| on == name);
        let about: Vec<&TellRule> = rules.rules.iter().filter(is_about).collect();
        if about.is_empty() {
            continue;
        }
        let scene = Scene::of(draft, &project, one);
        for rule in about {
            scene.tell(draft, &rules, rule);
        }
    }
}

fn project_of(draft: &Draft<'_>, stream: &StreamId) -> Option<ProjectName> {
    match stream {
        StreamId::Project(project) => Some(project.clone()),
        StreamId::Release(id) => draft.release(id).map(|state| state.release.of.project.clone()),
        StreamId::Stage(stage) => Some(stage.project.clone()),
        StreamId::Promotion(id) => Some(id.stage.project.clone()),
        StreamId::Incidents(project) => Some(project.clone()),
        // Nobody is told of being told.
        StreamId::Notifications(_) => None,
    }
}

/// One event with all that rules may ask about.
struct Scene {
    project: ProjectName,
    notice: Notice,
    facts: Value,
    stage: Option<StageRef>,
    promotion: Option<Arc<Promotion>>,
    release: Option<Arc<ReleaseState>>,
}

impl Scene {
    fn of(draft: &Draft<'_>, project: &ProjectName, proposed: &Proposed) -> Self {
        let Proposed { stream, event, .. } = proposed;
        let promotion = promotion_of(stream, event).and_then(|id| draft.promotion(id));
        let release = match (stream, &promotion) {
            (_, Some(promotion)) => draft.release(&promotion.release),
            (StreamId::Release(id), None) => draft.release(id),
            _ => None,
        };
        let stage = match (stream, &promotion) {
            (_, Some(promotion)) => Some(promotion.id.stage.clone()),
            (StreamId::Stage(stage), None) => Some(stage.clone()),
            _ => None,
        };
        let recorded = Recorded {
            number: 0,
            stream: stream.clone(),
            version: 0,
            at: draft.facts.now,
            actor: draft.facts.actor.id.clone(),
            event: event.clone(),
            private: None,
        };
        let label = |id: &gateline_model::ReleaseId| {
            draft
                .release(id)
                .map_or_else(|| id.short(), |state| state.release.version.to_string())
        };
        let says = recorded.says(moment, label);
        let scene = Scene {
            project: project.clone(),
            notice: Notice {
                event: event.name().to_owned(),
                stream: stream.clone(),
                at: draft.facts.now,
                by: draft.facts.actor.id.clone(),
                says: cut(&says),
                promotion: None,
                errored: None,
            },
            facts: Value::Null,
            stage,
            promotion,
            release,
        };
        scene.filled(draft, event)
    }

    fn filled(mut self, draft: &Draft<'_>, event: &Event) -> Self {
        let state = draft.project(&self.project).unwrap_or_default();
        let stage = self.stage.as_ref().and_then(|stage| {
            let pinned = self.promotion.as_ref().map(|promotion| promotion.pipeline);
            let pinned = pinned.and_then(|version| state.versions.get(&version));
            let pipeline = pinned.or_else(|| state.pipeline(&stage.pipeline))?;
            Some((pipeline.clone(), pipeline.stage(&stage.stage)?.clone()))
        });
        let mut known = json!({ "event": serde_json::to_value(event).unwrap_or_default() });
        let decision = self
            .promotion
            .as_ref()
            .and_then(|promotion| promotion.decision.clone());
        if let (Some((pipeline, stage)), Some(release)) = (&stage, &self.release) {
            let risk = decision.as_ref().map(|decision| decision.risk);
            let of_stage = facts(pipeline, release, stage, risk);
            if let (Value::Object(known), Value::Object(of_stage)) = (&mut known, of_stage) {
                known.extend(of_stage);
            }
        } else if let Some((_, stage)) = &stage {
            known["stage"] = json!({"name": stage.name.as_str(), "production": stage.production});
        }
        if let Some(promotion) = &self.promotion {
            known["promotion"] = promotion_facts(promotion);
            known["gates"] = gate_facts(decision.as_deref());
            let production = stage.as_ref().is_some_and(|(_, stage)| stage.production);
            let brief = brief(
                promotion,
                self.release.as_deref(),
                decision.as_deref(),
                production,
            );
            self.notice.promotion = Some(brief);
        }
        self.facts = known;
        self
    }

    fn tell(&self, draft: &mut Draft<'_>, rules: &Notifications, rule: &TellRule) {
        let mut notice = self.notice.clone();
        match holds(rule.when.as_deref(), TELL_FACTS, &self.facts) {
            Ok(true) => {}
            Ok(false) => return,
            // Nobody knows whether it should be told. Silence would be taken for good news.
            Err(why) => notice.errored = Some(cut(&why)),
        }
        let now = draft.facts.now;
        let notice = Arc::new(notice);
        for told in &rule.to {
            let to = Recipient {
                channel: told.channel.clone(),
                people: self.people(draft, &told.people),
            };
            let once = rule.once.as_ref().map(|text| {
                let mut once = format!("{} {to} {}", rule.name, self.fill(text));
                once.truncate(once.floor_char_boundary(ONCE_BYTES_MAX));
                once
            });
            let telling = draft.telling(&self.project);
            if once.as_ref().is_some_and(|once| telling.was_told(once, now)) {
                continue;
            }
            let per_hour = rules.per_hour(&to.channel);
            let place = telling.place(&to, rule.digest.unwrap_or(Span::ZERO), per_hour, now);
            let planned = Event::NotificationPlanned {
                letter: place.letter,
                to,
                rule: rule.name.clone(),
                once,
                due: place.due,
                notice: notice.clone(),
            };
            draft.emit(StreamId::Notifications(self.project.clone()), planned);
        }
    }

    /// Teams and actors, sorted; owners are teams by now.
    fn people(&self, draft: &Draft<'_>, whom: &[Whom]) -> Vec<Who> {
        let mut found: Vec<Who> = whom.iter().flat_map(|whom| self.resolve(whom)).collect();
        if found.contains(&Who::Owners) {
            found.retain(|who| *who != Who::Owners);
            let paths = self.release.as_ref().map(|state| &state.release.change.paths[..]);
            let owners = People::read(draft, &self.project).owners(paths.unwrap_or_default());
            found.extend(owners.into_iter().map(Who::Team));
        }
        found.sort();
        found.dedup();
        found
    }

    fn resolve(&self, whom: &Whom) -> Vec<Who> {
        let promotion = self.promotion.as_deref();
        match whom {
            Whom::Asked => self
                .notice
                .promotion
                .iter()
                .flat_map(|brief| brief.asked.clone())
                .collect(),
            Whom::Requester => promotion
                .filter(|promotion| !promotion.automatic)
                .map(|promotion| Who::Actor(promotion.requested_by.clone()))
                .into_iter()
                .collect(),
            Whom::Authors => self
                .release
                .iter()
                .flat_map(|state| state.release.change.written_by.iter().cloned().map(Who::Actor))
                .collect(),
            Whom::Named(who) => vec![who.clone()],
        }
    }

    /// A text with its placeholders filled in; what the event does not have is `-`.
    fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut done = 0;
        for (at, name) in placeholders(text) {
            filled.push_str(&text[done..at]);
            filled.push_str(&self.word(name).unwrap_or_else(|| "-".to_owned()));
            done = at + name.len() + "{}".len();
        }
        filled.push_str(&text[done..]);
        filled
    }

    fn word(&self, name: &str) -> Option<String> {
        let stage = self.stage.as_ref();
        let brief = self.notice.promotion.as_ref();
        match name {
            "day" => Some(self.notice.at.strftime("%Y-%m-%d").to_string()),
            "event" => Some(self.notice.event.clone()),
            "project" => Some(self.project.to_string()),
            "pipeline" => self
                .release
                .as_ref()
                .map(|state| state.release.of.pipeline.to_string())
                .or_else(|| Some(stage?.pipeline.to_string())),
            "stage" => Some(stage?.to_string()),
            "promotion" => Some(brief?.id.to_string()),
            "question" => Some(brief?.question?.to_string()),
            "release" => Some(self.release.as_ref()?.release.version.to_string()),
            "risk" => Some(brief?.risk?.word().to_owned()),
            _ => None,
        }
    }
}

/// The promotion that an event is about, where it is about one.
fn promotion_of<'e>(stream: &'e StreamId, event: &'e Event) -> Option<&'e PromotionId> {
    match (stream, event) {
        (StreamId::Promotion(id), _) => Some(id),
        (
            StreamId::Stage(_),
            Event::WentLive { promotion, .. }
            | Event::ReleaseBarred { promotion, .. }
            | Event::WatchBegan { promotion, .. }
            | Event::WatchEnded { promotion, .. },
        ) => Some(promotion),
        _ => None,
    }
}

fn promotion_facts(promotion: &Promotion) -> Value {
    let (phase, outcome) = match &promotion.phase {
        Phase::Held => ("held", None),
        Phase::Rolling(_) => ("rolling", None),
        Phase::Ended(ended) => ("ended", Some(ended.outcome.word())),
    };
    let admission = promotion
        .decision
        .as_ref()
        .map(|decision| decision.admission.state());
    json!({
        "id": promotion.id,
        "number": promotion.id.number,
        "kind": promotion.kind,
        "automatic": promotion.automatic,
        "requested_by": promotion.requested_by,
        "phase": phase,
        "outcome": outcome.unwrap_or_default(),
        "admission": admission.unwrap_or_default(),
    })
}

fn gate_facts(decision: Option<&Decision>) -> Value {
    let gates = decision.into_iter().flat_map(|decision| &decision.verdicts);
    gates
        .map(|gate| {
            let about = json!({
                "kind": gate.kind,
                "verdict": gate.verdict,
                "code": gate.code,
                "says": gate.says,
                "overridden": gate.overridden.is_some(),
            });
            (gate.gate.to_string(), about)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// What people are told of a promotion: the release, where it stands, and its gates, exceptions first.
fn brief(
    promotion: &Promotion,
    release: Option<&ReleaseState>,
    decision: Option<&Decision>,
    production: bool,
) -> NoticeOfPromotion {
    let verdicts: &[GateVerdict] = decision.map_or(&[], |decision| &decision.verdicts);
    let asking = verdicts.iter().find(|gate| {
        matches!(gate.code.as_str(), "approval.asked" | "approval.escalated")
            && promotion.phase == Phase::Held
    });
    let mut open: Vec<&GateVerdict> = verdicts
        .iter()
        .filter(|gate| gate.verdict != Verdict::Satisfied)
        .collect();
    open.sort_by_key(|gate| (gate.verdict != Verdict::Refused, !gate.keeps_out()));
    let satisfied = verdicts.len() - open.len();
    let artifacts = release.into_iter().flat_map(|state| &state.release.artifacts);
    let commits = artifacts.filter_map(|artifact| match &artifact.at {
        ArtifactAt::Git { url, commit } => Some((url.clone(), commit.to_string())),
        ArtifactAt::Oci { .. } | ArtifactAt::File { .. } => None,
    });
    let source = release.and_then(|state| state.release.change.source.as_ref());
    let source = source.map(|source| (source.repository.clone(), source.commit.to_string()));
    let mut commits: Vec<(String, String)> = source.into_iter().chain(commits).collect();
    commits.dedup();
    let (admitted, outcome) = match &promotion.phase {
        Phase::Held => (false, None),
        Phase::Rolling(_) => (true, None),
        Phase::Ended(ended) => (ended.rollout.is_some(), Some(ended.outcome)),
    };
    let label = || release.map(|state| state.release.version.clone());
    NoticeOfPromotion {
        id: promotion.id.clone(),
        version: decision
            .map(|decision| decision.version.clone())
            .or_else(label)
            .unwrap_or_else(|| "unknown".parse().expect("it is a legal version")),
        risk: decision.map(|decision| decision.risk),
        headline: cut(&promotion.says()),
        question: asking.and_then(|_| Some(decision?.question)),
        asked: asking
            .iter()
            .flat_map(|gate| &gate.changed_by)
            .filter_map(|who| who.parse().ok())
            .collect(),
        commits,
        production,
        admitted,
        outcome,
        gates: open
            .iter()
            .take(NOTICE_GATES_MAX)
            .map(|gate| gate_brief(gate))
            .collect(),
        satisfied: (satisfied as u32, verdicts.len() as u32),
    }
}

fn gate_brief(gate: &GateVerdict) -> NoticeGate {
    let next = match (gate.next.as_str(), &gate.changed_by[..]) {
        ("", []) => String::new(),
        ("", changed_by) => format!("can be changed by {}", changed_by.join(", ")),
        (next, _) => next.to_owned(),
    };
    NoticeGate {
        gate: gate.gate.clone(),
        verdict: gate.verdict,
        says: cut(&gate.says),
        because: cut(&gate.because),
        next: cut(&next),
    }
}

/// A text of a sentence's length.
fn cut(text: &str) -> String {
    if text.len() <= NOTICE_TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(NOTICE_TEXT_BYTES_MAX);
    format!("{}...", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_tried_less_and_less_often_and_then_given_up() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let after = |attempt, asked| Some(Span::between(now, again(attempt, asked, now)?));
        assert_eq!(after(1, None), Some(Span::from_secs(30)));
        assert_eq!(after(3, None), Some(Span::from_secs(480)));
        assert_eq!(after(7, None), Some(REST_MAX));
        assert_eq!(after(ATTEMPTS_MAX, None), None);
        // A channel may ask for longer, but not for ever.
        assert_eq!(
            after(1, Some(Span::from_secs(3_600))),
            Some(Span::from_secs(3_600))
        );
        assert_eq!(after(1, Some(Span::from_secs(86_400 * 365))), Some(ASKED_MAX));
    }

    #[test]
    fn a_long_sentence_is_cut_between_two_letters() {
        let text = cut(&"ä".repeat(NOTICE_TEXT_BYTES_MAX));
        assert!(text.ends_with("ä...") && text.len() <= NOTICE_TEXT_BYTES_MAX + 3);
    }
}
