//! A long life: three years of a thousand pipelines. Its size, a start, the queries, memory over a long load, and a start after a crash.

pub(super) mod crash;
pub(super) mod queries;
pub(super) mod soak;
pub(super) mod start;

use std::path::Path;
use std::time::Instant;

use super::history::{History, STAGES};
use super::place::Place;
use super::{Scale, children};

/// Pipelines of the history.
const PIPELINES: usize = 1_000;
/// Events of it.
const EVENTS: u64 = 2_000_000;

pub(super) fn run(scale: Scale) -> Result<(), String> {
    let place = Place::new("life")?;
    let (pipelines, events) = scale.of((PIPELINES, EVENTS), (20, 5_000));
    let began = Instant::now();
    let mut history = History::begin(&place.path("growing.db"), pipelines, events)?;
    history.grow_to(events)?;
    let (size, releases) = (history.size(), history.releases());
    history.copy_to(&place.path("life.db"))?;
    drop(history);
    std::fs::remove_file(place.path("growing.db")).map_err(|err| err.to_string())?;
    println!(
        "Three years: {size} events of {pipelines} pipelines x {} stages, {releases} releases; made in {:.0} s.\n",
        STAGES.len(),
        began.elapsed().as_secs_f64()
    );
    size_of(&place.path("life.db"), size)?;
    let database = place.word("life.db");
    for part in ["life-start", "life-queries", "life-soak"] {
        children::run(part, &[database.clone(), scale.word()])?;
    }
    crash::run(&place.path("life.db"), scale)
}

/// The size of the file, and of what in it is the least that must be kept.
fn size_of(path: &Path, events: u64) -> Result<(), String> {
    let bytes = std::fs::metadata(path).map_err(|err| err.to_string())?.len();
    let conn = rusqlite::Connection::open(path).map_err(|err| err.to_string())?;
    let bodies: i64 = conn
        .query_row("SELECT sum(length(body)) FROM log", [], |row| row.get(0))
        .map_err(|err| err.to_string())?;
    println!("### Size\n\n| | MiB | bytes of an event |\n|---|---|---|");
    let row = |what: &str, bytes: u64| {
        println!("| {what} | {} | {} |", bytes >> 20, bytes / events.max(1));
    };
    row("the database, with its indexes and read models", bytes);
    row("of which the events' own text, as JSON: the least", bodies as u64);
    println!();
    Ok(())
}
