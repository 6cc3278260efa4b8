//! Risk: the level of a change, impact x uncertainty, with each factor's part.
//!
//! Fails closed: what is not known gives all the points that it can, counts as uncertainty too, and is never low.

mod factors;
mod now;

use gateline_model::{
    AssessedBy, Assessment, FactorPart, Levels, POINTS_MAX, Pipeline, Risk, RiskRule, RiskSource, Side,
    Stage, StageRef,
};
use jiff::Timestamp;

use crate::conditions::{RISK_FACTS, facts, holds};
use crate::draft::Draft;
use crate::state::{Promotion, ReleaseState};

pub use now::{RiskNow, risk_now};

/// What is assessed.
pub(crate) struct RiskView<'a> {
    pub draft: &'a Draft<'a>,
    pub pipeline: &'a Pipeline,
    pub stage: &'a Stage,
    pub stage_ref: &'a StageRef,
    pub release: &'a ReleaseState,
    /// The promotion; none where nobody requested it yet.
    pub promotion: Option<&'a Promotion>,
}

impl RiskView<'_> {
    /// The moment that ages are counted to. It stands still while a promotion waits: waiting alone makes nothing riskier.
    fn at(&self) -> Timestamp {
        self.promotion
            .map_or(self.draft.facts.now, |promotion| promotion.requested_at)
    }
}

/// The risk of a release before a stage, as the stage declares it.
pub(crate) fn assess(view: &RiskView<'_>) -> Assessment {
    match &view.stage.risk {
        RiskSource::Rules(rules) if rules.is_empty() => Assessment {
            why: "the stage declares no risk".to_owned(),
            ..Assessment::default()
        },
        RiskSource::Rules(rules) => by_rules(rules, view),
        RiskSource::Table(table) => {
            let parts = [
                (Side::Impact, &table.impact),
                (Side::Uncertainty, &table.uncertainty),
            ]
            .into_iter()
            .flat_map(|(side, declared)| factors::parts(side, declared, view))
            .collect();
            by_points(AssessedBy::Table, parts, &table.levels)
        }
        RiskSource::Module(module) => match crate::gates::policy::risk_factors(module, view) {
            Ok(parts) => by_points(AssessedBy::Module, parts, &module.levels),
            Err(why) => Assessment {
                level: Risk::Critical,
                by: AssessedBy::Module,
                impact: POINTS_MAX,
                uncertainty: POINTS_MAX,
                score: POINTS_MAX,
                factors: Vec::new(),
                why: format!("{why}; what is not known is not low"),
            },
        },
    }
}

/// The level of the first rule that holds; `low` where none does.
/// A rule that cannot be judged makes the level `critical`: unknown risk is not low risk.
fn by_rules(rules: &[RiskRule], view: &RiskView<'_>) -> Assessment {
    let made = |level: Risk, why: String| Assessment {
        level,
        by: AssessedBy::Rules,
        why,
        ..Assessment::default()
    };
    let facts = facts(view.pipeline, view.release, view.stage, None);
    for rule in rules {
        match holds(rule.when.as_deref(), RISK_FACTS, &facts) {
            Ok(true) => {
                let why = match &rule.when {
                    Some(when) => format!("by the rule `{when}`"),
                    None => "by the rule for everything else".to_owned(),
                };
                return made(rule.level, why);
            }
            Ok(false) => {}
            Err(err) => {
                let why = format!("a rule cannot be judged, and what is not known is not low: {err}");
                return made(Risk::Critical, why);
            }
        }
    }
    made(Risk::Low, "no rule holds".to_owned())
}

/// Impact x uncertainty of all parts. What is not known counts on both sides and never leaves the level low.
pub(crate) fn by_points(by: AssessedBy, mut parts: Vec<FactorPart>, levels: &Levels) -> Assessment {
    let sum = |counts: &dyn Fn(&FactorPart) -> bool| {
        let points = parts.iter().filter(|part| counts(part)).map(|part| part.points);
        points.fold(0, u32::saturating_add).min(POINTS_MAX)
    };
    let impact = sum(&|part| part.of == Side::Impact);
    let uncertainty = sum(&|part| part.of == Side::Uncertainty || part.is_unknown());
    let score = (impact * uncertainty).div_ceil(POINTS_MAX);
    let unknown = parts.iter().filter(|part| part.is_unknown()).count();
    let least = if unknown > 0 { Risk::Medium } else { Risk::Low };
    let not_known = match unknown {
        0 => String::new(),
        1 => "; 1 factor is not known, which is never low".to_owned(),
        many => format!("; {many} factors are not known, which is never low"),
    };
    parts.sort_by(|a, b| (b.points, &a.factor).cmp(&(a.points, &b.factor)));
    Assessment {
        level: levels.of(score).max(least),
        by,
        impact,
        uncertainty,
        score,
        factors: parts,
        why: format!("{score} of {POINTS_MAX} (impact {impact} x uncertainty {uncertainty}){not_known}"),
    }
}

#[cfg(test)]
mod tests;
