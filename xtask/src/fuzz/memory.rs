//! The peak of this process's memory, as Linux counts it; elsewhere there is none.

/// Tells Linux to count the peak from now on.
const RESET: &str = "5";

/// Begins to count anew: the memory that is held now, in kB.
pub fn begin() -> u64 {
    let _ = std::fs::write("/proc/self/clear_refs", RESET);
    peak_kb()
}

/// The most that was held since, in kB.
pub fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_seen_and_forgotten() {
        let before = begin();
        let much = vec![1_u8; 32 * 1024 * 1024];
        assert!(much.iter().all(|byte| *byte == 1));
        drop(much);
        assert!(peak_kb() >= before + 30 * 1024);
        let after = begin();
        assert!(after < before + 30 * 1024, "{before} kB, then {after} kB");
    }
}
