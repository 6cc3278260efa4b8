//! `gateline policy test`: the tests of a module, as `opa test` runs them, with the lines that they cover.

use std::path::PathBuf;

use gateline_api::Exit;
use gateline_policy::{Run, Suite, TestOutcome};
use serde_json::json;

use crate::failure::Failure;
use crate::module_files;
use crate::render::{Line, Page, Style};
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Tests are rules `test_NAME` in any file; one called `todo_test_NAME` is passed over. Lines of files that end in `_test.rego`
do not count for the coverage.

Exits with 0 when every test passes, with 3 when one fails, there is none, or too few lines are covered, with 5 when one has no
answer, and with 2 when the module cannot be run.

Examples:
  gateline policy test policies/release-rules
  gateline policy test policies/release-rules --covered 90 --json"
)]
pub(super) struct Args {
    /// The module's directory, or one source
    #[arg(value_name = "DIR")]
    module: PathBuf,
    /// The least share of lines that tests must cover, in percent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    covered: Option<u8>,
}

pub(super) fn run(args: &Args, session: &mut Session) -> Result<Exit, Failure> {
    let (files, module) = module_files::load(&args.module)?;
    let suite = module.test(session.now()).map_err(|why| {
        Failure::unknown(
            format!("the tests of `{}` could not be run", args.module.display()),
            why,
        )
    })?;
    let percent = percent(&suite);
    let enough = args.covered.is_none_or(|least| percent >= f64::from(least));
    let reply = json!({
        "version": files.digest(), "tests": suite.tests, "coverage": suite.coverage, "covered_percent": percent,
    });
    session.out.answer(&reply, || page(&suite, percent))?;
    if let (false, Some(least)) = (enough, args.covered) {
        session.out.say(&format!(
            "the tests cover {percent:.1}% of the lines, and {least}% are asked for"
        ));
    }
    if suite.tests.is_empty() {
        session
            .out
            .say("there is no test: a test is a rule whose name begins with `test_`");
    }
    let errored = |run: &Run| matches!(run.outcome, TestOutcome::Errored { .. });
    Ok(match suite.passed() {
        _ if suite.tests.iter().any(errored) => Exit::Unknown,
        true if enough => Exit::Done,
        true | false => Exit::Refused,
    })
}

fn percent(suite: &Suite) -> f64 {
    match suite.lines() {
        (_, 0) => 100.0,
        (covered, all) => covered as f64 * 100.0 / all as f64,
    }
}

fn page(suite: &Suite, percent: f64) -> Page {
    let mut page = Page::default();
    for run in &suite.tests {
        let (style, word, why) = match &run.outcome {
            TestOutcome::Passed => (Style::Good, "passed", None),
            TestOutcome::Failed => (Style::Bad, "failed", None),
            TestOutcome::Errored { why } => (Style::Bad, "errored", Some(why)),
            TestOutcome::Skipped => (Style::Dim, "skipped", None),
        };
        let place = format!("  {}.{}  {}:{}", run.package, run.name, run.file, run.line);
        page.line(Line::new().piece(style, format!("{word:7}")).plain(place));
        for line in why.into_iter().chain(&run.output) {
            page.line(format!("           {line}"));
        }
    }
    let count = |is: fn(&TestOutcome) -> bool| suite.tests.iter().filter(|run| is(&run.outcome)).count();
    let passed = count(|outcome| *outcome == TestOutcome::Passed);
    page.line(format!("{passed} of {} tests passed", suite.tests.len()));
    for file in suite.coverage.iter().filter(|file| !file.not_covered.is_empty()) {
        let lines: Vec<String> = file.not_covered.iter().map(u32::to_string).collect();
        page.line(Line::new().wait(format!(
            "  {}: lines {} are not covered",
            file.file,
            lines.join(", ")
        )));
    }
    let (covered, all) = suite.lines();
    page.line(format!("{covered} of {all} lines covered, {percent:.1}%"));
    page
}
