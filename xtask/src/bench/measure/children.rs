//! Parts that run in a process of their own: its memory and its start are theirs alone, and what they leave running ends with it.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::{decisions, flight, growth, life};

/// The argument that makes this process one part.
const FLAG: &str = "--part";

/// What measures, and says what could not be.
type Part = fn(&[String]) -> Result<(), String>;

/// The parts by name.
const PARTS: [(&str, Part); 7] = [
    ("decisions-postgres", decisions::postgres::part),
    ("flight", flight::part),
    ("growth", growth::part),
    ("life-queries", life::queries::part),
    ("life-soak", life::soak::part),
    ("life-start", life::start::part),
    ("life-write", life::crash::part),
];

/// Runs the part that the arguments name; none where they name a benchmark.
pub(super) fn part(arguments: &[String]) -> Option<Result<(), String>> {
    let [flag, name, rest @ ..] = arguments else {
        return None;
    };
    if flag != FLAG {
        return None;
    }
    let part = PARTS.iter().find(|(known, _)| known == name);
    Some(part.map_or_else(
        || Err(format!("there is no part `{name}`")),
        |(_, part)| part(rest),
    ))
}

fn command(name: &str, arguments: &[String]) -> Result<Command, String> {
    let own = std::env::current_exe().map_err(|err| err.to_string())?;
    let mut command = Command::new(own);
    command.args(["bench", FLAG, name]).args(arguments);
    Ok(command)
}

/// Runs a part to its end; it prints by itself.
///
/// # Errors
/// When it cannot be started, or fails.
pub(super) fn run(name: &str, arguments: &[String]) -> Result<(), String> {
    let status = command(name, arguments)?
        .status()
        .map_err(|err| err.to_string())?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("part `{name}` ended with {status}")),
    }
}

/// A part that runs beside. Killed with the value.
pub(super) struct Beside {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// Starts a part whose lines are read here.
///
/// # Errors
/// When it cannot be started.
pub(super) fn start(name: &str, arguments: &[String]) -> Result<Beside, String> {
    let spawned = command(name, arguments)?.stdout(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|err| err.to_string())?;
    let lines = BufReader::new(child.stdout.take().ok_or("a part without an output")?).lines();
    Ok(Beside { child, lines })
}

impl Beside {
    /// The next line; none when it has ended.
    pub(super) fn line(&mut self) -> Option<String> {
        self.lines.next()?.ok()
    }

    /// Ends it as a power failure does, and gives what it had still said.
    pub(super) fn kill(mut self) -> Vec<String> {
        let _ = self.child.kill();
        let rest = self.lines.by_ref().map_while(Result::ok).collect();
        let _ = self.child.wait();
        rest
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
