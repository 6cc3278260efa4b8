//! The factors of a table: what each is for this promotion, how many points that gives, and why; or why it is not known.

use gateline_model::{
    AtLeast, ChangeKind, CoverageFacts, FactorPart, Factors, Facts, Found, Points, PromotionOutcome, Side,
    Span, Steps,
};

use super::RiskView;
use crate::conditions::{RISK_FACTS, facts, holds};
use crate::gates::{components_added, newest_reports};
use crate::state::ReleaseState;

/// Promotions into the stage that a failure rate needs at least: of fewer it says nothing.
const RATED_LEAST: usize = 3;

/// A factor that is declared, as it is for this promotion.
struct Given {
    factor: String,
    /// The most that it can give.
    at_most: u32,
    /// Its value, the points for it, and why; or why it is not known.
    found: Result<(String, u32, String), String>,
}

/// Every factor, in the order of the reference: one line each.
const FACTORS: &[fn(&Factors, &RiskView<'_>) -> Vec<Given>] = &[
    base,
    breaking,
    conditions,
    coverage_drop,
    data_migration,
    failure_rate,
    kind,
    labels,
    new_dependencies,
    paths,
    since_last,
    size,
    tier,
];

/// The parts of all declared factors of one side.
pub(super) fn parts(side: Side, declared: &Factors, view: &RiskView<'_>) -> Vec<FactorPart> {
    let given = FACTORS.iter().flat_map(|factor| factor(declared, view));
    given.map(|given| part(side, given)).collect()
}

fn part(side: Side, given: Given) -> FactorPart {
    let Given {
        factor,
        at_most,
        found,
    } = given;
    let (value, points, why) = match found {
        Ok((value, points, why)) => (Some(value), points, why),
        Err(why) => (None, at_most, format!("not known: {why}")),
    };
    FactorPart {
        factor,
        of: side,
        value,
        points,
        at_most,
        why,
    }
}

fn one(factor: &str, at_most: u32, found: Result<(String, u32, String), String>) -> Vec<Given> {
    vec![Given {
        factor: factor.to_owned(),
        at_most,
        found,
    }]
}

/// A factor that holds or does not.
fn flag(factor: &str, points: Option<Points>, holds: bool, yes: &str, no: &str) -> Vec<Given> {
    let Some(points) = points else { return Vec::new() };
    let (points_now, says) = if holds { (points.get(), yes) } else { (0, no) };
    let value = if holds { "yes" } else { "no" };
    one(
        factor,
        points.get(),
        Ok((value.to_owned(), points_now, says.to_owned())),
    )
}

/// A factor that is so much of something: the points of the highest threshold that is reached.
fn steps(
    factor: &str,
    steps: &Steps,
    value: impl FnOnce() -> Result<(AtLeast, String), String>,
) -> Vec<Given> {
    let Some(at_most) = steps.values().max() else {
        return Vec::new();
    };
    let found = value().and_then(|(value, says)| {
        if let Some(other) = steps.keys().find(|step| !step.is_like(value)) {
            return Err(format!("its threshold `{other}` is not {}", value.measures()));
        }
        let reached = steps.iter().filter(|(from, _)| **from <= value);
        Ok(match reached.max_by_key(|(_, points)| **points) {
            Some((from, points)) => (value.value(), points.get(), format!("{says} ({from})")),
            None => (value.value(), 0, says),
        })
    });
    one(factor, at_most.get(), found)
}

fn base(declared: &Factors, _: &RiskView<'_>) -> Vec<Given> {
    let Some(points) = declared.base else {
        return Vec::new();
    };
    let says = "what every change here has".to_owned();
    one(
        "base",
        points.get(),
        Ok(("always".to_owned(), points.get(), says)),
    )
}

fn breaking(declared: &Factors, view: &RiskView<'_>) -> Vec<Given> {
    let holds = view.release.release.change.breaking;
    let (yes, no) = (
        "callers of the old version break",
        "callers of the old version go on",
    );
    flag("breaking", declared.breaking, holds, yes, no)
}

fn data_migration(declared: &Factors, view: &RiskView<'_>) -> Vec<Given> {
    let change = &view.release.release.change;
    let holds = change.kind == ChangeKind::DataMigration || change.irreversible;
    let (yes, no) = ("stored data changes, or it cannot be undone", "it can be undone");
    flag("data_migration", declared.data_migration, holds, yes, no)
}

fn kind(declared: &Factors, view: &RiskView<'_>) -> Vec<Given> {
    let Some(at_most) = declared.kind.values().max() else {
        return Vec::new();
    };
    let kind = view.release.release.change.kind;
    let points = declared.kind.get(&kind).copied().unwrap_or_default();
    let says = format!("the change is of kind {}", kind.word());
    one(
        "kind",
        at_most.get(),
        Ok((kind.word().to_owned(), points.get(), says)),
    )
}

fn tier(declared: &Factors, view: &RiskView<'_>) -> Vec<Given> {
    let Some(at_most) = declared.tier.values().max() else {
        return Vec::new();
    };
    let found = match &view.pipeline.tier {
        None => Err("the pipeline declares no `tier`".to_owned()),
        Some(tier) => match declared.tier.get(tier) {
            Some(points) => Ok((
                tier.clone(),
                points.get(),
                format!("the service is of tier {tier}"),
            )),
            None => Err(format!("nothing is said of tier `{tier}`")),
        },
    };
    one("tier", at_most.get(), found)
}

fn labels(declared: &Factors, view: &RiskView<'_>) -> Vec<Given> {
    let labels = &view.release.release.change.labels;
    let given = |(name, points): (&String, &std::collections::BTreeMap<String, Points>)| Given {
        factor: format!("label {name}"),
        at_most: points.values().max().copied().unwrap_or_default().get(),
        found: match labels.get(name) {
            None => Err("the change does not have it".to_owned()),
            Some(value) => {
                let points = points.get(value).copied().unwrap_or_default().get();
                Ok((value.clone(), points, format!("it is `{value}`")))
            }
        },
    };
    declared.labels.iter().map(given).collect()
}

fn paths(declared: &Factors, view: &RiskView<'_>) -> Vec<Given> {
    let Some(at_most) = declared.paths.values().max() else {
        return Vec::new();
    };
    let paths = &view.release.release.change.paths;
    let fits = |pattern: &str| {
        paths
            .iter()
            .find(|path| fast_glob::glob_match(pattern, path.as_bytes()))
    };
    let fitting = declared
        .paths
        .iter()
        .filter_map(|(pattern, points)| Some((fits(pattern)?, pattern, points)))
        .max_by_key(|(_, _, points)| **points);
    let found = match fitting {
        _ if paths.is_empty() => Err("the change does not say which paths it touches".to_owned()),
        Some((path, pattern, points)) => Ok((
            path.clone(),
            points.get(),
            format!("{path} is touched (`{pattern}`)"),
        )),
        None => Ok((
            format!("{} others", paths.len()),
            0,
            "no path that is named here is touched".to_owned(),
        )),
    };
    one("paths", at_most.get(), found)
}

fn size(declared: &Factors, view: &RiskView<'_>) -> Vec<Given> {
    steps("size", &declared.size, || {
        let lines = view.release.release.change.lines_changed;
        let lines = lines.ok_or("the change does not say how many lines it changes")?;
        Ok((AtLeast::Count(lines), format!("{lines} lines changed")))
    })
}

fn since_last(declared: &Factors, view: &RiskView<'_>) -> Vec<Given> {
    steps("since_last", &declared.since_last, || {
        let here = view.draft.stage(view.stage_ref);
        let live = here.live.as_ref().ok_or("nothing is live here yet")?;
        let span = Span::between(live.since, view.at());
        Ok((
            AtLeast::Span(span),
            format!("{} was live for {} when it was asked for", live.version, span),
        ))
    })
}

fn failure_rate(declared: &Factors, view: &RiskView<'_>) -> Vec<Given> {
    steps("failure_rate", &declared.failure_rate, || {
        let recent = &view.draft.stage(view.stage_ref).recent;
        if recent.len() < RATED_LEAST {
            return Err(format!(
                "{} of the {RATED_LEAST} rollouts that it takes to tell have ended here",
                recent.len()
            ));
        }
        let failed = |outcome: &&PromotionOutcome| **outcome != PromotionOutcome::Verified;
        let failed = recent.iter().filter(failed).count();
        Ok((
            AtLeast::percent(failed as f64 * 100.0 / recent.len() as f64),
            format!("{failed} of the last {} were rolled back", recent.len()),
        ))
    })
}

fn coverage_drop(declared: &Factors, view: &RiskView<'_>) -> Vec<Given> {
    steps("coverage_drop", &declared.coverage_drop, || {
        let lines = |facts: &CoverageFacts| {
            let percent = facts.lines_percent();
            percent.ok_or_else(|| "a coverage report says nothing of lines".to_owned())
        };
        let mut drop: f64 = 0.0;
        for pair in reported_twice(view, "coverage")? {
            if let (Facts::Coverage(live), Facts::Coverage(new)) = pair {
                drop = drop.max(lines(live)? - lines(new)?);
            }
        }
        Ok((
            AtLeast::percent(drop),
            format!("{drop:.1} points less than in the live release"),
        ))
    })
}

fn new_dependencies(declared: &Factors, view: &RiskView<'_>) -> Vec<Given> {
    steps("new_dependencies", &declared.new_dependencies, || {
        let mut added: Vec<String> = Vec::new();
        for pair in reported_twice(view, "sbom")? {
            if let (Facts::Sbom(live), Facts::Sbom(new)) = pair {
                added.extend(components_added(live, new));
            }
        }
        let first = added
            .first()
            .map(|first| format!(", as {first}"))
            .unwrap_or_default();
        Ok((
            AtLeast::Count(added.len() as u64),
            format!(
                "{} components that the live release does not have{first}",
                added.len()
            ),
        ))
    })
}

/// The newest evidence of a kind of every source, each with what the live release has of the same.
fn reported_twice<'v>(view: &'v RiskView<'_>, kind: &str) -> Result<Vec<(&'v Facts, &'v Facts)>, String> {
    let live = live(view)?;
    let new = read(view.release, kind)?;
    let old = read(live, kind)?;
    if new.is_empty() {
        return Err(format!("no {kind} was reported"));
    }
    new.into_iter()
        .map(|(name, new)| {
            let same = old.iter().find(|(other, _)| *other == name);
            let live = same.ok_or_else(|| format!("the live release has no such {kind} to compare with"))?;
            Ok((live.1, new))
        })
        .collect()
}

/// The live release, which the draft's world keeps.
fn live<'v>(view: &'v RiskView<'_>) -> Result<&'v ReleaseState, String> {
    let here = view.draft.stage(view.stage_ref);
    let live = here.live.as_ref().map(|live| live.release);
    live.filter(|live| *live != view.release.id)
        .and_then(|live| view.draft.release_in_world(&live))
        .ok_or_else(|| "no other release is live to compare with".to_owned())
}

type Named<'r> = (Option<&'r str>, &'r Facts);

fn read<'r>(release: &'r ReleaseState, kind: &str) -> Result<Vec<Named<'r>>, String> {
    newest_reports(release, kind)
        .into_iter()
        .map(|(_, evidence)| match &evidence.found {
            Found::Facts { facts } => Ok((evidence.name.as_deref(), facts)),
            Found::Errored { reason, .. } => Err(format!("a report could not be read: {reason}")),
        })
        .collect()
}

fn conditions(declared: &Factors, view: &RiskView<'_>) -> Vec<Given> {
    if declared.conditions.is_empty() {
        return Vec::new();
    }
    let facts = facts(view.pipeline, view.release, view.stage, None);
    let given = |(index, condition): (usize, &gateline_model::RiskCondition)| Given {
        factor: format!("condition {}", index + 1),
        at_most: condition.points.get(),
        found: holds(Some(&condition.when), RISK_FACTS, &facts).map(|holds| {
            let (value, points) = if holds {
                ("yes", condition.points.get())
            } else {
                ("no", 0)
            };
            (value.to_owned(), points, condition.because.clone())
        }),
    };
    declared.conditions.iter().enumerate().map(given).collect()
}
