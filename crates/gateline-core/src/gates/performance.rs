//! Performance: a load test kept its budget, and the release is not much slower than the one that is live.
//!
//! `performance: {p95: "<= 300 ms", failed: "<= 1%", against_live: {p95: "<= 10%", noise: 5%}}`, from k6, locust, oha, wrk, hey or
//! autocannon. `against_live` limits how much worse a number may be than in the live release's own evidence: more, of latencies and
//! failures; less, of the rate. What is worse by no more than `noise` counts as the same. Where nothing is live to compare
//! with, the budget alone is judged, and the verdict says so.

use gateline_model::{Facts, Gate, Percent, PerformanceFacts, TOOL_THRESHOLDS_MAX};
use schemars::JsonSchema;
use serde::Deserialize;

use super::asked::{self, Measure, Row, Weighed, short};
use super::baseline::Baseline;
use super::reported::Wanted;
use super::{GateKind, GateView, Place, Says, observes_nothing, reported, schema_of, with_params};
use crate::threshold::Threshold;

pub(super) const KIND: GateKind = GateKind {
    name: "performance",
    summary: "A load test kept its budget, and is not much slower than the live release's.",
    place: Place::Entry,
    check: |params| {
        let performance = Performance::deserialize(params).map_err(|err| err.to_string())?;
        performance.check()
    },
    schema: schema_of::<Performance>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |performance: Performance| {
            let wanted = Wanted {
                kind: "performance",
                format: None,
                name: performance.name.as_deref(),
                what: "load test",
            };
            reported::judge(gate, view, wanted, |facts| match facts {
                Facts::Performance(facts) => performance.judge(facts, &Baseline::of(view, wanted)),
                other => reported::foreign(other),
            })
        })
    },
};

/// Parameters of the gate kind `performance`; at least one of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Performance {
    /// The mean latency, as in `<= 120 ms`; the unit is `ms`, `s` or `us`.
    #[serde(default)]
    mean: Option<Threshold>,
    /// The median latency.
    #[serde(default)]
    p50: Option<Threshold>,
    /// The 90th percentile.
    #[serde(default)]
    p90: Option<Threshold>,
    /// The 95th percentile.
    #[serde(default)]
    p95: Option<Threshold>,
    /// The 99th percentile.
    #[serde(default)]
    p99: Option<Threshold>,
    /// The slowest request.
    #[serde(default)]
    max: Option<Threshold>,
    /// Share of requests that failed, as in `<= 1%`.
    #[serde(default)]
    failed: Option<Threshold>,
    /// Requests per second, as in `>= 50`.
    #[serde(default)]
    rate: Option<Threshold>,
    /// Requests in all, as in `>= 1000`: a test of three requests measures nothing.
    #[serde(default)]
    requests: Option<Threshold>,
    /// Whether each check inside the test must have held, every time.
    #[serde(default)]
    checks: bool,
    /// Whether each threshold of the test itself must have held.
    #[serde(default)]
    thresholds: bool,
    /// How much worse it may be than the live release.
    #[serde(default)]
    against_live: Option<AgainstLive>,
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
}

/// How much worse than the live release, in per cent of its number; `failed` in percentage points.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AgainstLive {
    /// The mean latency, as in `<= 10%`.
    #[serde(default)]
    mean: Option<Threshold>,
    /// The median latency.
    #[serde(default)]
    p50: Option<Threshold>,
    /// The 90th percentile.
    #[serde(default)]
    p90: Option<Threshold>,
    /// The 95th percentile.
    #[serde(default)]
    p95: Option<Threshold>,
    /// The 99th percentile.
    #[serde(default)]
    p99: Option<Threshold>,
    /// The slowest request.
    #[serde(default)]
    max: Option<Threshold>,
    /// Share of requests that failed; the points that it may be higher, as in `<= 0.5%`.
    #[serde(default)]
    failed: Option<Threshold>,
    /// Requests per second; by how much it may be lower.
    #[serde(default)]
    rate: Option<Threshold>,
    /// What is worse by no more than this counts as the same.
    #[serde(default)]
    noise: Option<Percent>,
}

/// What a report has of each row of the budget.
fn values(facts: &PerformanceFacts) -> [Option<f64>; 9] {
    let latency = &facts.latency;
    [
        latency.mean,
        latency.p50,
        latency.p90,
        latency.p95,
        latency.p99,
        latency.max,
        facts.failed_percent(),
        facts.rate,
        Some(facts.requests as f64),
    ]
}

impl AgainstLive {
    /// In the order of [`values`], but for the requests, which nobody compares.
    fn limits(&self) -> [(&'static str, Option<&Threshold>); 8] {
        [
            ("mean", self.mean.as_ref()),
            ("p50", self.p50.as_ref()),
            ("p90", self.p90.as_ref()),
            ("p95", self.p95.as_ref()),
            ("p99", self.p99.as_ref()),
            ("max", self.max.as_ref()),
            ("failed", self.failed.as_ref()),
            ("rate", self.rate.as_ref()),
        ]
    }

    /// Compares each number that there is a limit for.
    fn compare(&self, facts: &PerformanceFacts, live: &PerformanceFacts) -> Compared {
        let mut compared = Compared::default();
        let pairs = values(facts).into_iter().zip(values(live));
        for ((name, limit), (value, live)) in self.limits().into_iter().zip(pairs) {
            let Some(limit) = limit else { continue };
            let Some(value) = value else {
                compared.missing.push(name);
                continue;
            };
            let Some(worse) = live.and_then(|live| worsening(name, value, live)) else {
                compared.silent.push(name);
                continue;
            };
            let noise = self.noise.map_or(0.0, Percent::as_f64);
            let counted = if worse <= noise { worse.min(0.0) } else { worse };
            let text = match (worse > 0.0, counted > 0.0) {
                (true, true) => format!("{name} {}% worse than live, limit {limit}", short(worse)),
                (true, false) => format!("{name} {}% worse than live, which is noise", short(worse)),
                (false, _) => format!("{name} no worse than live"),
            };
            compared.numbers.push((name, counted, limit.to_string()));
            match limit.holds(counted) {
                true => compared.within.push(text),
                false => compared.over.push(text),
            }
        }
        compared
    }
}

#[derive(Default)]
struct Compared {
    over: Vec<String>,
    within: Vec<String>,
    /// What this release's report does not have.
    missing: Vec<&'static str>,
    /// What the live release's report does not have.
    silent: Vec<&'static str>,
    numbers: Vec<(&'static str, f64, String)>,
}

/// How much worse, in per cent of the live number, in points for what is a share; below 0 where it is better.
/// `None` where there is nothing to be a part of.
fn worsening(name: &str, value: f64, live: f64) -> Option<f64> {
    let more = match name {
        "failed" => return Some(value - live),
        "rate" => live - value,
        _ => value - live,
    };
    (live > 0.0).then(|| more * 100.0 / live)
}

impl Performance {
    /// In the order of [`values`].
    fn rows(&self) -> [Row<'_>; 9] {
        [
            ("mean", Measure::Millis, self.mean.as_ref()),
            ("p50", Measure::Millis, self.p50.as_ref()),
            ("p90", Measure::Millis, self.p90.as_ref()),
            ("p95", Measure::Millis, self.p95.as_ref()),
            ("p99", Measure::Millis, self.p99.as_ref()),
            ("max", Measure::Millis, self.max.as_ref()),
            ("failed", Measure::Percent, self.failed.as_ref()),
            ("rate", Measure::PerSecond, self.rate.as_ref()),
            ("requests", Measure::Count, self.requests.as_ref()),
        ]
    }

    fn check(&self) -> Result<(), String> {
        let rows = self.rows();
        let against: Vec<Row<'_>> = self
            .against_live
            .iter()
            .flat_map(AgainstLive::limits)
            .map(|(name, limit)| (name, Measure::Percent, limit))
            .collect();
        let asks = |rows: &[Row<'_>]| rows.iter().any(|(.., limit)| limit.is_some());
        if self.against_live.is_some() && !asks(&against) {
            return Err(
                "against_live: it compares nothing: give a limit such as `p95: \"<= 10%\"`".to_owned(),
            );
        }
        if !asks(&rows) && !asks(&against) && !self.checks && !self.thresholds {
            return Err("it asks for nothing: give a limit such as `p95: \"<= 300 ms\"`".to_owned());
        }
        asked::check(&rows)?;
        asked::check(&against).map_err(|err| format!("against_live.{err}"))
    }

    /// What the test says of itself: what broke, and what it does not say.
    fn of_itself(&self, facts: &PerformanceFacts) -> (Vec<String>, Vec<&'static str>) {
        let (mut over, mut missing) = (Vec::new(), Vec::new());
        match facts.checks.filter(|checks| checks.held + checks.broke > 0) {
            _ if !self.checks => {}
            Some(checks) if checks.broke > 0 => {
                let all = checks.held + checks.broke;
                over.push(format!("{} of {all} checks did not hold", checks.broke));
            }
            Some(_) => {}
            None => missing.push("checks"),
        }
        if self.thresholds {
            let broke = facts.thresholds.iter().filter(|threshold| !threshold.held);
            over.extend(
                broke.map(|threshold| format!("the test's own threshold `{}` did not hold", threshold.rule)),
            );
            // A list as long as may be kept was perhaps longer.
            if facts.thresholds.is_empty() || facts.thresholds.len() >= TOOL_THRESHOLDS_MAX {
                missing.push("all thresholds");
            }
        }
        (over, missing)
    }

    fn judge(&self, facts: &PerformanceFacts, baseline: &Baseline) -> Says {
        let live = match baseline {
            Baseline::Known(_, Facts::Performance(live)) => Some(live),
            Baseline::Known(..) | Baseline::Silent(_) | Baseline::None => None,
        };
        let live_values = live.map(values).unwrap_or_default();
        let values = values(facts);
        let pairs = std::array::from_fn::<_, 9, _>(|at| (values[at], live_values[at]));
        let weighed = Weighed::of_rows(self.rows(), pairs);
        let compared = match (&self.against_live, live) {
            (Some(against), Some(live)) => against.compare(facts, live),
            (Some(_), None) | (None, _) => Compared::default(),
        };
        let (broke, unsaid) = self.of_itself(facts);

        let over = [&weighed.over[..], &compared.over, &broke].concat();
        let missing = [&weighed.missing[..], &compared.missing, &unsaid].concat();
        let within = [&weighed.within[..], &compared.within].concat();
        let says = if !over.is_empty() {
            Says::refused("performance.over", over.join("; "))
                .changed_by("a new release, or a new load test of this one")
                .next("find what became slow, mend it and register a new release")
        } else if !missing.is_empty() {
            let missing = missing.join(", ");
            Says::waiting(
                "performance.unknown",
                format!("the load test says nothing of {missing}"),
            )
            .changed_by("a reporter (CI)")
            .next("let the tool measure it and report again")
        } else if within.is_empty() && self.against_live.is_some() {
            let why = match compared.silent.as_slice() {
                [] => baseline.says(),
                silent => format!(
                    "the live release's load test has no {}: nothing was compared",
                    silent.join(", ")
                ),
            };
            Says::satisfied("performance.not_compared", why)
        } else if within.is_empty() {
            Says::satisfied(
                "performance.within",
                format!("{} requests, all that was asked held", facts.requests),
            )
        } else {
            Says::satisfied("performance.within", within.join("; "))
        };

        let mut lines = broke;
        lines.extend(compared.over);
        lines.extend(weighed.lines.iter().cloned());
        lines.extend(compared.within);
        lines.push(baseline.says());
        if !compared.silent.is_empty() {
            lines.push(format!(
                "the live release's load test has no {} to compare with",
                compared.silent.join(", ")
            ));
        }
        if let Some(live) = live.filter(|live| live.tool != facts.tool) {
            lines.push(format!(
                "the live release was measured with {}, this one with {}",
                live.tool, facts.tool
            ));
        }
        let says = weighed.tell(says);
        let says = compared
            .numbers
            .into_iter()
            .fold(says, |says, (name, worse, limit)| {
                says.number(&format!("{name} worse than live"), worse, "%", Some(limit))
            });
        says.details(lines)
    }
}

#[cfg(test)]
mod tests {
    use gateline_model::{Checks, Latency, ToolThreshold, Verdict};
    use serde_json::{Value, json};
    use test_case::test_case;

    use super::*;

    fn gate(params: Value) -> Performance {
        (KIND.check)(&params).expect("legal parameters");
        Performance::deserialize(params).expect("parameters")
    }

    fn facts(p95: f64) -> PerformanceFacts {
        PerformanceFacts {
            tool: "k6".to_owned(),
            requests: 1_000,
            failed: Some(5),
            rate: Some(100.0),
            latency: Latency {
                p95: Some(p95),
                ..Latency::default()
            },
            ..PerformanceFacts::default()
        }
    }

    fn live(p95: f64) -> Baseline {
        Baseline::Known(
            "1.0.0".parse().expect("a version"),
            Facts::Performance(facts(p95)),
        )
    }

    #[test_case(200.0, 209.9, Verdict::Satisfied; "within the noise it is the same")]
    #[test_case(200.0, 219.0, Verdict::Satisfied; "over the noise and within the limit")]
    #[test_case(200.0, 221.0, Verdict::Refused; "over the limit")]
    #[test_case(200.0, 100.0, Verdict::Satisfied; "better")]
    fn a_release_is_held_against_the_live_one(before: f64, now: f64, expected: Verdict) {
        let gate = gate(json!({"against_live": {"p95": "<= 10%", "noise": "5%"}}));
        let says = gate.judge(&facts(now), &live(before));
        assert_eq!(says.verdict, expected, "{}", says.says);
    }

    #[test]
    fn a_limit_under_the_noise_holds_within_the_noise() {
        let gate = gate(json!({"against_live": {"p95": "<= 1%", "noise": "5%"}}));
        assert_eq!(
            gate.judge(&facts(208.0), &live(200.0)).verdict,
            Verdict::Satisfied
        );
        assert_eq!(gate.judge(&facts(212.0), &live(200.0)).verdict, Verdict::Refused);
    }

    #[test]
    fn a_lower_rate_and_more_failures_are_worse() {
        assert_eq!(worsening("rate", 80.0, 100.0), Some(20.0));
        assert_eq!(worsening("rate", 120.0, 100.0), Some(-20.0));
        assert_eq!(worsening("failed", 1.5, 0.0), Some(1.5));
        assert_eq!(worsening("p95", 1.5, 0.0), None, "no part of nothing");
    }

    #[test]
    fn a_first_release_is_held_against_the_budget_alone() {
        let gate = gate(json!({"p95": "<= 0.3 s", "against_live": {"p95": "<= 10%"}}));
        let says = gate.judge(&facts(300.0), &Baseline::None);
        assert_eq!(says.verdict, Verdict::Satisfied);
        let line = "no other release is live here: there is nothing to compare with".to_owned();
        assert!(says.details.contains(&line), "{:?}", says.details);
        assert_eq!(
            gate.judge(&facts(300.1), &Baseline::None).verdict,
            Verdict::Refused
        );
    }

    #[test]
    fn what_the_test_says_of_itself_counts_when_asked() {
        let own = gate(json!({"checks": true, "thresholds": true}));
        let mut facts = facts(1.0);
        assert_eq!(own.judge(&facts, &Baseline::None).code, "performance.unknown");
        facts.checks = Some(Checks { held: 10, broke: 0 });
        facts.thresholds = vec![ToolThreshold {
            rule: "p(95)<500".to_owned(),
            held: true,
        }];
        assert_eq!(own.judge(&facts, &Baseline::None).verdict, Verdict::Satisfied);
        facts.thresholds[0].held = false;
        assert_eq!(own.judge(&facts, &Baseline::None).verdict, Verdict::Refused);
        let not_asked = gate(json!({"requests": ">= 1000"}));
        assert_eq!(
            not_asked.judge(&facts, &Baseline::None).verdict,
            Verdict::Satisfied
        );
    }

    #[test_case(json!({}); "nothing")]
    #[test_case(json!({"p95": "<= 300"}); "no unit")]
    #[test_case(json!({"p95": "<= 3%"}); "a share of a latency")]
    #[test_case(json!({"failed": "<= 1"}); "failures that may be a share or a count")]
    #[test_case(json!({"against_live": {"noise": "5%"}}); "a comparison of nothing")]
    #[test_case(json!({"against_live": {"p95": "<= 10 ms"}}); "a comparison in milliseconds")]
    fn wrong_parameters_are_refused(params: Value) {
        assert!((KIND.check)(&params).is_err());
    }
}
