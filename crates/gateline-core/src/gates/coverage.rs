//! Coverage: enough of the code was reached by the tests, enough of what is new, and not less than in the live release.
//!
//! `coverage: {lines: ">= 80%", new_lines: ">= 90%", drop: "<= 1%"}`. A report of nothing is no pass.

use gateline_model::{CoverageFacts, Facts, Gate, PatchFacts};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::pattern::Pattern;
use super::reported::Wanted;
use super::{
    GateKind, GateView, Place, Says, check_params, observes_nothing, reported, schema_of, with_params,
};
use crate::threshold::Threshold;

pub(super) const KIND: GateKind = GateKind {
    name: "coverage",
    summary: "Enough of the code was reached by the tests, also of what is new, and not less than in the live release.",
    place: Place::Entry,
    check,
    schema: schema_of::<Coverage>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |coverage: Coverage| {
            let wanted = Wanted {
                kind: "coverage",
                format: None,
                name: coverage.name.as_deref(),
                what: "coverage report",
            };
            reported::judge(gate, view, wanted, |facts| match facts {
                Facts::Coverage(facts) => coverage.judge(view, wanted, facts),
                other => reported::foreign(other),
            })
        })
    },
};

/// Parameters of the gate kind `coverage`. At least one of its limits is given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Coverage {
    /// Lines reached, as in `>= 80%`.
    #[serde(default)]
    lines: Option<Threshold>,
    /// Branches taken, as in `>= 60%`; not judged where it is not given.
    #[serde(default)]
    branches: Option<Threshold>,
    /// Functions entered, as in `>= 60%`; not judged where it is not given.
    #[serde(default)]
    functions: Option<Threshold>,
    /// Lines reached of those that the change adds, as in `>= 90%`: needs the change as a reported diff.
    #[serde(default)]
    new_lines: Option<Threshold>,
    /// Changed files that the tool does not look at, for `new_lines`: `*` stands for any text, as in `tests/*`. Any other
    /// changed file that the report does not tell of, although it tells of files that end alike, is not known.
    #[serde(default)]
    not_measured: Vec<Pattern>,
    /// How much less of the lines than in the live release, in percentage points, as in `<= 1%`.
    #[serde(default)]
    drop: Option<Threshold>,
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
}

fn check(params: &Value) -> Result<(), String> {
    check_params::<Coverage>(params)?;
    let limits = ["lines", "branches", "functions", "new_lines", "drop"];
    if params.get("not_measured").is_some() && params.get("new_lines").is_none() {
        return Err("`not_measured` is about the change: give `new_lines` too".to_owned());
    }
    match limits.iter().any(|limit| params.get(limit).is_some()) {
        true => Ok(()),
        false => {
            Err("it has no limit: give `lines`, `branches`, `functions`, `new_lines` or `drop`".to_owned())
        }
    }
}

/// One number that is asked for.
struct Asked<'a> {
    name: &'static str,
    limit: &'a Threshold,
    /// The number, or why there is none.
    percent: Result<f64, Unknown>,
}

/// A number that is not known.
struct Unknown {
    why: String,
    next: &'static str,
}

/// The tool did not say it.
fn not_measured(why: String) -> Unknown {
    Unknown {
        why,
        next: "let the tool measure it, and report again",
    }
}

impl Coverage {
    fn judge(&self, view: &GateView<'_>, wanted: Wanted<'_>, facts: &CoverageFacts) -> Says {
        let live = reported::baseline_facts(view, wanted).and_then(|(_, facts)| match facts {
            Facts::Coverage(live) => live.lines_percent(),
            _ => None,
        });
        let of = |name: &str, percent: Option<f64>| {
            percent.ok_or_else(|| not_measured(format!("the report says nothing of {name}")))
        };
        let mut asked = Vec::new();
        for (name, limit, percent) in [
            ("lines", &self.lines, of("lines", facts.lines_percent())),
            (
                "branches",
                &self.branches,
                of("branches", facts.branches_percent()),
            ),
            (
                "functions",
                &self.functions,
                of("functions", facts.functions_percent()),
            ),
        ] {
            asked.extend(limit.as_ref().map(|limit| Asked { name, limit, percent }));
        }
        let mut details = Vec::new();
        if let Some(limit) = &self.new_lines {
            let percent = self.new_lines(view, facts, &mut details);
            asked.push(Asked {
                name: "new lines",
                limit,
                percent,
            });
        }
        if let (Some(limit), Some(live), Some(now)) = (&self.drop, live, facts.lines_percent()) {
            asked.push(Asked {
                name: "drop",
                limit,
                percent: Ok((live - now).max(0.0)),
            });
        }
        self.says(asked, live).details(details)
    }

    /// The share of new lines that was reached, of those that could be. Lines that nobody reached go to the details.
    fn new_lines(
        &self,
        view: &GateView<'_>,
        facts: &CoverageFacts,
        details: &mut Vec<String>,
    ) -> Result<f64, Unknown> {
        let wanted = Wanted {
            kind: "patch",
            format: None,
            name: None,
            what: "diff",
        };
        let patch = match reported::newest(view.release, wanted).map(|(_, evidence)| &evidence.found) {
            Some(gateline_model::Found::Facts {
                facts: Facts::Patch(patch),
            }) => patch,
            Some(_) | None => {
                return Err(Unknown {
                    why: "the lines of the change are not known".to_owned(),
                    next: "report the change's diff, as in `git diff BASE..HEAD`",
                });
            }
        };
        if facts.by_file.is_empty() {
            return Err(not_measured(
                "the report does not tell which lines were reached, or of more files than are kept"
                    .to_owned(),
            ));
        }
        let not_told: Vec<&str> = patch
            .files
            .iter()
            .filter(|file| !file.added.is_empty() && self.should_be_told(&file.path, facts))
            .map(|file| file.path.as_str())
            .collect();
        if let Some(first) = not_told.first() {
            let more = match not_told.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            details.extend(
                not_told
                    .iter()
                    .map(|path| format!("{path}: changed, and not in the report")),
            );
            return Err(Unknown {
                why: format!("the report does not tell of {first}{more}, which the change adds to"),
                next: "let the tool look at each file of the change, or name those that it does not measure in `not_measured`",
            });
        }
        let (mut hit, mut missed) = (0_u64, 0_u64);
        for (path, added, covered) in touched(patch, facts) {
            let not_reached: Vec<u32> = added
                .iter()
                .filter(|line| covered.missed.contains(*line))
                .collect();
            hit += added.iter().filter(|line| covered.hit.contains(*line)).count() as u64;
            missed += not_reached.len() as u64;
            if !not_reached.is_empty() {
                let lines: gateline_model::LineSet = not_reached.into_iter().collect();
                details.push(format!("{path}: new lines {lines} are not reached"));
            }
        }
        // A change without code that could be reached has nothing that was not.
        Ok(if hit + missed == 0 {
            100.0
        } else {
            hit as f64 * 100.0 / (hit + missed) as f64
        })
    }

    /// Whether a changed file is of the kind that the report tells of, and it is not there.
    fn should_be_told(&self, path: &str, facts: &CoverageFacts) -> bool {
        let end = |path: &str| {
            path.rsplit('/')
                .next()
                .and_then(|name| name.rsplit_once('.'))
                .map(|(_, end)| end.to_owned())
        };
        let of_this_kind = || facts.by_file.iter().any(|told| end(&told.path) == end(path));
        end(path).is_some()
            && !self.not_measured.iter().any(|pattern| pattern.matches(path))
            && covered(path, facts).is_none()
            && of_this_kind()
    }

    fn says(&self, asked: Vec<Asked<'_>>, live: Option<f64>) -> Says {
        let percents: Vec<_> = asked
            .iter()
            .filter_map(|one| Some((one, *one.percent.as_ref().ok()?)))
            .collect();
        let mut text: Vec<String> = percents
            .iter()
            .map(|(one, percent)| match one.name {
                "drop" => format!(
                    "{percent:.1} points less than the live release, limit {}",
                    one.limit
                ),
                name => format!("{percent:.1}% of {name} reached, limit {}", one.limit),
            })
            .collect();
        if self.drop.is_some() && live.is_none() {
            text.push("no live release to compare with".to_owned());
        }
        let low = percents.iter().any(|(one, percent)| !one.limit.holds(*percent));
        let unknown = asked.iter().filter_map(|one| one.percent.as_ref().err());
        text.splice(0..0, unknown.map(|unknown| unknown.why.clone()));
        let unknown = asked.iter().find_map(|one| one.percent.as_ref().err());
        let says = match (low, unknown) {
            (true, _) => Says::refused("coverage.low", text.join("; "))
                .changed_by("a new release, or a new report for this one")
                .next("test what is not reached and register a new release"),
            (false, Some(unknown)) => Says::waiting("coverage.unknown", text.join("; "))
                .changed_by("a reporter (CI)")
                .next(unknown.next),
            (false, None) => Says::satisfied("coverage.enough", text.join("; ")),
        };
        let says = percents.iter().fold(says, |says, (one, percent)| {
            says.number(one.name, *percent, "%", Some(one.limit.to_string()))
        });
        match live {
            Some(live) => says.number("live release", live, "%", None),
            None => says,
        }
    }
}

/// Files of the change with their coverage.
fn touched<'a>(
    patch: &'a PatchFacts,
    facts: &'a CoverageFacts,
) -> impl Iterator<
    Item = (
        &'a str,
        &'a gateline_model::LineSet,
        &'a gateline_model::FileLines,
    ),
> {
    patch.files.iter().filter_map(|file| {
        let covered = covered(&file.path, facts)?;
        Some((file.path.as_str(), &file.added, covered))
    })
}

/// What the report tells of a file. Tools write paths from other roots: the longest common end that is whole parts of a
/// path decides.
fn covered<'a>(path: &str, facts: &'a CoverageFacts) -> Option<&'a gateline_model::FileLines> {
    let ends_alike = |other: &str| {
        let (long, short) = match other.len() > path.len() {
            true => (other, path),
            false => (path, other),
        };
        long.strip_suffix(short)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    facts
        .by_file
        .iter()
        .filter(|covered| ends_alike(&covered.path))
        .max_by_key(|covered| covered.path.len())
}
