use test_case::test_case;

use super::*;
use crate::metrics::openmetrics::page::Form;
use crate::metrics::openmetrics::query::Query;

/// A real page of a service with two pods, as the Rust crate prometheus-client writes it.
const EARLIER: &str = r#"# HELP http_requests Requests served.
# TYPE http_requests counter
http_requests_total{pod="a",code="200"} 90
http_requests_total{pod="a",code="500"} 10
http_requests_total{pod="b",code="200"} 100
# HELP queue_length Requests that wait.
# TYPE queue_length gauge
queue_length{pod="a"} 3
queue_length{pod="b"} 4
# HELP temperature Broken sensor.
# TYPE temperature gauge
temperature NaN
# HELP http_seconds Time to answer.
# TYPE http_seconds histogram
# UNIT http_seconds seconds
http_seconds_sum{pod="a"} 12.5
http_seconds_count{pod="a"} 100
http_seconds_bucket{le="0.1",pod="a"} 80
http_seconds_bucket{le="0.5",pod="a"} 95 # {trace="x"} 0.3
http_seconds_bucket{le="+Inf",pod="a"} 100
# EOF
"#;

fn page(text: &str) -> Page {
    Page::read(text.as_bytes(), Form::Openmetrics).unwrap()
}

/// What a query says of [`EARLIER`] and that page with some lines changed.
fn asked(query: &str, changes: &[(&str, &str)]) -> Result<f64, MetricError> {
    let earlier = page(EARLIER);
    let mut text = EARLIER.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is not on the page");
        text = text.replace(from, to);
    }
    let later = page(&text);
    match query.parse::<Query>().unwrap() {
        Query::Value(selector) => later.value(&selector),
        Query::Sum(selector) => later.sum(&selector),
        Query::Rate(selector) => counter(&earlier, &later, &selector),
        Query::Ratio(part, whole) => ratio(&earlier, &later, &part, &whole),
        Query::Quantile(number, selector) => quantile(&earlier, &later, number, &selector),
    }
}

const MORE_ERRORS: (&str, &str) = (r#"code="500"} 10"#, r#"code="500"} 25"#);
const RESET: (&str, &str) = (r#"pod="b",code="200"} 100"#, r#"pod="b",code="200"} 5"#);
const NEW_SERIES: (&str, &str) = (
    "# HELP queue",
    "http_requests_total{pod=\"c\",code=\"200\"} 7\n# HELP queue",
);
const MORE_FAST: (&str, &str) = (r#"{le="0.1",pod="a"} 80"#, r#"{le="0.1",pod="a"} 88"#);
const MORE_MIDDLE: (&str, &str) = (r#"{le="0.5",pod="a"} 95"#, r#"{le="0.5",pod="a"} 105"#);
const MORE_ALL: (&str, &str) = (r#"{le="+Inf",pod="a"} 100"#, r#"{le="+Inf",pod="a"} 110"#);
const MORE_SLOW: (&str, &str) = (r#"{le="+Inf",pod="a"} 100"#, r#"{le="+Inf",pod="a"} 150"#);

#[test_case("queue_length{pod=\"a\"}", &[], 3.0; "a gauge is its value")]
#[test_case("sum(queue_length)", &[], 7.0; "a sum adds all series that match")]
#[test_case("http_requests_total{code=\"500\"}", &[], 10.0; "labels choose the series")]
#[test_case("rate(http_requests_total)", &[], 0.0; "a counter that stands still is a true zero")]
#[test_case("rate(http_requests_total)", &[MORE_ERRORS], 15.0; "an increase is counted")]
#[test_case("rate(http_requests_total)", &[MORE_ERRORS, RESET], 20.0; "a counter that fell began again")]
#[test_case("rate(http_requests_total)", &[NEW_SERIES], 7.0; "a new series began from zero")]
#[test_case("rate(http_seconds_count)", &[], 0.0; "a histogram's count is a counter")]
#[test_case("ratio(http_requests_total{code=\"500\"}, http_requests_total)", &[MORE_ERRORS, RESET], 0.75; "a ratio is of increases, not of totals")]
#[test_case("quantile(0.5, http_seconds)", &[MORE_FAST, MORE_MIDDLE, MORE_ALL], 0.0625; "a quantile is linear within its bucket")]
#[test_case("quantile(0.9, http_seconds{pod=\"a\"})", &[MORE_FAST, MORE_MIDDLE, MORE_ALL], 0.1 + 0.4 * 0.5; "a quantile counts only what came in between")]
fn pages_give_a_number(query: &str, changes: &[(&str, &str)], number: f64) {
    let seen = asked(query, changes).unwrap();
    assert!((seen - number).abs() < 1e-9, "{seen}");
}

#[test_case("http_requests", &[], "no metric `http_requests`"; "a missing metric is no zero")]
#[test_case("queue_length{pod=\"z\"}", &[], "it has {pod=\"a\"}, {pod=\"b\"}"; "missing labels are told with those that are there")]
#[test_case("queue_length", &[], "matches 2 series: {pod=\"a\"}, {pod=\"b\"}"; "several series are not one number")]
#[test_case("temperature", &[], "is NaN"; "NaN is no number")]
#[test_case("sum(temperature)", &[("NaN", "+Inf")], "is inf"; "infinity is no number")]
#[test_case("sum(queue_length)", &[("queue_length{pod=\"b\"}", "queue_length{pod=\"a\"}")], "{pod=\"a\"} twice"; "a series that comes twice is not counted twice")]
#[test_case("rate(queue_length)", &[], "is a gauge; only a counter increases"; "a gauge has no rate")]
#[test_case("rate(http_requests_total{code=\"500\"})", &[("code=\"500\"} 10", "code=\"500\"} -1")], "is never negative"; "a negative counter lies")]
#[test_case("rate(http_requests_total{code=\"500\"})", &[("code=\"500\"} 10", "code=\"500\"} NaN")], "is NaN"; "a counter of NaN does not count")]
#[test_case("rate(http_requests_total{code=\"404\"})", &[], "no series of the metric"; "a rate needs its series")]
#[test_case("rate(new_total)", &[("# HELP queue", "new_total 5\n# HELP queue")], "no metric `new_total`"; "a metric without a past has no rate")]
#[test_case("ratio(http_requests_total{code=\"500\"}, http_requests_total)", &[], "did not increase"; "no traffic is no ratio")]
#[test_case("quantile(0.95, http_seconds)", &[], "did not increase"; "no traffic is no quantile")]
#[test_case("quantile(0.95, queue_length)", &[], "is a gauge; a quantile needs a histogram"; "a gauge has no quantile")]
#[test_case("quantile(0.95, http_second)", &[], "no metric `http_second_bucket`"; "a missing histogram is told")]
#[test_case("quantile(0.95, http_seconds)", &[MORE_SLOW], "lies above its highest bucket, 0.5"; "what is slower than all buckets has no number")]
#[test_case("quantile(0.5, http_seconds)", &[("le=\"+Inf\"", "le=\"9\"")], "no bucket `+Inf`"; "a histogram without its last bucket lies")]
#[test_case("quantile(0.5, http_seconds)", &[("le=\"0.5\"", "le=\"fast\"")], "without a number in `le`"; "a bucket needs its bound")]
#[test_case("quantile(0.5, http_seconds)", &[MORE_MIDDLE], "do not add up"; "buckets that contradict each other lie")]
#[test_case("quantile(0.5, http_seconds)", &[MORE_ALL, ("# EOF", "http_seconds_bucket{le=\"7\",pod=\"b\"} 1\nhttp_seconds_bucket{le=\"+Inf\",pod=\"b\"} 1\n# EOF")], "different buckets"; "histograms with other buckets are not added")]
fn pages_that_do_not_say_it_give_an_error(query: &str, changes: &[(&str, &str)], why: &str) {
    let err = asked(query, changes).unwrap_err().to_string();
    assert!(err.contains(why), "{err}");
}

#[test]
fn a_histogram_begins_again_as_a_whole() {
    // One bucket overtook its old count after the restart, the others did not.
    let earlier = page("h_bucket{le=\"1\"} 2\nh_bucket{le=\"2\"} 50\nh_bucket{le=\"+Inf\"} 60\n# EOF\n");
    let later = page("h_bucket{le=\"1\"} 4\nh_bucket{le=\"2\"} 8\nh_bucket{le=\"+Inf\"} 8\n# EOF\n");
    let selector = Selector {
        name: "h".into(),
        labels: Labels::default(),
    };
    assert_eq!(quantile(&earlier, &later, 0.5, &selector).unwrap(), 1.0);
}
