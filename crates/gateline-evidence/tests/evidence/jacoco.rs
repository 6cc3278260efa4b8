//! JaCoCo XML.

use gateline_evidence::Format;
use test_case::test_case;

use crate::{complaint, coverage_in, files, read_as, reason};

/// A report with a file in package `p` that holds this.
fn file(inside: &str, after: &str) -> String {
    format!(
        "<report name='r'><package name='p'><sourcefile name='A.java'>{inside}</sourcefile></package>{after}</report>"
    )
}

#[test]
fn a_line_is_reached_if_any_of_its_instructions_is() {
    let facts = coverage_in(
        Format::Jacoco,
        &file(
            "<line nr='3' mi='2' ci='1' mb='1' cb='3'/><line nr='4' mi='2' ci='0' mb='0' cb='0'/>\
             <counter type='METHOD' missed='1' covered='2'/>",
            "",
        ),
    );
    assert_eq!((facts.lines_hit, facts.lines_total), (1, 2));
    assert_eq!((facts.branches_hit, facts.branches_total), (Some(3), Some(4)));
    assert_eq!((facts.functions_hit, facts.functions_total), (Some(2), Some(3)));
    assert_eq!(files(&facts), ["p/A.java +3 -4"]);
}

#[test]
fn counters_stand_in_for_a_file_without_lines() {
    let facts = coverage_in(
        Format::Jacoco,
        &file(
            "<counter type='LINE' missed='1' covered='3'/><counter type='BRANCH' missed='1' covered='1'/>",
            "<counter type='LINE' missed='1' covered='3'/>",
        ),
    );
    assert_eq!((facts.lines_hit, facts.lines_total), (3, 4));
    assert_eq!((facts.branches_hit, facts.branches_total), (Some(1), Some(2)));
    assert!(facts.by_file.is_empty());
}

#[test]
fn packages_stand_in_groups_too() {
    let text = "<report name='r'><group name='g'><package name=''><sourcefile name='A.java'>\
                <line nr='1' mi='0' ci='1' mb='0' cb='0'/></sourcefile></package>\
                <counter type='LINE' missed='5' covered='5'/></group></report>";
    assert_eq!(files(&coverage_in(Format::Jacoco, text)), ["A.java +1 -"]);
}

#[test_case("<report name='r'><sessioninfo/></report>", "the report names no source file: nothing was measured"; "no file")]
#[test_case(&file("", ""), "none of the 1 source files has a line that was measured"; "classes without line numbers")]
#[test_case(&file("<line nr='1' mi='0' ci='1' mb='0' cb='0'/>", "<counter type='LINE' missed='8' covered='1'/>"), "the report says 9 lines, but its files have 1"; "fewer lines than it says")]
fn it_is_incomplete_with(text: &str, why: &str) {
    assert_eq!(reason(read_as(Format::Jacoco, text)), why);
}

#[test_case("<line nr='x' mi='0' ci='1' mb='0' cb='0'/>", "its `nr` is `x`, which is no whole number"; "a line that is no number")]
#[test_case("<line nr='1' mi='0' ci='-1' mb='0' cb='0'/>", "its `ci` is `-1`, which is no whole number"; "negative instructions")]
#[test_case("<line nr='1' ci='1' mb='0'/>", "its `cb` is ``, which is no whole number"; "a number that is not there")]
fn a_line_is_malformed_with(line: &str, why: &str) {
    let says = complaint(read_as(Format::Jacoco, &file(line, "")));
    assert!(says.ends_with(why), "{says}");
}
