//! Asking a person at the terminal for what must not be seen.

use std::fs::File;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::failure::Failure;

/// Whether somebody sits at the other end of stdin.
pub(crate) fn is_possible() -> bool {
    std::io::stdin().is_terminal()
}

fn failed(err: std::io::Error) -> Failure {
    Failure::usage("the terminal cannot be read", err)
}

/// The terminal itself: stdout and stderr may lead elsewhere.
fn terminal() -> Result<File, Failure> {
    let terminal = File::options().read(true).write(true).open("/dev/tty");
    terminal.map_err(failed)
}

/// Whether the person at the terminal answers yes: nothing else is a yes.
pub(crate) fn yes(question: &str) -> Result<bool, Failure> {
    let mut terminal = terminal()?;
    terminal.write_all(question.as_bytes()).map_err(failed)?;
    let mut line = String::new();
    BufReader::new(&terminal).read_line(&mut line).map_err(failed)?;
    Ok(is_yes(&line))
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_lowercase().as_str(), "y" | "yes")
}

/// A new password, asked for twice.
pub(crate) fn new_password(of: &impl std::fmt::Display) -> Result<String, Failure> {
    let mut terminal = terminal()?;
    let first = ask(&mut terminal, &format!("New password of {of}: ")).map_err(failed)?;
    let second = ask(&mut terminal, "The same again: ").map_err(failed)?;
    if first.is_empty() {
        return Err(Failure::usage("there is no password", "nothing was typed"));
    }
    if first != second {
        return Err(Failure::usage(
            "the password is not taken",
            "the two are not the same",
        ));
    }
    Ok(first)
}

/// Puts the terminal back as it was, however the asking ends.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Drop for Silent {
    fn drop(&mut self) {
        // What cannot be put back cannot be helped; the shell resets it.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

fn ask(terminal: &mut File, question: &str) -> std::io::Result<String> {
    terminal.write_all(question.as_bytes())?;
    let before = tcgetattr(&*terminal)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&*terminal, OptionalActions::Flush, &silent)?;
    let guard = Silent {
        terminal: terminal.try_clone()?,
        before,
    };
    let mut line = String::new();
    let read = BufReader::new(&*terminal).read_line(&mut line);
    drop(guard);
    terminal.write_all(b"\n")?;
    read?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for (line, expected) in [
            ("y\n", true),
            ("Yes\n", true),
            ("", false),
            ("\n", false),
            ("yesterday\n", false),
        ] {
            assert_eq!(is_yes(line), expected, "{line:?}");
        }
    }
}
