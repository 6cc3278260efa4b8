//! A place to measure in: a folder on the disk of the checkout, and a hub over a SQLite store there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gateline_core::{Actor, Command};
use gateline_drivers::{Drivers, process::ProcessDriver};
use gateline_model::{
    Artifact, ArtifactAt, Change, ChangeText, Digest, Evidence, Facts, Found, Pipeline, PipelineRef, Private,
    Release, TestFacts,
};
use gateline_server::hub::{Hub, Receipt};
use gateline_store::{IdempotencyKey, SqliteStore};
use jiff::Timestamp;

/// A pipeline of its own, without a history and without gates: what is reported there concerns nothing else.
pub(super) const APART: &str = "
apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: apart, project: apart}
spec:
  artifacts: [{name: app, kind: file}]
  stages:
    - name: dev
      promote: manual
      target: {command: {apply: [/bin/true]}}
";

/// A folder that goes with the value. On the checkout's disk: a temporary folder may be memory.
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn new(name: &str) -> Result<Self, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../target/bench")
            .join(name);
        // What an interrupted run left behind.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).map_err(|err| format!("could not make {}: {err}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Must be called on a tokio runtime.
    pub(super) fn hub(&self) -> Result<Hub, String> {
        hub(&self.path("gateline.db"))
    }

    /// The path as an argument of a part.
    pub(super) fn word(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A hub on the store in this file. Must be called on a tokio runtime.
pub(super) fn hub(path: &Path) -> Result<Hub, String> {
    let store = SqliteStore::open(path).map_err(|err| err.to_string())?;
    let drivers = drivers(&path.with_extension("driven"));
    Hub::start(store, drivers, "bench").map_err(|err| format!("{err:?}"))
}

/// Drivers that keep what they know in this folder.
pub(super) fn drivers(dir: &Path) -> Drivers {
    Drivers {
        process: ProcessDriver {
            state_dir: dir.join("processes"),
        },
        post: Default::default(),
    }
}

/// A runtime as the server has it.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|err| err.to_string())
}

pub(super) async fn submit(hub: &Hub, command: Command) -> Result<Receipt, String> {
    let done = hub.submit(actor(), command, None, Vec::new()).await;
    done.map_err(|err| format!("a command was refused: {err:?}"))
}

/// The same with an idempotency key, as the API submits.
pub(super) async fn submit_once(hub: &Hub, command: Command, key: String) -> Result<Receipt, String> {
    let key = IdempotencyKey {
        request: Digest::of(key.as_bytes()),
        scope: format!("bench POST /api/v1/releases/evidence {key}"),
    };
    let done = hub.submit(actor(), command, Some(key), Vec::new()).await;
    done.map_err(|err| format!("a command was refused: {err:?}"))
}

fn actor() -> Actor {
    Actor {
        id: "bench".parse().expect("it is a legal id"),
        name: None,
        shown: gateline_core::Credential::Token(gateline_model::Scope::ALL.to_vec()),
    }
}

/// Reads a pipeline file and brings it into force.
pub(super) async fn apply(hub: &Hub, text: &str) -> Result<Arc<Pipeline>, String> {
    let read = gateline_spec::read("bench.yaml", text).map_err(|err| err.to_string())?;
    let pipeline = Arc::new(read.pipeline);
    let command = Command::ApplyPipeline {
        pipeline: pipeline.clone(),
        source: Digest::of(text.as_bytes()),
        written: None,
    };
    submit(hub, command).await?;
    Ok(pipeline)
}

/// A release of one file.
pub(super) fn release(of: PipelineRef, version: &str) -> Arc<Release> {
    Arc::new(Release {
        of,
        version: version.parse().expect("it is a legal version"),
        artifacts: vec![Artifact {
            name: "app".parse().expect("it is a legal name"),
            at: ArtifactAt::File {
                path: "app".into(),
                digest: Digest::of(version.as_bytes()),
            },
        }],
        change: Change::default(),
        text: Digest::of_json(&ChangeText::default()),
    })
}

pub(super) async fn register(hub: &Hub, release: &Arc<Release>) -> Result<(), String> {
    let command = Command::RegisterRelease {
        release: release.clone(),
        text: Private::default(),
    };
    submit(hub, command).await.map(drop)
}

/// What the pipelines here ask for.
pub(super) fn tests_passed(release: &Release, number: u64) -> Command {
    report(release, "unit", number)
}

/// A test report for a release; `number` makes it another report.
pub(super) fn report(release: &Release, suite: &str, number: u64) -> Command {
    let facts = TestFacts {
        suites: vec![suite.to_owned()],
        total: 412,
        passed: 412,
        ..TestFacts::default()
    };
    Command::SubmitEvidence {
        release: release.id(),
        evidence: Arc::new(Evidence {
            artifacts: release
                .artifacts
                .iter()
                .map(|artifact| artifact.at.digest())
                .collect(),
            stage: None,
            name: Some(suite.to_owned()),
            found: Found::Facts {
                facts: Facts::Tests(facts),
            },
            raw: Some(Digest::of(&number.to_le_bytes())),
            format: "junit".into(),
            warnings: Vec::new(),
            by: actor().id,
            at: Timestamp::UNIX_EPOCH,
        }),
    }
}
