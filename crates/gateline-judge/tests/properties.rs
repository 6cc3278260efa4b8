//! What must hold of the judge whatever it sees: validity, direction, and that time and repetition alone change nothing.

use std::collections::BTreeMap;

use gateline_judge::{
    ArmLook, Counts, DesignEffect, Exposure, GaugeNoise, Judge, Look, Pair, Rate, Ratio, Recipe, Settings,
    Slo,
};
use gateline_judge::{Bad, Baseline, KnownMetric};
use gateline_model::RulingKind;
use gateline_model::ruling::{Because, Calibration, Guard};
use gateline_model::{GaugeMay, GaugeTolerance};
use proptest::prelude::*;

const CHANCE: DesignEffect = DesignEffect {
    clumps: 1.0,
    whole: 1.0,
    from: Calibration::History { ticks: 1_440 },
};

fn ratio(recipe: &Recipe) -> Ratio {
    Ratio::new(recipe, 2.0, Rate::new(0.01, 1_000.0))
}

fn pair(canary: u64, canary_bad: u64, stable: u64, stable_bad: u64) -> Pair {
    Pair {
        canary,
        canary_bad,
        stable,
        stable_bad,
    }
}

/// Whole numbers that look drawn, from a seed.
fn drawn(seed: &mut u64) -> f64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 11) as f64 / (1_u64 << 53) as f64
}

fn binomial(seed: &mut u64, count: u64, share: f64) -> u64 {
    (0..count).filter(|_| drawn(seed) < share).count() as u64
}

/// Odds against a release that is as bad as the margin have a mean of at most 1: so seldom do they reach 20.
#[test]
fn odds_against_what_is_at_the_margin_are_one_on_average() {
    let recipe = Recipe {
        margin_floor: 0.0,
        ..Recipe::tempered()
    };
    let mut seed = 5;
    let mut sum = 0.0;
    let (runs, mut crossed) = (600, 0);
    for _ in 0..runs {
        let mut ratio = ratio(&recipe);
        let mut most = f64::NEG_INFINITY;
        for tick in 0..50 {
            let margin = ratio.harm_from();
            let counts = pair(
                100,
                binomial(&mut seed, 100, 0.02 * margin),
                300,
                binomial(&mut seed, 300, 0.02),
            );
            ratio.add(tick, counts, &CHANCE, 0.0);
            most = most.max(ratio.ln_e_harm());
        }
        sum += ratio.ln_e_harm().exp();
        crossed += u32::from(most >= 20.0_f64.ln());
    }
    assert!(sum / f64::from(runs) <= 1.3, "{}", sum / f64::from(runs));
    assert!(
        f64::from(crossed) <= 0.05 * f64::from(runs),
        "{crossed} of {runs}"
    );
}

proptest! {
    #[test]
    fn one_more_bad_request_at_the_canary_never_speaks_for_it(
        ticks in prop::collection::vec((1_u64..500, 0_u64..20, 1_u64..2_000, 0_u64..40), 1..20), at in 0_usize..20,
    ) {
        let recipe = Recipe::default();
        let (mut before, mut after) = (ratio(&recipe), ratio(&recipe));
        for (tick, (canary, canary_bad, stable, stable_bad)) in ticks.iter().enumerate() {
            let bad = (*canary_bad).min(canary - 1);
            let one = pair(*canary, bad, *stable, (*stable_bad).min(*stable));
            let more = if tick == at % ticks.len() { Pair { canary_bad: bad + 1, ..one } } else { one };
            before.add(tick as u32, one, &CHANCE, 0.0);
            after.add(tick as u32, more, &CHANCE, 0.0);
        }
        prop_assert!(after.ln_e_harm() >= before.ln_e_harm() - 1e-9);
        prop_assert!(after.ln_e_safe() <= before.ln_e_safe().max(0.0) + 1e-9);
    }

    #[test]
    fn ticks_without_an_arm_change_no_evidence(ticks in prop::collection::vec((1_u64..500, 0_u64..9, 1_u64..900, 0_u64..9), 1..20)) {
        let recipe = Recipe::default();
        let (mut plain, mut holed) = (ratio(&recipe), ratio(&recipe));
        for (tick, (canary, canary_bad, stable, stable_bad)) in ticks.into_iter().enumerate() {
            let one = pair(canary, canary_bad.min(canary), stable, stable_bad.min(stable));
            plain.add(tick as u32, one, &CHANCE, 0.0);
            holed.add(tick as u32, one, &CHANCE, 0.0);
            holed.add(tick as u32, pair(0, 0, stable, 5), &CHANCE, 0.0);
        }
        prop_assert_eq!(plain.ln_e_harm(), holed.ln_e_harm());
        prop_assert_eq!(plain.ln_e_safe(), holed.ln_e_safe());
    }
}

fn baseline(noise: DesignEffect) -> Baseline {
    let errors = KnownMetric {
        bad: Bad::Failed,
        tolerance: 2.0,
        capital: 1.0,
        rate: 0.01,
        noise,
        spread: 0.0,
    };
    let memory = (
        "memory".to_owned(),
        GaugeNoise {
            variance: 0.0004,
            memory: 0.3,
        },
    );
    Baseline {
        requests_per_tick: 2_000.0,
        pods: 0,
        metrics: vec![errors],
        gauges: BTreeMap::from([memory]),
        notes: Vec::new(),
    }
}

fn arm(requests: u64, errors: u64) -> Option<ArmLook> {
    Some(ArmLook::whole(Counts {
        requests,
        errors,
        buckets: Vec::new(),
    }))
}

fn look(tick: u32, canary_bad: u64, stable_bad: u64) -> Look {
    Look {
        tick,
        weight: Some(25.0),
        canary: arm(500, canary_bad),
        stable: arm(1_500, stable_bad),
        ..Look::default()
    }
}

fn given(settings: Settings, looks: impl IntoIterator<Item = Look>) -> Judge {
    let mut judge = Judge::new(settings, Some(&baseline(CHANCE)));
    looks.into_iter().for_each(|look| {
        judge.observe(&look);
    });
    judge
}

#[test]
fn a_look_that_was_seen_changes_nothing() {
    let looks: Vec<Look> = (0..30).map(|tick| look(tick, 6, 15)).collect();
    let once = given(Settings::default(), looks.clone());
    let twice = given(
        Settings::default(),
        looks.iter().flat_map(|look| [look.clone(), look.clone()]),
    );
    assert_eq!(once.ruling(), twice.ruling());
}

#[test]
fn a_judge_that_was_written_down_goes_on_as_if_it_had_not_been() {
    let mut whole = given(Settings::default(), (0..20).map(|tick| look(tick, 6, 15)));
    let text = serde_json::to_string(&whole).unwrap();
    let mut read: Judge = serde_json::from_str(&text).unwrap();
    for tick in 20..40 {
        assert_eq!(
            whole.observe(&look(tick, 12, 15)),
            read.observe(&look(tick, 12, 15))
        );
    }
    // JSON as it is read here may lose the last bit of a number, and no more.
    assert!((whole.ln_e() - read.ln_e()).abs() < 1e-9);
}

#[test]
fn a_rollback_stands_whatever_comes_later() {
    let judge = given(
        Settings::default(),
        (0..40)
            .map(|tick| look(tick, 60, 15))
            .chain((40..90).map(|tick| look(tick, 0, 15))),
    );
    assert_eq!(judge.said().says, RulingKind::RollBack);
}

#[test]
fn silence_is_never_a_pass() {
    let silent = (0..60).map(|tick| Look {
        canary: None,
        ..look(tick, 0, 15)
    });
    let judge = given(Settings::default(), silent);
    assert_eq!(
        (judge.said().says, &judge.said().because),
        (RulingKind::Wait, &Because::NoData)
    );
    let patient = (0..240).map(|tick| Look {
        canary: arm(0, 0),
        ..look(tick, 0, 15)
    });
    assert_eq!(
        given(Settings::default(), patient).said().says,
        RulingKind::Inconclusive
    );
}

#[test]
fn when_stable_breaks_the_objective_too_nothing_moves() {
    let settings = || Settings {
        slo: Some(Slo { errors: 0.05 }),
        ..Settings::default()
    };
    let both = given(settings(), (0..40).map(|tick| look(tick, 40, 120)));
    assert_eq!(both.said().because, Because::Guard(Guard::BothBreak));
    assert_eq!(both.said().says, RulingKind::Wait);
    let canary = given(settings(), (0..40).map(|tick| look(tick, 40, 60)));
    assert_eq!(canary.said().says, RulingKind::RollBack);
}

#[test]
fn uncalibrated_evidence_waits_and_calibrated_evidence_goes_back() {
    let judge = |noise| {
        let mut judge = Judge::new(Settings::default(), Some(&baseline(noise)));
        (0..24).for_each(|tick| {
            judge.observe(&look(tick, 30, 15));
        });
        (judge.said().says, judge.said().because.clone())
    };
    assert_eq!(
        judge(DesignEffect::UNCALIBRATED),
        (RulingKind::Wait, Because::Uncalibrated(0))
    );
    let known = DesignEffect {
        from: Calibration::History { ticks: 1_440 },
        ..DesignEffect::UNCALIBRATED
    };
    assert_eq!(judge(known), (RulingKind::RollBack, Because::Evidence(0)));
}

#[test]
fn signals_and_limits_need_no_statistics() {
    let crash = Look {
        signals: vec!["crash loop of pod a".to_owned()],
        ..look(0, 0, 15)
    };
    assert_eq!(
        given(Settings::default(), [crash]).said().says,
        RulingKind::RollBack
    );
    let tolerance = |rolls_back, limit| GaugeTolerance {
        above: 0.05,
        limit,
        rolls_back,
    };
    let with = |tolerance| Settings {
        gauges: BTreeMap::from([("memory".to_owned(), tolerance)]),
        ..Settings::default()
    };
    let used = |tick, canary: f64| {
        let mut look = look(tick, 5, 15);
        let tell = |arm: &mut Option<ArmLook>, value: f64| {
            arm.as_mut().unwrap().gauges.insert("memory".to_owned(), value);
        };
        tell(&mut look.canary, canary);
        tell(&mut look.stable, 0.5);
        look
    };
    let says = |settings: Settings, canary: f64| {
        given(settings, (0..80).map(|tick| used(tick, canary)))
            .said()
            .says
    };
    assert_eq!(
        says(with(tolerance(GaugeMay::Wait, Some(0.9))), 0.95),
        RulingKind::RollBack
    );
    assert_eq!(
        says(with(tolerance(GaugeMay::RollBack, None)), 0.8),
        RulingKind::RollBack
    );
    assert_eq!(says(with(tolerance(GaugeMay::Wait, None)), 0.8), RulingKind::Wait);
    assert_eq!(
        says(with(tolerance(GaugeMay::Wait, None)), 0.5),
        RulingKind::Advance
    );
}

#[test]
fn earlier_attempts_count_on() {
    let looks = || (0..14).map(|tick| look(tick, 14, 15));
    let fresh = given(Settings::default(), looks());
    let carried = given(
        Settings {
            carried_ln_e: 2.0,
            ..Settings::default()
        },
        looks(),
    );
    assert!(
        (carried.ln_e() - fresh.ln_e() - 2.0).abs() < 1e-9 || carried.said().says == RulingKind::RollBack
    );
}

#[test]
fn a_paced_rollout_goes_up_holds_the_old_version_back_and_ends() {
    let settings = Settings {
        exposure: Exposure::Paced,
        ..Settings::default()
    };
    let mut judge = Judge::new(settings, Some(&baseline(CHANCE)));
    let mut weights = Vec::new();
    let ended = (0..300).find(|tick| {
        let weight = judge.said().weight;
        weights.push(weight);
        let canary = (2_000.0 * weight / 100.0) as u64;
        let look = Look {
            tick: *tick,
            weight: Some(weight),
            canary: arm(canary, canary / 100),
            stable: arm(2_000 - canary, (2_000 - canary) / 100),
            ..Look::default()
        };
        judge.observe(&look).says == RulingKind::Advance
    });
    weights.dedup();
    assert!(
        weights.starts_with(&[5.0, 10.0, 25.0]) && weights.ends_with(&[95.0]),
        "{weights:?}"
    );
    assert!(ended.is_some_and(|tick| tick > 60), "{ended:?}");
}
