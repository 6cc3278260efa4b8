//! A PostgreSQL server to measure on: an own one, made with `initdb` and run by somebody who is not root, durable as its
//! defaults are.

#[path = "../../../../crates/gateline-store/tests/support/cluster.rs"]
mod cluster;

use std::path::{Path, PathBuf};
use std::process::Command;

use gateline_server::hub::{Hub, Kept};
use gateline_store::{PostgresAddress, PostgresStore};

use super::place::drivers;

/// What the tests' servers do without, and a fair size.
const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("shared_buffers", "256MB"),
    ("max_wal_size", "4GB"),
    ("max_connections", "400"),
];
/// What does not survive a power failure.
const MEMORY: [&str; 2] = ["tmpfs", "ramfs"];

/// A server. Gone with the value.
pub(super) struct Server {
    cluster: cluster::Cluster,
}

impl Server {
    /// Starts one in a temporary folder.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or that folder is no disk.
    pub(super) fn start() -> Result<Self, String> {
        if cluster::find_programs().is_none() {
            return Err(
                "this measures a PostgreSQL server of its own, and there is no `initdb` in PATH or \
                 /usr/lib/postgresql/*/bin; install the package `postgresql-15`"
                    .to_owned(),
            );
        }
        on_disk(&Self::folder())?;
        let cluster = cluster::Cluster::start(SETTINGS);
        Ok(Self { cluster })
    }

    /// Where it writes, for a file beside it.
    pub(super) fn folder() -> PathBuf {
        std::env::temp_dir()
    }

    /// The version, as it says it.
    pub(super) fn version(&self) -> String {
        self.cluster.psql("SHOW server_version")
    }

    /// Makes a database and gives its address.
    pub(super) fn database(&self, name: &str) -> String {
        self.cluster
            .psql(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        self.cluster.psql(&format!("CREATE DATABASE {name}"));
        let port = self.cluster.port;
        format!("postgres://postgres@127.0.0.1:{port}/{name}")
    }

    /// Drops a database that nobody needs any more.
    pub(super) fn drop_database(&self, name: &str) {
        self.cluster
            .psql(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }
}

/// Numbers of a commit into memory would flatter everybody.
fn on_disk(dir: &Path) -> Result<(), String> {
    let told = Command::new("stat").args(["-f", "-c", "%T"]).arg(dir).output();
    let kind = told.map_err(|err| format!("stat: {err}"))?.stdout;
    let kind = String::from_utf8_lossy(&kind).trim().to_owned();
    match MEMORY.contains(&kind.as_str()) {
        true => Err(format!(
            "`{}` is memory ({kind}): name a folder on a disk with TMPDIR",
            dir.display()
        )),
        false => Ok(()),
    }
}

/// Opens a store as `gateline serve --store postgres://..` does.
pub(super) fn store(url: &str) -> Result<PostgresStore, String> {
    let address: PostgresAddress = url.parse().map_err(|err| format!("{err}"))?;
    PostgresStore::open(&address).map_err(|err| err.to_string())
}

/// A server on this database; `dir` is for what it has for itself. Must be called on a tokio runtime.
pub(super) fn hub(url: &str, dir: &Path, replica: usize) -> Result<Hub, String> {
    let dir = dir.join(format!("replica-{replica}"));
    std::fs::create_dir_all(&dir).map_err(|err| err.to_string())?;
    let kept = Kept::Database {
        store: Box::new(store(url)?),
        dir: dir.clone(),
    };
    Hub::start(kept, drivers(&dir), &format!("bench-{replica}")).map_err(|err| format!("{err:?}"))
}
