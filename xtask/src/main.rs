//! The repository's own chores: one file or folder per verb, one line each in the table below.
//!
//! Knows no product rule: it runs tools, reads sources and writes reference pages from the crates' own tables.

mod bench;
mod docs;
mod examples;
mod faults;
mod fuzz;
mod shell;
mod test;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

/// A chore: its name, what it does, and the function that does it.
struct Verb {
    name: &'static str,
    usage: &'static str,
    run: fn(&[String]) -> Result<(), String>,
}

const VERBS: &[Verb] = &[
    Verb {
        name: "bench",
        usage: "bench [decisions|action|flight|growth|life|board|inbox|authority|evidence|policy|upload|judge|size] [--small]: numbers, as ratios to limits measured in the same run",
        run: bench::run,
    },
    Verb {
        name: "docs",
        usage: "docs [--check]: write the generated pages, or tell which are stale",
        run: docs::run,
    },
    Verb {
        name: "faults",
        usage: "faults [--all] [NAME]: faults made on purpose against the real binary, and the page on what was seen",
        run: faults::run,
    },
    Verb {
        name: "fuzz",
        usage: "fuzz [--secs N] [--only TARGET] [--seed S]: spoilt samples for every reader; no panic, no hang, little memory",
        run: fuzz::run,
    },
    Verb {
        name: "test",
        usage: "test [--all] [--only STEP]: everything that must hold",
        run: test::run,
    },
    Verb {
        name: "tidy",
        usage: "tidy: what no compiler checks",
        run: tidy::run,
    },
];

/// Exit code for a verb or flag that there is not.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let Some(verb) = VERBS.iter().find(|verb| verb.name == name) else {
        eprintln!("usage: cargo xtask VERB");
        VERBS.iter().for_each(|verb| eprintln!("  {}", verb.usage));
        return ExitCode::from(USAGE);
    };
    let args: Vec<String> = args.collect();
    match (verb.run)(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the repository")
}

/// Refuses arguments that a verb does not take.
fn refuse_args(args: &[String]) -> Result<(), String> {
    args.first()
        .map_or(Ok(()), |arg| Err(format!("`{arg}` is not known here")))
}
