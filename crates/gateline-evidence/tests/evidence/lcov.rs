//! LCOV tracefiles.

use gateline_evidence::{Format, ReadError};
use gateline_model::{CoverageFacts, Facts};
use test_case::test_case;

use crate::{complaint, read_as, reason};

fn coverage_in(text: &str) -> CoverageFacts {
    crate::coverage_in(Format::Lcov, text)
}

/// hit, total
#[test_case("SF:a\nDA:1,1\nDA:2,0\nend_of_record\n", (1, 2); "entries are counted")]
#[test_case("SF:a\nDA:1,1\nLF:9\nLH:9\nend_of_record\n", (1, 1); "and weigh more than totals")]
#[test_case("SF:a\nLF:9\nLH:4\nend_of_record\n", (4, 9); "totals stand in where there are no entries")]
#[test_case("SF:a\nDA:1,0\nend_of_record\nSF:a\nDA:1,5\nend_of_record\n", (1, 1); "a line hit by any test of its file is hit")]
#[test_case("SF:a\nDA:1,1\nend_of_record\nSF:b\nDA:1,0\nend_of_record\n", (1, 2); "lines of two files are two lines")]
#[test_case("SF:a\nDA:1,99999999999999999999999\nend_of_record\n", (1, 1); "a count too large for a machine is a hit")]
#[test_case("SF:a\r\nDA:1,1,c2hh\r\nend_of_record\r\n", (1, 1); "carriage returns and a checksum")]
fn lines(text: &str, lines: (u64, u64)) {
    let facts = coverage_in(text);
    assert_eq!((facts.lines_hit, facts.lines_total), lines);
}

#[test]
fn branches_that_were_never_reached_are_not_taken() {
    let facts = coverage_in("SF:a\nDA:1,1\nBRDA:1,0,jump to 2, or 3,1\nBRDA:1,0,1,-\nend_of_record\n");
    assert_eq!((facts.branches_hit, facts.branches_total), (Some(1), Some(2)));
}

#[test_case("FN:1,f\nFN:3,4,g\nFNDA:0,g\nFNDA:2,f\n", (1, 2); "version 1, with and without end lines")]
#[test_case("FN:1,f(int, char)\nFNDA:2,f(int, char)\n", (1, 1); "a name with commas")]
#[test_case("FN:1,f\nFN:2,g\n", (0, 2); "never mentioned again is never entered")]
#[test_case("FNL:0,1,2\nFNA:0,0,f<int>\nFNA:0,3,f<char>\nFNL:1,5\nFNA:1,0,g\n", (1, 2); "version 2, two instances of one function")]
fn functions(records: &str, functions: (u64, u64)) {
    let facts = coverage_in(&format!("SF:a\nDA:1,1\n{records}end_of_record\n"));
    assert_eq!(
        (facts.functions_hit, facts.functions_total),
        (Some(functions.0), Some(functions.1))
    );
}

#[test]
fn what_was_not_measured_is_absent_and_not_zero() {
    let facts = coverage_in("SF:a\nDA:1,1\nBRF:0\nBRH:0\nend_of_record\n");
    assert_eq!((facts.branches_total, facts.functions_total), (None, None));
}

#[test]
fn each_file_tells_its_lines() {
    let facts = coverage_in(
        "SF:a\nDA:3,1\nDA:1,1\nDA:2,0\nend_of_record\nSF:b\nDA:7,0\nend_of_record\nSF:a\nDA:4,1\nend_of_record\n",
    );
    assert_eq!(crate::files(&facts), ["a +1,3-4 -2", "b + -7"]);
}

#[test]
fn lines_of_files_are_not_kept_where_one_has_only_totals() {
    let read = read_as(
        Format::Lcov,
        "SF:a\nDA:1,1\nend_of_record\nSF:b\nLF:2\nLH:2\nend_of_record\n",
    );
    let read = read.expect("reads");
    assert!(matches!(read.facts, Facts::Coverage(facts) if facts.by_file.is_empty()));
    assert_eq!(
        read.warnings,
        ["the lines of each file are not kept: 1 of 2 source files have only totals"]
    );
}

#[test]
fn totals_above_the_entries_are_a_warning() {
    let read = read_as(Format::Lcov, "SF:a\nDA:1,1\nLF:9\nLH:1\nend_of_record\n").expect("reads");
    assert_eq!(read.warnings, ["a record says that it has 9 lines and lists 1"]);
}

#[test]
fn a_record_from_the_future_is_a_warning() {
    let read = read_as(Format::Lcov, "SF:a\nXYZ:1\nDA:1,1\nend_of_record\n").expect("reads");
    assert_eq!(read.warnings, ["line 2: `XYZ` is not known and was passed over"]);
}

#[test_case("TN:\n", "the report names no source file: nothing was measured"; "no file")]
#[test_case("SF:a\nend_of_record\n", "none of the 1 source files has a line that was measured"; "no line")]
fn it_is_incomplete_with(text: &str, why: &str) {
    assert_eq!(reason(read_as(Format::Lcov, text)), why);
}

#[test_case("SF:a\nDA:1\nend_of_record\n", "line 2, byte 5: `DA:1` is not a whole `DA` entry"; "a line without a count")]
#[test_case("SF:a\nDA:1,-1\nend_of_record\n", "line 2, byte 5: `DA:1,-1` is not a whole `DA` entry"; "a negative count")]
#[test_case("SF:a\nDA:x,1\nend_of_record\n", "line 2, byte 5: `DA:x,1` is not a whole `DA` entry"; "a line that is no number")]
#[test_case("SF:a\nLF:1\nLH:2\nend_of_record\n", "line 4, byte 15: its totals of lines are 2 hit of 1 found"; "more hit than found")]
#[test_case("DA:1,1\n", "line 1, byte 0: `DA` stands outside of any `SF:` record"; "an entry of no file")]
#[test_case("SF:a\nSF:b\n", "line 2, byte 5: a record begins before the one above has its `end_of_record`"; "a record in a record")]
#[test_case("end_of_record\n", "line 1, byte 0: `end_of_record` without an `SF:` record"; "an end without a beginning")]
#[test_case("SF:a\nhello\n", "line 2, byte 5: `hello` is not an LCOV record"; "chatter")]
fn it_is_malformed_at(text: &str, why: &str) {
    assert_eq!(
        complaint(read_as(Format::Lcov, text)),
        format!("the lcov report cannot be read at {why}")
    );
}

#[test_case("SF:a\nDA:1,1\n", 0; "after a line")]
#[test_case("SF:a\nDA:1,1\nend_of_rec", 12; "in a word")]
#[test_case("SF:a\nDA:1,1\nend_of_record\nSF:b\nDA:1,1\n", 26; "in the second record")]
fn a_cut_is_told_apart_from_a_mistake(text: &str, byte: usize) {
    match read_as(Format::Lcov, text) {
        Err(ReadError::Truncated { place, .. }) => assert_eq!(place.byte, byte),
        other => panic!("not cut off: {other:?}"),
    }
}
