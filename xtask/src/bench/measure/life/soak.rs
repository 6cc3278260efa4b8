//! A long load on a long history: ten minutes at fifty decisions a second. Whether memory stays where it is, but for what the new
//! releases themselves are.

use std::path::Path;
use std::time::Duration;

use super::super::history::reference;
use super::super::load::{self, LIFE, movers};
use super::super::numbers::{Times, ms};
use super::super::place::{hub, runtime};
use super::super::{Scale, machine};

/// How long.
const MINUTES: u32 = 10;
/// Decisions a second.
const PER_SEC: u32 = 50;
/// Who asks for them.
const CLIENTS: usize = 20;

pub(in super::super) fn part(arguments: &[String]) -> Result<(), String> {
    let [path, scale] = arguments else {
        return Err("a database and a scale were expected".to_owned());
    };
    runtime()?.block_on(measure(Path::new(path), Scale::read(scale)))
}

async fn measure(path: &Path, scale: Scale) -> Result<(), String> {
    let hub = hub(path)?;
    let pipelines: Vec<_> = (0..CLIENTS).map(reference).collect();
    let mut clients = movers(&hub, &pipelines, "soak", LIFE).await?;
    let minute = scale.of(Duration::from_secs(60), Duration::from_millis(500));
    let releases = || hub.with_world(|world| world.releases().count());
    println!("### {MINUTES} minutes at {PER_SEC} decisions a second\n");
    println!("| minute | decisions | p50 | p99 | memory | releases known |\n|---|---|---|---|---|---|");
    println!("| 0 | | | | {:.1} MB | {} |", held_mb(), releases());
    let mut all = Times::default();
    // The first minute fills caches and is not counted.
    let mut first = (0.0, 0);
    for number in 1..=MINUTES {
        let every = Duration::from_secs(1) * CLIENTS as u32 / PER_SEC;
        let mut asked = load::paced(&mut clients, minute, every).await?;
        println!(
            "| {number} | {} | {} | {} | {:.1} MB | {} |",
            asked.times.count(),
            ms(asked.times.percentile(0.5)),
            ms(asked.times.percentile(0.99)),
            held_mb(),
            releases()
        );
        if number == 1 {
            first = (held_mb(), releases());
        }
        all.extend(asked.times);
    }
    let grown = held_mb() - first.0;
    let known = releases() - first.1;
    println!(
        "\nAll: p50 {}, p99 {}. From the first minute to the last, memory grew by {grown:.1} MB with {known} new releases: \
         {:.1} KB each, with {} pieces of evidence.\n",
        ms(all.percentile(0.5)),
        ms(all.percentile(0.99)),
        grown * 1024.0 / known.max(1) as f64,
        3
    );
    Ok(())
}

fn held_mb() -> f64 {
    machine::held_kib() as f64 / 1024.0
}
