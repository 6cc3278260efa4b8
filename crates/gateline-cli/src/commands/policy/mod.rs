//! `gateline policy`: modules tested and run offline, applied, listed and shown.

mod check;
mod test;

use std::path::{Path, PathBuf};

use gateline_api::{
    ApplyPolicy, Empty, Exit, GetPolicy, ListPolicies, PolicyPath, PolicyQuery, PolicyReply, PolicyRequest,
};
use gateline_model::{PolicyName, ProjectName};

use super::apply::applied_line;
use crate::client::Client;
use crate::failure::Failure;
use crate::git::CommitArgs;
use crate::module_files;
use crate::render::{Line, Page, Table};
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Run the tests of a policy module, without a server
    Test(test::Args),
    /// Run the rules of a policy module on a file, without a server
    Check(check::Args),
    /// Bring a policy module into force
    Apply(Apply),
    /// List the policy modules that are in force
    List(List),
    /// Show a policy module that is in force, with its files
    Show(Show),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "`gateline apply` does the same for every module that a pipeline names and that lies beside it, in `policies/NAME`.

Examples:
  gateline policy apply policies/release-rules --project payments
  gateline policy apply rules/ --project payments --name release-rules"
)]
struct Apply {
    /// The module's directory
    #[arg(value_name = "DIR")]
    module: PathBuf,
    /// The project that owns it
    #[arg(long)]
    project: ProjectName,
    /// What gates call it; the directory's name where it is not given
    #[arg(long)]
    name: Option<PolicyName>,
    #[command(flatten)]
    commit: CommitArgs,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only this project's
    #[arg(long)]
    project: Option<ProjectName>,
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The module
    policy: PolicyName,
    /// The project that owns it
    #[arg(long)]
    project: ProjectName,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Test(args) => test::run(&args, session),
        Verb::Check(args) => check::run(&args, session),
        Verb::Apply(args) => apply(args, session).await,
        Verb::List(args) => list(args, session).await,
        Verb::Show(args) => show(args, session).await,
    }
}

/// A module that was read and can be run, ready to be sent.
pub(super) fn request(
    module: &Path,
    project: ProjectName,
    name: PolicyName,
    commit: &CommitArgs,
) -> Result<PolicyRequest, Failure> {
    let (files, _) = module_files::load(module)?;
    let files = files
        .iter()
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .collect();
    Ok(PolicyRequest {
        project,
        name,
        files,
        written: commit.of(module)?,
    })
}

pub(super) async fn send(client: &Client, request: &PolicyRequest) -> Result<PolicyReply, Failure> {
    client.send::<ApplyPolicy>(&Empty {}, request).await
}

/// What applying came to, as one line.
pub(super) fn applied(reply: &PolicyReply) -> Line {
    let name = format!("{}/{}", reply.project, reply.name);
    let name = format!("policy {name}");
    applied_line(&name, &reply.version, reply.changed, reply.proposed.as_ref())
}

async fn apply(args: Apply, session: &mut Session) -> Result<Exit, Failure> {
    let Apply {
        module,
        project,
        name,
        commit,
    } = args;
    let name = match name {
        Some(name) => name,
        None => {
            let resolved = module.canonicalize().unwrap_or_else(|_| module.clone());
            let directory = resolved
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            directory
                .parse()
                .map_err(|err| Failure::usage("the module has no name", err).hint("give one with `--name`"))?
        }
    };
    let request = request(&module, project, name, &commit)?;
    let reply = send(&session.connect()?, &request).await?;
    session.out.answer(&reply, || {
        let mut page = Page::default();
        page.line(applied(&reply));
        page
    })?;
    Ok(match reply.proposed {
        Some(_) => Exit::Held,
        None => Exit::Done,
    })
}

async fn list(args: List, session: &mut Session) -> Result<Exit, Failure> {
    let query = PolicyQuery {
        project: args.project,
    };
    let client = session.connect()?;
    let found = client.get::<ListPolicies>(&Empty {}, &query).await?;
    session.out.answer(&found, || {
        let mut page = Page::default();
        if found.is_empty() {
            page.line(Line::new().dim("no policy module is in force"));
            return page;
        }
        let mut table = Table::headed(["policy", "project", "version"]);
        for one in &found {
            table.row([
                Line::from(&one.name),
                Line::from(&one.project),
                Line::from(one.version.short()),
            ]);
        }
        page.table(table);
        page
    })?;
    Ok(Exit::Done)
}

async fn show(args: Show, session: &mut Session) -> Result<Exit, Failure> {
    let path = PolicyPath {
        project: args.project,
        policy: args.policy,
    };
    let client = session.connect()?;
    let view = client.get::<GetPolicy>(&path, &Empty {}).await?;
    session.out.answer(&view, || {
        let mut page = Page::default();
        page.line(
            Line::new()
                .strong(&view.name)
                .plain(format!("  {}", view.version)),
        );
        if let Some(revision) = &view.revision {
            page.line(format!("  revision {revision}"));
        }
        page.line(format!("  asks {}", view.packages.join(", ")));
        for (file, text) in &view.files {
            page.line("");
            page.line(Line::new().dim(file));
            for line in text.lines() {
                page.line(format!("  {line}"));
            }
        }
        page
    })?;
    Ok(Exit::Done)
}
