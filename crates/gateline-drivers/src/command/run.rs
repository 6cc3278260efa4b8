//! Runs: one executable, a clean environment, a limit of time, and an end that is always told.
//!
//! The executable leads its own process group. When its time is over, or nobody waits for it any more, the whole
//! group is ended: asked first (SIGTERM), then made to (SIGKILL). What an executable leaves behind when it ends by
//! itself is left alone: it may have started a service. Knows no step and no check.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateline_model::Span;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::process::{ChildStdin, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::Output;

/// How long a process group may take to end after SIGTERM before it gets SIGKILL.
pub const KILL_GRACE: Duration = Duration::from_secs(2);
/// How long output may still come after the end of the executable, from processes that it left behind.
const OUTPUT_GRACE: Duration = Duration::from_millis(300);
/// Time between two looks at a process group that was asked to end.
const KILL_POLL: Duration = Duration::from_millis(20);

/// What to run.
pub(super) struct Call {
    /// Program and arguments, placeholders filled in.
    pub(super) command: Vec<String>,
    /// The whole environment but `PATH`, which is the server's own where this does not name it.
    pub(super) env: BTreeMap<String, String>,
    /// Standard input.
    pub(super) input: Vec<u8>,
    pub(super) timeout: Span,
}

/// A run that began, and how it ended.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) ended: Ended,
    pub(super) output: Output,
    pub(super) took: Duration,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself, with this exit code.
    Exit(i32),
    /// By this signal, from whomever.
    Signal(i32),
    /// By us, because its time was over.
    TimedOut,
}

/// Why there is no [`Run`].
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    /// Nothing ran.
    #[error("could not start `{program}`: {why}")]
    NotStarted { program: String, why: String },
    /// Something ran, but we lost sight of it.
    #[error("lost sight of `{program}` while it ran: {err}")]
    Lost { program: String, err: io::Error },
}

/// Runs an executable to its end.
pub(super) async fn run(call: Call) -> Result<Run, RunError> {
    let Call {
        command,
        env,
        input,
        timeout: limit,
    } = call;
    let Some((program, arguments)) = command.split_first() else {
        let why = "the command is empty: name a program and its arguments".to_owned();
        return Err(RunError::NotStarted {
            program: String::new(),
            why,
        });
    };
    let not_started = |err: io::Error| RunError::NotStarted {
        program: program.clone(),
        why: advice(&err),
    };
    let lost = |err: io::Error| RunError::Lost {
        program: program.clone(),
        err,
    };

    let began = Instant::now();
    let (reader, writer) = io::pipe().map_err(not_started)?;
    let reader = pipe::Receiver::from_owned_fd(reader.into()).map_err(not_started)?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().process_group(0);
    command
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs(env);
    // One pipe for both streams keeps their lines in the order in which they were printed.
    command
        .stdin(std::process::Stdio::piped())
        .stdout(writer.try_clone().map_err(not_started)?)
        .stderr(writer);
    let mut child = command.spawn().map_err(not_started)?;
    // It holds our own ends of the pipe, which would never come to an end otherwise.
    drop(command);
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));

    let output = Arc::new(Mutex::new(Output::default()));
    let mut talk = JoinSet::new();
    talk.spawn(feed(child.stdin.take(), input));
    talk.spawn(listen(reader, Arc::clone(&output)));

    let ended = match timeout(limit.as_std(), child.wait()).await {
        Ok(status) => Ended::of(status.map_err(lost)?),
        Err(_) => {
            group.end().await;
            // A process that even SIGKILL does not end hangs in the kernel: do not hang with it.
            let _ = timeout(KILL_GRACE, child.wait()).await;
            Ended::TimedOut
        }
    };
    group.leave();
    let _ = timeout(OUTPUT_GRACE, async { while talk.join_next().await.is_some() {} }).await;
    let output = std::mem::take(&mut *output.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Run {
        ended,
        output,
        took: began.elapsed(),
    })
}

impl Ended {
    fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Ended::Exit(code),
            (None, Some(signal)) => Ended::Signal(signal),
            (None, None) => Ended::Signal(0),
        }
    }
}

fn advice(err: &io::Error) -> String {
    match err.kind() {
        io::ErrorKind::NotFound => {
            "no such program; give its full path, or install it where `PATH` of the server finds it (for a script: look at its first line too)".to_owned()
        }
        io::ErrorKind::PermissionDenied => "it may not be executed; `chmod +x` it".to_owned(),
        _ => err.to_string(),
    }
}

async fn feed(stdin: Option<ChildStdin>, input: Vec<u8>) {
    if let Some(mut stdin) = stdin {
        // An executable that does not care for its input closes it, and that is its right.
        let _ = stdin.write_all(&input).await;
    }
}

async fn listen(mut reader: pipe::Receiver, output: Arc<Mutex<Output>>) {
    let mut chunk = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = reader.read(&mut chunk).await {
        output
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(&chunk[..read]);
    }
}

/// A process group that is ended when this is dropped, unless it was left.
struct Group(Option<Pid>);

impl Group {
    /// Asks the group to end, then makes it. The leader is not reaped before, so its id cannot name anything else.
    async fn end(&mut self) {
        let Some(leader) = self.0 else { return };
        let _ = kill_process_group(leader, Signal::TERM);
        let asked = Instant::now();
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        while asked.elapsed() < KILL_GRACE && matches!(waitid(WaitId::Pid(leader), options), Ok(None)) {
            sleep(KILL_POLL).await;
        }
        let _ = kill_process_group(leader, Signal::KILL);
    }

    fn leave(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}
