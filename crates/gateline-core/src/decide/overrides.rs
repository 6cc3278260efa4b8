//! Deciding about overrides: asking for one, a second person's confirmation, and the review that is owed afterwards.

use gateline_model::{
    Event, GateName, HeldByReviews, Override, PromotionId, Review, Scope, Span, StageRef, StreamId, Verdict,
};
use jiff::Timestamp;

use super::{held, private, reason};
use crate::authority;
use crate::decision::{Judged, judge_entry};
use crate::draft::Draft;
use crate::people::People;
use crate::rejection::Rejection;

/// Longest time that an override may run: it is for one release in trouble, not for a policy.
const OVERRIDE_MAX: Span = Span::from_secs(7 * 86_400);

pub(super) fn override_gate(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    gate: &GateName,
    until: Timestamp,
    why: &str,
) -> Result<(), Rejection> {
    let why = reason(why)?;
    let now = draft.facts.now;
    if until <= now {
        let says = format!("the override would end at {until}, before it permits anything");
        return Err(Rejection::invalid(
            "override.until",
            says,
            "give an end in the future with `--until`",
        ));
    }
    let latest = OVERRIDE_MAX.after(now);
    if latest < until {
        let latest = Timestamp::from_second(latest.as_second()).unwrap_or(latest);
        return Err(Rejection::invalid(
            "override.until",
            format!(
                "the override would end at {until}; the longest is {OVERRIDE_MAX} (OVERRIDE_MAX), until {latest} if granted now"
            ),
            &format!("give an earlier end, such as `--until {OVERRIDE_MAX}`; grant it again when it is over"),
        ));
    }
    let promotion = held::held_promotion(draft, id)?;
    let judged = judge_entry(draft, &promotion)?;
    let Some(verdict) = judged
        .decision
        .verdicts
        .iter()
        .find(|verdict| verdict.gate == *gate)
    else {
        let names: Vec<&str> = judged
            .decision
            .verdicts
            .iter()
            .map(|verdict| verdict.gate.as_str())
            .collect();
        return Err(Rejection::unknown(
            "gate.unknown",
            format!("stage `{}` has no gate `{gate}`", id.stage.stage),
            &format!("its gates are {}", names.join(", ")),
        ));
    };
    if verdict.verdict == Verdict::Satisfied {
        return Err(Rejection::conflict(
            "override.not_needed",
            format!("gate `{gate}` is satisfied"),
            "nothing needs to be done",
        ));
    }
    let overridable = matches!(&judged.approvals, Ok(Some(approvals)) if approvals.rule.overridable);
    if verdict.kind == "approval" && !overridable {
        return Err(Rejection::forbidden(
            "override.approval",
            format!(
                "stage `{}` does not let its approvals be overridden",
                id.stage.stage
            ),
            "ask the people who may approve",
        ));
    }
    let rules = &judged.stage.overrides;
    if rules.open_reviews_hold.contains(&HeldByReviews::Overrides) {
        no_review_open(draft, &id.stage)?;
    }
    let permission = Override {
        gate: gate.clone(),
        by: draft.facts.actor.id.clone(),
        at: now,
        until,
        confirmed_by: None,
    };
    let text = private(draft, Some(why));
    let event = match rules.second_person {
        true => Event::OverrideAsked { permission },
        false => Event::OverrideGranted { permission },
    };
    draft.emit_with(StreamId::Promotion(id.clone()), event, text);
    held::judge(draft, id).map(drop)
}

/// The next override waits for what came of the last.
fn no_review_open(draft: &Draft<'_>, stage: &StageRef) -> Result<(), Rejection> {
    let state = draft.stage(stage);
    let Some(review) = state.reviews.first() else {
        return Ok(());
    };
    Err(Rejection::forbidden(
        "override.review_open",
        format!(
            "stage `{}` takes no override while the review of the last is open: of gate `{}` for {}, by `{}`",
            stage.stage, review.gate, review.version, review.by
        ),
        &format!(
            "write it with `gateline override review {} --gate {} --reason ..`",
            review.promotion, review.gate
        ),
    ))
}

/// Whoever granted an override takes it back, or an administrator does: the gate counts again.
pub(super) fn withdraw(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    gate: &GateName,
    why: &str,
) -> Result<(), Rejection> {
    let why = reason(why)?;
    let promotion = held::held_promotion(draft, id)?;
    let mut all = promotion.overrides.iter().chain(&promotion.overrides_asked);
    let Some(permission) = all.find(|permission| permission.gate == *gate) else {
        return Err(Rejection::conflict(
            "override.none",
            format!("no override of gate `{gate}` is there for promotion `{id}`"),
            "list what there is with `gateline override list`",
        ));
    };
    let by = permission.by.clone();
    let actor = &draft.facts.actor;
    if ![Some(&by), permission.confirmed_by.as_ref()].contains(&Some(&actor.id)) {
        let people = People::read(draft, &id.stage.project);
        let object = authority::Object::stage(&id.stage);
        authority::by_people(draft.world(), &people, actor, Scope::Admin, &object).map_err(|denied| {
            Rejection::forbidden(
                "override.not_yours",
                format!("this is the override of `{by}`: {denied}"),
                "ask them, or an administrator",
            )
        })?;
    }
    let text = private(draft, Some(why));
    let event = Event::OverrideWithdrawn {
        gate: gate.clone(),
        by,
    };
    draft.emit_with(StreamId::Promotion(id.clone()), event, text);
    held::judge(draft, id).map(drop)
}

/// A second person confirms an override that somebody else asked for: from then on it counts.
pub(super) fn confirm(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    gate: &GateName,
    asked_at: Option<Timestamp>,
) -> Result<(), Rejection> {
    let promotion = held::held_promotion(draft, id)?;
    let Some(asked) = promotion.overrides_asked.iter().find(|asked| asked.gate == *gate) else {
        let granted = promotion.overrides.iter().find(|granted| granted.gate == *gate);
        let says = match granted {
            Some(granted) => format!("the override of gate `{gate}` by `{}` counts already", granted.by),
            None => format!("nobody asked for an override of gate `{gate}`"),
        };
        let hint = "list what there is with `gateline override list`";
        return Err(Rejection::conflict("override.not_asked", says, hint));
    };
    if asked_at.is_some_and(|seen| seen != asked.at) {
        return Err(Rejection::conflict(
            "override.stale",
            format!(
                "what you saw is not what is asked now: `{}` asked again at {}",
                asked.by, asked.at
            ),
            "look again and confirm what you see",
        ));
    }
    let actor = &draft.facts.actor.id;
    if asked.by == *actor {
        return Err(Rejection::forbidden(
            "override.own",
            format!("`{actor}` asked for this override and may not confirm it"),
            "ask somebody else who may override here",
        ));
    }
    if asked.until <= draft.facts.now {
        return Err(Rejection::conflict(
            "override.over",
            format!("the override would have ended at {}", asked.until),
            "ask for it again with `gateline override`",
        ));
    }
    let permission = Override {
        confirmed_by: Some(actor.clone()),
        ..asked.clone()
    };
    let text = private(draft, None);
    draft.emit_with(
        StreamId::Promotion(id.clone()),
        Event::OverrideGranted { permission },
        text,
    );
    held::judge(draft, id).map(drop)
}

/// The reviews that an admission owes: one for each override that let the release in.
pub(super) fn open_reviews(draft: &mut Draft<'_>, id: &PromotionId, judged: &Judged) {
    let due = judged.stage.overrides.review.within.after(draft.facts.now);
    let overridden = judged
        .decision
        .verdicts
        .iter()
        .filter_map(|gate| gate.overridden.as_ref());
    let reviews: Vec<Review> = overridden
        .map(|permission| Review {
            promotion: id.clone(),
            gate: permission.gate.clone(),
            release: judged.release.id,
            version: judged.release.release.version.clone(),
            by: permission.by.clone(),
            confirmed_by: permission.confirmed_by.clone(),
            due,
        })
        .collect();
    for review in reviews {
        draft.emit(StreamId::Stage(id.stage.clone()), Event::ReviewOpened { review });
    }
}

/// Somebody writes what came of an override.
pub(super) fn write_review(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    gate: &GateName,
    text: &str,
) -> Result<(), Rejection> {
    let text = reason(text)?;
    let state = draft.stage(&id.stage);
    let Some(review) = state.reviews.iter().find(|review| review.is_of(id, gate)) else {
        return Err(Rejection::unknown(
            "review.unknown",
            format!("no review of an override of gate `{gate}` is open for `{id}`"),
            "list those that are with `gateline override list`",
        ));
    };
    let pipeline = draft.pipeline_in_force(&id.stage.project, &id.stage.pipeline)?;
    let rule = pipeline
        .stage(&id.stage.stage)
        .map(|stage| stage.overrides.review.clone());
    let rule = rule.unwrap_or_default();
    let actor = &draft.facts.actor.id;
    let took_part = review.by == *actor || review.confirmed_by.as_ref() == Some(actor);
    if rule.by_another && took_part {
        return Err(Rejection::forbidden(
            "review.own",
            format!("`{actor}` took part in this override, and another person is to write its review"),
            "ask somebody else",
        ));
    }
    let people = People::read(draft, &id.stage.project);
    let release = draft.release(&review.release);
    let paths = release
        .as_ref()
        .map_or(&[][..], |release| &release.release.change.paths);
    let named = rule.from.0.iter().any(|who| people.is_asked(actor, who, paths));
    if !rule.from.is_empty() && !named {
        return Err(Rejection::forbidden(
            "review.not_asked_you",
            format!(
                "`{actor}` is not in {}, who write the reviews of this stage",
                rule.from
            ),
            "ask somebody who is",
        ));
    }
    let written = Event::ReviewWritten {
        promotion: id.clone(),
        gate: gate.clone(),
    };
    let text = private(draft, Some(text));
    draft.emit_with(StreamId::Stage(id.stage.clone()), written, text);
    Ok(())
}
