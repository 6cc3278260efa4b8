//! Load tests that contradict themselves, and files of two.

use gateline_evidence::Format;
use test_case::test_case;

use crate::performance::{WRK, load_in};
use crate::samples::SAMPLES;
use crate::{complaint, read_as, reason};

#[test]
fn two_runs_of_wrk_in_one_file_are_refused() {
    let bad = WRK.replace("1.10s", "1.15s");
    let cut = &bad[..bad.find("Requests/sec").expect("it has a rate")];
    for text in [
        format!("{WRK}{bad}"),
        format!("{bad}{WRK}"),
        format!("{cut}{WRK}"),
        format!("{cut}Requ{WRK}"),
    ] {
        let says = complaint(read_as(Format::Wrk, &text));
        assert!(
            says.ends_with("is of a second run: report each run in its own file"),
            "{says}"
        );
    }
}

#[test]
fn answers_of_wrk_that_failed_are_not_passed_over_in_other_letters() {
    let says = complaint(read_as(
        Format::Wrk,
        &WRK.replace("3xx responses", "3xx Responses"),
    ));
    assert!(says.ends_with("is not a number of answers"), "{says}");
}

#[test]
fn the_latencies_of_wrk2_are_those_with_the_time_that_requests_waited() {
    let uncorrected = "  Latency Distribution (HdrHistogram - Uncorrected Latency (measured without waits))
 50.000%    1.00us
 99.000%    2.00us
";
    let text = WRK.replace("  100 requests", &format!("{uncorrected}  100 requests"));
    assert_eq!(load_in(Format::Wrk, &text).latency.p99, Some(1100.0));
}

const LOCUST: &str = "Type,Name,Request Count,Failure Count,Min Response Time,Max Response Time,50%,99%
GET,/,99,0,16.8,124.5,44,120
GET,\"/e, with a comma\",108,46,14.3,98.5,44,99
,Aggregated,207,46,14.3,124.5,44,120
";

#[test]
fn rows_of_locust_behind_the_last_one_are_of_a_second_run() {
    let header = LOCUST.lines().next().expect("a header");
    for text in [
        format!("{LOCUST}{LOCUST}"),
        format!("{LOCUST}GET,/,99,0,16.8,124.5,44,120\n"),
        format!("{header}\n{LOCUST}"),
    ] {
        let says = complaint(read_as(Format::Locust, &text));
        assert!(
            says.ends_with("is of a second run: report each run in its own file"),
            "{says}"
        );
    }
    let whole = reason(read_as(Format::Locust, &format!("{LOCUST}\n")));
    assert!(whole.starts_with("complete: "), "{whole}");
}

#[test_case(",207,46,", ",207,0,", "the rows come to 46 failures, and `Aggregated` says 0"; "failures")]
#[test_case(",207,46,", ",99,46,", "the rows come to 207 requests, and `Aggregated` says 99"; "requests")]
#[test_case("GET,/,99,0,16.8,124.5,44,120\n", "", "the rows come to 108 requests, and `Aggregated` says 207"; "a row that is not there")]
fn the_rows_of_locust_come_to_the_last_one(from: &str, to: &str, why: &str) {
    let text = LOCUST.replace(from, to);
    assert_ne!(text, LOCUST);
    assert_eq!(
        reason(read_as(Format::Locust, &text)),
        format!("the report contradicts itself: {why}")
    );
}

#[test]
fn percentiles_that_locust_rounds_over_the_greatest_are_believed() {
    let text = LOCUST.replace("124.5,44,120", "126.4,44,130");
    let why = reason(read_as(Format::Locust, &text));
    assert!(why.starts_with("complete: "), "{why}");
}

fn sample(name: &str) -> (Format, &'static str) {
    let found = SAMPLES.iter().find(|one| one.0 == name).expect("a sample");
    (found.1, found.2)
}

/// A sample in which one thing was changed says itself why it cannot be.
fn contradicts(name: &str, from: &str, to: &str, why: &str) {
    let (format, text) = sample(name);
    let changed = text.replacen(from, to, 1);
    assert_ne!(changed, text);
    assert_eq!(
        reason(read_as(format, &changed)),
        format!("the report contradicts itself: {why}")
    );
}

#[test_case("oha", "\"p95\": 0.000151", "\"p95\": 0.000000", "the p95 of the latency is 0.000826, and its p90 is 0.127469"; "oha")]
#[test_case("autocannon", "\"p99\":54,", "\"p99\":0,", "the p99 of the latency is 0, and its p90 is 49"; "autocannon")]
#[test_case("wrk", "99%   20.07ms", "99%    0.00us", "the p99 of the latency is 0, and its p90 is 4.93"; "wrk")]
#[test_case("hey", "99% in 0.0532", "99% in 0.0000", "the p99 of the latency is 0, and its p95 is 47.8"; "hey")]
#[test_case("locust-stats", "57,99,120,120,120", "57,0,120,120,120", "the p99 of the latency is 0, and its p95 is 53"; "locust")]
fn percentiles_that_fall_contradict_each_other(name: &str, from: &str, to: &str, why: &str) {
    contradicts(name, from, to, why);
}

#[test_case("oha", "\"requestsPerSec\": 31995.958796662548", "\"requestsPerSec\": 1000000000", "it tells of 1000000000 requests a second for 2.02213037 seconds, and counts 64700"; "oha")]
#[test_case("autocannon", "\"requests\":{\"average\":107.5,\"mean\":107.5", "\"requests\":{\"average\":107.5,\"mean\":9107.5", "it tells of 9107.5 requests a second for 2.04 seconds, and counts 215"; "autocannon")]
#[test_case("wrk", "21481.68", "2.68", "it tells of 2.68 requests a second for 2.03 seconds, and counts 43555"; "wrk")]
#[test_case("hey", "[200]\t104", "[200]\t904", "it tells of 114.6415 requests a second for 1.7446 seconds, and counts 1000"; "hey")]
fn a_rate_that_is_not_that_of_the_requests_contradicts_them(name: &str, from: &str, to: &str, why: &str) {
    contradicts(name, from, to, why);
}
