//! Benchmarks: each number as a ratio to a named limit that is measured in the same run.
//!
//! `cargo xtask bench [decisions|action|fold|board|inbox|authority|evidence|policy|upload|judge]` prints Markdown. All but the last four need the whole server and
//! an optimised build of it, so they stand behind the feature `bench`: the other verbs build without it.
//! `judge` takes minutes and is run only by its name; it writes its own page.

mod build;
mod evidence;
mod judge;
#[cfg(feature = "bench")]
mod measure;
mod policy;
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
    let status = std::process::Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "xtask",
            "--features",
            "bench",
            "--",
            "bench",
        ])
        .args(arguments)
        .status()
        .map_err(|err| format!("could not run cargo: {err}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the optimised benchmark ended with {status}"))
    }
}
