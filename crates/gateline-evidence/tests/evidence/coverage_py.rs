//! coverage.py's own JSON.

use gateline_evidence::{Format, ReadError};
use test_case::test_case;

use crate::{complaint, coverage_in, files, read_as, reason};

/// A report of one file, of so many statements.
fn report(file: &str, statements: u64) -> String {
    format!(
        r#"{{"meta":{{"format":3}},"files":{{"a.py":{file}}},"totals":{{"num_statements":{statements}}}}}"#
    )
}

#[test]
fn lines_branches_and_functions_are_counted() {
    let file = r#"{"executed_lines":[1,2,4],"missing_lines":[3],"excluded_lines":[9],"summary":{},
        "executed_branches":[[2,4]],"missing_branches":[[2,-1],[2,3]],
        "functions":{"":{"executed_lines":[1],"missing_lines":[]},"f":{"executed_lines":[2],"missing_lines":[3]},
            "g":{"executed_lines":[],"missing_lines":[3]},"h":{"executed_lines":[],"missing_lines":[]}}}"#;
    let facts = coverage_in(Format::CoveragePy, &report(file, 4));
    assert_eq!((facts.lines_hit, facts.lines_total), (3, 4));
    assert_eq!((facts.branches_hit, facts.branches_total), (Some(1), Some(3)));
    assert_eq!((facts.functions_hit, facts.functions_total), (Some(1), Some(2)));
    assert_eq!(files(&facts), ["a.py +1-2,4 -3"]);
}

#[test]
fn what_an_older_format_does_not_tell_is_absent() {
    let facts = coverage_in(
        Format::CoveragePy,
        &report(r#"{"executed_lines":[1],"missing_lines":[]}"#, 1),
    );
    assert_eq!((facts.branches_total, facts.functions_total), (None, None));
}

#[test_case(r#"{"meta":{},"files":{},"totals":{"num_statements":0}}"#, "the report names no source file: nothing was measured"; "no file")]
#[test_case(&report(r#"{"executed_lines":[],"missing_lines":[]}"#, 0), "none of the 1 source files has a line that was measured"; "no line")]
#[test_case(&report(r#"{"executed_lines":[1],"missing_lines":[]}"#, 9), "the report says 9 statements, but lists 1"; "fewer statements than it says")]
#[test_case(r#"{"meta":{},"files":{"a.py":{"executed_lines":[1],"missing_lines":[]}}}"#, "the report has no `totals`: it is not whole"; "no totals")]
#[test_case(&report(r#"{"executed_lines":[1,2],"missing_lines":[2,3]}"#, 3), "the report contradicts itself: line 2 of `a.py` is both executed and missing"; "a line that is both")]
#[test_case(&report(r#"{"executed_lines":[1],"missing_lines":[]}"#, 1).replace("3}", "9}"), "its `format` is 9; 2 and 3 are read"; "another format")]
fn it_is_incomplete_with(text: &str, why: &str) {
    assert_eq!(reason(read_as(Format::CoveragePy, text)), why);
}

#[test]
fn a_file_without_its_lists_is_malformed() {
    let says = complaint(read_as(
        Format::CoveragePy,
        &report(r#"{"executed_lines":[1]}"#, 1),
    ));
    assert!(says.contains("missing field `missing_lines`"), "{says}");
}

#[test]
fn a_cut_is_told_apart_from_a_mistake() {
    let error = read_as(Format::CoveragePy, r#"{"meta":{},"files":{"a.py":{"exec"#).expect_err("cut off");
    assert!(matches!(error, ReadError::Truncated { .. }), "{error}");
}

#[test_case(r#"{"format":2}"#; "format 2")]
#[test_case(r#"{"version":"5.5"}"#; "the format before, which does not say its number")]
fn an_older_format_is_read(meta: &str) {
    let text = report(r#"{"executed_lines":[1],"missing_lines":[]}"#, 1).replace(r#"{"format":3}"#, meta);
    let why = reason(read_as(Format::CoveragePy, &text));
    assert!(why.starts_with("complete: "), "{why}");
}
