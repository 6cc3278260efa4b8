//! The collecting of coverage: lines, branches and functions of each file, each once however often it is told.
//!
//! A line, branch or function is hit if any part of the report says so. Shared by every coverage format; knows none.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use gateline_model::{COVERED_FILES_MAX, COVERED_RANGES_MAX, CoverageFacts, Facts, FileLines, LineSet};

use crate::read::{Body, Complete, Warnings};
use crate::text;

/// Most branches of one line.
pub const LINE_BRANCHES_MAX: u64 = 4_096;

/// Coverage of one report, as it is read.
#[derive(Default)]
pub(crate) struct Coverage {
    files: Vec<File>,
    by_path: HashMap<String, usize>,
}

/// What is told of one file.
#[derive(Default)]
pub(crate) struct File {
    path: String,
    pub(crate) lines: Tally,
    pub(crate) branches: Tally,
    pub(crate) functions: Tally,
}

/// Entries of one sort in one file.
#[derive(Default)]
pub(crate) struct Tally {
    /// Key and, in the lowest bit, whether it was missed: so that a hit sorts before its misses.
    entries: Vec<u64>,
    /// How many there were when they were last put in order.
    settled: usize,
    /// Found and hit where only totals are told.
    bare: (u64, u64),
}

impl Coverage {
    /// A file by its path; the same file where it was told of before.
    pub(crate) fn file(&mut self, path: &str) -> usize {
        if let Some(file) = self.by_path.get(path) {
            return *file;
        }
        let file = self.files.len();
        self.by_path.insert(path.to_owned(), file);
        self.files.push(File {
            path: text::path(path),
            ..File::default()
        });
        file
    }

    /// What is told of a file so far.
    pub(crate) fn of(&mut self, file: usize) -> &mut File {
        &mut self.files[file]
    }

    /// The facts. Without a line that was measured they are incomplete, else if there is a reason.
    pub(crate) fn into_body(self, incomplete: Option<String>, mut warnings: Warnings) -> Body {
        let mut facts = CoverageFacts {
            files: self.files.len() as u64,
            ..CoverageFacts::default()
        };
        let (mut branches, mut functions) = ((0_u64, 0_u64), (0_u64, 0_u64));
        let (mut by_file, mut ranges, mut bare) = (Vec::new(), 0, 0_u64);
        for mut file in self.files {
            let lines = file.lines.totals();
            facts.lines_total = facts.lines_total.saturating_add(lines.0);
            facts.lines_hit = facts.lines_hit.saturating_add(lines.1);
            for (sum, tally) in [(&mut branches, file.branches), (&mut functions, file.functions)] {
                let (found, hit) = { tally }.totals();
                *sum = (sum.0.saturating_add(found), sum.1.saturating_add(hit));
            }
            bare += u64::from(file.lines.bare.0 > 0);
            if ranges <= COVERED_RANGES_MAX && by_file.len() < COVERED_FILES_MAX {
                let lines = file.lines.into_lines(file.path);
                ranges += lines.hit.ranges() + lines.missed.ranges();
                by_file.push(lines);
            }
        }
        (facts.branches_total, facts.branches_hit) = measured(branches);
        (facts.functions_total, facts.functions_hit) = measured(functions);
        let files = facts.files;
        let not_kept = if bare > 0 {
            Some(format!("{bare} of {files} source files have only totals"))
        } else if files > COVERED_FILES_MAX as u64 {
            Some(format!("{files} source files are more than {COVERED_FILES_MAX}"))
        } else if ranges > COVERED_RANGES_MAX {
            Some(format!("their ranges are more than {COVERED_RANGES_MAX}"))
        } else {
            None
        };
        match not_kept {
            Some(why) => warnings.add(|| format!("the lines of each file are not kept: {why}")),
            None => facts.by_file = by_file,
        }
        let nothing = match (files, facts.lines_total) {
            (0, _) => Some("the report names no source file: nothing was measured".to_owned()),
            (_, 0) => Some(format!(
                "none of the {files} source files has a line that was measured"
            )),
            _ => None,
        };
        Body {
            facts: Facts::Coverage(facts),
            complete: Complete::unless(nothing.or(incomplete)),
            warnings,
        }
    }
}

impl File {
    /// A line. Line 0 is none: some tools put there what belongs to no line.
    pub(crate) fn line(&mut self, number: u32, hit: bool) {
        if number > 0 {
            self.lines.add(number.into(), hit);
        }
    }

    /// Branches of one line, of which some were taken; refused if they are more than a line can have.
    pub(crate) fn branches_of_line(&mut self, line: u32, hit: u64, found: u64) -> Result<(), String> {
        if hit > found || found > LINE_BRANCHES_MAX {
            return Err(format!("{hit} of {found} branches of line {line} cannot be"));
        }
        (0..found).for_each(|nth| {
            let key = u64::from(line) * LINE_BRANCHES_MAX + nth;
            self.branches.add(key, nth < hit);
        });
        Ok(())
    }
}

impl Tally {
    /// Adds an entry. Of its key, 63 bits count.
    pub(crate) fn add(&mut self, key: u64, hit: bool) {
        self.entries.push(key << 1 | u64::from(!hit));
        // Many records of one file would else add up.
        if self.entries.len() > 2 * self.settled + 10_000 {
            self.settle();
        }
    }

    /// Adds totals that stand in for entries.
    pub(crate) fn add_bare(&mut self, found: u64, hit: u64) {
        self.bare = (self.bare.0.saturating_add(found), self.bare.1.saturating_add(hit));
    }

    fn settle(&mut self) {
        self.entries.sort_unstable();
        self.entries.dedup_by_key(|entry| *entry >> 1);
        self.settled = self.entries.len();
    }

    /// Found and hit, each entry once.
    fn totals(&mut self) -> (u64, u64) {
        self.settle();
        let hit = self.entries.iter().filter(|entry| *entry & 1 == 0).count() as u64;
        let found = self.entries.len() as u64;
        (self.bare.0.saturating_add(found), self.bare.1.saturating_add(hit))
    }

    /// The lines, once the totals are taken.
    fn into_lines(self, path: String) -> FileLines {
        let (mut hit, mut missed) = (LineSet::default(), LineSet::default());
        for entry in self.entries {
            let line = u32::try_from(entry >> 1).unwrap_or(u32::MAX);
            match entry & 1 {
                0 => hit.push(line),
                _ => missed.push(line),
            }
        }
        FileLines { path, hit, missed }
    }
}

/// The key of something that is known by its words.
pub(crate) fn key_of(words: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish() >> 1
}

/// `None` unless it is a whole number; of any size, since only zero matters.
pub(crate) fn is_hit(count: &str) -> Option<bool> {
    let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| count.bytes().any(|byte| byte != b'0'))
}

/// A tool that does not measure a thing writes a total of 0 or nothing.
fn measured((total, hit): (u64, u64)) -> (Option<u64>, Option<u64>) {
    match total {
        0 => (None, None),
        _ => (Some(total), Some(hit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(coverage: Coverage) -> (CoverageFacts, Vec<String>) {
        let body = coverage.into_body(None, Warnings::default());
        match body.facts {
            Facts::Coverage(facts) => (facts, body.warnings.into_list()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_told_often_counts_once() {
        let mut coverage = Coverage::default();
        let file = coverage.file("a");
        for nth in 0..50_000 {
            coverage.of(file).lines.add(1 + nth % 3, nth == 40_000);
        }
        let (facts, _) = facts(coverage);
        assert_eq!((facts.lines_total, facts.lines_hit), (3, 1));
        assert_eq!(facts.by_file[0].hit.to_string(), "2");
        assert_eq!(facts.by_file[0].missed.to_string(), "1,3");
    }

    #[test]
    fn lines_of_too_many_files_are_not_kept_and_that_is_told() {
        let of = |files: usize| {
            let mut coverage = Coverage::default();
            for nth in 0..files {
                let file = coverage.file(&nth.to_string());
                coverage.of(file).lines.add(1, true);
            }
            facts(coverage)
        };
        assert_eq!(of(COVERED_FILES_MAX).0.by_file.len(), COVERED_FILES_MAX);
        let (facts, warnings) = of(COVERED_FILES_MAX + 1);
        assert_eq!(
            (facts.lines_total, facts.by_file.len()),
            (COVERED_FILES_MAX as u64 + 1, 0)
        );
        assert_eq!(
            warnings,
            ["the lines of each file are not kept: 5001 source files are more than 5000"]
        );
    }

    #[test]
    fn too_many_ranges_are_not_kept_and_that_is_told() {
        let mut coverage = Coverage::default();
        let file = coverage.file("a");
        for nth in 0..=COVERED_RANGES_MAX as u64 {
            coverage.of(file).lines.add(1 + 2 * nth, true);
        }
        let (facts, warnings) = facts(coverage);
        assert!(facts.by_file.is_empty());
        assert_eq!(
            warnings,
            ["the lines of each file are not kept: their ranges are more than 100000"]
        );
    }

    #[test]
    fn branches_of_one_line_are_limited() {
        let mut file = File::default();
        assert!(file.branches_of_line(1, 0, LINE_BRANCHES_MAX).is_ok());
        assert!(file.branches_of_line(1, 0, LINE_BRANCHES_MAX + 1).is_err());
        assert!(file.branches_of_line(1, 2, 1).is_err());
    }
}
