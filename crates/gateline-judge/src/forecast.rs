//! The forecast: before a rollout starts, how long evidence will take at this traffic, and which faults it can find at all.

use serde::{Deserialize, Serialize};

use crate::numeric::ln;
use crate::recipe::{METRICS_CAPITAL, Recipe, TICK_SECS};

/// What the mixture over ratios and beginnings costs, in ln odds; measured (`judge.md`, 3.8).
const MIXTURE_COST: f64 = 2.4;
/// Bad requests per hour at the canary below which only outages can be judged.
const JUDGEABLE_PER_HOUR: f64 = 15.0;
/// Ratios that are told of.
const RATIOS: [f64; 4] = [2.0, 3.0, 5.0, 10.0];

/// What traffic there is to learn from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Requests of the whole service in a second.
    pub requests_per_sec: f64,
    /// Share of them that is bad when all is well.
    pub rate: f64,
    /// How noisy they are.
    pub design_effect: f64,
    /// Share that the canary gets, 0 to 1.
    pub weight: f64,
}

/// How long evidence takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Minutes until a good release is safe to promote.
    pub minutes_to_advance: f64,
    /// Excess bad requests that each ratio costs until it is found.
    pub bad_to_find: Vec<(f64, f64)>,
    /// Bad requests in an hour at the canary are enough to judge more than outages.
    pub judgeable: bool,
    /// One sentence for a person.
    pub says: String,
}

/// The forecast for one metric.
pub fn forecast(recipe: &Recipe, tolerance: f64, traffic: Traffic) -> Forecast {
    let minutes = minutes_to_advance(recipe, tolerance, traffic, 0.0);
    let margin = (recipe.margin_power * ln(tolerance)).max(recipe.margin_floor);
    let find = |ratio: f64| (ratio, bad_to_find(recipe, ratio, margin, traffic.design_effect));
    let per_hour = traffic.requests_per_sec * 3_600.0 * traffic.rate * traffic.weight;
    let judgeable = per_hour >= JUDGEABLE_PER_HOUR;
    let horizon = f64::from(recipe.horizon) * TICK_SECS as f64 / 60.0;
    let says = if !judgeable {
        format!(
            "about {per_hour:.0} bad requests an hour are too few to judge anything but outages; tolerate more, mirror traffic, \
             take longer, or let a person decide"
        )
    } else if minutes > horizon {
        format!(
            "a good release needs about {minutes:.0} minutes, more than the {horizon:.0} there are; a person will be asked"
        )
    } else {
        format!(
            "a good release needs about {minutes:.0} minutes at {:.0}%",
            traffic.weight * 100.0
        )
    };
    Forecast {
        minutes_to_advance: minutes,
        bad_to_find: RATIOS.iter().map(|ratio| find(*ratio)).collect(),
        judgeable,
        says,
    }
}

/// Minutes until a ratio of 1 rules the tolerance out, where some ln odds are there already.
pub fn minutes_to_advance(recipe: &Recipe, tolerance: f64, traffic: Traffic, ln_odds: f64) -> f64 {
    let wanted = (ln(1.0 / recipe.beta) + 1.0 - ln_odds.max(0.0)).max(0.0);
    let information = 2.0 * traffic.design_effect * wanted / (ln(tolerance) * ln(tolerance));
    let per_sec = traffic.requests_per_sec * traffic.rate * traffic.weight * (1.0 - traffic.weight);
    information / per_sec / 60.0
}

/// Excess bad requests until a ratio is found, in the middle of all cases.
fn bad_to_find(recipe: &Recipe, ratio: f64, margin: f64, design_effect: f64) -> f64 {
    let from = libm::exp(margin);
    let growth = ratio * ln(ratio / from) - (ratio - from);
    design_effect * (ln(1.0 / recipe.alpha / METRICS_CAPITAL) + MIXTURE_COST) * (ratio - 1.0) / growth
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(requests_per_sec: f64, design_effect: f64) -> Traffic {
        Traffic {
            requests_per_sec,
            rate: 0.005,
            design_effect,
            weight: 0.5,
        }
    }

    #[test]
    fn minutes_are_those_of_the_published_table() {
        let minutes = |rps, phi| minutes_to_advance(&Recipe::tempered(), 2.0, traffic(rps, phi), 0.0);
        for (rps, phi, published) in [
            (5.0, 1.0, 44.0),
            (50.0, 1.0, 4.4),
            (50.0, 3.0, 13.0),
            (500.0, 10.0, 4.4),
        ] {
            let found = minutes(rps, phi);
            assert!(
                (found / published - 1.0).abs() < 0.05,
                "{rps} rps, x{phi}: {found} for {published}"
            );
        }
    }

    #[test]
    fn bad_requests_are_those_of_the_published_table() {
        let recipe = Recipe::tempered();
        let found = forecast(&recipe, 2.0, traffic(50.0, 3.0)).bad_to_find;
        for ((ratio, bad), published) in found.into_iter().zip([56.0, 30.0, 18.0, 11.0]) {
            assert!(
                (bad / published - 1.0).abs() < 0.08,
                "x{ratio}: {bad} for {published}"
            );
        }
    }

    #[test]
    fn too_little_traffic_is_told_before_the_start() {
        let little = forecast(&Recipe::default(), 2.0, traffic(0.5, 3.0));
        assert!(
            !little.judgeable && little.says.contains("too few to judge anything but outages"),
            "{}",
            little.says
        );
        let some = forecast(&Recipe::default(), 2.0, traffic(5.0, 3.0));
        assert!(
            some.judgeable && some.says.contains("more than the 60 there are"),
            "{}",
            some.says
        );
        assert!(
            forecast(&Recipe::default(), 2.0, traffic(500.0, 3.0))
                .says
                .contains("about 1 minutes at 50%")
        );
    }
}
