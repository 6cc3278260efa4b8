//! SARIF 2.1.0: runs of tools with their results.
//!
//! Layout: OASIS SARIF v2.1.0. Read leniently, since tools leave out much that the standard asks for; but a run without
//! a list of results did not look (section 3.14.23), and a tool that says it was not successful is believed.
//! Results are read as they come. Where a tool writes them before its rules, the report is read a second time, with the
//! rules known from the first. Knows no source file and opens no external property file.

mod entry;
mod run;
mod tool;

use serde::de::{IgnoredAny, MapAccess};

use self::entry::Entry;
use self::run::{Invocations, Run};
pub use self::tool::RULES_MAX;
use crate::collect::Findings;
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Keyed, Objects, each};
use crate::text;

/// The one version that is read. Earlier ones were drafts.
const VERSION: &str = "2.1.0";
/// Runs of one report.
pub const RUNS_MAX: usize = 10_000;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "sarif",
    kind: "findings",
    title: "SARIF 2.1.0, as most linters and scanners write it",
    knows: |head| head.has_keys(&["runs"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut sarif = Sarif::default();
    input.json(Objects(&mut sarif))?;
    let version = sarif.version.as_deref().unwrap_or("none");
    if version != VERSION {
        let version = text::one_line(version, 20);
        return Err(Fault::malformed(
            0,
            format!("its version is {version}; only {VERSION} is read"),
        ));
    }
    if sarif.too_early {
        let mut second = Sarif {
            runs: sarif.runs,
            is_second: true,
            ..Sarif::default()
        };
        input.json(Objects(&mut second))?;
        sarif = second;
    }
    Ok(sarif.into_body())
}

struct Sarif {
    version: Option<String>,
    runs: Vec<Run>,
    /// The run that is being read.
    at: usize,
    /// Rules that may still be kept.
    room: usize,
    /// Results came before what they need.
    too_early: bool,
    /// The runs are known from a first reading.
    is_second: bool,
    /// Results that it keeps beside its runs.
    inline: u64,
    findings: Findings,
    warnings: Warnings,
}

impl Default for Sarif {
    fn default() -> Self {
        Sarif {
            version: None,
            runs: Vec::new(),
            at: 0,
            room: RULES_MAX,
            too_early: false,
            is_second: false,
            inline: 0,
            findings: Findings::default(),
            warnings: Warnings::default(),
        }
    }
}

impl Keyed for Sarif {
    const KEYS: &'static [&'static str] = &["version", "runs", "inlineExternalProperties"];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "version" => self.version = value.next_value()?,
            "inlineExternalProperties" => {
                value.next_value_seed(Objects(&mut Inline(&mut self.inline)))?;
            }
            _ => drop(value.next_value_seed(Objects(&mut Runs(self)))?),
        }
        Ok(())
    }
}

impl Sarif {
    fn into_body(mut self) -> Body {
        let nothing = self.runs.is_empty();
        let nothing = nothing.then(|| "the report has no runs: no tool looked".to_owned());
        let inline = (self.inline > 0).then(|| {
            let inline = self.inline;
            format!("the report keeps {inline} results in `inlineExternalProperties`, which are not read")
        });
        for run in &self.runs {
            self.findings.run();
            self.findings.tool(run.name());
        }
        let incomplete = self.runs.into_iter().find_map(Run::did_not_look);
        self.findings
            .into_body(nothing.or(inline).or(incomplete), self.warnings)
    }
}

/// Counts the results in `inlineExternalProperties`.
struct Inline<'c>(&'c mut u64);

impl Keyed for Inline<'_> {
    const KEYS: &'static [&'static str] = &["results"];

    fn key<'de, A: MapAccess<'de>>(&mut self, _: &'static str, value: &mut A) -> Result<(), A::Error> {
        *self.0 += value.next_value_seed(each(|_: IgnoredAny| ()))?.unwrap_or(0);
        Ok(())
    }
}

/// Reads `runs`.
struct Runs<'s>(&'s mut Sarif);

impl Keyed for Runs<'_> {
    const KEYS: &'static [&'static str] =
        &["tool", "invocations", "results", "externalPropertyFileReferences"];

    fn begin(&mut self) -> Result<(), String> {
        if self.0.is_second {
            return Ok(());
        }
        if self.0.runs.len() == RUNS_MAX {
            return Err(format!("more than {RUNS_MAX} runs"));
        }
        self.0.runs.push(Run::default());
        Ok(())
    }

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let Sarif {
            runs,
            at,
            room,
            too_early,
            is_second,
            findings,
            warnings,
            ..
        } = &mut *self.0;
        let run = &mut runs[*at];
        if key == "results" {
            run.results = match *is_second || run.has_tool() {
                true => {
                    run.settle();
                    let take = |entry: Entry| run.entry(&entry, findings, warnings);
                    value.next_value_seed(each(take))?
                }
                false => {
                    *too_early = true;
                    value.next_value_seed(each(|_: IgnoredAny| ()))?
                }
            };
            return Ok(());
        }
        if *is_second {
            return value.next_value::<IgnoredAny>().map(drop);
        }
        match key {
            "tool" => run.read_tool(room, value)?,
            "invocations" => {
                value.next_value_seed(Objects(&mut Invocations(run)))?;
                *too_early |= run.results.is_some() && run.has_overrides();
            }
            _ => run.read_external(value)?,
        }
        Ok(())
    }

    fn end(&mut self) {
        self.0.at += 1;
    }
}
