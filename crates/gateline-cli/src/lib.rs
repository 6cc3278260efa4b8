//! The voice: what `gateline` says and does on the command line, one file per verb, and the rendering for people.
//!
//! Read `commands` first: it is the table of verbs. Every verb but the offline ones goes through the public API, and
//! decides nothing: what is printed of a decision is the stored one. Knows no server, store or engine.

mod client;
mod commands;
mod failure;
mod files;
mod git;
mod module_files;
mod moment;
mod number;
mod options;
mod out;
mod pipeline_files;
mod prompt;
mod render;
mod session;
mod signing;
mod watch;
mod which;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use gateline_api::Exit;

pub use commands::Verb;
pub use options::{Color, Options};

use crate::failure::Failure;
use crate::session::Session;

/// What stands above the list of verbs.
pub const ABOUT: &str = "Decides when a release may move to the next stage, records why, and moves it.";
/// What stands below the list of verbs.
pub const AFTER_HELP: &str = "\
Exit codes:
  0   done
  1   held: nothing is broken, try later
  2   the command or its input is wrong
  3   refused by policy or permission
  4   a rollout or a verification failed
  5   it could not be found out, as when the server is not reachable
  70  a bug of Gateline

A release is written PIPELINE@VERSION, as in `payment-service@1.4.0`.
See `gateline help VERB` for examples.";

/// Does what a verb of the client asks and says how it went.
pub fn run(options: Options, verb: Verb) -> ExitCode {
    let mut session = Session::new(options);
    // A bug must not look like a refusal: scripts tell them apart by the exit code.
    let ended = catch_unwind(AssertUnwindSafe(|| perform(verb, &mut session)));
    let exit = match ended {
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => session.out.failure(&failure),
        Err(_) => session
            .out
            .failure(&Failure::bug("it panicked; the lines above say where")),
    };
    ExitCode::from(exit.code())
}

fn perform(verb: Verb, session: &mut Session) -> Result<Exit, Failure> {
    // One thread: a command waits for one answer at a time.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|err| Failure::unknown("could not start", err))?;
    runtime.block_on(commands::perform(verb, session))
}
