//! LCOV tracefiles: one record per source file, from `SF:` to `end_of_record`.
//!
//! Layout: geninfo(1), "TRACEFILE FORMAT", versions 1 and 2. Counts come from the entries (`DA`, `BRDA`, `FN`); the
//! totals (`LF`, `BRF`, `FNF`) stand in only for records without entries. Totals of lines above the entries are a
//! warning and no more: llvm-cov counts its totals in another way. Knows no source file: paths are not opened.

use std::collections::HashMap;

use crate::coverage::{Coverage, Tally, is_hit, key_of};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::{Input, Lines, PIECE_BYTES_MAX};
use crate::read::{Body, Warnings};
use crate::text;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "lcov",
    kind: "coverage",
    title: "LCOV tracefiles, as pytest-cov, llvm-cov, vitest and gcov write them",
    knows: |head| {
        let record = head
            .text
            .lines()
            .find(|line| !line.starts_with('#') && !line.trim().is_empty());
        record.is_some_and(|record| record.starts_with("TN:") || record.starts_with("SF:"))
    },
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut lcov = Lcov::default();
    let mut lines = Lines::new(input)?;
    while let Some(line) = lines.next()? {
        if line.over {
            let reason = format!("a line is longer than {PIECE_BYTES_MAX} bytes");
            return Err(Fault::malformed(line.byte, reason));
        }
        if let Err(reason) = lcov.line(line.text()?, line.number, line.byte) {
            // The last line without an end may be half of a good one.
            let fault = if line.ended {
                Fault::malformed
            } else {
                Fault::truncated
            };
            return Err(fault(line.byte, reason));
        }
    }
    if let Some(record) = &lcov.open {
        let reason = "the record that begins here has no `end_of_record`";
        return Err(Fault::truncated(record.byte, reason));
    }
    Ok(lcov.coverage.into_body(None, lcov.warnings))
}

#[derive(Default)]
struct Lcov {
    coverage: Coverage,
    open: Option<Record>,
    warnings: Warnings,
}

/// The record that is open.
struct Record {
    file: usize,
    /// Where it begins.
    byte: usize,
    lines: Said,
    branches: Said,
    functions: Said,
    /// Key of each function by its index, as version 2 writes them.
    names: HashMap<String, u64>,
}

/// What a record says of one sort of entries: how many it lists, and its totals.
#[derive(Default)]
struct Said {
    listed: u64,
    found: u64,
    hit: u64,
}

impl Said {
    /// Puts an entry where it belongs.
    fn entry(&mut self, tally: &mut Tally, key: u64, hit: bool) {
        self.listed += 1;
        tally.add(key, hit);
    }

    /// Ends the record.
    fn end(&self, tally: &mut Tally, of: &str) -> Result<(), String> {
        if self.hit > self.found {
            let Said { found, hit, .. } = self;
            return Err(format!("its totals of {of} are {hit} hit of {found} found"));
        }
        if self.listed == 0 {
            tally.add_bare(self.found, self.hit);
        }
        Ok(())
    }
}

impl Lcov {
    fn line(&mut self, line: &str, number: usize, byte: usize) -> Result<(), String> {
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.trim_end() == "end_of_record" {
            return self.end_record();
        }
        let (word, rest) = line.split_once(':').ok_or_else(|| no_record(line))?;
        match (word, &self.open) {
            ("TN" | "VER", _) => Ok(()),
            ("SF", None) => {
                self.open = Some(Record {
                    file: self.coverage.file(rest),
                    byte,
                    lines: Said::default(),
                    branches: Said::default(),
                    functions: Said::default(),
                    names: HashMap::new(),
                });
                Ok(())
            }
            ("SF", Some(_)) => Err("a record begins before the one above has its `end_of_record`".into()),
            (_, Some(_)) => self.entry(word, rest, number),
            (_, None) => Err(format!(
                "`{}` stands outside of any `SF:` record",
                text::one_line(word, 40)
            )),
        }
    }

    fn entry(&mut self, word: &str, rest: &str, number: usize) -> Result<(), String> {
        let Some(record) = &mut self.open else {
            return Ok(());
        };
        let file = self.coverage.of(record.file);
        let bad = || bad(word, rest);
        match word {
            "DA" => {
                let mut fields = rest.split(',');
                let line: Option<u32> = fields.next().and_then(|line| line.parse().ok());
                let hit = fields.next().and_then(is_hit);
                match (line.ok_or_else(bad)?, hit.ok_or_else(bad)?) {
                    (0, _) => self
                        .warnings
                        .add(|| format!("line {number}: line 0 is no line and was passed over")),
                    (line, hit) => record.lines.entry(&mut file.lines, line.into(), hit),
                }
            }
            "BRDA" => {
                let (branch, taken) = rest.rsplit_once(',').ok_or_else(bad)?;
                let hit = if taken == "-" { Some(false) } else { is_hit(taken) };
                let hit = hit.ok_or_else(bad)?;
                record.branches.entry(&mut file.branches, key_of(branch), hit);
            }
            "FN" => {
                let (_, name) = rest.split_once(',').ok_or_else(bad)?;
                let key = key_of(without_end_line(name));
                record.functions.entry(&mut file.functions, key, false);
            }
            "FNDA" => {
                let (count, name) = rest.split_once(',').ok_or_else(bad)?;
                let hit = is_hit(count).ok_or_else(bad)?;
                record.functions.entry(&mut file.functions, key_of(name), hit);
            }
            "FNA" => {
                let (index, counted) = rest.split_once(',').ok_or_else(bad)?;
                let (count, name) = counted.split_once(',').ok_or_else(bad)?;
                let hit = is_hit(count).ok_or_else(bad)?;
                // Names of one index are instances of one function, which is entered if any of them is.
                let first = record
                    .names
                    .entry(index.to_owned())
                    .or_insert_with(|| key_of(name));
                record.functions.entry(&mut file.functions, *first, hit);
            }
            "LF" => record.lines.found = number_of(word, rest)?,
            "LH" => record.lines.hit = number_of(word, rest)?,
            "BRF" => record.branches.found = number_of(word, rest)?,
            "BRH" => record.branches.hit = number_of(word, rest)?,
            "FNF" => record.functions.found = number_of(word, rest)?,
            "FNH" => record.functions.hit = number_of(word, rest)?,
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
        let record = self.open.take();
        let record = record.ok_or("`end_of_record` without an `SF:` record")?;
        let file = self.coverage.of(record.file);
        record.lines.end(&mut file.lines, "lines")?;
        record.branches.end(&mut file.branches, "branches")?;
        record.functions.end(&mut file.functions, "functions")?;
        let Said { listed, found, .. } = record.lines;
        if listed > 0 && found > listed {
            self.warnings
                .add(|| format!("a record says that it has {found} lines and lists {listed}"));
        }
        Ok(())
    }
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
