//! What a tick costs, by recipe.

use std::time::Instant;

use gateline_judge::Recipe;

use crate::peers::Judges;
use crate::report;
use crate::rollout::Gateline;
use crate::world::{MODERATE, NONE, Place, World};

/// Ticks that are timed: 200 rollouts of a quarter of an hour.
const ROLLOUTS: u32 = 200;
const TICKS: usize = 60;
/// Metrics of each: errors and two of latency.
const METRICS: u32 = 3;

pub fn table() {
    println!(
        "\n## Speed\n\nOne core. The aim is 10,000 rollouts with 4 metrics, a tick every 15 s: 2,667 metrics a second, {:.0} µs for each.",
        1e6 / (10_000.0 * 4.0 / 15.0)
    );
    let columns = ["µs per tick and metric", "rollouts of 4 metrics on one core"].map(str::to_owned);
    report::head("recipe", columns);
    for recipe in [Recipe::default(), Recipe::tempered(), Recipe::clumped()] {
        // A judge that never ends, so that every tick costs.
        let name = recipe.name.clone();
        let recipe = Recipe {
            alpha: 1e-9,
            beta: 1e-9,
            ..recipe
        };
        let mut world = World::new(Place::new(MODERATE, 50.0, NONE), 1, TICKS);
        let baseline = world.history(1).ours;
        let seen: Vec<_> = (0..TICKS).map(|tick| world.step(tick, 0.25)).collect();
        let watched = world.watched;
        let begun = Instant::now();
        for _ in 0..ROLLOUTS {
            let mut judge = Gateline::new(recipe.clone(), &baseline, watched);
            for (tick, seen) in seen.iter().enumerate() {
                judge.tick(tick, seen);
            }
        }
        let each = begun.elapsed().as_secs_f64() / f64::from(ROLLOUTS * METRICS) / TICKS as f64;
        report::row([
            format!("`{name}`"),
            format!("{:.1}", each * 1e6),
            format!("{:.0}", 15.0 / (each * 4.0)),
        ]);
    }
}
