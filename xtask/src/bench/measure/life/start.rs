//! A start: from opening the database to being ready to decide, which is mostly the fold of its whole history.

use std::path::Path;
use std::time::Instant;

use super::super::machine;
use super::super::numbers::met;
use super::super::place::{hub, runtime};

/// Named limit, in seconds for a million events.
const AIM_SECS_PER_MILLION: f64 = 3.0;

/// One start, in a process of its own.
pub(in super::super) fn part(arguments: &[String]) -> Result<(), String> {
    let [path, _scale] = arguments else {
        return Err("a database and a scale were expected".to_owned());
    };
    let path = Path::new(path);
    let bare = bare_scan(path)?;
    let runtime = runtime()?;
    let _in_runtime = runtime.enter();
    let began = Instant::now();
    let hub = hub(path)?;
    let seconds = began.elapsed().as_secs_f64();
    let (size, open, releases) = hub.with_world(|world| {
        let open = world.promotions().count();
        (world.next(), open, world.releases().count())
    });
    let aim = AIM_SECS_PER_MILLION * size as f64 / 1e6;
    let met = met(seconds < aim);
    println!("### Start\n\n| | | aim |\n|---|---|---|");
    println!("| folded | {size} events; {releases} releases known, {open} promotions open | |");
    println!("| start to ready | {seconds:.2} s | {aim:.1} s: {met} |");
    println!(
        "| of which SQLite alone takes to read the rows | {bare:.2} s ({:.1} times) | |",
        seconds / bare
    );
    println!("| peak memory | {} MiB | |\n", machine::peak_kib() >> 10);
    Ok(())
}

/// Reads every row of the log and drops it: what no fold can undercut.
fn bare_scan(path: &Path) -> Result<f64, String> {
    let scan = || -> rusqlite::Result<f64> {
        let conn = rusqlite::Connection::open(path)?;
        let began = Instant::now();
        let mut select = conn.prepare("SELECT number, body FROM log ORDER BY number")?;
        let mut rows = select.query([])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            bytes += row.get_ref(1)?.as_bytes().map_or(0, <[u8]>::len);
        }
        std::hint::black_box(bytes);
        Ok(began.elapsed().as_secs_f64())
    };
    scan().map_err(|err| format!("bare scan: {err}"))
}
