//! Which pipeline files a verb is about: the same words for `lint`, `diff` and `apply`.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Most files that one command reads.
const FILES_MAX: usize = 1_000;

#[derive(Debug, clap::Args)]
pub struct PipelineFiles {
    /// Pipeline files, or directories with `*.yaml` and `*.yml` files; `-` is stdin
    #[arg(value_name = "FILE|DIR", required_unless_present = "more")]
    files: Vec<PathBuf>,
    /// The same
    #[arg(short = 'f', long = "file", value_name = "FILE|DIR")]
    more: Vec<PathBuf>,
}

impl PipelineFiles {
    /// The files in the order given; those of a directory by name.
    pub fn paths(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut paths = Vec::new();
        for path in self.files.iter().chain(&self.more) {
            if !path.is_dir() {
                paths.push(path.clone());
                continue;
            }
            let mut inside = in_directory(path).map_err(|err| {
                Failure::usage(format!("could not read the directory `{}`", path.display()), err)
            })?;
            if inside.is_empty() {
                let what = format!("there is no pipeline file in `{}`", path.display());
                return Err(Failure::usage(
                    what,
                    "none of its files ends in `.yaml` or `.yml`",
                ));
            }
            inside.sort();
            paths.append(&mut inside);
        }
        if paths.len() > FILES_MAX {
            let why = format!(
                "there are {}, and at most {FILES_MAX} are sent by one command",
                paths.len()
            );
            return Err(Failure::usage("these are too many files", why));
        }
        Ok(paths)
    }
}

fn in_directory(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        let is_yaml = path
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml");
        if is_yaml && path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}
