//! Groups of pods of one version: how much more they differ than chance has it, by the length of the window.

/// What one group of pods counted in one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupCounts {
    /// Requests.
    pub requests: u64,
    /// Those that were bad.
    pub bad: u64,
}

/// Lengths of windows in ticks: 15 s to 8 min. Clumps show in the shortest, slow moods of pods in the longest.
pub const WINDOWS: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// Fewer windows than this say nothing of their variance.
const WINDOWS_MIN: usize = 8;
/// Those in which moods show that last as long as half a rollout: 16 and 32 min.
const LONG_WINDOWS: [usize; 2] = [64, 128];

/// What one group has beyond its share in one tick, and the variance that chance would give it.
#[derive(Debug, Clone, Copy)]
struct Residual {
    off: f64,
    variance: f64,
}

/// The design effect for each of [`WINDOWS`]; none where there are fewer than eight of that length.
///
/// Each tick holds the same groups in the same order. A group's share of the bad requests is held against its share of all.
pub fn by_window(ticks: &[Vec<GroupCounts>]) -> Vec<Option<f64>> {
    let residuals: Vec<_> = ticks.iter().map(|groups| residuals(groups)).collect();
    over(&residuals, &WINDOWS)
}

/// The same of what moves alone, over longer windows as well: what stays with a group all the time is no noise that time
/// averages out, and counts as the margin that pods may be apart ([`spread`](super::spread)).
pub fn moving_by_window(ticks: &[Vec<GroupCounts>]) -> Vec<Option<f64>> {
    let mut residuals: Vec<_> = ticks.iter().map(|groups| residuals(groups)).collect();
    let groups = residuals.iter().map(Vec::len).max().unwrap_or(0);
    for group in 0..groups {
        let of_group = residuals.iter().filter_map(|tick| tick.get(group));
        let (off, variance) = sum(of_group);
        for residual in residuals.iter_mut().filter_map(|tick| tick.get_mut(group)) {
            residual.off -= residual.variance * off / variance.max(f64::MIN_POSITIVE);
        }
    }
    over(&residuals, &[&WINDOWS[..], &LONG_WINDOWS].concat())
}

fn over(residuals: &[Vec<Residual>], windows: &[usize]) -> Vec<Option<f64>> {
    let of = |window: usize| {
        let windows = residuals.len() / window;
        if windows < WINDOWS_MIN {
            return None;
        }
        let (mut found, mut chance) = (0.0, 0.0);
        for window in residuals[..windows * window].chunks_exact(window) {
            let groups = window.iter().map(Vec::len).max().unwrap_or(0);
            for group in 0..groups {
                let (off, variance) = sum(window.iter().filter_map(|tick| tick.get(group)));
                found += off * off;
                chance += variance;
            }
        }
        (chance > 0.0).then(|| found / chance)
    };
    windows.iter().map(|window| of(*window)).collect()
}

fn sum<'a>(residuals: impl Iterator<Item = &'a Residual>) -> (f64, f64) {
    residuals.fold((0.0, 0.0), |(off, variance), one| {
        (off + one.off, variance + one.variance)
    })
}

/// What each group has beyond its share.
fn residuals(groups: &[GroupCounts]) -> Vec<Residual> {
    let requests: u64 = groups.iter().map(|group| group.requests).sum();
    let bad: u64 = groups.iter().map(|group| group.bad).sum();
    let residual = |group: &GroupCounts| {
        let share = group.requests as f64 / (requests as f64).max(1.0);
        Residual {
            off: group.bad as f64 - bad as f64 * share,
            variance: bad as f64 * share * (1.0 - share),
        }
    };
    groups.iter().map(residual).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(requests: u64, bad: u64) -> GroupCounts {
        GroupCounts { requests, bad }
    }

    /// Bad requests that wander from group to group by a fixed pattern with the variance of chance.
    fn ticks(count: usize, clump: u64) -> Vec<Vec<GroupCounts>> {
        let one = |tick: usize| {
            (0..4)
                .map(|pod| group(100, if tick % 4 == pod { clump } else { 0 }))
                .collect()
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn clumps_of_four_count_four_times() {
        let single = by_window(&ticks(64, 1));
        let clumped = by_window(&ticks(64, 4));
        assert!((single[0].unwrap() - 1.0).abs() < 1e-9);
        assert!((clumped[0].unwrap() - 4.0).abs() < 1e-9);
    }

    #[test]
    fn a_pod_that_stays_worse_shows_in_long_windows() {
        let steady: Vec<_> = (0..256)
            .map(|_| vec![group(100, 3), group(100, 1), group(100, 1), group(100, 1)])
            .collect();
        let found = by_window(&steady);
        assert!(found[5].unwrap() > 8.0 * found[0].unwrap(), "{found:?}");
    }

    #[test]
    fn what_stays_with_a_pod_does_not_move_and_a_slow_mood_does() {
        let tick = |worse: usize| {
            let bad = |pod: usize| if pod == worse { 5 } else { 3 };
            (0..4).map(|pod| group(100, bad(pod))).collect::<Vec<_>>()
        };
        let stays: Vec<_> = (0..2_048).map(|_| tick(0)).collect();
        assert!(by_window(&stays)[5].unwrap() > 1.0);
        assert!(
            moving_by_window(&stays)
                .iter()
                .flatten()
                .all(|found| *found < 1e-9)
        );
        // Each pod is the worse one for 16 minutes: a window of 16 minutes has twice what one of 8 has.
        let moody: Vec<_> = (0..2_048).map(|at| tick(at / 64 % 4)).collect();
        let found = moving_by_window(&moody);
        let (eight, sixteen) = (found[5].unwrap(), found[6].unwrap());
        assert!((sixteen / eight - 2.0).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn too_few_windows_say_nothing() {
        let found = by_window(&ticks(20, 1));
        assert!(found[0].is_some() && found[1].is_some());
        assert_eq!(found[2], None);
        assert_eq!(by_window(&[]), vec![None; 6]);
    }

    #[test]
    fn no_bad_requests_are_no_measurement() {
        assert_eq!(by_window(&ticks(64, 0))[0], None);
    }
}
