//! The fold on start: a server with a long history, from opening its database to being ready to decide.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use gateline_core::{Actor, Command, Facts, StepOutcome, World, decide};
use gateline_model::{Health, PromotionId, Release, Served, Span};
use gateline_store::{Append, BATCH_APPENDS_MAX, Committed, NewEvent, Read, SqliteStore, Store};
use jiff::Timestamp;

use super::place::{Place, release, runtime, tests_passed};

/// The argument that makes this process measure one start.
pub(super) const CHILD: &str = "--fold-child";
/// Events of the history.
const EVENTS: u64 = 1_000_000;
/// Pipelines that the history is spread over.
const PIPELINES: usize = 100;

pub(super) fn run() -> Result<(), String> {
    let place = Place::new("fold")?;
    let began = Instant::now();
    let mut history = History::new(place.store()?);
    history.make()?;
    let size = history.store.head().map_err(|err| err.to_string())?.size;
    drop(history);
    let bytes = std::fs::metadata(place.path("gateline.db"))
        .map(|known| known.len())
        .unwrap_or(0);
    println!(
        "History: {size} events of {PIPELINES} pipelines, {} MiB, made in {:.0} s.\n",
        bytes >> 20,
        began.elapsed().as_secs_f64()
    );
    // A process of its own: its peak memory is the start's.
    let status = std::process::Command::new(std::env::current_exe().map_err(|err| err.to_string())?)
        .args(["bench", CHILD])
        .arg(place.path("gateline.db"))
        .status()
        .map_err(|err| err.to_string())?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the measuring process ended with {status}"))
    }
}

/// Opens the database, folds it, and prints how long that took.
pub(super) fn child(path: &str) -> Result<(), String> {
    let bare = bare_scan(Path::new(path))?;
    let runtime = runtime()?;
    let began = Instant::now();
    let store = SqliteStore::open(path).map_err(|err| err.to_string())?;
    let drivers = gateline_drivers::Drivers {
        process: gateline_drivers::process::ProcessDriver {
            state_dir: Path::new(path).with_extension("processes"),
        },
        post: Default::default(),
    };
    let _in_runtime = runtime.enter();
    let hub = gateline_server::hub::Hub::start(store, drivers, "bench").map_err(|err| format!("{err:?}"))?;
    let seconds = began.elapsed().as_secs_f64();
    let (size, open) = hub.with_world(|world| (world.next(), world.promotions().count()));
    println!("| | |\n|---|---|");
    println!("| events folded | {size} |");
    println!("| promotions open | {open} |");
    println!("| start to ready | {seconds:.2} s (named limit: 3 s) |");
    println!(
        "| of which SQLite alone takes to read the rows | {bare:.2} s ({:.1} times) |",
        seconds / bare
    );
    println!("| peak memory | {} MiB |", peak_memory_kib() >> 10);
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

fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

const PIPELINE: &str = "
apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: NAME, project: bench}
spec:
  artifacts: [{name: app, kind: file}]
  stages:
    - name: dev
      target: {command: {apply: [/bin/true]}}
      gates:
        - tests: {suite: unit}
          because: Broken code wastes the time of every later stage.
    - name: production
      production: true
      after: [dev]
      target: {command: {apply: [/bin/true]}}
      gates:
        - tests: {suite: unit}
          because: Verified again where it matters.
";

/// A history as the rules make it: every event is decided, none is invented.
struct History {
    store: SqliteStore,
    world: World,
    now: Timestamp,
    batch: Vec<Append>,
}

impl History {
    fn new(store: SqliteStore) -> Self {
        Self {
            store,
            world: World::default(),
            now: Timestamp::UNIX_EPOCH,
            batch: Vec::new(),
        }
    }

    fn make(&mut self) -> Result<(), String> {
        let mut pipelines = Vec::new();
        for number in 0..PIPELINES {
            let text = PIPELINE.replace("NAME", &format!("app-{number}"));
            let pipeline = Arc::new(
                gateline_spec::read("bench.yaml", &text)
                    .map_err(|err| err.to_string())?
                    .pipeline,
            );
            let source = gateline_model::Digest::of(text.as_bytes());
            self.record(&Command::ApplyPipeline {
                pipeline: pipeline.clone(),
                source,
                written: None,
            })?;
            pipelines.push(pipeline);
        }
        let mut round = 0;
        while self.world.next() < EVENTS {
            round += 1;
            for pipeline in &pipelines {
                let release = release(pipeline.reference(), &format!("1.{round}"));
                self.live(&release, round)?;
            }
        }
        self.commit()
    }

    /// One release from registration to production.
    fn live(&mut self, release: &Arc<Release>, round: u64) -> Result<(), String> {
        let text = gateline_model::Private::default();
        self.record(&Command::RegisterRelease {
            release: release.clone(),
            text,
        })?;
        self.record(&tests_passed(release, round))?;
        for stage in ["dev", "production"] {
            let name = stage.parse().map_err(|err| format!("{err}"))?;
            let stage = gateline_model::StageRef {
                project: release.of.project.clone(),
                pipeline: release.of.pipeline.clone(),
                stage: name,
            };
            let id = PromotionId {
                stage: stage.clone(),
                number: round,
            };
            self.record(&Command::Judge {
                promotion: id.clone(),
            })?;
            for step in 0..3 {
                let outcome = StepOutcome::Applied;
                let served = Served::default();
                let report = Command::ReportStep {
                    promotion: id.clone(),
                    step,
                    attempt: 1,
                    outcome,
                    served,
                };
                self.record(&report)?;
            }
            for health in [Health::Unknown, Health::Healthy] {
                let report = Command::ReportHealth {
                    stage: stage.clone(),
                    seen: health.into(),
                    not_seen_from: None,
                };
                self.record(&report)?;
            }
        }
        Ok(())
    }

    fn record(&mut self, command: &Command) -> Result<(), String> {
        self.now = Span::from_secs(1).after(self.now);
        let facts = Facts {
            now: self.now,
            actor: Actor::gateline(),
        };
        let decided = decide(&self.world, command, &facts).map_err(|err| err.to_string())?;
        if decided.events.is_empty() {
            return Ok(());
        }
        let expects = decided
            .reads
            .iter()
            .map(|stream| (stream.clone(), self.world.version(stream)))
            .collect();
        // The fold needs numbers and versions at once; the store checks that it comes to the same.
        let mut versions = std::collections::BTreeMap::new();
        for (index, proposed) in decided.events.iter().enumerate() {
            let before = self.world.version(&proposed.stream);
            let version = versions.entry(proposed.stream.clone()).or_insert(before);
            *version += 1;
            let recorded = gateline_model::Recorded {
                number: self.world.next(),
                stream: proposed.stream.clone(),
                version: *version,
                at: self.now,
                actor: facts.actor.id.clone(),
                event: proposed.event.clone(),
                private: None,
            };
            self.world
                .fold(&recorded)
                .map_err(|err| format!("event {index}: {err}"))?;
        }
        let new = |proposed: gateline_core::Proposed| NewEvent {
            stream: proposed.stream,
            event: proposed.event,
            private: None,
        };
        self.batch.push(Append {
            key: None,
            expects,
            fence: None,
            actor: facts.actor.id,
            events: decided.events.into_iter().map(new).collect::<Vec<NewEvent>>(),
            work_add: decided.planned,
            work_remove: decided.not_planned,
            rows: Vec::new(),
            blobs: Vec::new(),
            passwords: Vec::new(),
        });
        if self.batch.len() == BATCH_APPENDS_MAX {
            self.commit()
        } else {
            Ok(())
        }
    }

    fn commit(&mut self) -> Result<(), String> {
        let batch = std::mem::take(&mut self.batch);
        let answers = self
            .store
            .append(self.now, &batch)
            .map_err(|err| err.to_string())?;
        let refused = answers
            .iter()
            .find(|answer| !matches!(answer, Ok(Committed::Appended(_))));
        match refused {
            Some(answer) => Err(format!("the store did not take an append: {answer:?}")),
            None => Ok(()),
        }
    }
}
