//! `gateline apply`: brings pipeline files into force. All are checked before the first is sent.

use std::path::{Path, PathBuf};

use gateline_api::{ApplyPipeline, ApplyReply, ApplyRequest, Empty, Exit};

use super::lint::Linted;
use crate::failure::Failure;
use crate::render::{Line, Page};
use crate::session::Session;

/// Most files that one directory may bring.
const FILES_MAX: usize = 1_000;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline apply -f pipeline.yaml
  gateline apply -f pipelines/")]
pub struct Args {
    /// A pipeline file, or a directory with `*.yaml` and `*.yml` files; `-` is stdin
    #[arg(short, long = "file", required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let mut requests = Vec::new();
    for path in paths(&args.files)? {
        let (_, text) = Linted::of(&path)?.usable(session)?;
        let file_name = path.display().to_string();
        requests.push(ApplyRequest { file_name, text });
    }
    let client = session.connect()?;
    let mut replies: Vec<ApplyReply> = Vec::new();
    for request in &requests {
        replies.push(client.send::<ApplyPipeline>(&Empty {}, request).await?);
    }
    session.out.answer(&replies, || {
        let mut page = Page::default();
        for reply in &replies {
            let name = format!("{}/{}", reply.project, reply.pipeline);
            let version = reply.version.short();
            page.line(if reply.changed {
                Line::new()
                    .good("applied")
                    .plain(format!("    {name}  {version}"))
            } else {
                Line::new().dim("no change").plain(format!("  {name}  {version}"))
            });
        }
        page
    })?;
    Ok(Exit::Done)
}

/// The files; those of a directory by name.
fn paths(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for path in given {
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
