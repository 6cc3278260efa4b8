//! Saturation: what each gauge was at each weight, and a straight line to all traffic.
//!
//! A forecast to be looked at, never a reason to go back: limits and gauges that are judged stand in the settings.

use std::collections::BTreeMap;

use gateline_model::{Arm, ForecastFrom, GaugeTolerance, Saturation, SaturationStep, Tick};

/// All traffic, in per cent.
const ALL: f64 = 100.0;

/// Who carries a growing share of the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// The same instances, each a growing part.
    ByTheSame,
    /// More instances, each as much as before.
    ByMore,
}

/// Sums at one weight.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    canary: (f64, u32),
    stable: (f64, u32),
}

/// Every gauge that the release's ticks tell, by name.
pub fn saturation(
    ticks: &[Tick],
    carried: Carried,
    limits: &BTreeMap<String, GaugeTolerance>,
) -> Vec<Saturation> {
    let mut gauges = BTreeMap::<&str, BTreeMap<u8, Sums>>::new();
    let mut rest = ticks;
    while let Some(first) = rest.first() {
        let (moment, later) = rest.split_at(rest.iter().take_while(|tick| tick.at == first.at).count());
        rest = later;
        let exposed = |tick: &&Tick| tick.arm == Arm::Canary && tick.weight > 0;
        let Some(weight) = moment.iter().find(exposed).map(|tick| tick.weight) else {
            continue;
        };
        for tick in moment {
            let known = tick.gauges.iter().filter(|(_, value)| value.is_finite());
            for (name, value) in known {
                let sums = gauges.entry(name).or_default().entry(weight).or_default();
                let (sum, count) = match tick.arm {
                    Arm::Canary => &mut sums.canary,
                    Arm::Stable => &mut sums.stable,
                };
                *sum += value;
                *count += 1;
            }
        }
    }
    gauges
        .into_iter()
        .map(|(name, weights)| {
            one(
                name,
                &weights,
                carried,
                limits.get(name).and_then(|may| may.limit),
            )
        })
        .filter(|gauge| !gauge.steps.is_empty())
        .collect()
}

fn one(name: &str, weights: &BTreeMap<u8, Sums>, carried: Carried, limit: Option<f64>) -> Saturation {
    let mean = |(sum, count): (f64, u32)| (count > 0).then(|| sum / f64::from(count));
    let step = |(weight, sums): (&u8, &Sums)| {
        Some(SaturationStep {
            weight: *weight,
            canary: mean(sums.canary)?,
            stable: mean(sums.stable),
            ticks: sums.canary.1,
        })
    };
    let steps: Vec<SaturationStep> = weights.iter().filter_map(step).collect();
    let (from, line) = ahead(&steps, carried);
    let forecast = line.map(|line| line.at(ALL).max(0.0));
    let seen = limit.and_then(|limit| steps.iter().find(|step| step.canary >= limit));
    let passes_at = match (seen, limit, line) {
        (Some(seen), ..) => Some(f64::from(seen.weight)),
        (None, Some(limit), Some(line)) => {
            let reached = steps.last().map_or(0.0, |step| f64::from(step.weight));
            line.passes(limit, reached)
        }
        (None, _, _) => None,
    };
    Saturation {
        gauge: name.to_owned(),
        steps,
        forecast,
        from,
        limit,
        passes_at,
    }
}

/// A straight line over the weight in per cent.
#[derive(Debug, Clone, Copy)]
struct StraightLine {
    rest: f64,
    slope: f64,
}

impl StraightLine {
    fn at(self, weight: f64) -> f64 {
        self.rest + self.slope * weight
    }

    /// The first weight above the one that is reached at which it has this value.
    fn passes(self, limit: f64, reached: f64) -> Option<f64> {
        let crossing = (limit - self.rest) / self.slope;
        match self.slope {
            slope if slope > 0.0 => (crossing <= ALL).then_some(crossing.max(reached)),
            _ => (self.at(ALL) >= limit).then_some(reached),
        }
    }
}

fn ahead(steps: &[SaturationStep], carried: Carried) -> (ForecastFrom, Option<StraightLine>) {
    let Some(last) = steps.last() else {
        return (ForecastFrom::Line, None);
    };
    let flat = StraightLine {
        rest: last.canary,
        slope: 0.0,
    };
    if f64::from(last.weight) >= ALL {
        return (ForecastFrom::Seen, Some(flat));
    }
    if carried == Carried::ByMore {
        return (ForecastFrom::Even, Some(flat));
    }
    match through(steps) {
        Some(line) => (ForecastFrom::Line, Some(line)),
        None => (ForecastFrom::OneWeight, None),
    }
}

/// Least squares, each weight counting as often as it was seen; none through a single weight.
fn through(steps: &[SaturationStep]) -> Option<StraightLine> {
    let all: f64 = steps.iter().map(|step| f64::from(step.ticks)).sum();
    let mean = |of: fn(&SaturationStep) -> f64| {
        let sum: f64 = steps.iter().map(|step| f64::from(step.ticks) * of(step)).sum();
        sum / all
    };
    let (weight, value) = (mean(|step| f64::from(step.weight)), mean(|step| step.canary));
    let (mut spread, mut together) = (0.0, 0.0);
    for step in steps {
        let aside = f64::from(step.weight) - weight;
        spread += f64::from(step.ticks) * aside * aside;
        together += f64::from(step.ticks) * aside * (step.canary - value);
    }
    (steps.len() > 1 && spread > 0.0).then(|| {
        let slope = together / spread;
        StraightLine {
            rest: value - slope * weight,
            slope,
        }
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn tick(second: i64, arm: Arm, weight: u8, use_of: f64) -> Tick {
        Tick {
            weight,
            gauges: [("cpu".to_owned(), use_of)].into(),
            ..Tick::none(Timestamp::from_second(second).unwrap(), arm)
        }
    }

    fn both(second: i64, weight: u8, canary: f64, stable: f64) -> [Tick; 2] {
        [
            tick(second, Arm::Canary, weight, canary),
            tick(second, Arm::Stable, 100 - weight, stable),
        ]
    }

    fn limit(limit: f64) -> BTreeMap<String, GaugeTolerance> {
        let may = GaugeTolerance {
            above: 0.1,
            limit: Some(limit),
            rolls_back: gateline_model::GaugeMay::default(),
        };
        [("cpu".to_owned(), may)].into()
    }

    fn cpu(ticks: &[[Tick; 2]], carried: Carried, most: f64) -> Saturation {
        let found = saturation(&ticks.concat(), carried, &limit(most));
        assert_eq!(found.len(), 1);
        found.into_iter().next().unwrap()
    }

    fn near(value: Option<f64>, wanted: f64) -> bool {
        value.is_some_and(|value| (value - wanted).abs() < 1e-9)
    }

    #[test]
    fn two_weights_make_a_line_with_what_is_used_at_rest() {
        let ticks = [
            both(0, 5, 0.12, 0.60),
            both(15, 5, 0.14, 0.60),
            both(30, 25, 0.21, 0.50),
            both(45, 25, 0.21, 0.50),
        ];
        let cpu = cpu(&ticks, Carried::ByTheSame, 0.4);
        assert_eq!(cpu.from, ForecastFrom::Line);
        assert!(near(cpu.forecast, 0.13 + 0.08 / 20.0 * 95.0), "{cpu:?}");
        assert!(near(cpu.passes_at, 5.0 + 0.27 / (0.08 / 20.0)), "{cpu:?}");
        assert_eq!(cpu.seen(), "5%: 0.13 (stable 0.6), 25%: 0.21 (stable 0.5)");
        assert_eq!(cpu.to_limit(), "passes its limit 0.4 at 73%");
    }

    #[test]
    fn one_weight_tells_nothing_of_all_traffic_and_cries_no_wolf() {
        let cpu = cpu(&[both(0, 5, 0.3, 0.3)], Carried::ByTheSame, 0.9);
        assert_eq!((cpu.from, cpu.forecast), (ForecastFrom::OneWeight, None));
        assert_eq!(cpu.passes_at, None);
        assert_eq!(cpu.ahead(), "not known from one weight");
        assert_eq!(cpu.to_limit(), "below its limit 0.9 so far");
    }

    #[test]
    fn instances_that_come_with_the_share_carry_as_much_as_before() {
        let ticks = [both(0, 25, 0.5, 0.5), both(15, 50, 0.52, 0.5)];
        let cpu = cpu(&ticks, Carried::ByMore, 0.6);
        assert_eq!(
            (cpu.from, cpu.forecast, cpu.passes_at),
            (ForecastFrom::Even, Some(0.52), None)
        );
    }

    #[test]
    fn what_had_all_traffic_is_seen_and_what_passed_its_limit_passed_it_there() {
        let ticks = [both(0, 50, 0.7, 0.5), both(15, 100, 0.5, 0.0)];
        let cpu = cpu(&ticks, Carried::ByTheSame, 0.6);
        assert_eq!((cpu.from, cpu.forecast), (ForecastFrom::Seen, Some(0.5)));
        assert_eq!(cpu.passes_at, Some(50.0));
    }

    #[test]
    fn a_use_that_falls_with_traffic_forecasts_nothing_below_zero() {
        let ticks = [both(0, 5, 0.5, 0.5), both(15, 25, 0.1, 0.5)];
        let cpu = cpu(&ticks, Carried::ByTheSame, 0.6);
        assert_eq!((cpu.forecast, cpu.passes_at), (Some(0.0), None));
    }

    #[test]
    fn what_is_no_number_or_seen_without_traffic_does_not_count() {
        let none = [both(0, 0, 0.9, 0.5), both(15, 5, f64::NAN, f64::INFINITY)].concat();
        assert!(saturation(&none, Carried::ByTheSame, &limit(1.0)).is_empty());
        assert!(saturation(&[], Carried::ByTheSame, &limit(1.0)).is_empty());
    }
}
