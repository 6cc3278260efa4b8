//! The plain judge: a share of errors and a quantile of latency, each against one limit, once enough was served.

use gateline_model::{Arm, JudgeSettings, Ruling, RulingKind, Span, Tick};
use jiff::Timestamp;

use crate::counts::{Counts, count};

/// Fewer failures than this never roll back before enough requests were served: one unlucky request is no finding.
const EARLY_ERRORS_MIN: u64 = 3;

/// Rules on one step of a rollout: what the canary served since the step began, against the settings' limits.
///
/// `step_since` is when the step became true, `now` the time of the last look. Without a limit nothing can be exceeded,
/// and enough requests are all that is asked.
pub fn judge(settings: &JudgeSettings, ticks: &[Tick], step_since: Timestamp, now: Timestamp) -> Ruling {
    let canary = count(ticks, Arm::Canary, Some(step_since));
    let stable = count(ticks, Arm::Stable, Some(step_since));
    let errors_percent = canary.errors_percent();
    let latency_ms = settings
        .latency
        .as_ref()
        .and_then(|limit| canary.quantile(limit.quantile.share()))
        .map(|seconds| seconds * 1_000.0);
    let (says, headline) = rule(settings, &canary, latency_ms, Span::between(step_since, now));
    Ruling {
        says,
        headline,
        at: now,
        requests: canary.requests,
        errors: canary.errors,
        errors_percent,
        latency_ms,
        stable_errors_percent: stable.errors_percent(),
        weight: None,
        unmeasured: None,
        full: None,
    }
}

fn rule(
    settings: &JudgeSettings,
    canary: &Counts,
    latency_ms: Option<f64>,
    waited: Span,
) -> (RulingKind, String) {
    let Counts { requests, errors, .. } = canary;
    let enough = *requests >= settings.at_least_requests;
    let percent = canary.errors_percent().unwrap_or(0.0);
    let served = format!("{errors} of {requests} requests failed ({percent:.1}%)");
    if !enough {
        // So many failures that even a spotless rest of the sample could not bring the share under the limit.
        let hopeless = settings.errors.as_ref().is_some_and(|limit| {
            *errors as f64 > limit.at_most.share() * settings.at_least_requests as f64
                && *errors >= EARLY_ERRORS_MIN
        });
        if let (true, Some(limit)) = (hopeless, &settings.errors) {
            return (
                RulingKind::RollBack,
                format!("{served}: more than {} whatever comes", limit.at_most),
            );
        }
        let wanted = format!("{requests} of {} requests seen", settings.at_least_requests);
        return if waited >= settings.patience {
            (
                RulingKind::Inconclusive,
                format!("{wanted} in {waited}: too few to tell"),
            )
        } else {
            (RulingKind::Wait, wanted)
        };
    }
    if let Some(limit) = settings
        .errors
        .as_ref()
        .filter(|limit| percent > limit.at_most.as_f64())
    {
        return (RulingKind::RollBack, format!("{served}, limit {}", limit.at_most));
    }
    let Some(limit) = &settings.latency else {
        return (RulingKind::Advance, served);
    };
    match latency_ms {
        Some(ms) if ms > limit.at_most.as_millis() as f64 => (
            RulingKind::RollBack,
            format!(
                "{} of requests take up to {ms:.0} ms, limit {}",
                limit.quantile, limit.at_most
            ),
        ),
        Some(ms) => (
            RulingKind::Advance,
            format!("{served}, {} within {ms:.0} ms", limit.quantile),
        ),
        // Latency was asked for and nobody tells it: that is no pass.
        None if waited >= settings.patience => (
            RulingKind::Inconclusive,
            format!("{served}, but latency is not known"),
        ),
        None => (RulingKind::Wait, format!("{served}; latency is not known yet")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> JudgeSettings {
        serde_json::from_str(text).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ticks(requests: u64, errors: u64, slow: u64) -> Vec<Tick> {
        let tick = |second, requests, errors, slow: u64| Tick {
            requests,
            errors,
            buckets: vec![(0.1, requests - slow), (2.0, requests)],
            ..Tick::none(at(second), Arm::Canary)
        };
        vec![tick(0, 0, 0, 0), tick(10, requests, errors, slow)]
    }

    fn says(text: &str, ticks: &[Tick], now: i64) -> RulingKind {
        judge(&settings(text), ticks, at(0), at(now)).says
    }

    const BOTH: &str = r#"{"errors": {"at_most": "2%"}, "latency": {"quantile": "95%", "at_most": "300ms"},
        "at_least_requests": 100, "patience": "60s"}"#;

    #[test]
    fn a_clean_canary_advances_once_enough_was_served() {
        assert_eq!(says(BOTH, &ticks(99, 0, 0), 10), RulingKind::Wait);
        assert_eq!(says(BOTH, &ticks(100, 2, 0), 10), RulingKind::Advance);
    }

    #[test]
    fn too_many_errors_roll_back_even_before_enough_was_served() {
        assert_eq!(says(BOTH, &ticks(100, 3, 0), 10), RulingKind::RollBack);
        assert_eq!(says(BOTH, &ticks(20, 3, 0), 10), RulingKind::RollBack);
        assert_eq!(says(BOTH, &ticks(20, 2, 0), 10), RulingKind::Wait);
        let strict = r#"{"errors": {"at_most": "1%"}, "at_least_requests": 100}"#;
        assert_eq!(says(strict, &ticks(20, 2, 0), 10), RulingKind::Wait);
    }

    #[test]
    fn a_slow_tail_rolls_back() {
        assert_eq!(says(BOTH, &ticks(100, 0, 5), 10), RulingKind::Advance);
        assert_eq!(says(BOTH, &ticks(100, 0, 6), 10), RulingKind::RollBack);
    }

    #[test]
    fn patience_ends_in_a_question_never_in_a_pass() {
        assert_eq!(says(BOTH, &ticks(5, 0, 0), 60), RulingKind::Inconclusive);
        assert_eq!(says(BOTH, &[], 60), RulingKind::Inconclusive);
    }

    #[test]
    fn latency_that_nobody_tells_is_no_pass() {
        let mut silent = ticks(100, 0, 0);
        silent.iter_mut().for_each(|tick| tick.buckets.clear());
        assert_eq!(says(BOTH, &silent, 10), RulingKind::Wait);
        assert_eq!(says(BOTH, &silent, 60), RulingKind::Inconclusive);
    }

    #[test]
    fn the_same_ticks_give_the_same_ruling() {
        let ruling = || judge(&settings(BOTH), &ticks(200, 1, 3), at(0), at(10));
        assert_eq!(ruling(), ruling());
    }
}
