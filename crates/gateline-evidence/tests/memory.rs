//! A large report takes no more memory than what is kept of it.
//!
//! Each report is written to a file and read by this binary in a process of its own, which tells by how much its peak of
//! memory grew. Linux only: the peak is that of `/proc/self/status`.
#![cfg(target_os = "linux")]

use std::io::Write;
use std::process::Command;

use gateline_evidence::{Complete, Format, read_from};
use test_case::test_case;

/// Bytes of a large report.
const LARGE_BYTES: usize = 20 * 1024 * 1024;
/// Most that reading one may add to the peak.
const GROWTH_KB_MAX: u64 = 8 * 1024;
/// Names the report to the process that reads it.
const REPORT: &str = "GATELINE_REPORT";
/// Names its format.
const FORMAT: &str = "GATELINE_FORMAT";

#[test_case(
    "junit",
    "<testsuites>",
    "<testsuite name='s'><testcase name='c'><failure message='m'>text</failure></testcase></testsuite>\n",
    "</testsuites>"
)]
#[test_case(
    "cobertura",
    "<coverage line-rate='1'><packages><package><classes>",
    "<class filename='a.c'><lines><line number='1' hits='1'/><line number='2' hits='0'/></lines></class>\n",
    "</classes></package></packages></coverage>"
)]
#[test_case(
    "jacoco",
    "<report><sessioninfo id='h'/><package name='p'>",
    "<sourcefile name='A.java'><line nr='1' mi='0' ci='1' mb='0' cb='0'/></sourcefile>\n",
    "</package></report>"
)]
#[test_case("lcov", "", "SF:a.c\nDA:1,1\nDA:2,0\nBRDA:1,0,0,1\nend_of_record\n", ""; "of lcov")]
#[test_case(
    "coverage-py",
    "{\"meta\":{},\"files\":{",
    "\"a.py\":{\"executed_lines\":[1],\"missing_lines\":[2]},\n",
    "\"b.py\":{\"executed_lines\":[1],\"missing_lines\":[]}},\"totals\":{\"num_statements\":3}}"
)]
#[test_case(
    "libtest",
    "{\"type\":\"suite\",\"event\":\"started\",\"test_count\":0}\n",
    "{\"type\":\"test\",\"event\":\"ok\",\"name\":\"t\"}\n",
    "{\"type\":\"suite\",\"event\":\"ok\",\"passed\":1,\"failed\":0}\n"
)]
#[test_case(
    "diff",
    "--- a/x\n+++ b/x\n",
    "@@ -0,0 +0,0 @@ nothing\n",
    "@@ -1 +1 @@\n-a\n+b\n"
)]
#[test_case(
    "cyclonedx",
    "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[",
    "{\"name\":\"a\",\"version\":\"1\",\"licenses\":[{\"license\":{\"id\":\"MIT\"}}]},\n",
    "{\"name\":\"b\"}]}"
)]
#[test_case(
    "spdx",
    "{\"spdxVersion\":\"SPDX-2.3\",\"packages\":[",
    "{\"SPDXID\":\"x\",\"name\":\"a\",\"versionInfo\":\"1\",\"licenseDeclared\":\"MIT\"},\n",
    "{\"name\":\"b\"}]}"
)]
#[test_case(
    "hey",
    "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read\n",
    "0.0035,0.0002,0.0000,0.0001,0.0030,0.0001\n",
    ""
)]
#[test_case(
    "terraform-plan",
    "{\"format_version\":\"1.2\",\"resource_changes\":[",
    "{\"address\":\"a.b\",\"type\":\"a\",\"change\":{\"actions\":[\"update\"],\"before\":{\"a\":[1,2,3]}}},\n",
    "{\"address\":\"a.c\",\"type\":\"a\",\"change\":{\"actions\":[\"no-op\"]}}]}"
)]
fn reading_a_large_report_takes_little_memory(format: &str, head: &str, unit: &str, tail: &str) {
    let path = std::env::temp_dir().join(format!("gateline-memory-{format}-{}", std::process::id()));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a temporary file"));
    file.write_all(head.as_bytes()).expect("written");
    for _ in 0..LARGE_BYTES / unit.len() {
        file.write_all(unit.as_bytes()).expect("written");
    }
    file.write_all(tail.as_bytes()).expect("written");
    file.flush().expect("written");
    let child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "the_reading_process", "--nocapture"])
        .env(REPORT, &path)
        .env(FORMAT, format)
        .output()
        .expect("this binary runs again");
    std::fs::remove_file(&path).expect("removed");
    let says = String::from_utf8_lossy(&child.stdout);
    let growth = says
        .lines()
        .find_map(|line| line.split("grew by ").nth(1)?.parse::<u64>().ok());
    let growth =
        growth.unwrap_or_else(|| panic!("no growth in {says}{}", String::from_utf8_lossy(&child.stderr)));
    assert!(growth <= GROWTH_KB_MAX, "the peak grew by {growth} kB");
}

/// Reads the report that its parent wrote; does nothing where it has none.
#[test]
fn the_reading_process() {
    let (Ok(path), Ok(format)) = (std::env::var(REPORT), std::env::var(FORMAT)) else {
        return;
    };
    let format: Format = format.parse().expect("a known format");
    let mut file = std::fs::File::open(path).expect("the report");
    let before = peak_kb();
    let read = read_from(&mut file, None).expect("the report reads");
    assert_eq!(read.format, format);
    assert_eq!(read.complete, Complete::Yes);
    println!("\ngrew by {}", peak_kb() - before);
}

/// The most memory that this process has held.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells of each process");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok());
    kb.expect("the peak is among what it tells")
}
