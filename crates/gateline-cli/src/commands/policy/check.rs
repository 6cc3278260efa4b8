//! `gateline policy check`: the rules of a module on one document, as `conftest test` runs them.

use std::path::{Path, PathBuf};

use gateline_api::Exit;
use gateline_model::PolicyReason;
use gateline_policy::{INPUT_BYTES_MAX, PolicyOutcome, Reasons};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::render::{Line, Page};
use crate::session::Session;
use crate::{files, module_files};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Rules `deny`, `violation` and `warn` of every package are asked, as Conftest writes them. A denial with `effective_on` in the
future only warns.

Exits with 0 when nothing is denied, with 3 when something is, with 5 when a rule has no answer, and with 2 when the module or
the input cannot be read.

Examples:
  gateline policy check policies/release-rules --input promotion.json
  gateline policy check service.rego --input service.yaml --package main --at 2027-01-01T00:00:00Z"
)]
pub(super) struct Args {
    /// The module's directory, or one source
    #[arg(value_name = "FILE|DIR")]
    module: PathBuf,
    /// The document that the rules see, in JSON or YAML; `-` is stdin
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Only the rules of this package
    #[arg(long)]
    package: Option<String>,
    /// The time that it is for the rules; now where it is not given
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

pub(super) fn run(args: &Args, session: &mut Session) -> Result<Exit, Failure> {
    let (files, module) = module_files::load(&args.module)?;
    let input = document(&args.input)?;
    let at = args.at.unwrap_or_else(|| session.now());
    let outcome = module.ask_in(args.package.as_deref(), &input, at);
    let factors = module.risk_factors(args.package.as_deref(), &input, at);
    let outcome = match &factors {
        Ok(_) => outcome,
        Err(why) => PolicyOutcome::Errored(why.clone()),
    };
    let factors = factors.unwrap_or_default();
    let none = Reasons::default();
    let (word, exit, rules, denied, warned) = match &outcome {
        PolicyOutcome::Passed { rules, warned } => ("passed", Exit::Done, *rules, &none, warned),
        PolicyOutcome::Failed {
            rules,
            denied,
            warned,
        } => ("failed", Exit::Refused, *rules, denied, warned),
        PolicyOutcome::Errored(why) => {
            let reply = json!({"version": files.digest(), "outcome": "errored", "why": why});
            session.out.answer(&reply, || {
                let mut page = Page::default();
                page.line(Line::new().bad("errored").plain(format!("  {why}")));
                page
            })?;
            return Ok(Exit::Unknown);
        }
    };
    let reply = json!({
        "version": files.digest(), "outcome": word, "rules": rules, "denials": denied.all, "denied": denied.first,
        "warnings": warned.all, "warned": warned.first,
        "risk_factors": factors,
    });
    session.out.answer(&reply, || {
        let mut page = Page::default();
        for reason in &denied.first {
            page.line(line(Line::new().bad("denied "), reason));
        }
        for reason in &warned.first {
            page.line(line(Line::new().wait("warned "), reason));
        }
        for factor in &factors {
            page.line(format!("risk    {} ({})", factor.line(), factor.of.word()));
        }
        let of = |count: u64, word: &str| match count {
            1 => format!("1 {word}"),
            many => format!("{many} {word}s"),
        };
        let counts = format!("{}, {}", of(denied.all, "denial"), of(warned.all, "warning"));
        page.line(format!("{}: {counts}", of(rules as u64, "rule")));
        page
    })?;
    Ok(exit)
}

fn line(line: Line, reason: &PolicyReason) -> Line {
    line.plain(format!("  {}", reason.line()))
}

fn document(path: &Path) -> Result<Value, Failure> {
    let text = files::text(path, INPUT_BYTES_MAX)?;
    // JSON first: it is a hundred times as fast, and its numbers are exact.
    serde_json::from_str(&text).or_else(|json| {
        serde_saphyr::from_str(&text).map_err(|yaml| {
            let is_json = text.trim_start().starts_with(['{', '[']);
            let why = if is_json {
                json.to_string()
            } else {
                yaml.to_string()
            };
            Failure::usage(format!("could not read the input `{}`", path.display()), why)
        })
    })
}
