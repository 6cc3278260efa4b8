//! Reads one report and says what is in it, how long that took, and the most memory that was held (on Linux).
//!
//! `cargo run --release -p gateline-evidence --example read -- FILE`

use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a file")?;
    let mut file = std::fs::File::open(path)?;
    let began = Instant::now();
    let read = gateline_evidence::read_from(&mut file, None)?;
    let took = began.elapsed();
    println!("{}: {}", read.format, read.facts.says());
    println!("took {:.3} s", took.as_secs_f64());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM:"));
    println!("{}", peak.unwrap_or("no peak of memory is told here"));
    Ok(())
}
