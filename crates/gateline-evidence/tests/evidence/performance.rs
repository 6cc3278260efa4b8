//! Load tests.

use gateline_evidence::{Complete, Format, Read, ReadError, read};
use gateline_model::{Checks, Facts, PerformanceFacts, TOOL_THRESHOLDS_MAX};
use test_case::test_case;

use crate::samples::SAMPLES;
use crate::{complaint, read_as, reason};

pub(crate) fn load_in(format: Format, text: &str) -> PerformanceFacts {
    match read_as(format, text) {
        Ok(Read {
            facts: Facts::Performance(facts),
            ..
        }) => facts,
        other => panic!("no load test: {other:?}"),
    }
}

fn rules(facts: &PerformanceFacts) -> Vec<(&str, bool)> {
    facts
        .thresholds
        .iter()
        .map(|one| (one.rule.as_str(), one.held))
        .collect()
}

#[test]
fn k6_data_and_export_say_thresholds_in_opposite_ways() {
    let export = r#"{"metrics":{"http_reqs":{"count":10,"rate":5},"http_req_failed":{"passes":1,"fails":9,"value":0.1,
        "thresholds":{"rate<0.01":true}},"http_req_duration":{"med":2.5,"p(95)":7,"thresholds":{"p(95)<500":false}}},
        "root_group":{}}"#;
    let data = r#"{"metrics":{"http_reqs":{"type":"counter","contains":"default","values":{"count":10,"rate":5}},
        "http_req_failed":{"values":{"passes":1,"fails":9,"rate":0.1},"thresholds":{"rate<0.01":{"ok":false}}},
        "http_req_duration":{"values":{"med":2.5,"p(95)":7},"thresholds":{"p(95)<500":{"ok":true}}}},
        "state":{"testRunDurationMs":2000},"root_group":{}}"#;
    let (export, data) = (load_in(Format::K6, export), load_in(Format::K6, data));
    assert_eq!(export, data);
    let told = [
        ("http_req_failed rate<0.01", false),
        ("http_req_duration p(95)<500", true),
    ];
    assert_eq!(rules(&export), told);
    assert_eq!(
        (export.requests, export.failed, export.duration_secs),
        (10, Some(1), Some(2.0))
    );
    assert_eq!((export.latency.p50, export.latency.p95), (Some(2.5), Some(7.0)));
}

#[test_case(r#"{"values":{},"thresholds":{"x":false}}"#; "a bare truth value in the data")]
#[test_case(r#"{"thresholds":{"x":{"ok":true}}}"#; "an object in the export")]
#[test_case(r#"{"thresholds":{"x":"ok"}}"#; "neither")]
fn k6_thresholds_that_can_be_understood_two_ways_are_refused(metric: &str) {
    let says = complaint(read_as(
        Format::K6,
        &format!(r#"{{"metrics":{{"m":{metric}}},"root_group":{{}}}}"#),
    ));
    assert!(
        says.ends_with("says neither that it held nor that it was crossed"),
        "{says}"
    );
}

fn k6_with(failed: &str) -> String {
    format!(r#"{{"metrics":{{"http_reqs":{{"count":10,"rate":5}},{failed}}},"root_group":{{}}}}"#)
}

#[test_case(r#"{"value":1}"#, 10; "all, in the export")]
#[test_case(r#"{"values":{"rate":1.0}}"#, 10; "all, in the data")]
#[test_case(r#"{"value":0}"#, 0; "none")]
#[test_case(r#"{"value":0.01}"#, 1; "a part of one is one")]
fn k6_s_share_of_failed_requests_tells_where_their_count_is_left_out(numbers: &str, failed: u64) {
    let facts = load_in(Format::K6, &k6_with(&format!(r#""http_req_failed":{numbers}"#)));
    assert_eq!(facts.failed, Some(failed));
}

#[test_case(r#""http_req_failed":{}"#, "k6 does not say how many requests failed: `http_req_failed` has no number"; "failed requests")]
#[test_case(r#""http_req_failed":{"fails":10}"#, "k6 does not say how many requests failed: `http_req_failed` has no number"; "the good ones alone")]
#[test_case(r#""checks":{"value":0}"#, "k6 does not say how many checks held: `checks` has no `passes` and `fails`"; "checks")]
fn what_k6_does_not_count_is_no_zero(metric: &str, why: &str) {
    assert_eq!(reason(read_as(Format::K6, &k6_with(metric))), why);
}

#[test_case(r#""http_req_failed":{"passes":-1}"#, "`http_req_failed` counts -1, which is no count from 0 to 2^53"; "a negative one")]
#[test_case(r#""checks":{"passes":1e300,"fails":0}"#, "which is no count from 0 to 2^53"; "one over the limit")]
#[test_case(r#""checks":{"passes":1e999,"fails":0}"#, "number out of range"; "one that is not finite")]
#[test_case(r#""http_req_failed":{"value":1.5}"#, "the share of `http_req_failed` is 1.5, which is not from 0 to 1"; "a share over all")]
#[test_case(r#""http_req_failed":{"passes":0,"value":1}"#,
    "the report contradicts itself: `http_req_failed` counts none, and its share is 1"; "a count against its share")]
fn a_number_of_k6_that_cannot_be_one_is_refused(metric: &str, why: &str) {
    let says = complaint(read_as(Format::K6, &k6_with(metric)));
    assert!(says.ends_with(why), "{says}");
}

#[test]
fn k6_thresholds_keep_to_their_limit_and_the_broken_ones_are_kept_first() {
    let mut rules: Vec<_> = (0..TOOL_THRESHOLDS_MAX + 1)
        .map(|n| format!(r#""a<{n}":false"#))
        .collect();
    rules.push(r#""z<1":true"#.to_owned());
    let metrics = format!(
        r#""m":{{"thresholds":{{{}}}}},"http_reqs":{{"count":1,"rate":1}}"#,
        rules.join(",")
    );
    let facts = load_in(
        Format::K6,
        &format!(r#"{{"metrics":{{{metrics}}},"root_group":{{}}}}"#),
    );
    assert_eq!(facts.thresholds.len(), TOOL_THRESHOLDS_MAX);
    assert!(!facts.thresholds[0].held);
}

#[test]
fn what_k6_calls_passes_of_failed_requests_are_failures() {
    let sample = |name| SAMPLES.iter().find(|one| one.0 == name).expect("a sample").2;
    let good = load_in(Format::K6, sample("k6-export"));
    assert_eq!((good.requests, good.failed), (18_899, Some(0)));
    assert_eq!(
        good.checks,
        Some(Checks {
            held: 18_899,
            broke: 0
        })
    );
    assert!(
        good.thresholds.iter().all(|one| one.held),
        "{:?}",
        good.thresholds
    );
    let bad = load_in(Format::K6, sample("k6-export-crossed"));
    assert_eq!((bad.requests, bad.failed), (7_808, Some(7_808)));
    assert!(bad.thresholds.iter().any(|one| !one.held), "{:?}", bad.thresholds);
}

#[test]
fn seconds_become_milliseconds_and_open_requests_are_no_failures() {
    let text = r#"{"summary":{"total":2,"fastest":0.001,"slowest":0.5,"average":0.01,"requestsPerSec":5},
        "latencyPercentiles":{"p50":0.002,"p99.9":null},"statusCodeDistribution":{"200":7,"302":1,"503":2},
        "errorDistribution":{"aborted due to deadline":5,"connection refused":3}}"#;
    let facts = load_in(Format::Oha, text);
    assert_eq!((facts.requests, facts.failed), (13, Some(5)));
    assert_eq!(
        (facts.latency.min, facts.latency.p50, facts.latency.max),
        (Some(1.0), Some(2.0), Some(500.0))
    );
    assert_eq!(facts.latency.p999, None);
}

pub(crate) const WRK: &str = "Running 2s test @ http://x/
  1 threads and 5 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   500.00us    3.76ms   1.20s    90.90%
    Req/Sec    21.72k    10.33k   33.96k    55.00%
  Latency Distribution
     50%   99.00us
     99%    1.10s
  100 requests in 1.50m, 6.23MB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 20
Requests/sec:      1.11
Transfer/sec:      3.07MB
";

#[test]
fn the_units_and_errors_of_wrk_are_read() {
    let facts = load_in(Format::Wrk, WRK);
    assert_eq!((facts.requests, facts.failed), (110, Some(30)));
    assert_eq!((facts.duration_secs, facts.rate), (Some(90.0), Some(1.11)));
    let latency = facts.latency;
    assert_eq!((latency.mean, latency.max), (Some(0.5), Some(1200.0)));
    assert_eq!(
        (latency.p50, latency.p95, latency.p99),
        (Some(0.099), None, Some(1100.0))
    );
}

const HEY: &str = "
Summary:
  Total:\t2.0000 secs
  Slowest:\t0.0543 secs
  Fastest:\t0.0012 secs
  Average:\t0.0433 secs
  Requests/sec:\t10.0000

Latency distribution:
  50% in 0.0440 secs
  95% in 0.0478 secs

Status code distribution:
  [200]\t10 responses
  [404]\t4 responses

Error distribution:
  [6]\tGet \"http://x\": refused
";

#[test]
fn the_summary_of_hey_counts_answers_and_errors() {
    let facts = load_in(Format::Hey, HEY);
    assert_eq!((facts.requests, facts.failed), (20, Some(10)));
    assert_eq!((facts.latency.p50, facts.latency.p95), (Some(44.0), Some(47.8)));
}

#[test]
fn a_summary_of_hey_without_its_errors_is_cut_off() {
    let cut = &HEY[..HEY.find("Error").expect("it has errors")];
    match read_as(Format::Hey, cut) {
        Err(ReadError::Truncated { reason, .. }) => {
            assert!(reason.starts_with("it tells of 14 requests"), "{reason}")
        }
        other => panic!("not cut off: {other:?}"),
    }
}

#[test]
fn percentiles_of_single_requests_are_exact() {
    let header =
        "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset\n";
    let rows: String = (1..=200)
        .map(|n| {
            format!(
                "{:.4},0,0,0,0,0,{},0.5000\n",
                f64::from(n) / 1000.0,
                if n > 190 { 503 } else { 200 }
            )
        })
        .collect();
    let facts = load_in(Format::Hey, &format!("{header}{rows}"));
    assert_eq!((facts.requests, facts.failed), (200, Some(10)));
    let latency = facts.latency;
    assert_eq!(
        (latency.p50, latency.p95, latency.p99, latency.max),
        (Some(100.0), Some(190.0), Some(198.0), Some(200.0))
    );
    assert_eq!(facts.duration_secs, Some(0.7));
}

#[test]
fn a_row_of_hey_that_is_cut_is_no_row() {
    let text = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read\n0.1,0,0,0,0,0\n0.2,0,0,0,0,0";
    for end in [text.len(), text.len() - 3] {
        assert!(matches!(
            read_as(Format::Hey, &text[..end]),
            Err(ReadError::Truncated { .. })
        ));
    }
}

#[test]
fn a_line_without_end_is_not_held() {
    let text = format!("response-time,DNS+dialup,DNS\n{}", "1".repeat(5_000_000));
    assert!(complaint(read_as(Format::Hey, &text)).contains("is not a whole row"));
}

#[test]
fn locust_names_are_added_up() {
    let item = |name: &str, ms: u64, failed: u64| {
        format!(
            r#"{{"name":"{name}","num_requests":10,"num_failures":{failed},"total_response_time":{},
            "min_response_time":{ms},"max_response_time":{ms},"start_time":100.0,"last_request_timestamp":110.0,
            "response_times":{{"{ms}":10}}}}"#,
            ms * 10
        )
    };
    let facts = load_in(
        Format::Locust,
        &format!("[{},{}]", item("a", 10, 1), item("b", 200, 2)),
    );
    assert_eq!(
        (facts.requests, facts.failed, facts.rate),
        (20, Some(3), Some(2.0))
    );
    let latency = facts.latency;
    assert_eq!(
        (latency.min, latency.mean, latency.max),
        (Some(10.0), Some(105.0), Some(200.0))
    );
    assert_eq!((latency.p50, latency.p75), (Some(10.0), Some(200.0)));
}

#[test_case(Format::K6, r#"{"metrics":{},"root_group":{}}"#, "no request was sent: nothing was measured"; "k6")]
#[test_case(Format::K6, r#"{"metrics":{"http_reqs":{"count":0,"rate":0}},"root_group":{}}"#, "no request was sent: nothing was measured"; "k6 with a zero")]
#[test_case(Format::Oha, r#"{"summary":{},"latencyPercentiles":{},"statusCodeDistribution":{}}"#, "no request was sent: nothing was measured"; "oha")]
#[test_case(Format::Oha, r#"{"summary":{},"statusCodeDistribution":{},"errorDistribution":{"refused":3}}"#, "none of the 3 requests was answered: nothing was measured"; "oha without answers")]
#[test_case(Format::Locust, "[]", "no request was sent: nothing was measured"; "locust")]
#[test_case(Format::Locust, "Type,Name,Request Count,Failure Count,50%\n,Aggregated,0,0,N/A\n", "no request was sent: nothing was measured"; "locust as CSV")]
#[test_case(Format::Autocannon, r#"{"requests":{"total":0},"latency":{},"errors":7}"#, "none of the 7 requests was answered: nothing was measured"; "autocannon")]
#[test_case(Format::Hey, "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read\n", "no request was sent: nothing was measured"; "hey as CSV")]
#[test_case(Format::Wrk, "Running 1s test @ x\n  0 requests in 1.00s, 0.00B read\nRequests/sec: 0.00\nTransfer/sec: 0.00B\n", "no request was sent: nothing was measured"; "wrk")]
fn it_is_incomplete_with(format: Format, text: &str, why: &str) {
    assert_eq!(reason(read_as(format, text)), why);
}

#[test]
fn a_text_that_is_cut_off_never_says_something_else() {
    let texts = SAMPLES
        .iter()
        .filter(|sample| matches!(sample.0, "wrk" | "wrk-refused" | "hey" | "locust-stats"));
    for (name, format, text) in texts {
        let whole = read(text.as_bytes(), Some(*format)).expect("a sample is whole");
        let ends = text.char_indices().map(|(end, _)| end).skip(1);
        for end in ends {
            if let Ok(read) = read(&text.as_bytes()[..end], Some(*format)) {
                assert_eq!(read, whole, "the first {end} bytes of {name}");
                assert!(end + 5 > text.len(), "the first {end} bytes of {name} were read");
            }
        }
        assert_eq!(whole.complete, Complete::Yes);
    }
}

fn autocannon(counts: &str) -> String {
    format!(
        r#"{{"requests":{{"total":215}},"latency":{{}},"throughput":{{}},"2xx":101,"4xx":0,"5xx":114{counts}}}"#
    )
}

#[test_case(r#","errors":0"#, "autocannon does not say how many failed: it has no count `non2xx`"; "no count of answers")]
#[test_case(r#","errors":0,"non2xx":null"#, "autocannon does not say how many failed: it has no count `non2xx`"; "null answers")]
#[test_case(r#","errors":0,"non2xx":-1"#, "autocannon does not say how many failed: `non2xx` is -1, which is no count"; "fewer than none")]
#[test_case(r#","errors":0,"non2xx":1.5"#, "autocannon does not say how many failed: `non2xx` is 1.5, which is no count"; "a half")]
#[test_case(r#","non2xx":114"#, "autocannon does not say how many failed: it has no count `errors`"; "no count of errors")]
#[test_case(r#","errors":0,"non2xx":114,"mismatches":-3"#, "autocannon does not say how many failed: `mismatches` is -3, which is no count"; "mismatches")]
#[test_case(r#","errors":0,"non2xx":0"#, "the report contradicts itself: 114 answers are 4xx or 5xx, and 0 are `non2xx`"; "bad answers")]
#[test_case(r#","errors":1,"non2xx":114,"timeouts":2"#, "the report contradicts itself: there are 2 timeouts, and 1 `errors`, which they are among"; "timeouts")]
fn what_autocannon_does_not_count_is_no_zero(counts: &str, why: &str) {
    assert_eq!(reason(read_as(Format::Autocannon, &autocannon(counts))), why);
    assert_eq!(load_in(Format::Autocannon, &autocannon(counts)).failed, None);
}

#[test]
fn what_autocannon_counts_is_believed() {
    let text = autocannon(r#","errors":1,"non2xx":114"#);
    assert_eq!(load_in(Format::Autocannon, &text).failed, Some(115));
    assert!(reason(read_as(Format::Autocannon, &text)).starts_with("complete: "));
}

#[test_case(r#""num_requests":9"#, "locust does not say how many failed: it has no count `num_failures`"; "no count")]
#[test_case(r#""num_requests":9,"num_failures":null"#, "locust does not say how many failed: it has no count `num_failures`"; "null")]
#[test_case(r#""num_requests":9,"num_failures":-1"#, "locust does not say how many failed: `num_failures` is -1, which is no count"; "fewer than none")]
#[test_case(r#""num_failures":0"#, "locust does not say how many failed: it has no count `num_requests`"; "no requests")]
#[test_case(r#""num_requests":9,"num_failures":0,"num_fail_per_sec":{"1":2,"2":3}"#,
    "the report contradicts itself: `num_failures` is 0, and `num_fail_per_sec` adds up to 5"; "failures by the second")]
fn what_locust_does_not_count_is_no_zero(item: &str, why: &str) {
    let good = r#"{"num_requests":5,"num_failures":0,"response_times":{"7":5}}"#;
    let text = format!(r#"[{good},{{{item},"response_times":{{"7":9}}}}]"#);
    assert_eq!(reason(read_as(Format::Locust, &text)), why);
    assert_eq!(load_in(Format::Locust, &text).failed, None);
}

#[test_case(1.0, "", "oha does not say how many failed: it has no `errorDistribution`"; "no errors")]
#[test_case(1.0, r#","errorDistribution":null"#, "oha does not say how many failed: it has no `errorDistribution`"; "null for errors")]
#[test_case(0.1, r#","errorDistribution":{}"#, "the report contradicts itself: its `successRate` is 0.1, and 8 of 8 requests were answered"; "another share")]
fn what_oha_does_not_count_is_no_zero(share: f64, errors: &str, why: &str) {
    let text = format!(
        r#"{{"summary":{{"successRate":{share}}},"latencyPercentiles":{{}},"statusCodeDistribution":{{"200":8}}{errors}}}"#
    );
    assert_eq!(reason(read_as(Format::Oha, &text)), why);
    assert_eq!(load_in(Format::Oha, &text).failed, None);
}

#[test_case(1.0; "requests that were still open left out")]
#[test_case(0.8; "requests that were still open among the failures")]
fn the_share_that_oha_tells_agrees_with_its_counts(share: f64) {
    let text = format!(
        r#"{{"summary":{{"successRate":{share}}},"latencyPercentiles":{{}},"statusCodeDistribution":{{"200":8}},
        "errorDistribution":{{"aborted due to deadline":2}}}}"#
    );
    let why = reason(read_as(Format::Oha, &text));
    assert!(why.starts_with("complete: "), "{why}");
}

#[test_case(r#""http_req_failed":{"passes":1,"fails":9,"value":0.5}"#,
    "the report contradicts itself: `http_req_failed` counts 1 of 10, and its share is 0.5"; "failed requests")]
#[test_case(r#""checks":{"values":{"passes":60,"fails":0,"rate":0.5}}"#,
    "the report contradicts itself: `checks` counts 60 of 60, and its share is 0.5"; "checks")]
#[test_case(r#""http_req_duration":{"min":40,"med":43,"p(95)":0.1}"#,
    "the report contradicts itself: the p95 of `http_req_duration` is 0.1, and its p50 is 43"; "latencies")]
#[test_case(r#""http_req_duration":{"min":40,"p(95)":0.1}"#,
    "the report contradicts itself: the p95 of `http_req_duration` is 0.1, and its min is 40"; "a percentile below the least")]
#[test_case(r#""checks":{"passes":0,"fails":6,"value":0},"checks":{"passes":6,"fails":0,"value":1}"#,
    "the metric `checks` stands there twice"; "a metric twice")]
fn what_k6_says_twice_agrees(metric: &str, why: &str) {
    let says = complaint(read_as(Format::K6, &k6_with(metric)));
    assert!(says.ends_with(why), "{says}");
}

#[test]
fn a_share_that_k6_rounds_agrees_with_its_counts() {
    let facts = load_in(
        Format::K6,
        &k6_with(r#""http_req_failed":{"passes":1,"fails":2,"value":0.333}"#),
    );
    assert_eq!(facts.failed, Some(1));
}
