//! Building what is measured. Knows no benchmark.

use std::path::PathBuf;

use crate::shell;

/// Builds a program optimised, as `arguments` name it, and says where under `release` it is then.
///
/// # Errors
/// When cargo cannot be run, or does not build it.
pub(super) fn optimised(arguments: &[&str], program: &str) -> Result<PathBuf, String> {
    let status = shell::cargo(&["build", "--quiet", "--release"])
        .args(arguments)
        .status()
        .map_err(|err| format!("could not run cargo: {err}"))?;
    match status.success() {
        true => Ok(shell::target().join("release").join(program)),
        false => Err(format!("`{program}` was not built: {status}")),
    }
}

/// The same for an example of one of our crates.
///
/// # Errors
/// As [`optimised`].
pub(super) fn example(package: &str, name: &str) -> Result<PathBuf, String> {
    optimised(
        &["--package", package, "--example", name],
        &format!("examples/{name}"),
    )
}
