//! Recordings: what is read, what is refused and how, and what the judge says of some.
#![expect(clippy::unwrap_used, reason = "helpers of tests, beside the tests themselves")]

use std::fmt::Write;

use gateline_judge::{LINE_BYTES_MAX, Settings, TRACE_TICKS_MAX, Trace, TraceError, replay};
use gateline_model::RulingKind;
use gateline_model::ruling::{Because, Calibration};
use test_case::test_case;

/// What one tick of a made-up service has, with the wobble of a fixed pattern.
struct Made {
    ticks: i64,
    /// Ticks before the canary.
    before: i64,
    /// Bad requests in a hundred thousand, canary and stable.
    errors: (u64, u64),
    slow: (u64, u64),
    pods: usize,
}

const QUIET: Made = Made {
    ticks: 120,
    before: 0,
    errors: (1_000, 1_000),
    slow: (5_000, 5_000),
    pods: 0,
};

fn made(made: &Made) -> String {
    let mut text = String::new();
    let mut wobble = 7_u64;
    for tick in -made.before..made.ticks {
        let arms = [
            ("canary", 500, made.errors.0, made.slow.0, 1),
            ("stable", 1_500, made.errors.1, made.slow.1, 3),
        ];
        for (arm, requests, errors, slow, share) in arms {
            if tick < 0 && arm == "canary" {
                continue;
            }
            let pods = made.pods.max(1) * share / 3;
            for pod in 0..pods.max(1) {
                let requests = requests / pods.max(1) as u64;
                let mut part = |of: u64| {
                    wobble = wobble
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let chance = (wobble >> 33) % 2_001;
                    (requests * of * (500 + chance / 2) / 1_000).div_ceil(100_000)
                };
                let (errors, slow) = (part(errors), part(slow));
                let name = if made.pods > 0 {
                    format!(r#","pod":"{arm}-{pod}""#)
                } else {
                    String::new()
                };
                writeln!(
                    text,
                    r#"{{"t":{},"arm":"{arm}"{name},"requests":{requests},"errors":{errors},"buckets":{{"0.1":{},"0.5":{},"+Inf":{requests}}},"weight":25}}"#,
                    1_000 + tick * 15,
                    requests - slow,
                    requests - slow / 5,
                )
                .unwrap();
            }
        }
    }
    text
}

fn ruled(of: &Made) -> gateline_model::FullRuling {
    replay(Settings::default(), &Trace::read(&made(of)).unwrap())
}

#[test]
fn what_is_the_same_is_safe_and_what_is_three_times_worse_goes_back() {
    let same = ruled(&Made {
        before: 240,
        pods: 9,
        ..QUIET
    });
    assert_eq!(same.ruling, RulingKind::Advance, "{}", same.headline);
    let worse = ruled(&Made {
        before: 240,
        pods: 9,
        errors: (4_000, 1_000),
        ..QUIET
    });
    assert_eq!(worse.ruling, RulingKind::RollBack, "{}", worse.headline);
    assert!(
        worse.headline.starts_with("ROLLED BACK after "),
        "{}",
        worse.headline
    );
    assert!(
        worse.headline.contains("errors") && worse.headline.contains("limit 2x"),
        "{}",
        worse.headline
    );
    assert!(
        (1_000.0..2_000.0).contains(&worse.at),
        "in the recording's own time: {}",
        worse.at
    );
}

#[test]
fn latency_goes_back_by_requests_beyond_a_bound() {
    let slow = ruled(&Made {
        before: 240,
        pods: 9,
        slow: (12_000, 5_000),
        ..QUIET
    });
    assert_eq!(slow.ruling, RulingKind::RollBack);
    assert!(slow.headline.contains("slower than 100 ms"), "{}", slow.headline);
}

#[test]
fn without_pods_the_swings_of_stable_calibrate_after_a_while() {
    let worse = Made {
        errors: (5_000, 1_000),
        ..QUIET
    };
    let soon = ruled(&Made { ticks: 20, ..worse });
    assert_eq!(soon.ruling, RulingKind::Wait, "{}", soon.headline);
    assert!(
        matches!(soon.because, Because::Uncalibrated(_)),
        "{:?}",
        soon.because
    );
    assert!(
        soon.notes.iter().any(|note| note.contains("uncalibrated")),
        "{:?}",
        soon.notes
    );
    let later = ruled(&Made { ticks: 60, ..worse });
    assert_eq!(later.ruling, RulingKind::RollBack, "{}", later.headline);
    assert!(matches!(later.metrics[0].noise.from, Calibration::Swings { .. }));
}

#[test]
fn an_outage_needs_no_calibration() {
    let out = ruled(&Made {
        ticks: 20,
        errors: (50_000, 500),
        ..QUIET
    });
    assert_eq!(out.ruling, RulingKind::RollBack);
    assert!(out.at <= 1_000.0 + 60.0, "{}", out.at);
}

#[test]
fn the_same_recording_gives_the_same_ruling_bit_for_bit_in_any_order_of_lines() {
    let text = made(&Made {
        before: 40,
        pods: 6,
        errors: (1_500, 1_000),
        ..QUIET
    });
    let ruling = |text: &str| {
        serde_json::to_string(&replay(Settings::default(), &Trace::read(text).unwrap())).unwrap()
    };
    let mut lines: Vec<&str> = text.lines().collect();
    let first = ruling(&text);
    lines.reverse();
    assert_eq!(first, ruling(&lines.join("\n")));
}

#[test]
fn running_totals_are_read_as_such_and_said() {
    let text = made(&QUIET);
    let mut totals = std::collections::BTreeMap::<String, [u64; 4]>::new();
    let mut running = String::new();
    for line in text.lines() {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        let sums = totals.entry(line["arm"].to_string()).or_default();
        let paths = ["/requests", "/errors", "/buckets/0.1", "/buckets/0.5"];
        for (sum, path) in sums.iter_mut().zip(paths) {
            *sum += line.pointer(path).unwrap().as_u64().unwrap();
            *line.pointer_mut(path).unwrap() = (*sum).into();
        }
        line["buckets"]["+Inf"] = line["requests"].clone();
        writeln!(running, "{line}").unwrap();
    }
    let (ticks, totals) = (Trace::read(&text).unwrap(), Trace::read(&running).unwrap());
    assert!(
        totals.notes.iter().any(|note| note.contains("running totals")),
        "{:?}",
        totals.notes
    );
    assert!(ticks.notes.is_empty(), "{:?}", ticks.notes);
    assert_eq!(
        ticks.looks[5].canary.as_ref().unwrap().all.errors,
        totals.looks[4].canary.as_ref().unwrap().all.errors
    );
}

#[test_case("nonsense", "line 1 is no JSON"; "no json")]
#[test_case("[1]", "line 1 is no JSON object"; "no object")]
#[test_case(r#"{"arm":"canary","requests":1,"errors":0}"#, "line 1: `t` is missing"; "no time")]
#[test_case(r#"{"t":"now","arm":"canary","requests":1,"errors":0}"#, "line 1: `t` is no number of seconds"; "no number")]
#[test_case(r#"{"t":1,"arm":"blue","requests":1,"errors":0}"#, "line 1: `arm` is neither"; "unknown arm")]
#[test_case(r#"{"t":1,"arm":"canary","requests":-3,"errors":0}"#, "line 1: `requests` is no whole number"; "negative")]
#[test_case(r#"{"t":1,"arm":"canary","requests":1.5,"errors":0}"#, "line 1: `requests` is no whole number"; "half a request")]
#[test_case(r#"{"t":1,"arm":"canary","requests":1e300,"errors":0}"#, "line 1: `requests` is no whole number"; "too many requests")]
#[test_case(r#"{"t":1,"arm":"canary","requests":1,"errors":2}"#, "line 1: `errors` 2 are more than the 1 requests"; "more errors than requests")]
#[test_case(r#"{"t":1,"arm":"canary","requests":1,"errors":0,"weight":101}"#, "line 1: `weight` is no number from 0 to 100"; "too heavy")]
#[test_case(r#"{"t":1,"arm":"canary","requests":9,"errors":0,"buckets":{"0.1":5,"0.2":3}}"#, "line 1: `buckets` up to 0.2 there are fewer"; "not cumulative")]
#[test_case(r#"{"t":1,"arm":"canary","requests":9,"errors":0,"buckets":{"fast":5}}"#, "line 1: `buckets` `fast` is no bound"; "no bound")]
#[test_case(r#"{"t":1,"arm":"canary","requests":9,"errors":0,"pod":7}"#, "line 1: `pod` is no text"; "pod is no text")]
#[test_case("{\"t\":1,\"arm\":\"canary\",\"requests\":1,\"errors\":0}\n\n{\"t\":1,\"arm\":\"canary\",\"requests\":1,\"errors\":0}", "line 3: `t` 1 was told"; "the same twice")]
#[test_case(r#"{"t":1,"arm":"canary","requests":100,"errors":9,"errors":0}"#, "line 1 cannot be read: `errors` stands there twice"; "a field twice")]
#[test_case(r#"{"t":1,"arm":"canary","requests":9,"errors":0,"buckets":{"0.1":5,"0.1":9}}"#, "line 1 cannot be read: `0.1` stands there twice"; "a bound twice")]
#[test_case("", "the canary serves no request"; "nothing")]
#[test_case(r#"{"t":1,"arm":"stable","requests":1,"errors":0}"#, "the canary serves no request"; "no canary")]
fn bad_lines_are_refused_with_their_number_and_field(text: &str, wanted: &str) {
    let told = Trace::read(text).unwrap_err().to_string();
    assert!(told.starts_with(wanted), "{told}");
}

#[test]
fn a_mark_of_the_encoding_is_passed_over() {
    let text = made(&QUIET);
    assert_eq!(
        Trace::read(&format!("\u{feff}{text}")).unwrap(),
        Trace::read(&text).unwrap()
    );
}

#[test]
fn what_is_huge_or_deep_is_refused() {
    let deep = format!("{{\"t\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(Trace::read(&deep).is_err());
    let long = format!(
        r#"{{"t":1,"arm":"canary","pod":"{}","requests":1,"errors":0}}"#,
        "x".repeat(LINE_BYTES_MAX)
    );
    assert!(
        Trace::read(&long)
            .unwrap_err()
            .to_string()
            .contains("bytes, at most")
    );
    let week = TRACE_TICKS_MAX * 15.0 + 100.0;
    let far = format!(
        "{{\"t\":1,\"arm\":\"canary\",\"requests\":1,\"errors\":0}}\n{{\"t\":{week},\"arm\":\"stable\",\"requests\":1,\"errors\":0}}"
    );
    assert!(matches!(Trace::read(&far), Err(TraceError::TooMuch { .. })));
    let cut = made(&QUIET);
    assert!(
        Trace::read(&cut[..cut.len() - 30])
            .unwrap_err()
            .to_string()
            .contains("is no JSON")
    );
}

#[test]
fn what_is_not_read_is_said() {
    let trace = Trace::read(r#"{"t":1,"arm":"canary","requests":1,"errors":0,"buckeds":{}}"#).unwrap();
    assert!(
        trace
            .notes
            .contains(&"fields that are not read: buckeds".to_owned()),
        "{:?}",
        trace.notes
    );
    assert!(trace.notes.iter().any(|note| note.contains("no weight is told")));
}

/// A tick of both arms as two lines.
fn both(text: &mut String, secs: i64, weight: u64, canary: (u64, u64), stable: (u64, u64)) {
    for (arm, (requests, errors)) in [("canary", canary), ("stable", stable)] {
        writeln!(
            text,
            r#"{{"t":{secs},"arm":"{arm}","requests":{requests},"errors":{errors},"weight":{weight}}}"#
        )
        .unwrap();
    }
}

/// Half an hour of a canary that is well, and then so many ticks of it as they are told.
fn well_and_then(ticks: i64, weight: u64, canary: (u64, u64), stable: (u64, u64)) -> String {
    let mut text = String::new();
    for tick in -60..120_i64 {
        let wobble = (tick * 7 % 5).unsigned_abs();
        let served = if tick < 0 {
            (0, 0)
        } else {
            (100 + wobble, wobble / 2)
        };
        both(&mut text, tick * 15, 5, served, (1_900 - wobble, 10 + wobble));
    }
    for tick in 120..120 + ticks {
        both(&mut text, tick * 15, weight, canary, stable);
    }
    text
}

fn says(text: &str) -> (RulingKind, String) {
    let ruling = replay(Settings::default(), &Trace::read(text).unwrap());
    (ruling.ruling, ruling.headline)
}

#[test]
fn an_outage_of_all_traffic_rolls_back_although_stable_serves_nothing() {
    let (ruling, headline) = says(&well_and_then(20, 100, (2_000, 1_800), (0, 0)));
    assert_eq!(ruling, RulingKind::RollBack, "{headline}");
}

#[test]
fn nothing_is_concluded_while_stable_is_silent_beside_the_canary() {
    let (ruling, headline) = says(&well_and_then(20, 5, (100, 1), (0, 0)));
    assert_eq!(ruling, RulingKind::Wait, "{headline}");
    assert!(headline.contains("stable serves nothing"), "{headline}");
}

#[test]
fn both_arms_far_beyond_what_was_before_are_no_success() {
    let mut text = String::new();
    for tick in -60..120_i64 {
        let wobble = (tick * 7 % 5).unsigned_abs();
        let failed = |requests: u64| {
            if tick < 0 {
                requests / 200
            } else {
                requests * 2 / 5 + wobble
            }
        };
        let canary = if tick < 0 { 0 } else { 100 + wobble };
        let stable = 1_900 - wobble;
        both(
            &mut text,
            tick * 15,
            5,
            (canary, failed(canary)),
            (stable, failed(stable)),
        );
    }
    let (ruling, headline) = says(&text);
    assert_eq!(ruling, RulingKind::Wait, "{headline}");
    assert!(headline.contains("stable is failing too"), "{headline}");
}

#[test]
fn traffic_that_only_grows_is_no_running_total_and_a_total_that_begins_again_is_one() {
    let mut grows = String::new();
    for tick in 0..60_u64 {
        both(
            &mut grows,
            tick as i64 * 15,
            10,
            (1_800 + tick, 1_000),
            (9_000 + tick, 40),
        );
    }
    let trace = Trace::read(&grows).unwrap();
    assert_eq!(trace.looks[0].canary.as_ref().unwrap().all.requests, 1_800);
    assert_eq!(says(&grows).0, RulingKind::RollBack);

    let mut totals = String::new();
    for tick in 0..60_u64 {
        // The canary's process began again after half of it.
        let served = if tick < 30 { tick + 1 } else { tick - 29 };
        both(
            &mut totals,
            tick as i64 * 15,
            10,
            (served * 200, served),
            (1_000_000 + tick * 1_800, 5_000 + tick * 9),
        );
    }
    let trace = Trace::read(&totals).unwrap();
    assert!(
        trace.notes.iter().any(|note| note.contains("running totals")),
        "{:?}",
        trace.notes
    );
    assert!(
        trace
            .looks
            .iter()
            .all(|look| look.canary.as_ref().is_none_or(|arm| arm.all.requests <= 200))
    );
}

#[test]
fn a_fault_that_begins_late_is_told_as_such() {
    let mut text = String::new();
    for tick in -60..280_i64 {
        let errors = match tick {
            ..160 => u64::from(tick % 4 == 0),
            _ => 4,
        };
        let canary = if tick < 0 { (0, 0) } else { (100, errors) };
        let stable = (1_900, 9 + tick.unsigned_abs() % 3);
        both(&mut text, tick * 15, 5, canary, stable);
    }
    let (ruling, headline) = says(&text);
    assert_eq!(ruling, RulingKind::RollBack, "{headline}");
    assert!(headline.contains("since minute"), "{headline}");
}
