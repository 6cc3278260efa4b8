//! `gateline gate`: what the kinds of gate ask and take, offline.

use gateline_api::Exit;
use gateline_spec::{GateInfo, gate_kinds};
use serde_json::json;

use crate::failure::Failure;
use crate::render::{Line, Page, Table};
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the kinds of gate
    List,
    /// Show what a kind of gate asks, and its settings
    Explain(Explain),
}

#[derive(Debug, clap::Args)]
struct Explain {
    /// The kind, as pipeline files write it
    kind: String,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    match args.verb {
        Verb::List => {
            let all: Vec<GateInfo> = gate_kinds();
            let reply: Vec<_> = all
                .iter()
                .map(|kind| json!({"kind": kind.name, "summary": kind.summary}))
                .collect();
            session.out.answer(&reply, || {
                let mut table = Table::headed(["kind", "asks"]);
                for kind in &all {
                    table.row([Line::from(kind.name), kind.summary.into()]);
                }
                let mut page = Page::default();
                page.table(table);
                page
            })?;
        }
        Verb::Explain(explain) => {
            let all = gate_kinds();
            let Some(kind) = all.iter().find(|kind| kind.name == explain.kind) else {
                let known: Vec<&str> = all.iter().map(|kind| kind.name).collect();
                return Err(Failure::usage(
                    format!("gate kind `{}`", explain.kind),
                    format!("there is none; the kinds are {}", known.join(", ")),
                ));
            };
            let reply = json!({"kind": kind.name, "summary": kind.summary, "written": kind.written, "schema": kind.schema});
            session.out.answer(&reply, || page(kind))?;
        }
    }
    Ok(Exit::Done)
}

fn page(kind: &GateInfo) -> Page {
    let mut page = Page::default();
    page.line(Line::new().good(kind.name).plain(format!("  {}", kind.summary)));
    page.line(format!("  {}", kind.written));
    let mut table = Table::indented(2);
    for (name, about, required) in kind.settings() {
        let must = if required { "must be given. " } else { "" };
        table.row([Line::new().dim(name), format!("{must}{about}").into()]);
    }
    page.table(table);
    page
}
