//! Running a tool: its output is shown as it comes, kept, and bounded in time.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How often a tool without output is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a tool said, and how it ended.
pub struct Ran {
    pub status: ExitStatus,
    /// Lines of its standard output.
    pub out: Vec<String>,
    /// Lines of its standard error.
    pub err: Vec<String>,
}

/// Runs a tool to its end. A bad ending is no error here: what it said may be wanted.
///
/// # Errors
/// When it cannot be started, or is not over in time; it is then ended with everything that it started.
pub fn run(command: &mut Command, within: Option<Duration>) -> Result<Ran, String> {
    let shown = show(command);
    println!("$ {shown}");
    if command.get_current_dir().is_none() {
        command.current_dir(crate::root());
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if within.is_some() {
        // A group of its own, so that it can be ended with its children.
        command.process_group(0);
    }
    let started = command.spawn();
    let mut child = started.map_err(|err| format!("could not start `{shown}`: {err}"))?;
    let began = Instant::now();
    let lines = lines(&mut child);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    loop {
        match lines.recv_timeout(LOOK_EVERY) {
            Ok((Stream::Out, line)) => {
                println!("{line}");
                out.push(line);
            }
            Ok((Stream::Err, line)) => {
                eprintln!("{line}");
                err.push(line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            // A child of the tool may hold its output open; the tool itself is what counts.
            Err(RecvTimeoutError::Timeout) => {
                if matches!(child.try_wait(), Ok(Some(_))) {
                    break;
                }
            }
        }
        if within.is_some_and(|limit| began.elapsed() > limit) {
            end(&mut child);
            return Err(format!(
                "`{shown}` was not over after {} s",
                began.elapsed().as_secs()
            ));
        }
    }
    let _ = std::io::stdout().flush();
    let status = child
        .wait()
        .map_err(|err| format!("could not wait for `{shown}`: {err}"))?;
    Ok(Ran { status, out, err })
}

/// Runs a tool that must end well.
///
/// # Errors
/// As [`run`], and when it ends badly.
pub fn must(command: &mut Command) -> Result<Ran, String> {
    let ran = run(command, None)?;
    if ran.status.success() {
        return Ok(ran);
    }
    Err(format!("`{}` ended with {}", show(command), ran.status))
}

/// Whether a program is in `PATH`.
pub fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Cargo, as a person calls it: without what it told this program about itself. A library that looks there (`ring`) would be
/// built anew, with all that needs it, each time the two take turns.
pub fn cargo(args: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(args);
    for (name, _) in std::env::vars_os() {
        let about = name.to_string_lossy();
        if about.starts_with("CARGO_PKG_") || about.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// The folder that cargo builds into.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| crate::root().join("target"), PathBuf::from)
}

#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

fn lines(child: &mut Child) -> Receiver<(Stream, String)> {
    fn forward(from: impl Read + Send + 'static, stream: Stream, to: Sender<(Stream, String)>) {
        std::thread::spawn(move || {
            for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if to.send((stream, line)).is_err() {
                    return;
                }
            }
        });
    }
    let (sender, receiver) = channel();
    if let Some(out) = child.stdout.take() {
        forward(out, Stream::Out, sender.clone());
    }
    if let Some(err) = child.stderr.take() {
        forward(err, Stream::Err, sender);
    }
    receiver
}

fn end(child: &mut Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    let _ = child.wait();
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
