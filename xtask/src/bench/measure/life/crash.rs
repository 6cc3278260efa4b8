//! A start after a crash: a server that writes as fast as it can is killed in the middle of it, and the next one starts.

use std::path::Path;
use std::time::{Duration, Instant};

use gateline_server::hub::Hub;

use super::super::history::reference;
use super::super::load::{self, Client, LIFE, Mover, movers};
use super::super::numbers::median;
use super::super::place::{hub, runtime};
use super::super::{Scale, children};

/// Clients that write.
const CLIENTS: usize = 64;
/// How long they write before the server is killed.
const WRITES_FOR: Duration = Duration::from_secs(5);
/// Crashes; the middle one counts.
const CRASHES: usize = 3;
/// The word of a server that is ready.
const READY: &str = "ready";

pub(super) fn run(path: &Path, scale: Scale) -> Result<(), String> {
    let crashes = scale.of(CRASHES, 1);
    let (mut quiet, mut after) = (Vec::new(), Vec::new());
    println!("### Start after a crash\n\n| | start to ready |\n|---|---|");
    let mut left = 0;
    for _ in 0..crashes {
        let (_, writer) = started(path)?;
        std::thread::sleep(scale.of(WRITES_FOR, WRITES_FOR / 5));
        let told = writer.kill();
        let last: u64 = told
            .iter()
            .filter_map(|line| line.parse().ok())
            .max()
            .unwrap_or(0);
        left = std::fs::metadata(path.with_extension("db-wal")).map_or(0, |known| known.len());
        let (took, mut next) = started(path)?;
        let size = next.line().and_then(|line| line.parse::<u64>().ok());
        if size.is_none_or(|size| size <= last) {
            return Err(format!(
                "#{last} was acknowledged, and the log ended at {size:?} after the crash"
            ));
        }
        after.push(took.as_secs_f64());
        drop(next.kill());
        // Killed as well, but nothing was left to write: the limit.
        let (took, next) = started(path)?;
        quiet.push(took.as_secs_f64());
        drop(next.kill());
    }
    println!(
        "| after kill -9 under load, {} MiB in the write-ahead log | {:.2} s |",
        left >> 20,
        median(after)
    );
    println!("| the next start | {:.2} s |", median(quiet));
    println!(
        "\nFrom the start of the process to being ready, medians of {crashes}; {CLIENTS} clients wrote for {} s. Whatever was \
         acknowledged was there.",
        WRITES_FOR.as_secs()
    );
    Ok(())
}

/// Starts a writer and waits until it is ready.
fn started(path: &Path) -> Result<(Duration, children::Beside), String> {
    let began = Instant::now();
    let mut writer = children::start("life-write", &[path.display().to_string()])?;
    match writer.line() {
        Some(line) if line == READY => Ok((began.elapsed(), writer)),
        line => Err(format!("a server did not start: {line:?}")),
    }
}

/// A server that says when it is ready, what its log's size was then, and each number that it acknowledged since.
pub(in super::super) fn part(arguments: &[String]) -> Result<(), String> {
    let [path] = arguments else {
        return Err("a database was expected".to_owned());
    };
    runtime()?.block_on(async {
        let hub = hub(Path::new(path))?;
        println!("{READY}\n{}", hub.with_world(|world| world.next()));
        let mark = format!("crash-{}", std::process::id());
        let pipelines: Vec<_> = known(&hub).collect();
        let movers = movers(&hub, &pipelines, &mark, LIFE).await?;
        let mut clients: Vec<Loud> = movers
            .into_iter()
            .map(|mover| Loud {
                mover,
                hub: hub.clone(),
            })
            .collect();
        let for_ever = Duration::from_secs(3_600);
        load::round(&mut clients, for_ever).await.map(drop)
    })
}

fn known(hub: &Hub) -> impl Iterator<Item = gateline_model::PipelineRef> {
    let is_there = |of: &gateline_model::PipelineRef| {
        hub.with_world(|world| {
            let project = world.project(&of.project);
            project.is_some_and(|project| project.pipeline(&of.pipeline).is_some())
        })
    };
    (0..CLIENTS).map(reference).filter(is_there)
}

/// A client that says what was acknowledged.
struct Loud {
    mover: Mover,
    hub: Hub,
}

impl Client for Loud {
    async fn one(&mut self) -> Result<(), String> {
        self.mover.one().await?;
        // What is acknowledged is folded.
        println!("{}", self.hub.with_world(|world| world.next()) - 1);
        Ok(())
    }
}
