//! `gateline apply`: brings pipeline files into force, and the policy modules beside them that they name. All are checked before
//! the first is sent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gateline_api::{ApplyPipeline, ApplyReply, ApplyRequest, Empty, Exit, PolicyReply, PolicyRequest};
use gateline_model::{Pipeline, PolicyName};
use serde_json::json;

use super::lint::Linted;
use super::policy;
use crate::failure::Failure;
use crate::pipeline_files::PipelineFiles;
use crate::render::{Line, Page};
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline apply -f pipeline.yaml
  gateline apply -f pipelines/")]
pub struct Args {
    #[command(flatten)]
    files: PipelineFiles,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let mut requests = Vec::new();
    let mut modules: BTreeMap<PathBuf, PolicyRequest> = BTreeMap::new();
    for path in args.files.paths()? {
        let (read, text) = Linted::of(&path)?.usable(session)?;
        for (module, name) in beside(&path, &read.pipeline) {
            if !modules.contains_key(&module) {
                let request = policy::request(&module, read.pipeline.project.clone(), name)?;
                modules.insert(module, request);
            }
        }
        let file_name = path.display().to_string();
        requests.push(ApplyRequest { file_name, text });
    }
    let client = session.connect()?;
    // First the modules: a gate that names one has it then.
    let mut policies: Vec<PolicyReply> = Vec::new();
    for request in modules.values() {
        policies.push(policy::send(&client, request).await?);
    }
    let mut replies: Vec<ApplyReply> = Vec::new();
    for request in &requests {
        replies.push(client.send::<ApplyPipeline>(&Empty {}, request).await?);
    }
    let all: Vec<_> = policies
        .iter()
        .map(|reply| json!(reply))
        .chain(replies.iter().map(|reply| json!(reply)))
        .collect();
    session.out.answer(&all, || {
        let mut page = Page::default();
        policies
            .iter()
            .for_each(|reply| page.line(policy::applied(reply)));
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

/// The modules that gates of a pipeline name and that lie beside its file, in `policies/NAME`.
fn beside(file: &Path, pipeline: &Pipeline) -> Vec<(PathBuf, PolicyName)> {
    let directory = file.parent().unwrap_or(Path::new("")).join("policies");
    let gates = pipeline.stages.iter().flat_map(|stage| &stage.gates);
    let named = gates.filter(|gate| gate.kind == "policy");
    let names = named.filter_map(|gate| gate.params["module"].as_str()?.parse::<PolicyName>().ok());
    names
        .map(|name| (directory.join(name.as_str()), name))
        .filter(|(module, _)| module.is_dir())
        .collect()
}
