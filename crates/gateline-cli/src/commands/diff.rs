//! `gateline diff`: what a file of a pipeline, roles or notifications would change of what is in force.

use gateline_api::{
    Empty, Exit, GetNotifications, GetPipeline, GetRoles, PipelinePath, ProjectPath, VersionQuery, entry,
};
use gateline_model::{Digest, Notifications, Pipeline, Roles};
use gateline_spec::{Difference, Document};
use serde::Serialize;

use super::lint::Linted;
use crate::client::Client;
use crate::failure::Failure;
use crate::pipeline_files::PipelineFiles;
use crate::render::{self, Line, Page};
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(after_help = "Order and spelling do not count unless they mean something.

Examples:
  gateline diff -f pipeline.yaml
  gateline diff -f roles.yaml")]
pub struct Args {
    #[command(flatten)]
    files: PipelineFiles,
}

/// What one file would change.
#[derive(Serialize)]
struct Changes {
    of: String,
    in_force: Option<Digest>,
    file: Digest,
    /// None where the pipeline is new.
    differences: Option<Vec<Difference>>,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let mut files = Vec::new();
    for path in args.files.paths()? {
        let (read, _) = Linted::of(&path)?.usable(session)?;
        match read {
            Document::Server(_) => {
                let why = format!(
                    "`{}` has the settings of a server, which reads them when it starts",
                    path.display()
                );
                return Err(Failure::usage(
                    "nothing is in force that it could be compared with",
                    why,
                ));
            }
            read => files.push(read),
        }
    }
    let client = session.connect()?;
    let mut all = Vec::new();
    for file in &files {
        all.extend(changes(file, &client).await?);
    }
    session.out.answer(&all, || {
        let mut page = Page::default();
        for Changes { of, differences, .. } in &all {
            match differences {
                None => page.line(Line::new().good("+").plain(format!(" {of} is new"))),
                Some(none) if none.is_empty() => page.line(format!("{of}: no difference")),
                Some(some) => {
                    if all.len() > 1 {
                        page.line(format!("{of}:"));
                    }
                    some.iter().for_each(|one| page.line(render::difference(one)));
                }
            }
        }
        page
    })?;
    Ok(Exit::Done)
}

async fn changes(file: &Document, client: &Client) -> Result<Option<Changes>, Failure> {
    Ok(match file {
        Document::Pipeline(read) => Some(of_pipeline(&read.pipeline, client).await?),
        Document::Roles(read) => Some(of_roles(&read.roles, client).await?),
        Document::Notifications(read) => Some(of_notifications(&read.notifications, client).await?),
        Document::Server(_) => None,
    })
}

async fn of_roles(file: &Roles, client: &Client) -> Result<Changes, Failure> {
    let path = ProjectPath {
        project: file.project.clone(),
    };
    let view = client.get::<GetRoles>(&path, &Empty {}).await;
    let in_force = known(view, entry::ROLES_UNKNOWN.code)?;
    Ok(Changes {
        of: format!("roles of {}", file.project),
        in_force: in_force.as_ref().map(|view| view.version),
        file: file.version(),
        differences: in_force.map(|view| gateline_spec::diff_roles(&view.roles, file)),
    })
}

async fn of_notifications(file: &Notifications, client: &Client) -> Result<Changes, Failure> {
    let path = ProjectPath {
        project: file.project.clone(),
    };
    let view = client.get::<GetNotifications>(&path, &Empty {}).await;
    let in_force = known(view, entry::NOTIFICATIONS_UNKNOWN.code)?;
    Ok(Changes {
        of: format!("notifications of {}", file.project),
        in_force: in_force.as_ref().map(|view| view.version),
        file: file.version(),
        differences: in_force.map(|view| gateline_spec::diff_notifications(&view.notifications, file)),
    })
}

/// What is in force, if anything is.
fn known<T>(asked: Result<T, Failure>, unknown: &str) -> Result<Option<T>, Failure> {
    match asked {
        Ok(view) => Ok(Some(view)),
        Err(failure) if failure.code == unknown => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn of_pipeline(file: &Pipeline, client: &Client) -> Result<Changes, Failure> {
    let of = file.reference();
    let path = PipelinePath {
        project: of.project.clone(),
        pipeline: of.pipeline.clone(),
    };
    let view = client.get::<GetPipeline>(&path, &VersionQuery::default()).await;
    let in_force = known(view, entry::PIPELINE_UNKNOWN.code)?;
    Ok(Changes {
        of: of.to_string(),
        in_force: in_force.as_ref().map(|view| view.version),
        file: file.version(),
        differences: in_force.map(|view| gateline_spec::diff(&view.pipeline, file)),
    })
}
