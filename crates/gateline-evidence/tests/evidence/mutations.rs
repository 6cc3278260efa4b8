//! Whatever is done to a report, reading it ends in facts that agree with themselves or in an error; never in a panic.

use gateline_evidence::{Format, read};
use gateline_model::Facts;
use proptest::prelude::*;

use crate::samples::SAMPLES;

/// One change to the bytes of a report; places are taken modulo its length.
#[derive(Debug, Clone)]
enum Change {
    Cut(usize),
    Put(usize, u8),
    Repeat(usize, usize),
    Remove(usize, usize),
    Insert(usize, &'static str),
}

/// Fragments that mean something to one of the parsers.
const FRAGMENTS: &[&str] = &[
    "<testcase>",
    "</testsuite>",
    "<![CDATA[",
    "<!DOCTYPE a>",
    "&#0;",
    "&#xffffffff;",
    "time='1e999'",
    "\u{feff}",
    "end_of_record\n",
    "DA:18446744073709551616,1\n",
    "FNA:0,1,\n",
    "BRDA:,\n",
    "{",
    "]",
    "\"level\":",
    "\\ud800",
    "<line number='1' hits='1'/>",
    "condition-coverage='50% (9/9999999999)'",
    "<counter type='LINE' missed='18446744073709551615' covered='1'/>",
    "@@ -1,4294967295 +4294967295,1 @@\n",
    "diff --git \"a/\\777\" b\n",
    "{\"type\":\"suite\",\"event\":\"ok\",\"passed\":18446744073709551615,\"failed\":1}\n",
    "\"executed_lines\":[0,4294967295],",
    "\r\n",
];

fn change() -> impl Strategy<Value = Change> {
    let place = any::<usize>();
    prop_oneof![
        place.prop_map(Change::Cut),
        (place, any::<u8>()).prop_map(|(at, byte)| Change::Put(at, byte)),
        (place, 1..200_usize).prop_map(|(at, length)| Change::Repeat(at, length)),
        (place, 1..200_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (place, proptest::sample::select(FRAGMENTS)).prop_map(|(at, text)| Change::Insert(at, text)),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        let length_all = bytes.len();
        let span = |at: usize, length: usize| at % length_all..(at % length_all + length).min(length_all);
        match *change {
            Change::Cut(at) => bytes.truncate(at % length_all),
            Change::Put(at, byte) => bytes[at % length_all] = byte,
            Change::Repeat(at, length) => {
                let copy = bytes[span(at, length)].to_vec();
                bytes.splice(at % length_all..at % length_all, copy);
            }
            Change::Remove(at, length) => drop(bytes.drain(span(at, length))),
            Change::Insert(at, text) => drop(bytes.splice(at % length_all..at % length_all, text.bytes())),
        }
    }
    bytes
}

fn agree(facts: &Facts) -> bool {
    let stored = serde_json::to_string(facts).expect("facts are plain data");
    let back: Facts = serde_json::from_str(&stored).expect("facts that are stored are read back");
    if back.kind() != facts.kind() {
        return false;
    }
    match facts {
        Facts::Tests(tests) => {
            let sum = tests.passed + tests.failed + tests.errored + tests.skipped;
            tests.total == sum && tests.flaky <= tests.passed && tests.duration_secs.is_finite()
        }
        Facts::Coverage(coverage) => {
            let of_files = |count: fn(&gateline_model::FileLines) -> u64| -> u64 {
                coverage.by_file.iter().map(count).sum()
            };
            let kept = (
                of_files(|file| file.hit.count()),
                of_files(|file| file.missed.count()),
            );
            let (hit, missed) = (coverage.lines_hit, coverage.lines_total - coverage.lines_hit);
            (coverage.by_file.is_empty() || kept == (hit, missed))
                && coverage.lines_hit <= coverage.lines_total
                && coverage.branches_hit <= coverage.branches_total
                && coverage.functions_hit <= coverage.functions_total
        }
        Facts::Findings(findings) => {
            let counted = findings.errors + findings.warnings + findings.notes + findings.none;
            findings.findings.len() as u64 <= counted
                && findings.findings.is_sorted_by_key(|finding| finding.severity)
        }
        Facts::Patch(patch) => {
            let kept: u64 = patch.files.iter().map(|file| file.added.count()).sum();
            kept <= patch.added
        }
        // Other kinds have their own tests; here they must only be read.
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn a_changed_report_never_panics(
        sample in proptest::sample::select(SAMPLES),
        other in proptest::sample::select(Format::ALL),
        changes in proptest::collection::vec(change(), 1..6),
    ) {
        let bytes = changed(sample.2.as_bytes().to_vec(), &changes);
        for format in [None, Some(sample.1), Some(other)] {
            if let Ok(read) = read(&bytes, format) {
                prop_assert!(agree(&read.facts), "{:?}", read.facts);
            }
        }
    }

    #[test]
    fn bytes_of_no_report_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for format in Format::ALL {
            let _ = read(&bytes, Some(*format));
        }
        let _ = read(&bytes, None);
    }
}
