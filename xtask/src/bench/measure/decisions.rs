//! Durable decisions per second: evidence is submitted as the API does it, with an idempotency key; decided on, and
//! acknowledged when it is on disk. Each round is followed at once by the limits writing the very same rows, so that
//! what else the machine does weighs on both alike. What is printed are the medians of the rounds.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateline_model::Release;
use gateline_server::hub::Hub;

use super::numbers::{Times, median, ms, percent};
use super::place::{Place, apply, register, release, runtime, submit_once, tests_passed};
use super::raw::{Committer, Tables, fdatasync, rows};

/// How long a round is measured.
const FOR: Duration = Duration::from_secs(1);
/// Rounds of each line.
const ROUNDS: usize = 9;
/// Reports per release, under the limit that a release may have.
const REPORTS: u64 = 900;
/// More than are decided per second: no client may run out of releases.
const DECISIONS_PER_SEC_MAX: u64 = 60_000;

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
        "| clients | decisions/s | p50 | p99 | per commit | of the same rows | same rows/s | p50 | per commit | of the fewest rows | fewest rows/s | of fdatasync | fdatasync/s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for clients in [1, 8, 64] {
        runtime()?.block_on(line(clients))?;
    }
    println!(
        "\nMedians of {ROUNDS} rounds; a share is of the same round. The limits write what was just decided, from as many clients \
         through one thread: the same rows in the same tables and indexes; the fewest rows are a body and its number; \
         `fdatasync` is of the same bytes, as many to a batch as we committed."
    );
    Ok(())
}

async fn line(clients: usize) -> Result<(), String> {
    let place = Place::new(&format!("decisions-{clients}"))?;
    let hub = place.hub()?;
    let mut sources = sources(&hub, clients).await?;
    let same = Committer::start(&place.path("same.db"), Tables::Same)?;
    let fewest = Committer::start(&place.path("fewest.db"), Tables::Fewest)?;
    let mut file = File::create(place.path("bare.log")).map_err(|err| err.to_string())?;
    let mut seen = Seen::default();
    for _ in 0..ROUNDS {
        let from = hub.with_world(|world| world.next());
        let batches_before = batches(&hub);
        let (times, seconds) = round(&hub, &mut sources).await?;
        let batches = batches(&hub) - batches_before;
        let rows = rows(&place.path("gateline.db"), from)?;
        let count = rows.len() as f64;
        let per_commit = count / batches as f64;
        let ours = count / seconds;
        let same = same.round(&rows, clients).await?;
        let fewest = fewest.round(&rows, clients).await?;
        let sync = fdatasync(&mut file, &rows, per_commit.round() as usize)?;
        seen.times.extend(times);
        seen.same_times.extend(same.times);
        let rates = [
            ours,
            per_commit,
            count / same.seconds,
            count / same.commits as f64,
            count / fewest.seconds,
            count / sync.as_secs_f64(),
        ];
        for (all, rate) in seen.rates.iter_mut().zip(rates) {
            all.push(rate);
        }
    }
    println!("{}", seen.line(clients));
    Ok(())
}

/// What the rounds came to.
#[derive(Default)]
struct Seen {
    times: Times,
    same_times: Times,
    /// Ours, ours per commit, the same rows, theirs per commit, the fewest rows, `fdatasync`.
    rates: [Vec<f64>; 6],
}

impl Seen {
    fn line(mut self, clients: usize) -> String {
        let share = |limit: usize| {
            let shares = self.rates[0].iter().zip(&self.rates[limit]);
            percent(median(shares.map(|(ours, limit)| ours / limit).collect()), 1.0)
        };
        let (of_same, of_fewest, of_sync) = (share(2), share(4), share(5));
        let [ours, per_commit, same, same_per_commit, fewest, sync] = self.rates.map(median);
        format!(
            "| {clients} | {ours:.0} | {} | {} | {per_commit:.1} | {of_same} | {same:.0} | {} | {same_per_commit:.1} | {of_fewest} | {fewest:.0} | {of_sync} | {sync:.0} |",
            ms(self.times.percentile(0.5)),
            ms(self.times.percentile(0.99)),
            ms(self.same_times.percentile(0.5)),
        )
    }
}

/// What one client reports about: releases of its own, so that no two clients write one stream.
struct Source {
    client: usize,
    releases: Vec<Arc<Release>>,
    number: u64,
}

async fn sources(hub: &Hub, clients: usize) -> Result<Vec<Source>, String> {
    let pipeline = apply(hub, PIPELINE).await?;
    let reports = DECISIONS_PER_SEC_MAX * FOR.as_secs() * ROUNDS as u64 / if clients == 1 { 8 } else { 1 };
    let each = reports / REPORTS / clients as u64 + 1;
    let mut sources = Vec::new();
    for client in 0..clients {
        let mut releases = Vec::new();
        for number in 0..each {
            let release = release(pipeline.reference(), &format!("{client}.{number}"));
            register(hub, &release).await?;
            releases.push(release);
        }
        sources.push(Source {
            client,
            releases,
            number: 0,
        });
    }
    Ok(sources)
}

/// All clients at once, until the time is over.
async fn round(hub: &Hub, sources: &mut Vec<Source>) -> Result<(Times, f64), String> {
    let began = Instant::now();
    let tasks: Vec<_> = std::mem::take(sources)
        .into_iter()
        .map(|source| tokio::spawn(client(hub.clone(), source, began)))
        .collect();
    let mut times = Times::default();
    for task in tasks {
        let (source, own) = task.await.map_err(|err| err.to_string())??;
        sources.push(source);
        times.extend(own);
    }
    Ok((times, began.elapsed().as_secs_f64()))
}

async fn client(hub: Hub, mut source: Source, began: Instant) -> Result<(Source, Times), String> {
    let mut times = Times::default();
    while began.elapsed() < FOR {
        let release = source
            .releases
            .get((source.number / REPORTS) as usize)
            .ok_or("a client ran out of releases")?;
        let command = tests_passed(release, source.number);
        let key = format!("{}.{}", source.client, source.number);
        source.number += 1;
        let asked = Instant::now();
        submit_once(&hub, command, key).await?;
        times.push(asked.elapsed());
    }
    Ok((source, times))
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
