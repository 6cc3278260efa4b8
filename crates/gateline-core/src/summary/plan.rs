//! The communication plan: whom the project's rules tell of what lies ahead of a promotion. Sends nothing.

use gateline_model::{Notifications, TellRule, TellTo, Told, Whom};
use serde_json::{Map, Value};

use crate::conditions::{TELL_FACTS, facts, holds};
use crate::decision::Judged;
use crate::draft::Draft;
use crate::state::Promotion;

/// What lies ahead of whoever answers: the event, and when it is recorded.
const AHEAD: [(&str, &str); 6] = [
    ("approval_reminded", "while nobody answers"),
    ("promotion_admitted", "when it is admitted"),
    ("rollout_paused", "if its rollout pauses"),
    ("rollback_began", "if it is taken back"),
    ("went_live", "when it is live"),
    ("promotion_ended", "when it ends"),
];

/// One line for each event ahead that a rule is about. A condition that cannot be judged before is said with it.
pub(super) fn told_by_rules(draft: &Draft<'_>, judged: &Judged, promotion: &Promotion) -> Vec<Told> {
    let Some(state) = draft.project(&promotion.id.stage.project) else {
        return Vec::new();
    };
    let Some(rules) = state.notifications.as_deref() else {
        return Vec::new();
    };
    let pipeline = state.versions.get(&promotion.pipeline);
    let known = pipeline.map_or_else(
        || Value::Object(Map::new()),
        |pipeline| {
            facts(
                pipeline,
                &judged.release,
                &judged.stage,
                Some(judged.decision.risk),
            )
        },
    );
    let ahead = AHEAD.iter().flat_map(|(event, when)| {
        let about = of(rules, event).filter_map(|rule| Some((rule, condition(rule, &known)?)));
        about.flat_map(move |(rule, condition)| {
            rule.to.iter().map(move |to| Told {
                when: format!("{when}{condition}"),
                who: whom(to),
            })
        })
    });
    ahead.collect()
}

fn of<'r>(rules: &'r Notifications, event: &str) -> impl Iterator<Item = &'r TellRule> {
    rules
        .rules
        .iter()
        .filter(move |rule| rule.on.iter().any(|on| on == event))
}

/// What is not known yet of a rule's condition; `None` where it does not hold already.
fn condition(rule: &TellRule, known: &Value) -> Option<String> {
    match (holds(rule.when.as_deref(), TELL_FACTS, known), &rule.when) {
        (Ok(false), _) => None,
        (Ok(true), _) | (Err(_), None) => Some(String::new()),
        (Err(_), Some(when)) => Some(format!(", if `{when}`")),
    }
}

fn whom(to: &TellTo) -> String {
    match to.people.as_slice() {
        [] => format!("channel {}", to.channel),
        people => {
            let people: Vec<String> = people.iter().map(Whom::to_string).collect();
            format!("{} by channel {}", people.join(", "), to.channel)
        }
    }
}
