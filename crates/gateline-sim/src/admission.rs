//! Admission, looked at again: whether what was let in was right, from the events alone and by plain rules.
//!
//! Written apart from `gateline-core`'s judgement on purpose: two ways to the same answer.

use std::collections::{BTreeMap, BTreeSet};

use gateline_core::{Project, Promotion, ReleaseState, World};
use gateline_model::{
    ActorId, Admission, Approval, ApprovalRule, Bound, Decision, Digest, Event, Facts, Found, Gate,
    GateVerdict, HeldByReviews, Layer, OnCall, Pipeline, PromotionId, PromotionKind, Recorded, ReleaseId,
    Span, Stage, StageRef, Team, Tier, Verdict,
};
use jiff::Timestamp;

/// When each release first went live in each stage.
pub(crate) type LiveSince = BTreeMap<(StageRef, ReleaseId), Timestamp>;

/// How old a decision may be when what it decides is committed.
const DECISION_AGE_MAX: Span = Span::from_secs(3);

/// Everything that is wrong with an admission. `world` is the fold up to it, `same` what was appended with it before.
pub(crate) fn recheck(
    world: &World,
    live_since: &LiveSince,
    id: &PromotionId,
    admitted: &Recorded,
    same: &[Recorded],
) -> Vec<String> {
    let Some(promotion) = world.promotion(id) else {
        return vec!["there is no such promotion".to_owned()];
    };
    let decided = same.iter().rev().find_map(|recorded| match &recorded.event {
        Event::DecisionRecorded { decision } if recorded.stream == admitted.stream => Some(decision.clone()),
        _ => None,
    });
    let Some(decision) = decided else {
        return vec!["no decision was recorded with it".to_owned()];
    };
    let project = world.project(&id.stage.project);
    let in_force = project.and_then(|project| project.pipeline(&id.stage.pipeline));
    let Some((pipeline, stage)) =
        in_force.and_then(|pipeline| Some((pipeline, pipeline.stage(&id.stage.stage)?)))
    else {
        return vec!["the pipeline in force has no such stage".to_owned()];
    };
    let mut wrong = Vec::new();
    if decision.admission != Admission::Admit {
        wrong.push("its decision does not admit".to_owned());
    }
    if DECISION_AGE_MAX.after(decision.at) < admitted.at {
        wrong.push(format!("its decision is of {}", decision.at));
    }
    if decision.pipeline != pipeline.version() {
        wrong.push("its decision is of another pipeline version".to_owned());
    }
    wrong.extend(verdicts(&decision, promotion, stage));
    if promotion.kind == PromotionKind::Forward {
        wrong.extend(gates(world, live_since, promotion, pipeline, stage, &decision));
    }
    wrong
}

fn verdicts(decision: &Decision, promotion: &Promotion, stage: &Stage) -> Vec<String> {
    let mut wrong = Vec::new();
    let judged: BTreeSet<&str> = decision.verdicts.iter().map(|gate| gate.gate.as_str()).collect();
    let mut declared: BTreeSet<&str> = stage.gates.iter().map(|gate| gate.name.as_str()).collect();
    declared.insert("freeze");
    declared.extend((!stage.approval.is_empty()).then_some("approval"));
    declared.extend((!stage.windows.is_empty()).then_some("window"));
    let holds = stage
        .overrides
        .open_reviews_hold
        .contains(&HeldByReviews::Promotions);
    declared.extend(holds.then_some("review"));
    if judged != declared {
        wrong.push(format!("it was judged on {judged:?}, not on {declared:?}"));
    }
    for gate in decision.verdicts.iter().filter(|gate| gate.mode.is_enforce()) {
        if gate.verdict != Verdict::Satisfied && !is_overridden(gate, promotion, decision.at) {
            wrong.push(format!(
                "gate `{}` was {} and not overridden",
                gate.gate, gate.verdict
            ));
        }
    }
    wrong
}

fn is_overridden(gate: &GateVerdict, promotion: &Promotion, at: Timestamp) -> bool {
    promotion
        .overrides
        .iter()
        .any(|permission| permission.gate == gate.gate && at < permission.until)
}

fn gates(
    world: &World,
    live_since: &LiveSince,
    promotion: &Promotion,
    pipeline: &Pipeline,
    stage: &Stage,
    decision: &Decision,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let overridden = |name: &str| {
        let mut named = promotion
            .overrides
            .iter()
            .filter(|permission| permission.gate.as_str() == name);
        let two = stage.overrides.second_person;
        named.any(|permission| {
            let second = permission.confirmed_by.as_ref();
            decision.at < permission.until && (!two || second.is_some_and(|who| *who != permission.by))
        })
    };
    let at = &promotion.id.stage;
    if world
        .stage(at)
        .is_some_and(|state| state.barred.contains_key(&promotion.release))
    {
        wrong.push("the release is barred".to_owned());
    }
    for before in &stage.after {
        if !live_since.contains_key(&(at.sibling(before), promotion.release)) {
            wrong.push(format!("it was never verified in {before}"));
        }
    }
    let Some(release) = world.release(&promotion.release) else {
        return vec!["there is no such release".to_owned()];
    };
    let none = Project::default();
    let project = world.project(&at.project).map_or(&none, |project| project);
    let frozen = project.freezes.values().find(|freeze| {
        let here = freeze.stages.contains(&stage.name) || (freeze.stages.is_empty() && stage.production);
        let within = freeze.from <= decision.at && decision.at < freeze.until;
        let passes = freeze.exempt.contains(&release.release.change.kind);
        here && within && !passes && freeze.is_in_force(decision.at, &project.calendars)
    });
    if let Some(freeze) = frozen.filter(|_| !overridden("freeze")) {
        wrong.push(format!("`{}` freezes the stage", freeze.name));
    }
    if !stage.windows.is_empty() && !overridden("window") {
        let windows = stage.windows.iter().filter_map(|name| pipeline.windows.get(name));
        let mut next =
            windows.filter_map(|window| window.next(decision.at, &project.calendars).ok().flatten());
        if !next.any(|open| open.contains(decision.at)) {
            wrong.push("no window is open".to_owned());
        }
    }
    let holds = stage
        .overrides
        .open_reviews_hold
        .contains(&HeldByReviews::Promotions);
    let mut reviews = world.stage(at).into_iter().flat_map(|state| &state.reviews);
    if holds && !overridden("review") && reviews.any(|review| review.promotion != promotion.id) {
        wrong.push("a review of an override is open".to_owned());
    }
    let enforced = stage.gates.iter().filter(|gate| gate.mode.is_enforce());
    for gate in enforced.filter(|gate| !overridden(gate.name.as_str())) {
        if !passes(world, gate, release, live_since, (promotion, decision)) {
            wrong.push(format!(
                "gate `{}` is not satisfied by what is recorded",
                gate.name
            ));
        }
    }
    // The pipelines of the simulation ask about `risk.level == "low"`, which is whatever does not break callers.
    let breaking = release.release.change.breaking;
    let applies = |when: &str| if when.contains("low") { !breaking } else { breaking };
    let asks = stage
        .approval
        .iter()
        .find(|rule| rule.when.as_deref().is_none_or(applies));
    if let Some(rule) = asks.filter(|rule| !rule.automatic && !overridden("approval")) {
        wrong.extend(answers(world, promotion, rule, decision));
    }
    wrong
}

/// What is wrong with the answers: who may not answer now, who counts twice, and every no that nobody set aside.
fn answers(world: &World, promotion: &Promotion, rule: &ApprovalRule, decision: &Decision) -> Vec<String> {
    let mut wrong = Vec::new();
    let at = decision.at;
    let here = world.project(&promotion.id.stage.project);
    let server = world.project(&gateline_core::server_project());
    let paths = world
        .release(&promotion.release)
        .map(|release| release.release.change.paths.clone())
        .unwrap_or_default();
    let owning: BTreeSet<String> = here
        .and_then(|project| project.roles.as_ref())
        .into_iter()
        .flat_map(|roles| &roles.owners)
        // The roles of scenarios own whole folders, as in `db/**`, and no two own the same.
        .filter(|owner| {
            owner.paths.iter().any(|owned| {
                paths
                    .iter()
                    .any(|path| path.starts_with(owned.trim_end_matches("**")))
            })
        })
        .map(|owner| owner.team.to_string())
        .collect();
    let in_team = |actor: &ActorId, team: &str| {
        let roles = here.and_then(|project| project.roles.as_ref());
        let mut teams = roles.into_iter().flat_map(|roles| &roles.teams);
        let mut tokens = server.into_iter().flat_map(|server| server.tokens.values());
        teams.any(|declared| {
            let member = declared.members.contains(actor);
            declared.name.as_str() == team
                && (member || has_duty(here.map(|here| &**here), declared, actor, at))
        }) || tokens
            .any(|token| token.actor == *actor && token.groups.iter().any(|group| group.as_str() == team))
    };
    let is_in = |actor: &ActorId, who: &str| match who {
        "owners" => owning.iter().any(|team| in_team(actor, team)),
        team => in_team(actor, team),
    };
    let in_time = |answer: &Approval| rule.valid_for.is_none_or(|span| at < span.after(answer.at));
    let is_bound = |answer: &Approval, least: Tier| {
        is_bound(
            server.map(|server| &**server),
            (&answer.by, answer.at),
            &answer.bound,
            least,
        )
    };
    let candidates = |layer: &Layer| -> BTreeSet<&ActorId> {
        let asked: Vec<String> = layer
            .from
            .0
            .iter()
            .chain(&layer.escalate.0)
            .map(ToString::to_string)
            .collect();
        let given = promotion.approvals.iter().filter(|answer| {
            let requested =
                [&answer.by, answer.seat()].contains(&&promotion.requested_by) && !promotion.automatic;
            asked.contains(&answer.from.to_string())
                && is_in(answer.seat(), &answer.from.to_string())
                && (layer.requester_may || !requested)
                && in_time(answer)
                && is_bound(answer, rule.signed.max(layer.signed))
                && Digest::of_json(&answer.shown) == decision.question
        });
        given.map(Approval::seat).collect()
    };
    let seats: Vec<(usize, &Layer, BTreeSet<&ActorId>)> = rule
        .layers
        .iter()
        .enumerate()
        .flat_map(|(index, layer)| (0..layer.count).map(move |_| (index, layer)))
        .map(|(index, layer)| (index, layer, candidates(layer)))
        .collect();
    if !all_seated(&seats, &mut Vec::new()) {
        wrong.push("the answers do not fill the layers with different people".to_owned());
    }
    let set_aside = rule.authority.as_ref().is_some_and(|team| {
        promotion
            .approvals
            .iter()
            .any(|answer| is_in(answer.seat(), team.as_str()) && is_bound(answer, rule.signed))
    });
    let vetoes = promotion.refusals.iter().filter(|(_, answer)| {
        let layers = rule.layers.iter().filter(|layer| layer.veto);
        let asked = layers
            .flat_map(|layer| &layer.from.0)
            .any(|who| who.to_string() == answer.from.to_string());
        asked
            && is_in(answer.seat(), &answer.from.to_string())
            && in_time(answer)
            && (answer.bound.key.is_none() || is_bound(answer, Tier::Session))
            && answer.by != promotion.requested_by
    });
    if let Some((_, answer)) = vetoes.into_iter().next().filter(|_| !set_aside) {
        wrong.push(format!("`{}` said no, and nobody set that aside", answer.by));
    }
    wrong
}

/// Whether an actor is on call: by the rota, or because the source said so last, and not too long ago.
pub(crate) fn has_duty(of: Option<&Project>, team: &Team, actor: &ActorId, at: Timestamp) -> bool {
    match &team.on_call {
        None => false,
        Some(OnCall::Rota(rota)) => rota.at(at) == Some(actor),
        Some(OnCall::Source(source)) => {
            let asked = of.and_then(|project| project.on_call.get(&team.name));
            let last = asked.and_then(|asked| asked.last.as_ref());
            last.is_some_and(|last| {
                let names = last.who.as_ref().is_ok_and(|who| who.contains(actor));
                names && Span::between(last.at, at) < source.max_age
            })
        }
    }
}

/// Whether a yes is signed as strongly as is asked, and a key that signed it is still its actor's and in force.
pub(crate) fn is_bound(
    server: Option<&Project>,
    (by, at): (&ActorId, Timestamp),
    bound: &Bound,
    least: Tier,
) -> bool {
    let in_force = |key: &String| {
        let enrolled = server.and_then(|server| server.keys.get(key));
        enrolled.is_some_and(|enrolled| {
            enrolled.key.actor == *by
                && enrolled.key.tier == bound.tier
                && enrolled.revoked.is_none()
                && enrolled.since <= at
        })
    };
    match (&bound.key, bound.tier) {
        (None, Tier::Session) => least == Tier::Session,
        (Some(key), tier) => tier >= least && in_force(key),
        (None, Tier::Passkey | Tier::Ssh) => false,
    }
}

/// Whether every seat of every layer can be given to somebody who answered for it, nobody sitting twice where that is forbidden.
fn all_seated<'a>(
    seats: &[(usize, &Layer, BTreeSet<&'a ActorId>)],
    taken: &mut Vec<(usize, &'a ActorId)>,
) -> bool {
    let Some(((index, layer, candidates), rest)) = seats.split_first() else {
        return true;
    };
    candidates.iter().any(|who| {
        let sits = taken
            .iter()
            .any(|(of, by)| **by == **who && (of == index || layer.distinct));
        if sits {
            return false;
        }
        taken.push((*index, who));
        let filled = all_seated(rest, taken);
        taken.pop();
        filled
    })
}

/// Whether a gate is satisfied by what is recorded, by arithmetic of its own.
fn passes(
    world: &World,
    gate: &Gate,
    release: &ReleaseState,
    live_since: &LiveSince,
    (promotion, decision): (&Promotion, &Decision),
) -> bool {
    let newest = |kind: &str| {
        release
            .evidence
            .iter()
            .rev()
            .find(|(_, evidence)| evidence.kind() == Some(kind))
    };
    match gate.kind.as_str() {
        "tests" => newest("tests").is_some_and(|(_, evidence)| {
            let allowed = |key: &str| gate.params.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0);
            matches!(&evidence.found, Found::Facts { facts: Facts::Tests(tests) }
                if tests.failed <= allowed("failures") && tests.errored <= allowed("errors") && tests.passed > 0)
        }),
        "coverage" => newest("coverage").is_some_and(|(_, evidence)| {
            // Random pipelines ask for 80 % of the lines; scenarios may ask for other things.
            let asks = gate.params.get("lines").is_some();
            matches!(&evidence.found, Found::Facts { facts: Facts::Coverage(lines) }
                if !asks || lines.lines_hit * 100 >= lines.lines_total * 80)
        }),
        "soak" => {
            let soaks = |key: &str| gate.params.get(key).and_then(serde_json::Value::as_str);
            let live = soaks("in").and_then(|name| name.parse().ok()).and_then(|name| {
                live_since.get(&(promotion.id.stage.sibling(&name), promotion.release)).copied()
            });
            let at_least: Span = soaks("at_least").and_then(|span| span.parse().ok()).unwrap_or_default();
            live.is_some_and(|since| at_least.after(since) <= decision.at)
        }
        // Random pipelines ask about the stage itself.
        "incidents" => {
            let hotfix = release.release.change.kind == gateline_model::ChangeKind::Hotfix;
            let known = world.incidents(&promotion.id.stage.project);
            let open = known.into_iter().flat_map(|state| state.open.values());
            let touched = |noted: &gateline_core::Noted| noted.incident.stages.contains(&promotion.id.stage);
            hotfix || gate.params.get("in").is_some() || !open.into_iter().any(touched)
        }
        // Readings are the outside's own; the recorded check is all that there is to look at.
        "http" | "metric" | "command" => {
            let key = (gateline_model::CheckOf::Entry, gate.name.clone());
            promotion.checks.get(&key).is_some_and(|checked| {
                matches!(checked.evidence.found, Found::Facts { .. })
                    && decision.at <= Span::from_secs(60).after(checked.at)
            })
        }
        _ => true,
        }
}
