//! Points: what each arm served between two moments, from the judge's ticks and by the judge's own counting.

use gateline_judge::{Counts, count};
use gateline_model::{Arm, Tick};
use jiff::Timestamp;

/// Moments of a plot at most, a few pixels each: the page reads and draws no more, however long the rollout was.
pub(in crate::ui) const PLOT_MOMENTS: usize = 120;

/// One arm at one moment: what it served since the point before.
pub(super) struct Point {
    pub(super) at: Timestamp,
    pub(super) canary: Option<f64>,
    pub(super) stable: Option<f64>,
}

/// The moments between which the counts are compared.
pub(super) fn edges(ticks: &[Tick]) -> Vec<Timestamp> {
    let (Some(first), Some(last)) = (ticks.first(), ticks.last()) else {
        return Vec::new();
    };
    let mut moments: Vec<Timestamp> = ticks
        .iter()
        .map(|tick| tick.at)
        .filter(|at| *at > first.at)
        .collect();
    moments.dedup();
    let every = moments.len().div_ceil(PLOT_MOMENTS).max(1);
    let mut edges = vec![first.at];
    edges.extend(moments.iter().skip(every - 1).step_by(every));
    if edges.last() != Some(&last.at) {
        edges.push(last.at);
    }
    edges
}

/// The values between each two moments.
pub(super) fn points(
    ticks: &[Tick],
    edges: &[Timestamp],
    value: impl Fn(&Counts) -> Option<f64>,
) -> Vec<Point> {
    let arm = |arm: Arm, from: Timestamp, until: Timestamp| {
        // The judge's own counting, on the ticks up to the edge: what is drawn is what is judged.
        let end = ticks.partition_point(|tick| tick.at <= until);
        value(&count(&ticks[start_of(ticks, from)..end], arm, Some(from)))
    };
    edges
        .windows(2)
        .filter_map(|pair| <[Timestamp; 2]>::try_from(pair).ok())
        .map(|[from, until]| Point {
            at: until,
            canary: arm(Arm::Canary, from, until),
            stable: arm(Arm::Stable, from, until),
        })
        .collect()
}

/// Where to begin so that both arms have their last tick at or before the moment.
fn start_of(ticks: &[Tick], from: Timestamp) -> usize {
    let end = ticks.partition_point(|tick| tick.at <= from);
    let last = |arm: Arm| ticks[..end].iter().rposition(|tick| tick.arm == arm);
    match (last(Arm::Canary), last(Arm::Stable)) {
        (Some(canary), Some(stable)) => canary.min(stable),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn tick(second: i64, arm: Arm, requests: u64, errors: u64) -> Tick {
        Tick {
            requests,
            errors,
            ..Tick::none(at(second), arm)
        }
    }

    #[test]
    fn a_point_is_what_was_served_since_the_point_before() {
        let ticks = [
            tick(0, Arm::Canary, 100, 50),
            tick(0, Arm::Stable, 0, 0),
            tick(5, Arm::Canary, 200, 50),
            tick(5, Arm::Stable, 100, 1),
            tick(10, Arm::Canary, 300, 60),
            tick(10, Arm::Stable, 100, 1),
        ];
        let points = points(&ticks, &edges(&ticks), |counts| counts.errors_percent());
        let values: Vec<_> = points
            .iter()
            .map(|point| (point.at, point.canary, point.stable))
            .collect();
        assert_eq!(
            values,
            [(at(5), Some(0.0), Some(1.0)), (at(10), Some(10.0), None)]
        );
    }

    #[test]
    fn a_long_rollout_has_no_more_points_than_fit() {
        let ticks: Vec<Tick> = (0..10_000)
            .map(|second| tick(second, Arm::Canary, second as u64, 0))
            .collect();
        let edges = edges(&ticks);
        assert!(edges.len() <= PLOT_MOMENTS + 2);
        assert_eq!((edges[0], edges[edges.len() - 1]), (at(0), at(9_999)));
    }

    #[test]
    fn nothing_measured_has_no_points() {
        assert!(points(&[], &edges(&[]), |counts| counts.errors_percent()).is_empty());
    }
}
