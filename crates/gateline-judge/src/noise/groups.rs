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

/// The design effect for each of [`WINDOWS`]; none where there are fewer than eight of that length.
///
/// Each tick holds the same groups in the same order. A group's share of the bad requests is held against its share of all.
pub fn by_window(ticks: &[Vec<GroupCounts>]) -> Vec<Option<f64>> {
    let residuals: Vec<Vec<(f64, f64)>> = ticks.iter().map(|groups| residuals(groups)).collect();
    let of = |window: usize| {
        let windows = ticks.len() / window;
        if windows < WINDOWS_MIN {
            return None;
        }
        let (mut found, mut chance) = (0.0, 0.0);
        for window in residuals[..windows * window].chunks_exact(window) {
            let groups = window.iter().map(Vec::len).max().unwrap_or(0);
            for group in 0..groups {
                let sums = window.iter().filter_map(|tick| tick.get(group));
                let (off, variance) =
                    sums.fold((0.0, 0.0), |(off, variance), one| (off + one.0, variance + one.1));
                found += off * off;
                chance += variance;
            }
        }
        (chance > 0.0).then(|| found / chance)
    };
    WINDOWS.iter().map(|window| of(*window)).collect()
}

/// What each group has beyond its share, and the variance that chance would give it.
fn residuals(groups: &[GroupCounts]) -> Vec<(f64, f64)> {
    let requests: u64 = groups.iter().map(|group| group.requests).sum();
    let bad: u64 = groups.iter().map(|group| group.bad).sum();
    let residual = |group: &GroupCounts| {
        let share = group.requests as f64 / (requests as f64).max(1.0);
        (
            group.bad as f64 - bad as f64 * share,
            bad as f64 * share * (1.0 - share),
        )
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
