//! coverage.py's own JSON (`coverage json`, `pytest --cov-report=json`): lines, branches and functions of each file.
//!
//! Layout: coverage.py's `jsonreport.py`, formats 2 and 3, and the one before them, which does not say its number. The lists
//! are counted; the totals are only held against them.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

use crate::coverage::{Coverage, key_of};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::Words;
use crate::text;

/// The formats that say their number and are read.
const FORMATS: [&str; 2] = ["2", "3"];

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "coverage-py",
    kind: "coverage",
    title: "coverage.py JSON, as `coverage json` and pytest-cov write it",
    knows: |head| head.has_keys(&["meta", "files", "totals"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut report = Report::default();
    input.json(Root(&mut report))?;
    let Report {
        coverage,
        said,
        listed,
        other,
        overlap,
    } = report;
    let reason = match said {
        None => Some("the report has no `totals`: it is not whole".to_owned()),
        Some(said) if said > listed => Some(format!("the report says {said} statements, but lists {listed}")),
        Some(_) => other.or(overlap),
    };
    Ok(coverage.into_body(reason, Warnings::default()))
}

#[derive(Default)]
struct Report {
    coverage: Coverage,
    /// Statements that the report says it has, and those that it lists.
    said: Option<u64>,
    listed: u64,
    /// That it is of another format.
    other: Option<String>,
    /// The first file with a line that was both reached and missed.
    overlap: Option<String>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    format: Words,
}

impl Meta {
    /// That the layout is another one than is read here.
    fn is_other(&self) -> Option<String> {
        let format = self.format.first().filter(|format| !FORMATS.contains(format))?;
        let (format, known) = (text::one_line(format, 20), FORMATS.join(" and "));
        Some(format!("its `format` is {format}; {known} are read"))
    }
}

/// One file.
#[derive(Deserialize)]
struct Entry {
    executed_lines: Vec<u32>,
    missing_lines: Vec<u32>,
    #[serde(default)]
    executed_branches: Vec<IgnoredAny>,
    #[serde(default)]
    missing_branches: Vec<IgnoredAny>,
    #[serde(default)]
    functions: Functions,
}

/// How many functions there are, and how many of them were entered.
#[derive(Default)]
struct Functions {
    found: u64,
    hit: u64,
}

#[derive(Deserialize)]
struct Function {
    executed_lines: Vec<IgnoredAny>,
    #[serde(default)]
    missing_lines: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Totals {
    num_statements: u64,
}

impl Report {
    fn file(&mut self, path: &str, entry: Entry) {
        self.listed += (entry.executed_lines.len() + entry.missing_lines.len()) as u64;
        if self.overlap.is_none() {
            let missing: HashSet<u32> = entry.missing_lines.iter().copied().collect();
            let both = entry.executed_lines.iter().find(|line| missing.contains(line));
            self.overlap = both.map(|line| {
                let path = text::name(path);
                format!("the report contradicts itself: line {line} of `{path}` is both executed and missing")
            });
        }
        let file = self.coverage.file(path);
        let file = self.coverage.of(file);
        entry
            .executed_lines
            .iter()
            .for_each(|line| file.line(*line, true));
        entry
            .missing_lines
            .iter()
            .for_each(|line| file.line(*line, false));
        for (branches, hit) in [(entry.executed_branches, true), (entry.missing_branches, false)] {
            (0..branches.len()).for_each(|nth| file.branches.add(key_of((nth, hit)), hit));
        }
        file.functions
            .add_bare(entry.functions.found, entry.functions.hit);
    }
}

/// The outermost object.
struct Root<'r>(&'r mut Report);

impl<'de> DeserializeSeed<'de> for Root<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Root<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `files`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "files" => map.next_value_seed(Files(self.0))?,
                "meta" => {
                    let meta: Option<Meta> = map.next_value()?;
                    self.0.other = meta.and_then(|meta| meta.is_other());
                }
                "totals" => self.0.said = Some(map.next_value::<Totals>()?.num_statements),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The object of files by path, of which one is held at a time.
struct Files<'r>(&'r mut Report);

impl<'de> DeserializeSeed<'de> for Files<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Files<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of files")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((path, entry)) = map.next_entry::<String, Entry>()? {
            self.0.file(&path, entry);
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Functions {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FunctionsVisitor)
    }
}

struct FunctionsVisitor;

impl<'de> Visitor<'de> for FunctionsVisitor {
    type Value = Functions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of functions")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Functions, A::Error> {
        let mut functions = Functions::default();
        while let Some((name, function)) = map.next_entry::<String, Function>()? {
            // The nameless one is the module; one without statements cannot be seen to be entered.
            let statements = function.executed_lines.len() + function.missing_lines.len();
            if !name.is_empty() && statements > 0 {
                functions.found += 1;
                functions.hit += u64::from(!function.executed_lines.is_empty());
            }
        }
        Ok(functions)
    }
}
