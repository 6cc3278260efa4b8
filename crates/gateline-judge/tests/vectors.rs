//! The judge agrees with the study's reference to 1e-6: its e-processes number by number, its rulings and weights rollout
//! by rollout on the very ticks of the study's simulation. `vectors/make.py` makes the files.
#![expect(clippy::unwrap_used, reason = "helpers of tests, beside the tests themselves")]

use gateline_judge::{
    ArmLook, Bad, Baseline, Counts, DesignEffect, Exposure, Gauge, GaugeNoise, Judge, KnownMetric, Look,
    Pair, Rate, Ratio, Recipe, Settings,
};
use gateline_model::RulingKind;
use gateline_model::ruling::Calibration;
use serde::Deserialize;
use serde::de::DeserializeOwned;

const CLOSE: f64 = 1e-6;

fn vectors<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()
}

fn pair([canary, canary_bad, stable, stable_bad]: [u64; 4]) -> Pair {
    Pair {
        canary,
        canary_bad,
        stable,
        stable_bad,
    }
}

fn effect(clumps: f64, whole: f64) -> DesignEffect {
    DesignEffect {
        clumps,
        whole,
        from: Calibration::History { ticks: 1_440 },
    }
}

fn agree(found: f64, wanted: f64, what: &str) {
    assert!(
        (found - wanted).abs() <= CLOSE * wanted.abs().max(1.0),
        "{what}: {found} for {wanted}"
    );
}

#[derive(Deserialize)]
struct Tempered {
    tolerance: f64,
    design_effect: f64,
    ticks: Vec<[u64; 4]>,
    after: Vec<[f64; 5]>,
}

#[test]
fn the_tempered_evidence_is_that_of_the_reference() {
    let recipe = Recipe {
        warm_up: 0,
        ..Recipe::tempered()
    };
    for case in vectors::<Vec<Tempered>>("tempered") {
        let mut ratio = Ratio::new(&recipe, case.tolerance, Rate::new(0.01, 100.0));
        let noise = effect(case.design_effect, case.design_effect);
        for (tick, (counts, after)) in case.ticks.into_iter().zip(case.after).enumerate() {
            ratio.add(tick as u32, pair(counts), &noise, 0.0);
            let interval = ratio.interval(recipe.alpha, recipe.beta);
            let found = [
                ratio.ln_e_harm(),
                ratio.ln_e_below(case.tolerance),
                interval.low,
                interval.high,
                interval.likely,
            ];
            let names = ["harm", "safe", "low", "high", "likely"];
            // Before anything was bad all ratios are equally likely, and any may be called so.
            let told = if ratio.sums().bad() == 0 { 4 } else { 5 };
            for ((found, wanted), name) in found.into_iter().zip(after).zip(names).take(told) {
                agree(found, wanted, &format!("{name} at tick {tick}"));
            }
        }
    }
}

#[derive(Deserialize)]
struct Clumped {
    clumps: f64,
    whole: f64,
    temper: f64,
    rate: f64,
    requests_per_tick: f64,
    ticks: Vec<[u64; 4]>,
    after: Vec<[f64; 5]>,
}

#[test]
fn the_clumped_evidence_is_that_of_the_reference() {
    let recipe = Recipe::clumped();
    for case in vectors::<Vec<Clumped>>("clumped") {
        let noise = effect(case.clumps, case.whole);
        agree(noise.temper(recipe.likelihood), case.temper, "temper");
        let mut ratio = Ratio::new(&recipe, 2.0, Rate::new(case.rate, case.requests_per_tick));
        for (tick, (counts, after)) in case.ticks.into_iter().zip(case.after).enumerate() {
            if tick as u32 >= recipe.warm_up {
                ratio.add(tick as u32, pair(counts), &noise, 0.0);
            }
            let expected = ratio.expected();
            let found = [
                ratio.ln_e_harm(),
                ratio.upper(recipe.beta),
                expected.excess,
                expected.worse,
                ratio.rate(),
            ];
            let names = ["harm", "upper", "excess", "worse", "rate"];
            for ((found, wanted), name) in found.into_iter().zip(after).zip(names) {
                agree(found, wanted, &format!("{name} at tick {tick}"));
            }
        }
    }
}

#[derive(Deserialize)]
struct Simulated {
    recipe: String,
    rps: f64,
    tolerances: [f64; 3],
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    effects: [[f64; 2]; 3],
    rates: [f64; 3],
    ticks: Vec<[u64; 8]>,
    after: Vec<(u8, f64, f64)>,
}

fn arm(requests: u64, errors: u64, slow: u64, slower: u64) -> Option<ArmLook> {
    Some(ArmLook::whole(Counts {
        requests,
        errors,
        buckets: vec![(1.0, requests - slow), (2.0, requests - slower)],
    }))
}

#[test]
fn rulings_and_weights_are_those_of_the_studys_simulation() {
    let mut decided = [0; 3];
    for case in vectors::<Vec<Simulated>>("simulated") {
        let recipe = if case.recipe == "tempered" {
            Recipe::tempered()
        } else {
            Recipe::clumped()
        };
        let settings = Settings {
            recipe,
            exposure: Exposure::Paced,
            ..Settings::default()
        };
        for run in case.runs {
            let bad = [Bad::Failed, Bad::Slower(1.0), Bad::Slower(2.0)];
            let metrics = (0..3).map(|index| KnownMetric {
                bad: bad[index],
                tolerance: case.tolerances[index],
                capital: [0.5, 0.25, 0.25][index],
                rate: run.rates[index],
                noise: effect(run.effects[index][0], run.effects[index][1]),
                spread: 0.0,
            });
            let baseline = Baseline {
                requests_per_tick: case.rps * 15.0,
                pods: 0,
                metrics: metrics.collect(),
                gauges: Default::default(),
                notes: Vec::new(),
            };
            let mut judge = Judge::new(settings.clone(), Some(&baseline));
            for (tick, (seen, (status, weight, ln_e))) in run.ticks.iter().zip(run.after).enumerate() {
                let [
                    canary,
                    stable,
                    canary_bad,
                    stable_bad,
                    slow,
                    stable_slow,
                    slower,
                    stable_slower,
                ] = *seen;
                let said = judge
                    .observe(&Look {
                        tick: tick as u32,
                        canary: arm(canary, canary_bad, slow, slower),
                        stable: arm(stable, stable_bad, stable_slow, stable_slower),
                        ..Look::default()
                    })
                    .clone();
                let found = match said.says {
                    RulingKind::Wait => 0,
                    RulingKind::RollBack => 1,
                    RulingKind::Advance => 2,
                    RulingKind::Inconclusive => 3,
                };
                assert_eq!(found, status, "{} at tick {tick}: {said:?}", case.recipe);
                decided[found as usize] += 1;
                if found == 0 {
                    assert!(
                        (said.weight / 100.0 - weight).abs() < 1e-9,
                        "tick {tick}: {} for {weight}",
                        said.weight
                    );
                }
                if tick as u32 >= settings.recipe.warm_up {
                    agree(judge.ln_e(), ln_e, &format!("odds at tick {tick}"));
                }
            }
        }
    }
    assert!(
        decided[1] >= 5 && decided[2] >= 5,
        "both ends were reached: {decided:?}"
    );
}

#[derive(Deserialize)]
struct Gauges {
    margin: f64,
    variance: f64,
    memory: f64,
    blocks: Vec<f64>,
    after: Vec<Option<f64>>,
}

#[test]
fn the_evidence_of_gauges_is_that_of_the_study() {
    for case in vectors::<Vec<Gauges>>("gauges") {
        let noise = GaugeNoise {
            variance: case.variance,
            memory: case.memory,
        };
        let mut gauge = Gauge::new(noise, case.margin.exp() - 1.0, 0.05);
        for (block, wanted) in case.blocks.into_iter().zip(case.after) {
            gauge.add_block(block);
            assert_eq!(gauge.ln_e().is_some(), wanted.is_some());
            if let (Some(found), Some(wanted)) = (gauge.ln_e(), wanted) {
                agree(found, wanted, "gauge");
            }
        }
    }
}
