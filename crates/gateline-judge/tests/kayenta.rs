//! Kayenta's golden values: its own tests' samples (spinnaker/kayenta, Apache-2.0, `MannWhitneySuite` and `ClassifierSuite`)
//! with the intervals that R gives, and its scorer's cases.
#![expect(clippy::unwrap_used, reason = "helpers of tests, beside the tests themselves")]

use gateline_judge::kayenta::{Class, Critical, Direction, Gaps, Metric, NoData, classify, score, shift};
use serde::Deserialize;
use test_case::test_case;

/// Two samples of ninety, and three of thirty: around 10, around 10 again, and around 20.
#[derive(Deserialize)]
struct Samples {
    control: Vec<f64>,
    experiment: Vec<f64>,
    ten: Vec<f64>,
    ten_again: Vec<f64>,
    twenty: Vec<f64>,
}

fn samples() -> Samples {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/kayenta.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Which sample a case takes.
#[derive(Clone, Copy)]
enum Of {
    Ten,
    TenAgain,
    Twenty,
    Nothing,
    Gaps,
    Ones,
}

fn points(of: Of) -> Vec<f64> {
    let samples = samples();
    match of {
        Of::Ten => samples.ten,
        Of::TenAgain => samples.ten_again,
        Of::Twenty => samples.twenty,
        Of::Nothing => Vec::new(),
        Of::Gaps => vec![f64::NAN; 3],
        Of::Ones => vec![1.0; 5],
    }
}

#[test]
fn the_interval_is_that_of_r() {
    let found = shift(&samples().experiment, &samples().control, 0.95).unwrap();
    assert!((found.low + 0.500002521696696).abs() < 1e-6, "{found:?}");
    assert!((found.high + 3.486287505871302e-5).abs() < 1e-6, "{found:?}");
}

fn metric(experiment: &[f64], control: &[f64], direction: Direction) -> Metric {
    Metric {
        name: "m".to_owned(),
        group: "g".to_owned(),
        experiment: experiment.to_vec(),
        control: control.to_vec(),
        direction,
        critical: Critical::No,
        gaps: Gaps::Remove,
        effect: None,
    }
}

#[test_case(Of::Ten, Of::TenAgain, Direction::Either, Class::Pass; "the same passes")]
#[test_case(Of::Twenty, Of::TenAgain, Direction::Either, Class::High; "twice as high is high")]
#[test_case(Of::Ten, Of::Twenty, Direction::Either, Class::Low; "half as high is low")]
#[test_case(Of::Ten, Of::Twenty, Direction::Increase, Class::Pass; "lower is fine where higher is bad")]
#[test_case(Of::Twenty, Of::TenAgain, Direction::Decrease, Class::Pass; "higher is fine where lower is bad")]
#[test_case(Of::Twenty, Of::TenAgain, Direction::Increase, Class::High; "higher is bad where higher is bad")]
#[test_case(Of::Nothing, Of::Ten, Direction::Either, Class::NoData; "nothing is no data")]
#[test_case(Of::Gaps, Of::Ten, Direction::Either, Class::NoData; "gaps only are no data")]
#[test_case(Of::Ones, Of::Ones, Direction::Either, Class::Pass; "one value on both sides passes")]
fn classes_are_kayentas(experiment: Of, control: Of, direction: Direction, wanted: Class) {
    assert_eq!(
        classify(&metric(&points(experiment), &points(control), direction)),
        wanted
    );
}

#[test]
fn a_tiny_shift_of_a_quiet_metric_is_high_for_its_tolerance_is_no_margin() {
    let control: Vec<f64> = (0..60).map(|point| 100.0 + f64::from(point % 5) * 0.1).collect();
    let experiment: Vec<f64> = control.iter().map(|point| point * 1.01).collect();
    assert_eq!(
        classify(&metric(&experiment, &control, Direction::Increase)),
        Class::High
    );
}

fn of(class: Class, group: &str, critical: Critical) -> Metric {
    let (experiment, control) = match class {
        Class::Pass => (Of::Ten, Of::TenAgain),
        Class::High => (Of::Twenty, Of::TenAgain),
        Class::Low => (Of::Ten, Of::Twenty),
        Class::NoData => (Of::Nothing, Of::Nothing),
    };
    Metric {
        group: group.to_owned(),
        critical,
        ..metric(&points(experiment), &points(control), Direction::Either)
    }
}

fn scored(metrics: &[(Class, &str, Critical)], weights: &[(&str, f64)], no_data: NoData) -> f64 {
    let metrics: Vec<Metric> = metrics
        .iter()
        .map(|(class, group, critical)| of(*class, group, *critical))
        .collect();
    let weights: Vec<(String, f64)> = weights
        .iter()
        .map(|(group, weight)| ((*group).to_owned(), *weight))
        .collect();
    score(&metrics, &weights, no_data).score
}

#[test]
fn scores_are_those_of_kayentas_scorer() {
    use Class::{High, Low, Pass};
    let plain = |classes: &[Class]| {
        let metrics: Vec<_> = classes.iter().map(|class| (*class, "a", Critical::No)).collect();
        scored(&metrics, &[], NoData::LeftOut)
    };
    assert_eq!(plain(&[Pass]), 100.0);
    assert_eq!(plain(&[High]), 0.0);
    assert_eq!(plain(&[Pass, High]), 50.0);
    assert!((plain(&[Pass, High, Low]) - 33.33).abs() < 0.01);
    let two = [
        (Pass, "a", Critical::No),
        (Pass, "a", Critical::No),
        (High, "b", Critical::No),
    ];
    assert_eq!(scored(&two, &[("a", 75.0), ("b", 25.0)], NoData::LeftOut), 75.0);
    assert_eq!(scored(&two, &[("a", 75.0)], NoData::LeftOut), 75.0);
    assert_eq!(
        scored(
            &[(Pass, "a", Critical::No), (High, "a", Critical::Yes)],
            &[],
            NoData::LeftOut
        ),
        0.0
    );
    assert_eq!(
        scored(
            &[(Low, "a", Critical::No), (Pass, "a", Critical::Yes)],
            &[],
            NoData::LeftOut
        ),
        50.0
    );
}

#[test]
fn no_data_is_no_pass_unless_kayentas_way_is_asked_for() {
    let some = [
        (Class::Pass, "a", Critical::No),
        (Class::Pass, "a", Critical::No),
        (Class::NoData, "b", Critical::No),
    ];
    assert_eq!(scored(&some, &[], NoData::Fails), 50.0);
    assert_eq!(scored(&some, &[], NoData::LeftOut), 100.0);
    let most = [
        (Class::Pass, "a", Critical::No),
        (Class::NoData, "a", Critical::No),
    ];
    assert_eq!(
        scored(&most, &[], NoData::LeftOut),
        0.0,
        "half without data scores nothing"
    );
    assert_eq!(scored(&[], &[], NoData::LeftOut), 0.0);
    let critical = [
        (Class::Pass, "a", Critical::No),
        (Class::Pass, "a", Critical::No),
        (Class::NoData, "a", Critical::Yes),
    ];
    assert_eq!(scored(&critical, &[], NoData::Fails), 0.0);
}
