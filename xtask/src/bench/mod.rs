//! Benchmarks: each number as a ratio to a named limit that is measured in the same run.
//!
//! `cargo xtask bench [NAME..] [--small]` prints Markdown; without a name it runs all but `judge`, `size` and `upload`.
//!
//! | name | measures |
//! |---|---|
//! | `decisions` | durable decisions a second, on SQLite and on PostgreSQL with several replicas, beside bare group commit |
//! | `action` | from the last piece of evidence to the driver's first action, on both |
//! | `flight` | 10,000 promotions in flight: processor, memory, a decision meanwhile |
//! | `growth` | what a decision costs with more pipelines and more history |
//! | `life` | three years of history: size, start, queries, memory over ten minutes, a start after a crash |
//! | `board` | the board, the promotion page and the log, in quiet and with 100 watchers |
//! | `inbox`, `authority` | 10,000 open approvals; the function that says who may |
//! | `evidence`, `upload`, `policy`, `judge` | reading reports, sending them, policies and judges beside their peers |
//! | `size` | the binary, and a clean build |
//!
//! All up to `authority` need the whole server and an optimised build of it, so they stand behind the feature `bench`: the other
//! verbs build without it. Their small form ends in seconds and its numbers mean nothing; it needs no optimised build either:
//! `cargo run --package xtask --features bench -- bench growth --small`. `judge` takes minutes and writes its own page.

mod build;
mod evidence;
mod judge;
#[cfg(feature = "bench")]
mod measure;
mod policy;
mod size;
mod upload;

/// Runs one benchmark, or all of them.
///
/// # Errors
/// What could not be set up or measured.
pub fn run(arguments: &[String]) -> Result<(), String> {
    match arguments {
        [one] if one == "upload" => evidence::upload(),
        [one] if one == "evidence" => evidence::run(),
        [one] if one == "policy" => policy::run(),
        [one, rest @ ..] if one == "judge" => judge::run(rest),
        [one, rest @ ..] if one == "size" => size::run(rest),
        // With the feature this is the second process, and the first one has done it.
        [] if !cfg!(feature = "bench") => evidence::run()
            .and_then(|()| policy::run())
            .and_then(|()| with_server(arguments)),
        _ => with_server(arguments),
    }
}

/// Runs one benchmark of the server, or all of them.
#[cfg(feature = "bench")]
fn with_server(arguments: &[String]) -> Result<(), String> {
    measure::run(arguments)
}

/// Builds again, optimised and with the server, and runs that: numbers of an unoptimised build mean nothing.
#[cfg(not(feature = "bench"))]
fn with_server(arguments: &[String]) -> Result<(), String> {
    let mut run = crate::shell::cargo(&["run", "--quiet", "--release"]);
    let status = run
        .args(["--package", "xtask", "--features", "bench", "--", "bench"])
        .args(arguments)
        .status()
        .map_err(|err| format!("could not run cargo: {err}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the optimised benchmark ended with {status}"))
    }
}
