//! Durable decisions per second: evidence is submitted, decided on, and acknowledged when it is on disk.
//! Compared with the same event bodies in bare SQLite group commits of the same size, and in bare `fdatasync`s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateline_model::Release;
use gateline_server::hub::Hub;

use super::numbers::{Times, ms, percent};
use super::place::{Place, apply, register, release, runtime, submit, tests_passed};
use super::raw;

/// How long each line is measured.
const FOR: Duration = Duration::from_secs(5);
/// Reports per release, under the limit that a release may have.
const REPORTS: u64 = 900;

const PIPELINE: &str = "
apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: app, project: bench}
spec:
  artifacts: [{name: app, kind: file}]
  stages:
    - name: dev
      promote: manual
      target: {command: {apply: [/bin/true]}}
";

pub(super) fn run() -> Result<(), String> {
    println!(
        "| clients | decisions/s | p50 | p99 | per commit | of bare SQLite | bare SQLite/s | of fdatasync | fdatasync/s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for clients in [1, 8, 64] {
        line(clients)?;
    }
    Ok(())
}

fn line(clients: usize) -> Result<(), String> {
    let place = Place::new(&format!("decisions-{clients}"))?;
    let runtime = runtime()?;
    let (mut times, seconds, rows, batches) = runtime.block_on(measure(&place, clients))?;
    let per_commit = (rows.len() as f64 / batches as f64).round().max(1.0) as usize;
    let ours = rows.len() as f64 / seconds;
    let sqlite = raw::sqlite(&place.path("bare.db"), &rows, per_commit)?;
    let sync = raw::fdatasync(&place.path("bare.log"), &rows, per_commit)?;
    println!(
        "| {clients} | {ours:.0} | {} | {} | {per_commit} | {} | {sqlite:.0} | {} | {sync:.0} |",
        ms(times.percentile(0.5)),
        ms(times.percentile(0.99)),
        percent(ours, sqlite),
        percent(ours, sync),
    );
    Ok(())
}

type Measured = (Times, f64, Vec<Vec<u8>>, u64);

async fn measure(place: &Place, clients: usize) -> Result<Measured, String> {
    let hub = place.hub()?;
    let pipeline = apply(&hub, PIPELINE).await?;
    // Enough releases that no client runs out of reports.
    let mut releases: Vec<Vec<Arc<Release>>> = Vec::new();
    for client in 0..clients {
        let mut own = Vec::new();
        for number in 0..(400 / clients).max(8) {
            let release = release(pipeline.reference(), &format!("{client}.{number}"));
            register(&hub, &release).await?;
            own.push(release);
        }
        releases.push(own);
    }
    let (size, batches) = (hub.with_world(|world| world.next()), batches(&hub));
    let began = Instant::now();
    let tasks: Vec<_> = releases
        .into_iter()
        .map(|own| tokio::spawn(client(hub.clone(), own, began)))
        .collect();
    let mut times = Times::default();
    for task in tasks {
        times.extend(task.await.map_err(|err| err.to_string())??);
    }
    let seconds = began.elapsed().as_secs_f64();
    let (after, committed) = (
        hub.with_world(|world| world.next()),
        self::batches(&hub) - batches,
    );
    let rows = bodies(&hub, size, after).await?;
    Ok((times, seconds, rows, committed))
}

async fn client(hub: Hub, releases: Vec<Arc<Release>>, began: Instant) -> Result<Times, String> {
    let mut times = Times::default();
    let mut number = 0;
    'reports: for release in &releases {
        for _ in 0..REPORTS {
            if began.elapsed() >= FOR {
                break 'reports;
            }
            number += 1;
            let command = tests_passed(release, number);
            let asked = Instant::now();
            submit(&hub, command).await?;
            times.push(asked.elapsed());
        }
    }
    Ok(times)
}

/// Batches committed so far, from the hub's own counters.
fn batches(hub: &Hub) -> u64 {
    let text = hub.metrics();
    let line = text
        .lines()
        .find(|line| line.starts_with("gateline_batches_total "));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
        .unwrap_or(1)
}

/// The bodies that were recorded: the limits write the very same bytes.
async fn bodies(hub: &Hub, from: u64, to: u64) -> Result<Vec<Vec<u8>>, String> {
    let mut rows = Vec::new();
    let mut next = from;
    while next < to {
        let page = hub
            .read(move |store| store.read(next, 1_000))
            .await
            .map_err(|err| err.to_string())?;
        for recorded in &page {
            rows.push(serde_json::to_vec(&recorded.event).map_err(|err| err.to_string())?);
        }
        if page.is_empty() {
            break;
        }
        next += page.len() as u64;
    }
    Ok(rows)
}
