//! `gateline lint`: files of every kind checked without a server.

use std::path::Path;

use gateline_api::Exit;
use gateline_model::{Notifications, Roles};
use gateline_spec::{Diagnostic, Diagnostics, Document, PIPELINE_BYTES_MAX};

use crate::failure::Failure;
use crate::files;
use crate::out::Form;
use crate::pipeline_files::PipelineFiles;
use crate::render::{Line, Page};
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exits with 2 when a file has errors; warnings alone are no reason. Pipelines are held against the teams of the
roles that are checked with them.

Examples:
  gateline lint pipeline.yaml
  gateline lint pipeline.yaml roles.yaml
  gateline lint server.yaml
  gateline lint pipelines/ --json"
)]
pub struct Args {
    #[command(flatten)]
    files: PipelineFiles,
}

/// A pipeline file that was read here.
pub(super) struct Linted {
    /// How diagnostics call it.
    pub name: String,
    pub text: String,
    pub read: Result<Document, Diagnostics>,
}

impl Linted {
    /// Reads and checks a file.
    pub fn of(path: &Path) -> Result<Self, Failure> {
        let text = files::text(path, PIPELINE_BYTES_MAX)?;
        let name = path.display().to_string();
        let read = gateline_spec::read_document(&name, &text);
        Ok(Self { name, text, read })
    }

    /// Errors and warnings, in the order of the file.
    pub fn found(&self) -> &[Diagnostic] {
        match &self.read {
            Ok(read) => read.warnings(),
            Err(Diagnostics(found)) => found,
        }
    }

    /// For a person.
    pub fn rendered(&self, color: bool) -> String {
        let shown = self.found().iter().map(|found| found.render(&self.text, color));
        shown.collect::<Vec<_>>().join("\n")
    }

    /// What the file says; its faults are printed where it has any.
    pub fn usable(self, session: &mut Session) -> Result<(Document, String), Failure> {
        let shown = self.rendered(session.out.is_colored());
        match self.read {
            Ok(read) => {
                session.out.say_rendered(&shown);
                Ok((read, self.text))
            }
            Err(found) => {
                match session.out.form() {
                    Form::Text => session.out.text(&shown)?,
                    Form::Json => session.out.json(&found)?,
                }
                Err(
                    Failure::usage("the file has errors", format!("see above, in `{}`", self.name))
                        .hint("mend the file; nothing was sent"),
                )
            }
        }
    }
}

/// Warns of teams that nobody declares, where the roles of the pipeline's project were read with it.
fn hold_against_roles(all: &mut [Linted]) {
    let roles: Vec<Roles> = all
        .iter()
        .filter_map(|linted| match &linted.read {
            Ok(Document::Roles(read)) => Some(read.roles.clone()),
            _ => None,
        })
        .collect();
    for linted in all {
        let Ok(Document::Pipeline(read)) = &mut linted.read else {
            continue;
        };
        if !roles.iter().any(|roles| roles.project == read.pipeline.project) {
            continue;
        }
        let teams = roles.iter().flat_map(|roles| &roles.teams);
        let known: Vec<&str> = teams.map(|team| team.name.as_str()).collect();
        let found = gateline_spec::unknown_teams(&linted.name, &linted.text, &known);
        read.warnings.extend(found);
    }
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let mut all: Vec<Linted> = Vec::new();
    for path in args.files.paths()? {
        all.push(Linted::of(&path)?);
    }
    hold_against_roles(&mut all);
    match session.out.form() {
        Form::Json => {
            let found: Vec<&Diagnostic> = all.iter().flat_map(Linted::found).collect();
            session.out.json(&found)?;
        }
        Form::Text => {
            for linted in &all {
                let shown = linted.rendered(session.out.is_colored());
                session.out.text(&shown)?;
                if let Ok(document) = &linted.read {
                    let mut page = Page::default();
                    let what = match document {
                        Document::Pipeline(read) => {
                            let pipeline = &read.pipeline;
                            format!("{}, {} stages", pipeline.reference(), pipeline.stages.len())
                        }
                        Document::Roles(read) => {
                            let Roles {
                                project,
                                teams,
                                roles,
                                ..
                            } = &read.roles;
                            format!("roles of {project}, {} teams, {} roles", teams.len(), roles.len())
                        }
                        Document::Notifications(read) => {
                            let Notifications { project, rules, .. } = &read.notifications;
                            format!("notifications of {project}, {} rules", rules.len())
                        }
                        Document::Server(read) => format!(
                            "settings of a server, {} providers, {} channels",
                            read.providers.len(),
                            read.channels.len()
                        ),
                    };
                    let says = format!("  {}: {what}", linted.name);
                    page.line(Line::new().good("ok").plain(says));
                    session.out.page(&page)?;
                }
            }
        }
    }
    let broken = all.iter().filter(|linted| linted.read.is_err()).count();
    if broken > 0 {
        session
            .out
            .say(&format!("{broken} of {} files cannot be used", all.len()));
        return Ok(Exit::Usage);
    }
    Ok(Exit::Done)
}
