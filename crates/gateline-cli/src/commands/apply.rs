//! `gateline apply`: brings files into force: pipelines, roles, notifications, and the policy modules beside pipelines that they name.
//! All are checked before the first is sent.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use gateline_api::{
    ApplyCalendar, ApplyNotifications, ApplyPipeline, ApplyRequest, ApplyRoles, CalendarReply,
    CalendarRequest, Empty, Exit, PolicyReply, PolicyRequest, ProposalView,
};
use gateline_model::{CalendarName, Digest, Pipeline, PolicyName};
use gateline_spec::Document;
use serde_json::{Value, json};

use super::lint::Linted;
use super::{calendar, policy};
use crate::client::Client;
use crate::failure::Failure;
use crate::git::CommitArgs;
use crate::pipeline_files::PipelineFiles;
use crate::render::{Line, Page};
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "A file says what it describes: `kind: Pipeline`, `kind: Roles` or `kind: Notifications`.

Examples:
  gateline apply -f pipeline.yaml
  gateline apply -f pipelines/
  gateline apply -f pipeline.yaml --commit \"$GITHUB_SHA\" --author \"$GITHUB_ACTOR\"

Where a file lies in a work tree of git and is as it was committed, its last commit and that commit's author go
on record with it. A file that was changed since has none.

What is protected is proposed, and in force once its owners approved it: then the exit code is 1."
)]
pub struct Args {
    #[command(flatten)]
    files: PipelineFiles,
    #[command(flatten)]
    commit: CommitArgs,
}

/// What applying one file came to.
struct Applied {
    name: String,
    version: Digest,
    changed: bool,
    /// Where it waits for its owners.
    proposed: Option<ProposalView>,
    /// As the server told it.
    reply: Value,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let mut requests = Vec::new();
    let mut modules: BTreeMap<PathBuf, PolicyRequest> = BTreeMap::new();
    let mut calendars: BTreeMap<PathBuf, CalendarRequest> = BTreeMap::new();
    for path in args.files.paths()? {
        let (document, text) = Linted::of(&path)?.usable(session)?;
        if let Document::Pipeline(read) = &document {
            for (module, name) in beside(&path, &read.pipeline) {
                if let Entry::Vacant(free) = modules.entry(module) {
                    let request =
                        policy::request(free.key(), read.pipeline.project.clone(), name, &args.commit)?;
                    free.insert(request);
                }
            }
            for (file, name) in calendars_beside(&path, &read.pipeline) {
                if let Entry::Vacant(free) = calendars.entry(file) {
                    let project = read.pipeline.project.clone();
                    let request = calendar::request(free.key(), project, name, &args.commit, session)?;
                    free.insert(request);
                }
            }
        }
        let file_name = path.display().to_string();
        let written = args.commit.of(&path)?;
        let request = ApplyRequest {
            file_name,
            text,
            written,
        };
        requests.push((document, request));
    }
    let client = session.connect()?;
    // First the modules: a gate that names one has it then.
    let mut policies: Vec<PolicyReply> = Vec::new();
    for request in modules.values() {
        policies.push(policy::send(&client, request).await?);
    }
    let mut days: Vec<CalendarReply> = Vec::new();
    for request in calendars.values() {
        days.push(client.send::<ApplyCalendar>(&Empty {}, request).await?);
    }
    let mut applied: Vec<Applied> = Vec::new();
    for (document, request) in &requests {
        let one = apply(document, request, &client).await?;
        if let Document::Pipeline(_) = document {
            warn_of_unknown_teams(&one.reply, session);
        }
        applied.push(one);
    }
    let all: Vec<Value> = policies
        .iter()
        .map(|reply| json!(reply))
        .chain(days.iter().map(|reply| json!(reply)))
        .chain(applied.iter().map(|one| one.reply.clone()))
        .collect();
    session.out.answer(&all, || {
        let mut page = Page::default();
        policies
            .iter()
            .for_each(|reply| page.line(policy::applied(reply)));
        days.iter().for_each(|reply| page.line(calendar::applied(reply)));
        for Applied {
            name,
            version,
            changed,
            proposed,
            ..
        } in &applied
        {
            page.line(applied_line(name, version, *changed, proposed.as_ref()));
        }
        page
    })?;
    let of_files = applied.iter().map(|one| &one.proposed);
    let of_modules = policies.iter().map(|one| &one.proposed);
    let of_calendars = days.iter().map(|one| &one.proposed);
    let mut waits = of_files.chain(of_modules).chain(of_calendars);
    Ok(if waits.any(Option::is_some) {
        Exit::Held
    } else {
        Exit::Done
    })
}

/// What only the server knows of a file: which teams are declared.
fn warn_of_unknown_teams(reply: &Value, session: &mut Session) {
    let warnings = reply["warnings"].as_array().into_iter().flatten();
    for warning in warnings.filter(|warning| warning["code"] == "teams.unknown") {
        let text = |name: &str| warning[name].as_str().unwrap_or_default().to_owned();
        let says = format!(
            "warning: {}:{}: {}; {}",
            text("file"),
            warning["line"],
            text("message"),
            text("help")
        );
        session.out.say(&says);
    }
}

/// What applying one thing came to, as one line.
pub(super) fn applied_line(
    name: &str,
    version: &Digest,
    changed: bool,
    proposed: Option<&ProposalView>,
) -> Line {
    let version = version.short();
    match proposed {
        Some(proposal) => Line::new().wait("proposed").plain(format!(
            "   {name}  {version}  not in force: proposal {} needs {}",
            proposal.id(),
            proposal.still_needs()
        )),
        None if changed => Line::new()
            .good("applied")
            .plain(format!("    {name}  {version}")),
        None => Line::new().dim("no change").plain(format!("  {name}  {version}")),
    }
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

/// The calendars that windows of a pipeline name and that lie beside its file, in `calendars/NAME.ics`.
fn calendars_beside(file: &Path, pipeline: &Pipeline) -> Vec<(PathBuf, CalendarName)> {
    let directory = file.parent().unwrap_or(Path::new("")).join("calendars");
    let named = pipeline.windows.values().flat_map(|window| &window.holidays);
    named
        .map(|name| (directory.join(format!("{name}.ics")), name.clone()))
        .filter(|(calendar, _)| calendar.is_file())
        .collect()
}

async fn apply(document: &Document, request: &ApplyRequest, client: &Client) -> Result<Applied, Failure> {
    match document {
        Document::Pipeline(_) => {
            let reply = client.send::<ApplyPipeline>(&Empty {}, request).await?;
            Ok(Applied {
                name: format!("{}/{}", reply.project, reply.pipeline),
                version: reply.version,
                changed: reply.changed,
                reply: json!(reply),
                proposed: reply.proposed,
            })
        }
        Document::Roles(_) => {
            let reply = client.send::<ApplyRoles>(&Empty {}, request).await?;
            Ok(Applied {
                name: format!("roles of {}", reply.project),
                version: reply.version,
                changed: reply.changed,
                reply: json!(reply),
                proposed: reply.proposed,
            })
        }
        Document::Server(_) => Err(Failure::usage(
            "a server's settings are not applied",
            format!("`{}` has `kind: Server`", request.file_name),
        )
        .hint("start the server with it: `gateline serve --config FILE`")),
        Document::Notifications(_) => {
            let reply = client.send::<ApplyNotifications>(&Empty {}, request).await?;
            Ok(Applied {
                name: format!("notifications of {}", reply.project),
                version: reply.version,
                changed: reply.changed,
                reply: json!(reply),
                proposed: reply.proposed,
            })
        }
    }
}
