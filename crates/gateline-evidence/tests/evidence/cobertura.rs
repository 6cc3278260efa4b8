//! Cobertura XML.

use gateline_evidence::{Complete, Format};
use test_case::test_case;

use crate::{complaint, coverage_in, files, read_as, reason};

/// A report of one class in `a.c` with these lines.
fn class(lines: &str) -> String {
    report(&format!(
        "<class name='a' filename='a.c'><methods/><lines>{lines}</lines></class>"
    ))
}

fn report(classes: &str) -> String {
    format!(
        "<coverage line-rate='1'><packages><package><classes>{classes}</classes></package></packages></coverage>"
    )
}

#[test]
fn lines_and_branches_of_a_class_are_counted() {
    let facts = coverage_in(
        Format::Cobertura,
        &class(
            "<line number='1' hits='2'/><line number='2' hits='1' branch='true' condition-coverage='50% (1/2)'/><line number='4' hits='0'/>",
        ),
    );
    assert_eq!((facts.lines_hit, facts.lines_total), (2, 3));
    assert_eq!((facts.branches_hit, facts.branches_total), (Some(1), Some(2)));
    assert_eq!(files(&facts), ["a.c +1-2 -4"]);
}

#[test]
fn classes_of_one_file_share_its_lines() {
    let facts = coverage_in(
        Format::Cobertura,
        &report(
            "<class filename='a.c'><lines><line number='1' hits='0'/><line number='2' hits='1'/></lines></class>\
             <class filename='a.c'><lines><line number='1' hits='3'/></lines></class>",
        ),
    );
    assert_eq!((facts.files, facts.lines_hit, facts.lines_total), (1, 2, 2));
}

#[test]
fn lines_of_methods_count_only_where_the_class_lists_none() {
    let method = |lines: &str| {
        format!("<methods><method name='m' signature='()V'><lines>{lines}</lines></method></methods>")
    };
    let of_method = method("<line number='7' hits='1'/>");
    let with = report(&format!(
        "<class filename='a.c'>{of_method}<lines><line number='8' hits='0'/></lines></class>"
    ));
    let facts = coverage_in(Format::Cobertura, &with);
    assert_eq!(files(&facts), ["a.c + -8"]);
    assert_eq!((facts.functions_hit, facts.functions_total), (Some(1), Some(1)));
    let without = report(&format!("<class filename='a.c'>{of_method}<lines/></class>"));
    assert_eq!(files(&coverage_in(Format::Cobertura, &without)), ["a.c +7 -"]);
}

#[test_case("<coverage line-rate='0'/>", "the report names no source file: nothing was measured"; "no file")]
#[test_case(&class(""), "none of the 1 source files has a line that was measured"; "no line")]
#[test_case(&class("<line number='1' hits='1'/>").replace("line-rate", "lines-valid='9' line-rate"), "the report says 9 lines, but lists 1"; "fewer lines than it says")]
fn it_is_incomplete_with(text: &str, why: &str) {
    assert_eq!(reason(read_as(Format::Cobertura, text)), why);
}

#[test_case("<line hits='1'/>", "the `number` of a line is ``"; "no number")]
#[test_case("<line number='1' hits='-1'/>", "the `hits` of a line is `-1`"; "negative hits")]
#[test_case("<line number='1' hits='1' condition-coverage='100% (3/2)'/>", "3 of 2 branches of line 1 cannot be"; "more taken than there are")]
#[test_case("<line number='1' hits='1' condition-coverage='0% (0/99999)'/>", "0 of 99999 branches of line 1 cannot be"; "more branches than a line has")]
fn a_line_is_malformed_with(line: &str, why: &str) {
    let says = complaint(read_as(Format::Cobertura, &class(line)));
    assert!(says.ends_with(why), "{says}");
}

#[test]
fn a_document_type_that_is_named_is_not_fetched_and_one_that_defines_is_refused() {
    let report = class("<line number='1' hits='1'/>");
    let named = format!("<!DOCTYPE coverage SYSTEM 'file:///nowhere/coverage-04.dtd'>{report}");
    let read = read_as(Format::Cobertura, &named).expect("the document type is passed over");
    assert_eq!(read.complete, Complete::Yes);
    let defines = format!("<!DOCTYPE coverage [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>{report}");
    let says = complaint(read_as(Format::Cobertura, &defines));
    assert!(
        says.ends_with("document types (DTD) that define something themselves are refused"),
        "{says}"
    );
}

#[test]
fn a_method_that_belongs_to_no_class_is_passed_over() {
    let text = report("<method name='m'><lines><line number='1' hits='1'/></lines></method>");
    assert_eq!(
        reason(read_as(Format::Cobertura, &text)),
        "the report names no source file: nothing was measured"
    );
}
