//! What a process takes of the machine, as Linux counts it.

use std::time::Duration;

/// Ticks of `/proc/PID/stat` in a second: the same on every Linux that Rust runs on.
const TICKS_PER_SEC: f64 = 100.0;

/// The most memory that this process has held, in KiB.
pub(super) fn peak_kib() -> u64 {
    status("VmHWM")
}

/// The memory that it holds now, in KiB.
pub(super) fn held_kib() -> u64 {
    status("VmRSS")
}

fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

/// Time of processors that was used so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    /// By this process.
    pub own: Duration,
    /// By processes that it started and that have ended.
    pub children: Duration,
}

/// What was used so far.
pub(super) fn used() -> Used {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name may have blanks in it; what follows it has none.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> = rest
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse().ok())
        .collect();
    let time = |from: usize| {
        let ticks: f64 = ticks.iter().skip(from).take(2).sum();
        Duration::from_secs_f64(ticks / TICKS_PER_SEC)
    };
    Used {
        own: time(0),
        children: time(2),
    }
}
