//! LCOV tracefiles: one record per source file, from `SF:` to `end_of_record`.
//!
//! Layout: geninfo(1), "TRACEFILE FORMAT", versions 1 and 2. A line, branch or function is hit if any record of its
//! file says so. Counts come from the entries (`DA`, `BRDA`, `FN`); the totals (`LF`, `BRF`, `FNF`) stand in only for
//! records without entries. Knows no source file: paths are not opened.

use std::collections::HashMap;

use gateline_model::{CoverageFacts, Facts};

use crate::error::Fault;
use crate::format::FormatRow;
use crate::read::{Body, Complete, Warnings};
use crate::text;

/// Entries of one sort (lines, branches or functions) over all records.
struct Tally<K> {
    /// File, key in that file, hit.
    entries: Vec<(u32, K, bool)>,
    /// Entries before the open record.
    before: usize,
    /// What the open record says of itself: found, hit.
    said: (Option<u64>, Option<u64>),
    /// Sums of records that have totals but no entries.
    bare: (u64, u64),
}

impl<K: Ord> Tally<K> {
    fn new() -> Self {
        Tally {
            entries: Vec::new(),
            before: 0,
            said: (None, None),
            bare: (0, 0),
        }
    }

    /// Ends the open record; returns why its totals cannot be used, if so.
    fn end_record(&mut self) -> Result<(), String> {
        let (found, hit) = (self.said.0.unwrap_or(0), self.said.1.unwrap_or(0));
        let bare = self.entries.len() == self.before;
        self.before = self.entries.len();
        self.said = (None, None);
        if hit > found {
            return Err(format!("{hit} hit of {found} found"));
        }
        if bare {
            self.bare = (self.bare.0.saturating_add(found), self.bare.1.saturating_add(hit));
        }
        Ok(())
    }

    /// Found and hit, each entry once.
    fn totals(mut self) -> (u64, u64) {
        // The hit entry sorts before its misses, so that it is the one that stays.
        self.entries
            .sort_unstable_by(|a, b| (a.0, &a.1, !a.2).cmp(&(b.0, &b.1, !b.2)));
        self.entries.dedup_by(|a, b| a.0 == b.0 && a.1 == b.1);
        let hit = self.entries.iter().filter(|entry| entry.2).count() as u64;
        let found = self.entries.len() as u64;
        (self.bare.0.saturating_add(found), self.bare.1.saturating_add(hit))
    }
}

struct Lcov<'a> {
    files: HashMap<&'a str, u32>,
    /// File and byte offset of the record that is open.
    open: Option<(u32, usize)>,
    lines: Tally<u64>,
    branches: Tally<&'a str>,
    functions: Tally<&'a str>,
    /// First name of each function of the open record by its index, as version 2 writes them.
    names: HashMap<&'a str, &'a str>,
    warnings: Warnings,
}

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "lcov",
    title: "LCOV tracefiles, as pytest-cov, llvm-cov, vitest and gcov write them",
    knows: |head| {
        let record = head
            .text
            .lines()
            .find(|line| !line.starts_with('#') && !line.trim().is_empty());
        record.is_some_and(|record| record.starts_with("TN:") || record.starts_with("SF:"))
    },
    read: |input| read(&input.whole()?),
};

fn read(text: &str) -> Result<Body, Fault> {
    let mut lcov = Lcov {
        files: HashMap::new(),
        open: None,
        lines: Tally::new(),
        branches: Tally::new(),
        functions: Tally::new(),
        names: HashMap::new(),
        warnings: Warnings::default(),
    };
    let mut byte = 0;
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        let line = whole
            .trim_start_matches('\u{feff}')
            .trim_end_matches(['\r', '\n']);
        if let Err(reason) = lcov.line(line, index + 1, byte) {
            // The last line without an end may be half of a good one.
            let fault = if whole.ends_with('\n') {
                Fault::malformed
            } else {
                Fault::truncated
            };
            return Err(fault(byte, reason));
        }
        byte += whole.len();
    }
    if let Some((_, start)) = lcov.open {
        return Err(Fault::truncated(
            start,
            "the record that begins here has no `end_of_record`",
        ));
    }
    Ok(lcov.into_body())
}

impl<'a> Lcov<'a> {
    fn line(&mut self, line: &'a str, number: usize, byte: usize) -> Result<(), String> {
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.trim_end() == "end_of_record" {
            return self.end_record();
        }
        let (word, rest) = line.split_once(':').ok_or_else(|| no_record(line))?;
        match (word, self.open) {
            ("TN" | "VER", _) => Ok(()),
            ("SF", None) => {
                let next = self.files.len() as u32;
                let file = *self.files.entry(rest).or_insert(next);
                self.open = Some((file, byte));
                Ok(())
            }
            ("SF", Some(_)) => Err("a record begins before the one above has its `end_of_record`".into()),
            (_, Some((file, _))) => self.entry(file, word, rest, number),
            (_, None) => Err(format!(
                "`{}` stands outside of any `SF:` record",
                text::one_line(word, 40)
            )),
        }
    }

    fn entry(&mut self, file: u32, word: &str, rest: &'a str, number: usize) -> Result<(), String> {
        match word {
            "DA" => {
                let mut fields = rest.split(',');
                let line = fields
                    .next()
                    .and_then(|line| line.parse().ok())
                    .ok_or_else(|| bad(word, rest))?;
                let hit = fields.next().and_then(is_hit).ok_or_else(|| bad(word, rest))?;
                self.lines.entries.push((file, line, hit));
            }
            "BRDA" => {
                let (branch, taken) = rest.rsplit_once(',').ok_or_else(|| bad(word, rest))?;
                let hit = if taken == "-" { Some(false) } else { is_hit(taken) };
                self.branches
                    .entries
                    .push((file, branch, hit.ok_or_else(|| bad(word, rest))?));
            }
            "FN" => {
                let (_, name) = rest.split_once(',').ok_or_else(|| bad(word, rest))?;
                self.functions.entries.push((file, without_end_line(name), false));
            }
            "FNDA" => {
                let (count, name) = rest.split_once(',').ok_or_else(|| bad(word, rest))?;
                let hit = is_hit(count).ok_or_else(|| bad(word, rest))?;
                self.functions.entries.push((file, name, hit));
            }
            "FNA" => {
                let (index, counted) = rest.split_once(',').ok_or_else(|| bad(word, rest))?;
                let (count, name) = counted.split_once(',').ok_or_else(|| bad(word, rest))?;
                let hit = is_hit(count).ok_or_else(|| bad(word, rest))?;
                // Names of one index are instances of one function, which is entered if any of them is.
                let first = *self.names.entry(index).or_insert(name);
                self.functions.entries.push((file, first, hit));
            }
            "LF" => self.lines.said.0 = Some(number_of(word, rest)?),
            "LH" => self.lines.said.1 = Some(number_of(word, rest)?),
            "BRF" => self.branches.said.0 = Some(number_of(word, rest)?),
            "BRH" => self.branches.said.1 = Some(number_of(word, rest)?),
            "FNF" => self.functions.said.0 = Some(number_of(word, rest)?),
            "FNH" => self.functions.said.1 = Some(number_of(word, rest)?),
            "FNL" | "MCDC" | "MCF" | "MCH" => {}
            _ if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                let word = text::one_line(word, 40);
                self.warnings
                    .add(|| format!("line {number}: `{word}` is not known and was passed over"));
            }
            _ => return Err(no_record(word)),
        }
        Ok(())
    }

    fn end_record(&mut self) -> Result<(), String> {
        if self.open.take().is_none() {
            return Err("`end_of_record` without an `SF:` record".into());
        }
        self.names.clear();
        self.lines
            .end_record()
            .map_err(|reason| format!("its totals of lines are {reason}"))?;
        self.branches
            .end_record()
            .map_err(|reason| format!("its totals of branches are {reason}"))?;
        self.functions
            .end_record()
            .map_err(|reason| format!("its totals of functions are {reason}"))
    }

    fn into_body(self) -> Body {
        let (lines_total, lines_hit) = self.lines.totals();
        let (branches_total, branches_hit) = measured(self.branches.totals());
        let (functions_total, functions_hit) = measured(self.functions.totals());
        let files = self.files.len() as u64;
        let nothing = match (files, lines_total) {
            (0, _) => Some("the report names no source file: nothing was measured".to_owned()),
            (_, 0) => Some(format!(
                "none of the {files} source files has a line that was measured"
            )),
            _ => None,
        };
        Body {
            facts: Facts::Coverage(CoverageFacts {
                by_file: Vec::new(),
                files,
                lines_total,
                lines_hit,
                branches_total,
                branches_hit,
                functions_total,
                functions_hit,
            }),
            complete: Complete::unless(nothing),
            warnings: self.warnings,
        }
    }
}

/// A tool that does not measure a thing writes a total of 0 or nothing.
fn measured((total, hit): (u64, u64)) -> (Option<u64>, Option<u64>) {
    if total == 0 {
        (None, None)
    } else {
        (Some(total), Some(hit))
    }
}

/// `None` unless it is a whole number; of any size, since only zero matters.
fn is_hit(count: &str) -> Option<bool> {
    let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| count.bytes().any(|byte| byte != b'0'))
}

/// `FN:start,end,name` and `FN:start,name` are both in use; names may hold commas.
fn without_end_line(name: &str) -> &str {
    match name.split_once(',') {
        Some((end, rest)) if is_hit(end).is_some() => rest,
        _ => name,
    }
}

fn number_of(word: &str, rest: &str) -> Result<u64, String> {
    rest.trim_end().parse().map_err(|_| bad(word, rest))
}

fn bad(word: &str, rest: &str) -> String {
    format!(
        "`{word}:{}` is not a whole `{word}` entry",
        text::one_line(rest, 60)
    )
}

fn no_record(line: &str) -> String {
    format!("`{}` is not an LCOV record", text::one_line(line, 60))
}
