//! Instances: the processes of one release, and the records by which they are found again after a restart.
//!
//! Knows no traffic and no health. A record is written before its process is started and completed right after, so
//! that a crash in between loses no process: it is found by its nonce.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use gateline_model::{ArtifactAt, ProcessTarget, ReleaseBrief, ReleaseId, TargetName, Version};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::procfs::{self, Life, NONCE_VARIABLE, ProcessId};
use crate::fill::Fill;
use crate::proxy::write_whole;
use crate::{StepError, named_file};

/// Most log files kept per target, besides those of running processes.
pub const LOGS_KEPT_MAX: usize = 20;
/// How much of a log's end is shown in an error, in bytes.
const LOG_TAIL_BYTES: usize = 2_048;
/// How many of a log's last lines are shown in an error.
const LOG_TAIL_LINES: usize = 5;
/// Largest file artifact that is hashed before it is run, in bytes.
pub const ARTIFACT_BYTES_MAX: u64 = 16 << 30;
/// Largest record that is read.
const RECORD_BYTES_MAX: u64 = 16 * 1024;
/// How long another process that changes the same target is waited for.
const LOCK_WITHIN: Duration = Duration::from_secs(60);

/// One process of one release, as its record says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// The release that it serves. Its id, not its version: two releases may have one label in two pipelines.
    pub release: ReleaseId,
    /// The release's label, for people.
    pub version: Version,
    /// Which one of the release's processes, from 0.
    pub n: u32,
    /// What its environment carries as `GATELINE_NONCE`.
    pub nonce: String,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// When it was started.
    pub started_at: Timestamp,
    /// How often it was started again after it had died.
    pub restarts: u32,
    /// The process; none in the moment before it is started.
    pub process: Option<ProcessId>,
}

impl Instance {
    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its process, if that lives.
    pub(super) async fn alive(&self) -> io::Result<Option<ProcessId>> {
        let Some(id) = self.process else {
            return procfs::find(&self.nonce);
        };
        Ok(match procfs::look(id, &self.nonce).await? {
            Life::Alive => Some(id),
            Life::Gone => None,
        })
    }
}

/// The state folder of one target: records, logs and the lock that keeps two changes apart.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder of this target below `state`; made if it is not there.
    pub(super) fn open(state: &Path, target: &TargetName) -> io::Result<Self> {
        // `~` is in no target's name, so that no target's folder lies within another's.
        let path = state.join(target.as_str().replace('/', "~"));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// The folders of all targets below `state`.
    pub(super) fn all(state: &Path) -> io::Result<Vec<Self>> {
        let entries = match std::fs::read_dir(state) {
            Ok(entries) => entries,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(err) => return Err(err),
        };
        entries.map(|entry| Ok(Self(entry?.path()))).collect()
    }

    /// The right to change the target's processes, until the file is dropped or its process ends.
    pub(super) async fn lock(&self) -> io::Result<File> {
        let begun = tokio::time::Instant::now();
        loop {
            if let Some(lock) = self.try_lock()? {
                return Ok(lock);
            }
            if begun.elapsed() > LOCK_WITHIN {
                return Err(io::Error::new(
                    io::ErrorKind::WouldBlock,
                    "another process is changing the same target",
                ));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The same right, or none when somebody has it.
    pub(super) fn try_lock(&self) -> io::Result<Option<File>> {
        let file = File::create(self.0.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(err)) => Err(err),
        }
    }

    /// All records, by release and number.
    pub(super) fn instances(&self) -> io::Result<Vec<Instance>> {
        use std::io::Read;
        let mut instances = Vec::new();
        for entry in std::fs::read_dir(&self.0)? {
            let path = entry?.path();
            if path.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            let mut bytes = Vec::new();
            match File::open(&path) {
                Ok(file) => file.take(RECORD_BYTES_MAX).read_to_end(&mut bytes)?,
                // Forgotten by somebody else since the folder was listed.
                Err(err) if err.kind() == io::ErrorKind::NotFound => continue,
                Err(err) => return Err(err),
            };
            let instance: Instance = serde_json::from_slice(&bytes).map_err(|err| {
                let why = format!(
                    "`{}` is not an instance's record: {err}; move it away",
                    path.display()
                );
                io::Error::new(io::ErrorKind::InvalidData, why)
            })?;
            instances.push(instance);
        }
        instances.sort_by_key(|instance| (instance.release, instance.n));
        Ok(instances)
    }

    /// The records of one release, by number.
    pub(super) fn instances_of(&self, release: ReleaseId) -> io::Result<Vec<Instance>> {
        let mut instances = self.instances()?;
        instances.retain(|instance| instance.release == release);
        Ok(instances)
    }

    /// Forgets an instance. Its log stays, for a person to read.
    pub(super) fn forget(&self, instance: &Instance) -> io::Result<()> {
        remove(&self.file(instance, "ended"))?;
        remove(&self.file(instance, "json"))
    }

    /// How an instance's process ended, where this server has started it.
    pub(super) fn how_it_ended(&self, instance: &Instance) -> Option<String> {
        let text = std::fs::read_to_string(self.file(instance, "ended")).ok()?;
        let (nonce, how) = text.split_once(' ')?;
        (nonce == instance.nonce).then(|| how.to_owned())
    }

    /// Writes a small file of the target's own beside its records.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        write_whole(&self.0.join(name), bytes)
    }

    /// Reads such a file, where there is one.
    pub(super) fn read(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.0.join(name)).ok()
    }

    /// The last lines that an instance wrote, for an error.
    pub(super) fn last_words(&self, instance: &Instance) -> String {
        let path = self.file(instance, "log");
        let bytes = std::fs::read(&path).unwrap_or_default();
        let tail = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(LOG_TAIL_BYTES)..]).into_owned();
        let lines: Vec<&str> = tail
            .lines()
            .rev()
            .filter(|line| !line.is_empty())
            .take(LOG_TAIL_LINES)
            .collect();
        let path = path.display();
        if lines.is_empty() {
            return format!("it wrote nothing to `{path}`");
        }
        let lines: Vec<&str> = lines.into_iter().rev().collect();
        format!("the last lines of `{path}`: {}", lines.join(" | "))
    }

    /// Starts process `n` of a release. The port of its predecessor is used again where it is free, so that the
    /// proxy need not be told.
    pub(super) async fn spawn(
        &self,
        target: &ProcessTarget,
        release: &ReleaseBrief,
        n: u32,
        before: Option<&Instance>,
    ) -> Result<Instance, StepError> {
        let port = free_port(before.map(|instance| instance.port))
            .map_err(|err| StepError::failed(format!("could not find a free port on 127.0.0.1: {err}")))?;
        let mut instance = Instance {
            release: release.id,
            version: release.version.clone(),
            n,
            nonce: nonce()?,
            port,
            started_at: Timestamp::now(),
            restarts: before.map_or(0, |instance| instance.restarts.saturating_add(1)),
            process: None,
        };
        let command = fill(target, release, &instance)?;
        check_artifacts(target, release).await?;
        let [program, args @ ..] = &command[..] else {
            return Err(StepError::failed(
                "the target's `command` is empty: give a program and its arguments",
            ));
        };
        let unwritten =
            |err| StepError::failed(format!("could not write below `{}`: {err}", self.0.display()));
        let log = self.fresh_log(&instance).map_err(unwritten)?;
        let also = log.try_clone().map_err(unwritten)?;
        self.keep(&instance).map_err(unwritten)?;
        let child = tokio::process::Command::new(program)
            .args(args)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(&target.env)
            .env(NONCE_VARIABLE, &instance.nonce)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(also)
            // A group of its own: what ends the server (Ctrl-C at a terminal, say) does not end what it started.
            .process_group(0)
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(err) => {
                self.forget(&instance).map_err(unwritten)?;
                return Err(StepError::failed(format!(
                    "could not start `{program}`: {err}; correct the target's `command`"
                )));
            }
        };
        let pid = child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .expect("nobody has waited for the process yet");
        let identified = procfs::identify(pid);
        // Somebody must wait for the process while its parent lives, or it stays as a zombie.
        let (ended, nonce) = (self.file(&instance, "ended"), instance.nonce.clone());
        tokio::spawn(async move {
            if let Ok(status) = child.wait().await {
                // Only words for people are lost where this fails.
                let _ = std::fs::write(ended, format!("{nonce} {}", how(status)));
            }
        });
        instance.process = Some(identified.map_err(|err| {
            StepError::unknown(format!(
                "started `{program}`, but `/proc/{pid}` cannot be read: {err}"
            ))
        })?);
        self.keep(&instance).map_err(|err| {
            StepError::unknown(format!(
                "started `{program}`, but its record cannot be written: {err}"
            ))
        })?;
        tracing::info!(
            pid,
            port,
            "Started process {n} of {} on port {port}",
            release.version
        );
        Ok(instance)
    }

    fn keep(&self, instance: &Instance) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(instance).expect("records are plain data");
        write_whole(&self.file(instance, "json"), &bytes)
    }

    fn file(&self, instance: &Instance, ending: &str) -> PathBuf {
        self.0
            .join(format!("{}-{}.{ending}", instance.release.short(), instance.n))
    }

    /// An empty log; the one of the process before it is kept beside it, and the oldest logs are removed.
    fn fresh_log(&self, instance: &Instance) -> io::Result<File> {
        let path = self.file(instance, "log");
        if path.exists() {
            std::fs::rename(&path, self.file(instance, "before.log"))?;
        }
        let mut logs = Vec::new();
        for entry in std::fs::read_dir(&self.0)? {
            let path = entry?.path();
            let is_log = path.extension().is_some_and(|ending| ending == "log");
            if is_log && !path.with_extension("json").exists() {
                logs.push((path.metadata()?.modified()?, path));
            }
        }
        logs.sort();
        for (_, path) in logs.iter().take(logs.len().saturating_sub(LOGS_KEPT_MAX)) {
            std::fs::remove_file(path)?;
        }
        File::create(path)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// How a process ended, in words.
fn how(status: std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("with exit code {code}"),
        (None, Some(9)) => "by signal 9: somebody killed it, or the system for its memory".to_owned(),
        (None, signal) => format!("by signal {}", signal.unwrap_or(0)),
    }
}

fn fill(
    target: &ProcessTarget,
    release: &ReleaseBrief,
    instance: &Instance,
) -> Result<Vec<String>, StepError> {
    let fill = Fill::of(release.version.as_str(), &release.artifacts)
        .with("port", instance.port.to_string())
        .with("nonce", instance.nonce.clone());
    let filled: Result<Vec<String>, _> = target.command.iter().map(|text| fill.fill(text)).collect();
    filled.map_err(|err| StepError::failed(format!("the target's `command`: {err}")))
}

/// A file artifact that is run must be the file that was registered: its path says nothing of its content.
async fn check_artifacts(target: &ProcessTarget, release: &ReleaseBrief) -> Result<(), StepError> {
    for artifact in &release.artifacts {
        let ArtifactAt::File { path, digest } = &artifact.at else {
            continue;
        };
        let placeholder = format!("{{artifact.{}}}", artifact.name);
        if !target.command.iter().any(|text| text.contains(&placeholder)) {
            continue;
        }
        let name = &artifact.name;
        let file = std::path::PathBuf::from(path);
        // Megabytes of SHA-256 would hold up everything else on this thread.
        let found = tokio::task::spawn_blocking(move || named_file::digest(&file, ARTIFACT_BYTES_MAX))
            .await
            .map_err(StepError::failed)?;
        let found = found.map_err(|err| {
            StepError::failed(format!(
                "could not read artifact `{name}` at `{path}`: {err}; put the file back"
            ))
        })?;
        if found != *digest {
            // Not what it is: whoever may register a release would learn the digest of any file of this host.
            let why = format!(
                "artifact `{name}` at `{path}` is not the file that was registered: the release says {digest}; \
                 put the file back or register a new release"
            );
            return Err(StepError::failed(why));
        }
    }
    Ok(())
}

fn nonce() -> Result<String, StepError> {
    let bytes = getrandom::u64()
        .map_err(|err| StepError::failed(format!("the system gives no random numbers: {err}")))?;
    Ok(format!("{bytes:016x}"))
}

fn free_port(before: Option<u16>) -> io::Result<u16> {
    let bind = |port| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = match before.map(bind) {
        Some(Ok(listener)) => listener,
        Some(Err(_)) | None => bind(0)?,
    };
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_none_is_an_error_and_never_an_absent_process() {
        let state = tempfile::tempdir().unwrap();
        let folder = Folder::open(state.path(), &"payments/dev".parse().unwrap()).unwrap();
        for bad in ["", "{", "{\"release\": 1}", &"[".repeat(100_000)] {
            std::fs::write(folder.0.join("abc-0.json"), bad).unwrap();
            assert!(
                folder
                    .instances()
                    .unwrap_err()
                    .to_string()
                    .contains("is not an instance's record"),
                "{bad:.20}"
            );
        }
    }

    #[test]
    fn no_targets_folder_lies_within_anothers() {
        let state = tempfile::tempdir().unwrap();
        let outer = Folder::open(state.path(), &"shop".parse().unwrap()).unwrap();
        let inner = Folder::open(state.path(), &"shop/prod".parse().unwrap()).unwrap();
        assert!(!inner.0.starts_with(&outer.0));
    }

    #[test]
    fn a_port_in_use_is_not_given_out() {
        let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_ne!(free_port(Some(port)).unwrap(), port);
        drop(taken);
        assert_eq!(free_port(Some(port)).unwrap(), port);
    }
}
