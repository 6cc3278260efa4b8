//! The binary and its build: how large it is, with its symbols and without, and how long a clean build takes.
//!
//! Needs neither the server nor its feature. Takes ten minutes on two cores, so it is run only by its name;
//! `size --small` builds one small crate instead, to see that it works.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::shell;

pub(super) fn run(arguments: &[String]) -> Result<(), String> {
    let (package, output) = match arguments {
        [] => ("gateline", "gateline"),
        [flag] if flag == "--small" => ("gateline-log", "libgateline_log.rlib"),
        [other, ..] => return Err(format!("`{other}` is not known here")),
    };
    println!("\n## size\n\n`cargo xtask bench size`\n");
    let target = shell::target().join("bench/size");
    let _ = std::fs::remove_dir_all(&target);
    let measured = measure(package, output, &target);
    let _ = std::fs::remove_dir_all(&target);
    measured
}

fn measure(package: &str, output: &str, target: &Path) -> Result<(), String> {
    ran(&mut shell::cargo(&["fetch", "--locked", "--quiet"]))?;
    let began = Instant::now();
    ran(shell::cargo(&["build", "--release", "--locked", "--quiet"])
        .args(["--package", package, "--target-dir"])
        .arg(target)
        .env("CARGO_INCREMENTAL", "0")
        // Symbols are taken away afterwards: the compiler's work is the same.
        .env("CARGO_PROFILE_RELEASE_STRIP", "none"))?;
    let built = began.elapsed();
    let whole = target.join("release").join(output);
    let stripped = target.join("stripped");
    ran(Command::new("strip")
        .arg("--strip-all")
        .arg("-o")
        .arg(&stripped)
        .arg(&whole))?;
    println!("| | |\n|---|---|");
    println!(
        "| clean build, {} cores | {:.0} s |",
        cores(),
        built.as_secs_f64()
    );
    println!("| binary | {:.1} MB |", megabytes(&stripped)?);
    println!("| binary with its symbols | {:.1} MB |", megabytes(&whole)?);
    println!("| crates built | {} |", crates(target)?);
    Ok(())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// How many crates were compiled, build scripts left out.
fn crates(target: &Path) -> Result<usize, String> {
    let folder = target.join("release/deps");
    let files = std::fs::read_dir(&folder).map_err(|err| format!("{}: {err}", folder.display()))?;
    let is_crate = |name: &str| name.ends_with(".d");
    let names = files.flatten().map(|file| file.file_name());
    Ok(names.filter(|name| name.to_str().is_some_and(is_crate)).count())
}

fn megabytes(file: &Path) -> Result<f64, String> {
    let known = std::fs::metadata(file).map_err(|err| format!("{}: {err}", file.display()))?;
    Ok(known.len() as f64 / 1e6)
}

fn ran(command: &mut Command) -> Result<(), String> {
    let status = command
        .current_dir(crate::root())
        .status()
        .map_err(|err| format!("could not run {command:?}: {err}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{command:?} ended with {status}")),
    }
}
