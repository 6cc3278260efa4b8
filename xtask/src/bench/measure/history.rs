//! A history as the rules make it: every event is decided, none is invented. Years of it in seconds, because no process runs
//! and nobody waits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gateline_core::{Actor, Command, Facts, Phase, StepOutcome, World, decide};
use gateline_engine::Remade;
use gateline_model::{
    Digest, Health, Pipeline, PipelineRef, Private, PromotionId, Recorded, Release, Served, Span,
};
use gateline_store::{
    Append, BATCH_APPENDS_MAX, Committed, NewEvent, READ_EVENTS_MAX, Read, SqliteStore, Store,
};
use jiff::Timestamp;

use super::place::{release, tests_passed};

/// Stages of each pipeline, in their order.
pub(super) const STAGES: [&str; 5] = ["dev", "test", "staging", "canary", "production"];
/// Pipelines of a project, as of a team that has many.
const PER_PROJECT: usize = 50;
/// How long a history lasts: three years.
const LASTS: Span = Span::from_secs(3 * 365 * 86_400);
/// When the health of a live stage is looked at again: nobody does while it is measured.
const LOOKED_AGAIN: Span = Span::from_secs(86_400);
/// More moves than a promotion has.
const MOVES_MAX: usize = 40;

/// A history that grows.
pub(super) struct History {
    path: PathBuf,
    /// None only while it is copied.
    store: Option<SqliteStore>,
    world: World,
    begins: Timestamp,
    now: Timestamp,
    /// Events over which the three years are spread.
    planned: u64,
    batch: Vec<Append>,
    pipelines: Vec<PipelineRef>,
    /// Releases so far.
    releases: usize,
}

/// Which pipeline this is.
pub(super) fn reference(number: usize) -> PipelineRef {
    let project = format!("team-{}", number / PER_PROJECT);
    PipelineRef {
        project: project.parse().expect("it is a legal name"),
        pipeline: format!("app-{number}").parse().expect("it is a legal name"),
    }
}

/// Five stages one after the other; whoever has a release brings it into the first.
fn text(of: &PipelineRef) -> String {
    let mut text = format!(
        "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {{name: {}, project: {}}}\nspec:\n  \
         artifacts: [{{name: app, kind: file}}]\n  stages:\n",
        of.pipeline, of.project
    );
    for (index, name) in STAGES.iter().enumerate() {
        let order = match index {
            0 => "promote: manual".to_owned(),
            _ => format!("after: [{}]", STAGES[index - 1]),
        };
        let gates = match *name {
            "dev" | "production" => {
                "\n      gates: [{tests: {suite: unit}, because: Broken code wastes everybody's time.}]"
            }
            _ => "",
        };
        text.push_str(&format!(
            "    - name: {name}\n      {order}\n      target: {{command: {{apply: [/bin/true], health: [/bin/true]}}}}\n      \
             health_every: 1d{gates}\n"
        ));
    }
    text
}

impl History {
    /// Begins one in a new file, of so many pipelines; `planned` events end now.
    pub(super) fn begin(path: &Path, pipelines: usize, planned: u64) -> Result<Self, String> {
        let begins = Timestamp::now() - LASTS.as_std();
        let mut history = Self::empty(path, begins, planned)?;
        for number in 0..pipelines {
            let of = reference(number);
            history.apply(&text(&of))?;
            history.pipelines.push(of);
        }
        Ok(history)
    }

    /// One without pipelines, that is now at this moment.
    pub(super) fn empty(path: &Path, begins: Timestamp, planned: u64) -> Result<Self, String> {
        Ok(Self {
            path: path.to_owned(),
            store: Some(SqliteStore::open(path).map_err(|err| err.to_string())?),
            world: World::default(),
            begins,
            now: begins,
            planned,
            batch: Vec::new(),
            pipelines: Vec::new(),
            releases: 0,
        })
    }

    /// Brings a pipeline into force.
    pub(super) fn apply(&mut self, text: &str) -> Result<Arc<Pipeline>, String> {
        let read = gateline_spec::read("bench.yaml", text).map_err(|err| err.to_string())?;
        let pipeline = Arc::new(read.pipeline);
        self.record(&Command::ApplyPipeline {
            pipeline: pipeline.clone(),
            source: Digest::of(text.as_bytes()),
            written: None,
        })?;
        Ok(pipeline)
    }

    /// How many events it has.
    pub(super) fn size(&self) -> u64 {
        self.world.next()
    }

    /// How many releases it has.
    pub(super) fn releases(&self) -> usize {
        self.releases
    }

    /// Goes on to so many events: one release after the other, of one pipeline after the other, from its registration to
    /// production.
    pub(super) fn grow_to(&mut self, events: u64) -> Result<(), String> {
        while self.size() < events {
            let of = self.pipelines[self.releases % self.pipelines.len()].clone();
            let round = self.releases / self.pipelines.len() + 1;
            let release = release(of, &format!("1.{round}"));
            self.releases += 1;
            self.register(&release)?;
            self.record(&tests_passed(&release, round as u64))?;
            self.promote(&release, STAGES[0])?;
            self.run_open(&release.of)?;
        }
        self.commit()
    }

    /// Registers a release.
    pub(super) fn register(&mut self, release: &Arc<Release>) -> Result<(), String> {
        self.record(&Command::RegisterRelease {
            release: release.clone(),
            text: Private::default(),
        })
    }

    /// Requests that it enters a stage.
    pub(super) fn promote(&mut self, release: &Release, stage: &str) -> Result<(), String> {
        let stage = gateline_model::StageRef {
            project: release.of.project.clone(),
            pipeline: release.of.pipeline.clone(),
            stage: stage.parse().map_err(|err| format!("{err}"))?,
        };
        self.record(&Command::Promote {
            release: release.id(),
            stage,
        })
    }

    /// Takes all open promotions of a pipeline as far as they go without waiting.
    pub(super) fn run_open(&mut self, of: &PipelineRef) -> Result<(), String> {
        let mut stands: Vec<PromotionId> = Vec::new();
        loop {
            let open = self.world.promotions_in(of).find(|id| !stands.contains(id));
            let Some(id) = open.cloned() else {
                return Ok(());
            };
            self.run_one(&id)?;
            match self.world.promotion(&id) {
                Some(_) => stands.push(id),
                // What is live now is healthy.
                None => self.healthy(&id)?,
            }
        }
    }

    fn run_one(&mut self, id: &PromotionId) -> Result<(), String> {
        let mut judged = false;
        for _ in 0..MOVES_MAX {
            let Some(promotion) = self.world.promotion(id).cloned() else {
                return Ok(());
            };
            match &promotion.phase {
                Phase::Held if judged => return Ok(()),
                Phase::Held => {
                    judged = true;
                    let promotion = id.clone();
                    self.record(&Command::Judge { promotion })?;
                }
                Phase::Rolling(rollout) => {
                    if !matches!(rollout.state, gateline_core::StepState::Intended { .. }) {
                        // It pauses.
                        return Ok(());
                    }
                    self.record(&Command::ReportStep {
                        promotion: id.clone(),
                        step: rollout.step,
                        attempt: rollout.attempt,
                        outcome: StepOutcome::Applied,
                        served: Served::default(),
                    })?;
                }
                Phase::Ended(_) => return Ok(()),
            }
        }
        Err(format!("`{id}` does not end"))
    }

    fn healthy(&mut self, id: &PromotionId) -> Result<(), String> {
        for health in [Health::Unknown, Health::Healthy] {
            self.record(&Command::ReportHealth {
                stage: id.stage.clone(),
                seen: health.into(),
                not_seen_from: None,
            })?;
        }
        Ok(())
    }

    /// Decides a command, as Gateline itself, and keeps what comes of it.
    pub(super) fn record(&mut self, command: &Command) -> Result<(), String> {
        let done = (self.world.next() as f64 / self.planned as f64).min(1.0);
        let passed = Span::from_millis((LASTS.as_millis() as f64 * done) as i64);
        self.now = passed.after(self.begins).max(self.now);
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
        let mut versions = BTreeMap::new();
        for (index, proposed) in decided.events.iter().enumerate() {
            let before = self.world.version(&proposed.stream);
            let version = versions.entry(proposed.stream.clone()).or_insert(before);
            *version += 1;
            let recorded = Recorded {
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
            by: None,
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

    fn open(&mut self) -> Result<&mut SqliteStore, String> {
        if self.store.is_none() {
            self.store = Some(SqliteStore::open(&self.path).map_err(|err| err.to_string())?);
        }
        self.store.as_mut().ok_or_else(|| "it was just opened".to_owned())
    }

    fn commit(&mut self) -> Result<(), String> {
        let (batch, now) = (std::mem::take(&mut self.batch), self.now);
        let answers = self.open()?.append(now, &batch).map_err(|err| err.to_string())?;
        let refused = answers
            .iter()
            .find(|answer| !matches!(answer, Ok(Committed::Appended(_))));
        match refused {
            Some(answer) => Err(format!("the store did not take an append: {answer:?}")),
            None => Ok(()),
        }
    }

    /// Copies what there is so far into another file, whole: with its read models, and with every live stage just looked at.
    pub(super) fn copy_to(&mut self, path: &Path) -> Result<(), String> {
        self.commit()?;
        // The last connection that closes leaves everything in the one file.
        self.store = None;
        std::fs::copy(&self.path, path).map_err(|err| err.to_string())?;
        let mut store = SqliteStore::open(path).map_err(|err| err.to_string())?;
        let mut remade = Remade::default();
        loop {
            let page = store.read(remade.next(), READ_EVENTS_MAX);
            let page = page.map_err(|err| err.to_string())?;
            for recorded in &page {
                remade.fold(recorded).map_err(|err| err.to_string())?;
            }
            if page.is_empty() {
                break;
            }
        }
        let (rows, work) = (remade.rows(), remade.work());
        store
            .rebuild(&rows, &work, &BTreeSet::new())
            .map_err(|err| err.to_string())?;
        drop(store);
        look_later(path, LOOKED_AGAIN, LOOKED_AGAIN)
    }
}

/// Lets the health of what is live be looked at again: not before `rest`, then spread over `within`.
pub(super) fn look_later(path: &Path, rest: Span, within: Span) -> Result<(), String> {
    let first = rest.after(Timestamp::now()).as_microsecond();
    let conn = rusqlite::Connection::open(path).map_err(|err| err.to_string())?;
    let done = conn
        .execute(
            "UPDATE work SET due_us = ?1 + abs(random()) % (?2 * 1000) WHERE kind LIKE '%observe_health%'",
            [first, within.as_millis()],
        )
        .and_then(|_| {
            conn.execute(
                "UPDATE work SET free_us = due_us WHERE leased_until_us IS NULL",
                [],
            )
        });
    done.map(drop).map_err(|err| err.to_string())
}
