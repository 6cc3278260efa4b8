//! Risk factors: what the rules `risk_factor` (or `risk_factor_NAME`) of a module give, each with its points.
//!
//! Each gives objects such as `{"factor": "size", "of": "uncertainty", "points": 20, "value": "1200 lines", "why": ".."}`.
//! One without `value` is not known, and gives `at_most` points.

use gateline_model::{FactorPart, POINTS_MAX, Side};
use jiff::Timestamp;
use regorus::Value;
use serde::Deserialize;

use super::ask::{RunOf, check_input, shortened};
use super::load::{Asked, Kind, Module};
use super::on_large_stack;

/// Most factors that a module may give.
pub const RISK_FACTORS_MAX: usize = 50;

/// What a rule gives.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    factor: String,
    of: Side,
    #[serde(default)]
    points: Option<u32>,
    #[serde(default)]
    at_most: Option<u32>,
    #[serde(default)]
    value: Option<String>,
    why: String,
}

impl Module {
    /// What the module's rules `risk_factor` give of `input`, in one package or in all; nothing where it has no such rule.
    ///
    /// # Errors
    /// Why it could not be found out. Never to be taken for no risk.
    pub fn risk_factors(
        &self,
        package: Option<&str>,
        input: &serde_json::Value,
        now: Timestamp,
    ) -> Result<Vec<FactorPart>, String> {
        let is_meant = |asked: &&Asked| {
            asked.kind == Kind::Factor && package.is_none_or(|package| asked.package.join(".") == package)
        };
        let asked: Vec<&Asked> = self.asked.iter().filter(is_meant).collect();
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        check_input(input)?;
        on_large_stack(|| {
            let mut run = RunOf::new(self, now);
            run.engine.set_input(Value::from(input.clone()));
            let mut parts = Vec::new();
            for asked in asked {
                let value = run.value(&asked.package, &asked.rule)?;
                parts.extend(read(asked, &value)?);
            }
            match parts.len() {
                0..=RISK_FACTORS_MAX => Ok(parts),
                many => Err(format!(
                    "the module gives {many} risk factors, and at most {RISK_FACTORS_MAX} are taken"
                )),
            }
        })
        .flatten()
    }
}

fn read(asked: &Asked, value: &Value) -> Result<Vec<FactorPart>, String> {
    let place = format!("{}.{}", asked.package.join("."), asked.rule);
    let items: Vec<&Value> = match value {
        Value::Undefined => Vec::new(),
        Value::Set(items) => items.iter().collect(),
        Value::Array(items) => items.iter().collect(),
        other => {
            let shown = shortened(&other.to_string());
            return Err(format!("`{place}` gives {shown}, and not a set of factors"));
        }
    };
    items
        .into_iter()
        .map(|item| {
            let text = item.to_string();
            let given: Given = serde_json::from_str(&text)
                .map_err(|err| format!("`{place}` gives {}, which is no factor: {err}", shortened(&text)))?;
            part(given).map_err(|why| format!("`{place}` gives {}: {why}", shortened(&text)))
        })
        .collect()
}

fn part(given: Given) -> Result<FactorPart, String> {
    let Given {
        factor,
        of,
        points,
        at_most,
        value,
        why,
    } = given;
    let most = at_most
        .or(points)
        .ok_or("a factor has `points`, or `at_most` where it is not known")?;
    let points = match (&value, points) {
        (Some(_), None) => return Err("a factor that has a `value` has `points`".to_owned()),
        (Some(_), Some(points)) => points,
        (None, _) => most,
    };
    if most > POINTS_MAX || points > most {
        return Err(format!(
            "points are at most `at_most`, and that at most {POINTS_MAX}"
        ));
    }
    if factor.trim().is_empty() {
        return Err("a factor has a name".to_owned());
    }
    let why = match value {
        Some(_) => why,
        None => format!("not known: {why}"),
    };
    Ok(FactorPart {
        factor: shortened(&factor),
        of,
        value: value.as_deref().map(shortened),
        points,
        at_most: most,
        why: shortened(&why),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ModuleFiles, PolicyOutcome};

    fn ask(text: &str, input: &serde_json::Value) -> Result<Vec<FactorPart>, String> {
        let files = ModuleFiles::of([("a.rego".to_owned(), text.as_bytes().to_vec())]).unwrap();
        let module = Module::load(&files).unwrap();
        module.risk_factors(None, input, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_module_gives_factors_with_their_points() {
        let text = r#"package risk
risk_factor contains {"factor": "size", "of": "uncertainty", "points": 20, "value": "big", "why": "it is big"} if input.lines > 100
risk_factor_age contains {"factor": "age", "of": "impact", "at_most": 30, "why": "nobody said"} if not input.age
"#;
        let parts = ask(text, &serde_json::json!({"lines": 200})).unwrap();
        let seen: Vec<_> = parts
            .iter()
            .map(|part| (part.factor.as_str(), part.points, part.is_unknown()))
            .collect();
        assert_eq!(seen, [("size", 20, false), ("age", 30, true)]);
        assert!(
            ask(text, &serde_json::json!({"lines": 1, "age": 2}))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn what_is_no_factor_is_errored_and_never_no_risk() {
        for (given, why) in [
            (
                r#"{"factor": "size", "of": "impact", "points": 101, "value": "x", "why": "y"}"#,
                "at most 100",
            ),
            (
                r#"{"factor": "size", "of": "impact", "points": -1, "value": "x", "why": "y"}"#,
                "no factor",
            ),
            (
                r#"{"factor": "size", "of": "luck", "points": 1, "value": "x", "why": "y"}"#,
                "no factor",
            ),
            (
                r#"{"factor": "size", "of": "impact", "value": "x", "why": "y"}"#,
                "points",
            ),
            (
                r#"{"factor": " ", "of": "impact", "points": 1, "value": "x", "why": "y"}"#,
                "name",
            ),
            (r#""just a text""#, "no factor"),
        ] {
            let text = format!("package risk\nrisk_factor contains {given} if true\n");
            let err = ask(&text, &serde_json::json!({})).unwrap_err();
            assert!(err.contains(why), "{given}: {err}");
        }
        let scalar = ask("package risk\nrisk_factor := 3\n", &serde_json::json!({})).unwrap_err();
        assert!(scalar.contains("not a set"), "{scalar}");
    }

    #[test]
    fn a_module_of_factors_alone_denies_nothing() {
        let text = "package risk\nrisk_factor contains x if { x := input.given }\n";
        let files = ModuleFiles::of([("a.rego".to_owned(), text.as_bytes().to_vec())]).unwrap();
        let outcome = Module::load(&files)
            .unwrap()
            .ask(&serde_json::json!({}), Timestamp::UNIX_EPOCH);
        assert!(
            matches!(outcome, PolicyOutcome::Passed { rules: 1, .. }),
            "{outcome:?}"
        );
    }
}
