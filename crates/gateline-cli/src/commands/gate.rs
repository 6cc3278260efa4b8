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

/// The reference of the kinds, as it is generated from them.
const REFERENCE: &str = include_str!("../../../../docs/reference/gates.md");

/// The kind's section of the reference, then the forms that its settings have.
fn page(kind: &GateInfo) -> Page {
    let mut page = Page::default();
    page.line(Line::new().good(kind.name).plain(format!("  {}", kind.summary)));
    let about = section(kind.name);
    let mut table = Table::indented(2);
    for line in about.lines() {
        match cells(line) {
            None if line.starts_with('|') => {}
            None => {
                page.table(std::mem::replace(&mut table, Table::indented(2)));
                page.line(Line::new().plain(format!("  {}", line.replace('`', "")).trim_end()));
            }
            Some([name, form, given, means]) => table.row([
                Line::new().strong(name),
                Line::new().dim(form),
                Line::new().dim(given),
                means.into(),
            ]),
        }
    }
    page.table(table);
    let mut forms = Table::indented(2);
    for line in section("Forms").lines() {
        let Some((form, means)) = line.strip_prefix("| ").and_then(|line| line.split_once(" | ")) else {
            continue;
        };
        let is_used =
            |line: &str| cells(line).is_some_and(|[_, of, ..]| of.split(' ').any(|word| word == form));
        if about.lines().any(is_used) {
            forms.row([Line::new().dim(form), means.trim_end_matches(" |").into()]);
        }
    }
    page.gap();
    page.table(forms);
    if about.contains("Written: under `gates`") {
        page.gap();
        page.line(Line::new().plain("  Every gate besides:"));
        let mut every = Table::indented(2);
        for [name, form, given, means] in section("Every gate").lines().filter_map(cells) {
            every.row([
                Line::new().strong(name),
                Line::new().dim(form),
                Line::new().dim(given),
                means.into(),
            ]);
        }
        page.table(every);
    }
    page
}

/// What the reference says under a heading.
fn section(heading: &str) -> &'static str {
    let mut sections = REFERENCE.split("\n## ").skip(1);
    let found = sections.find_map(|section| {
        let (title, text) = section.split_once('\n')?;
        (title.trim_matches('`') == heading).then(|| text.trim())
    });
    found.unwrap_or_default()
}

/// A row of a table of settings: name, form, whether it must be given, meaning.
fn cells(line: &str) -> Option<[String; 4]> {
    let inside = line.strip_prefix("| `")?.strip_suffix(" |")?;
    let (name, rest) = inside.split_once("` | ")?;
    let mut cells = rest.splitn(3, " | ").map(|cell| cell.replace('`', ""));
    Some([name.to_owned(), cells.next()?, cells.next()?, cells.next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(name: &str) -> String {
        let all = gate_kinds();
        let kind = all.iter().find(|kind| kind.name == name).expect("it is a kind");
        page(kind).to_text(false)
    }

    #[test]
    fn every_kind_is_explained_with_what_it_asks_and_every_setting() {
        for kind in gate_kinds() {
            let text = explained(kind.name);
            assert!(text.lines().count() > 3, "{text}");
            for name in kind.settings() {
                assert!(text.contains(name), "`{name}` of `{}`:\n{text}", kind.name);
            }
        }
    }

    #[test]
    fn settings_inside_settings_examples_and_forms_are_told() {
        let text = explained("findings");
        for said in [
            "only.paths",
            "critical: 0, high: 0",
            "list of Pattern",
            "default true",
        ] {
            assert!(text.contains(said), "{said}:\n{text}");
        }
        assert!(
            text.lines()
                .any(|line| line.trim_start().starts_with("Threshold  ")),
            "{text}"
        );
    }
}
