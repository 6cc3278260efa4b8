//! Durable decisions per second: evidence is submitted as the API does it, with an idempotency key; decided on, and
//! acknowledged when it is on disk. Each round is followed at once by the limits writing the very same rows, so that
//! what else the machine does weighs on both alike. What is printed are the medians of the rounds.

pub(super) mod postgres;
mod sqlite;

use std::fs::File;
use std::time::Duration;

use super::Scale;
use super::load::Asked;
use super::numbers::{Times, median, met, ms, percent};
use super::raw::{Committer, fdatasync, round};

/// Rounds of each line.
const ROUNDS: usize = 9;
/// How long a round is measured.
const FOR: Duration = Duration::from_secs(1);
/// Named limits, as shares of the same rows.
const AIM_SQLITE: f64 = 0.60;
const AIM_POSTGRES: f64 = 0.50;
/// Of how many replicas the latter is.
const AIM_REPLICAS: usize = 3;

pub(super) fn run(scale: Scale) -> Result<(), String> {
    sqlite::run(scale)?;
    postgres::run(scale)
}

fn rounds(scale: Scale) -> usize {
    scale.of(ROUNDS, 2)
}

fn during(scale: Scale) -> Duration {
    scale.of(FOR, FOR / 5)
}

/// Reports that all clients of a line are given releases for. One alone needs fewer.
fn reports(per_sec_max: u64, clients: usize, scale: Scale) -> u64 {
    let seconds = during(scale).as_secs_f64() * rounds(scale) as f64;
    let alone = if clients == 1 { 8 } else { 1 };
    (per_sec_max as f64 * seconds) as u64 / alone
}

/// What stands above the lines of one store.
fn head(of: &str) -> String {
    let cells = "decisions/s | p50 | p99 | per commit | of the same rows | aim | same rows/s | p50 | per commit | of the fewest rows | fewest rows/s | of fdatasync | fdatasync/s |";
    let rules = "|---".repeat(cells.matches('|').count() + of.matches('|').count() + 1);
    format!("| {of} | {cells}\n{rules}|")
}

/// What the rounds of a line came to.
#[derive(Default)]
struct Seen {
    times: Times,
    same_times: Times,
    /// Ours, ours per commit, the same rows, theirs per commit, the fewest rows, `fdatasync`.
    rates: [Vec<f64>; 6],
}

/// Who writes the same again: each kind of limit with its committers, and a bare file.
struct Limits<R> {
    same: Vec<Committer<R>>,
    fewest: Vec<Committer<R>>,
    file: File,
    /// What the file is given of a row.
    bytes: fn(&R) -> Vec<u8>,
}

impl Seen {
    /// Keeps a round: what was asked, in how many batches it was committed, and how the limits write its rows now.
    async fn round<R: Clone + Send + 'static>(
        &mut self,
        (asked, batches): (Asked, u64),
        rows: &[R],
        clients: usize,
        limits: &mut Limits<R>,
    ) -> Result<(), String> {
        let count = rows.len() as f64;
        let per_commit = count / batches as f64;
        let same = round(&limits.same, rows, clients).await?;
        let fewest = round(&limits.fewest, rows, clients).await?;
        let pieces: Vec<Vec<u8>> = rows.iter().map(limits.bytes).collect();
        let sync = fdatasync(&mut limits.file, &pieces, per_commit.round() as usize)?;
        let rates = [
            count / asked.seconds,
            per_commit,
            count / same.seconds,
            count / same.commits as f64,
            count / fewest.seconds,
            count / sync.as_secs_f64(),
        ];
        for (all, rate) in self.rates.iter_mut().zip(rates) {
            all.push(rate);
        }
        self.times.extend(asked.times);
        self.same_times.extend(same.times);
        Ok(())
    }

    fn line(mut self, of: &str, aim: Option<f64>) -> String {
        let share = |limit: usize| {
            let shares = self.rates[0].iter().zip(&self.rates[limit]);
            median(shares.map(|(ours, limit)| ours / limit).collect())
        };
        let (of_same, of_fewest, of_sync) = (share(2), share(4), share(5));
        let met = aim.map_or_else(String::new, |aim| {
            format!("{}: {}", percent(aim, 1.0), met(of_same >= aim))
        });
        let [of_same, of_fewest, of_sync] = [of_same, of_fewest, of_sync].map(|share| percent(share, 1.0));
        let [ours, per_commit, same, same_per_commit, fewest, sync] = self.rates.map(median);
        format!(
            "| {of} | {ours:.0} | {} | {} | {per_commit:.1} | {of_same} | {met} | {same:.0} | {} | {same_per_commit:.1} | {of_fewest} | {fewest:.0} | {of_sync} | {sync:.0} |",
            ms(self.times.percentile(0.5)),
            ms(self.times.percentile(0.99)),
            ms(self.same_times.percentile(0.5)),
        )
    }
}

/// Batches committed so far, from the hubs' own counters.
fn batches(hubs: &[gateline_server::hub::Hub]) -> u64 {
    let one = |hub: &gateline_server::hub::Hub| -> Option<u64> {
        let text = hub.metrics();
        let line = text
            .lines()
            .find(|line| line.starts_with("gateline_batches_total "))?;
        line.rsplit(' ').next()?.parse().ok()
    };
    hubs.iter().filter_map(one).sum()
}
