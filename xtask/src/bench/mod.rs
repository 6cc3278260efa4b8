//! Benchmarks: each number as a ratio to a named limit that is measured in the same run.
//!
//! `cargo xtask bench [decisions|action|fold|board]` builds itself optimised and prints Markdown. What is measured needs
//! the whole server, so it stands behind the feature `bench`: the other verbs build without it.

#[cfg(feature = "bench")]
mod measure;

/// Runs one benchmark, or all of them.
///
/// # Errors
/// What could not be set up or measured.
#[cfg(feature = "bench")]
pub fn run(arguments: &[String]) -> Result<(), String> {
    measure::run(arguments)
}

/// Builds again, optimised and with the server, and runs that: numbers of an unoptimised build mean nothing.
///
/// # Errors
/// What could not be set up or measured.
#[cfg(not(feature = "bench"))]
pub fn run(arguments: &[String]) -> Result<(), String> {
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
