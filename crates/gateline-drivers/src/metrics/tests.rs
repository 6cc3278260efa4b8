//! Sources as a whole: scrapes of a fake page, and queries to a real Prometheus server that scrapes a fake page.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gateline_model::{
    Arm, Check, CheckOrder, OpenmetricsSource, PrometheusSource, Span, Tick, TrafficSource, Weight,
};
use test_case::test_case;

use super::*;
use crate::fake::{Fake, ok, raw, status};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How long the real server may take to begin and to scrape before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn scrape(fake: &Fake, timeout: Span) -> MetricSource {
    let (url, over) = (fake.url("/metrics"), Span::from_millis(50));
    MetricSource::Openmetrics(OpenmetricsSource {
        url,
        over,
        timeout,
        token: None,
    })
}

fn page(total: u64, errors: u64) -> Vec<u8> {
    let page = format!(
        "# TYPE http_requests counter\nhttp_requests_total{{arm=\"canary\",version=\"1.4.0\"}} {total}\nhttp_errors_total{{arm=\"canary\"}} {errors}\nhttp_ratio 0.5\n# EOF\n"
    );
    ok(OPENMETRICS, &page)
}

async fn ask(fake: &Fake, query: &str) -> Result<Reading, CheckError> {
    let source = scrape(fake, Span::from_secs(5));
    metric(&MetricCheck {
        source,
        query: query.to_owned(),
    })
    .await
}

#[tokio::test]
async fn a_reading_names_its_number_query_and_source() {
    let fake = Fake::always(page(100, 2)).await;
    let Reading::Metric { value, query, source } = ask(&fake, "http_ratio").await.unwrap() else {
        panic!()
    };
    assert_eq!((value, query.as_str()), (0.5, "http_ratio"));
    assert_eq!(source, format!("openmetrics {}", fake.url("/metrics")));
    assert!(
        fake.asked()[0].contains("application/openmetrics-text"),
        "{}",
        fake.asked()[0]
    );
}

#[tokio::test]
async fn a_ratio_is_taken_over_two_scrapes() {
    let fake = Fake::in_turn([page(100, 50), page(200, 75)]).await;
    let reading = ask(&fake, "ratio(http_errors_total, http_requests_total)")
        .await
        .unwrap();
    assert!(
        matches!(reading, Reading::Metric { value: 0.25, .. }),
        "{reading:?}"
    );
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test]
async fn a_rate_is_per_second() {
    let fake = Fake::in_turn([page(100, 0), page(150, 0)]).await;
    let Reading::Metric { value, .. } = ask(&fake, "rate(http_requests_total)").await.unwrap() else {
        panic!()
    };
    // Fifty requests in fifty milliseconds or a little more.
    assert!(value > 0.0 && value <= 1_000.0, "{value}");
}

#[test_case(status("500 Internal Server Error", "text/plain", ""), "answered 500"; "an error status is no page")]
#[test_case(ok("text/html", "<html>\n"), "is no metrics page: line 1"; "a page for people is no metrics page")]
#[test_case(ok(OPENMETRICS, "http_ratio 0.5\n"), "`# EOF` is missing"; "a page that was cut off does not count")]
#[test_case(ok("text/plain; version=0.0.4", "http_ratio 0.5"), "the end of its last line is missing"; "a number that was cut off does not count")]
#[test_case(raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhttp_ratio 0.5\n"), "broke off"; "a server that disappears gives no number")]
#[test_case(ok(OPENMETRICS, "http_ratio NaN\n# EOF\n"), "is NaN"; "NaN is no number")]
#[test_case(ok(OPENMETRICS, "# EOF\n"), "no metric `http_ratio`"; "an empty page has no number")]
#[tokio::test]
async fn a_bad_page_gives_no_number(answer: Vec<u8>, why: &str) {
    let err = ask(&Fake::always(answer).await, "http_ratio").await.unwrap_err();
    assert!(err.why.contains(why), "{err}");
}

#[tokio::test]
async fn a_page_that_hangs_trickles_or_disappears_between_scrapes_gives_no_number() {
    for fake in [Fake::hangs().await, Fake::trickles().await] {
        let source = scrape(&fake, Span::from_millis(200));
        let err = metric(&MetricCheck {
            source,
            query: "up".into(),
        })
        .await
        .unwrap_err();
        assert!(
            err.why.contains("did not finish its answer within 200ms"),
            "{err}"
        );
    }
    let fake = Fake::in_turn([page(100, 0), status("503 Service Unavailable", "text/plain", "")]).await;
    let err = ask(&fake, "rate(http_requests_total)").await.unwrap_err();
    assert!(err.why.contains("answered 503"), "{err}");
}

#[tokio::test]
async fn a_page_over_the_limit_is_not_read() {
    let huge = "x".repeat(SCRAPE_BYTES_MAX + 1);
    let err = ask(&Fake::always(ok(OPENMETRICS, &huge)).await, "up")
        .await
        .unwrap_err();
    assert!(err.why.contains("more than 16777216 bytes"), "{err}");
    let err = ask(&Fake::hangs().await, &"u".repeat(QUERY_BYTES_MAX + 1))
        .await
        .unwrap_err();
    assert!(err.why.contains("longer than 16384 bytes"), "{err}");
}

#[tokio::test]
async fn two_scrapes_need_time_between_them() {
    let fake = Fake::always(page(1, 1)).await;
    let MetricSource::Openmetrics(source) = scrape(&fake, Span::from_secs(5)) else {
        panic!()
    };
    let source = MetricSource::Openmetrics(OpenmetricsSource {
        over: Span::ZERO,
        ..source
    });
    let err = metric(&MetricCheck {
        source,
        query: "rate(up)".into(),
    })
    .await
    .unwrap_err();
    assert!(err.why.contains("give the source an `over` above zero"), "{err}");
}

fn asks(from: MetricSource, requests: &str, errors: &str) -> TrafficSource {
    TrafficSource {
        from,
        requests: requests.into(),
        errors: errors.into(),
        pod: None,
        latency: None,
        gauges: Default::default(),
        history: None,
    }
}

async fn look(fake: &Fake, requests: &str, errors: &str) -> Result<Tick, CheckError> {
    let from = scrape(fake, Span::from_secs(5));
    let source = asks(from, requests, errors);
    traffic(&source, "1.4.0", Arm::Canary, Weight::percent(25)).await
}

#[tokio::test]
async fn traffic_of_an_arm_is_a_tick() {
    let fake = Fake::always(page(100, 2)).await;
    let requests = r#"http_requests_total{arm="{arm}",version="{version}"}"#;
    let tick = look(&fake, requests, r#"http_errors_total{arm="{arm}"}"#)
        .await
        .unwrap();
    assert_eq!(
        (tick.arm, tick.weight, tick.requests, tick.errors),
        (Arm::Canary, 25, 100, 2)
    );
}

#[test_case(page(1, 2), "http_requests_total", "http_errors_total", "2 errors among 1 requests"; "more errors than requests is a contradiction")]
#[test_case(page(1, 2), "http_requests_total", "http_ratio", "gave 0.5, which is no count"; "a fraction is no count")]
#[test_case(page(1, 2), "http_requests_total", "http_failures_total", "no metric `http_failures_total`"; "errors that are not counted are not zero")]
#[tokio::test]
async fn traffic_that_cannot_be_trusted_is_an_error(
    answer: Vec<u8>,
    requests: &str,
    errors: &str,
    why: &str,
) {
    let err = look(&Fake::always(answer).await, requests, errors)
        .await
        .unwrap_err();
    assert!(err.why.contains(why), "{err}");
}

/// A real Prometheus server in a directory of its own. It ends when this is dropped.
struct Server {
    child: Child,
    url: String,
    dir: tempfile::TempDir,
}

impl Server {
    fn start(scraped: &Fake) -> Self {
        let page = scraped.url("");
        let host = page.strip_prefix("http://").unwrap();
        Self::with(
            &format!("scrape_configs: [{{job_name: app, static_configs: [{{targets: ['{host}']}}]}}]"),
            None,
        )
    }

    /// A server that scrapes nothing and has this past, in OpenMetrics form.
    fn of_trace(trace: &str) -> Self {
        Self::with("", Some(trace))
    }

    fn with(scrapes: &str, trace: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        if let Some(trace) = trace {
            std::fs::write(dir.path().join("trace.om"), trace).unwrap();
            let made = Command::new("promtool")
                .args(["tsdb", "create-blocks-from", "openmetrics", "trace.om", "data"])
                .current_dir(dir.path())
                .output()
                .expect("this test needs `promtool`: `apt-get install prometheus`");
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let settings = format!("global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\n{scrapes}\n");
        std::fs::write(dir.path().join("prometheus.yml"), settings).unwrap();
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let child = Command::new("prometheus")
            .arg(format!(
                "--config.file={}",
                dir.path().join("prometheus.yml").display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}",
                dir.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--enable-feature=native-histograms", "--log.level=warn"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("this test needs the real server: `apt-get install prometheus`");
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            dir,
        }
    }

    async fn ask(&self, query: &str) -> Result<f64, CheckError> {
        number(&self.source(), query).await
    }

    fn source(&self) -> MetricSource {
        MetricSource::Prometheus(PrometheusSource {
            url: self.url.clone(),
            timeout: Span::from_secs(10),
            token: None,
        })
    }

    /// Waits until a query has a number.
    async fn until(&self, query: &str) -> f64 {
        let asking = async {
            loop {
                match self.ask(query).await {
                    Ok(value) => return value,
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| {
            let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            panic!("Prometheus never answered `{query}`; it says: {log}")
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_real_prometheus_server_is_asked_and_told_apart() {
    let scraped = Fake::always(page(200, 5)).await;
    let server = Server::start(&scraped);
    assert_eq!(server.until("http_requests_total").await, 200.0);

    assert_eq!(server.ask("scalar(http_ratio)").await.unwrap(), 0.5);
    assert_eq!(
        server
            .ask("sum(http_errors_total) / sum(http_requests_total)")
            .await
            .unwrap(),
        0.025
    );
    let (requests, errors) = (
        r#"http_requests_total{version="{version}"}"#,
        r#"http_errors_total{arm="{arm}"}"#,
    );
    let source = asks(server.source(), requests, errors);
    let tick = traffic(&source, "1.4.0", Arm::Canary, Weight::ALL).await.unwrap();
    assert_eq!((tick.requests, tick.errors), (200, 5));

    for (query, why) in [
        ("no_such_metric", "no data"),
        ("0 / 0", "the value is NaN"),
        ("1 / 0", "the value is +Inf"),
        ("http_ratio / 0", "the value is +Inf"),
        ("{__name__=~\"http_.*\"}", "3 series instead of one: "),
        ("http_requests_total[5m]", "range of numbers"),
        ("\"text\"", "is a text"),
        ("sum(", "the server said `bad_data`"),
        ("", "the server said `bad_data`"),
    ] {
        let err = server.ask(query).await.unwrap_err();
        assert!(err.why.contains(why), "{query}: {err}");
    }

    let Server { url, .. } = &server;
    let wrong = PrometheusSource {
        url: format!("{url}/wrong"),
        timeout: Span::from_secs(10),
        token: None,
    };
    let err = number(&MetricSource::Prometheus(wrong), "up").await.unwrap_err();
    assert!(err.why.contains("404"), "{err}");
    let source = server.source();
    drop(server);
    let err = number(&source, "up").await.unwrap_err();
    assert!(err.why.contains("could not reach"), "{err}");
}

/// Half an hour of a service, a look each 15 seconds, until now: two instances of 1.3.0 with 10 requests a look each, and
/// one of 1.4.0 with 5; of every tenth look one request failed, of the new one half of all.
fn recorded(now: i64) -> String {
    let looks: Vec<i64> = (0..=120).collect();
    let at = |look: &i64| now - (120 - look) * 15;
    let pods = [("1.3.0", "a", 10), ("1.3.0", "b", 10), ("1.4.0", "c", 5)];
    let failed = |version: &str, look: i64| if version == "1.4.0" { look * 2 } else { look / 10 };
    let mut lines = vec!["# TYPE http_requests counter".to_owned()];
    for (version, pod, each) in pods {
        for (code, is_failed) in [("200", false), ("500", true)] {
            for look in &looks {
                let bad = failed(version, *look);
                let count = if is_failed { bad } else { look * each - bad };
                let labels = format!("version=\"{version}\",pod=\"{pod}\",code=\"{code}\"");
                lines.push(format!("http_requests_total{{{labels}}} {count} {}", at(look)));
            }
        }
    }
    lines.push("# TYPE http_seconds histogram".to_owned());
    for (version, pod, each) in pods {
        for (le, part) in [("0.1", each / 2), ("0.5", each - 1), ("+Inf", each)] {
            for look in &looks {
                let labels = format!("version=\"{version}\",pod=\"{pod}\",le=\"{le}\"");
                lines.push(format!(
                    "http_seconds_bucket{{{labels}}} {} {}",
                    look * part,
                    at(look)
                ));
            }
        }
    }
    lines.push("# TYPE memory_bytes gauge".to_owned());
    for (index, (version, pod, _)) in pods.iter().enumerate() {
        for look in &looks {
            let bytes = (index + 1) * 1_000;
            lines.push(format!(
                "memory_bytes{{version=\"{version}\",pod=\"{pod}\"}} {bytes} {}",
                at(look)
            ));
        }
    }
    lines.push("# EOF\n".to_owned());
    lines.join("\n")
}

/// What is asked of the recorded trace.
fn of_trace(server: &Server) -> TrafficSource {
    TrafficSource {
        pod: Some("pod".to_owned()),
        latency: Some("sum by (le, pod) (http_seconds_bucket{version=\"{version}\"})".to_owned()),
        gauges: [(
            "memory".to_owned(),
            "memory_bytes{version=\"{version}\"}".to_owned(),
        )]
        .into(),
        history: Some(Span::from_secs(1_200)),
        ..asks(
            server.source(),
            "sum by (pod) (http_requests_total{version=\"{version}\"})",
            "sum by (pod) (http_requests_total{version=\"{version}\",code=~\"5..\"})",
        )
    }
}

#[tokio::test]
async fn a_recorded_trace_is_read_by_instance_with_latency_gauges_and_its_past() {
    let now = jiff::Timestamp::now().as_second();
    let server = Server::of_trace(&recorded(now));
    server.until("count(memory_bytes)").await;
    let source = of_trace(&server);
    let canary = traffic(&source, "1.4.0", Arm::Canary, Weight::percent(20))
        .await
        .unwrap();
    assert_eq!((canary.requests, canary.errors, canary.weight), (600, 240, 20));
    assert_eq!(canary.buckets, [(0.1, 240), (0.5, 480)]);
    assert_eq!(canary.gauges["memory"], 3_000.0);
    assert_eq!(canary.pods.keys().collect::<Vec<_>>(), ["c"]);

    let stable = traffic(&source, "1.3.0", Arm::Stable, Weight::percent(80))
        .await
        .unwrap();
    assert_eq!((stable.requests, stable.errors), (2_400, 24));
    assert_eq!(stable.buckets, [(0.1, 1_200), (0.5, 2_160)]);
    assert_eq!(stable.gauges["memory"], 1_500.0);
    assert_eq!((stable.pods["a"].requests, stable.pods["b"].errors), (1_200, 12));
    assert_eq!(stable.pods["a"].buckets, [(0.1, 600), (0.5, 1_080)]);

    let until = jiff::Timestamp::from_second(now).unwrap();
    let past = history(&source, "1.3.0", Span::from_secs(15), until)
        .await
        .unwrap();
    assert_eq!(past.len(), 81);
    assert!(
        past.windows(2)
            .all(|pair| pair[1].at > pair[0].at && pair[1].requests >= pair[0].requests)
    );
    assert!(
        past.iter()
            .all(|tick| tick.arm == Arm::Stable && tick.weight == 100 && tick.pods.len() == 2)
    );
    let (first, last) = (past.first().unwrap(), past.last().unwrap());
    assert_eq!((last.at, last.requests, last.errors), (until, 2_400, 24));
    assert_eq!(last.requests - first.requests, 1_600);
    assert_eq!(last.buckets, stable.buckets);

    // A longer past than there is: looks without an answer are left out, not guessed.
    let longer = TrafficSource {
        history: Some(Span::from_secs(7_200)),
        ..source.clone()
    };
    let past = history(&longer, "1.3.0", Span::from_secs(60), until)
        .await
        .unwrap();
    assert_eq!(past.len(), 31);
    assert!(
        history(
            &asks(server.source(), "a", "b"),
            "1.3.0",
            Span::from_secs(15),
            until
        )
        .await
        .unwrap()
        .is_empty()
    );
}

#[tokio::test]
async fn a_recorded_trace_that_does_not_say_what_was_counted_gives_no_tick() {
    let now = jiff::Timestamp::now().as_second();
    let server = Server::of_trace(&recorded(now));
    server.until("count(memory_bytes)").await;
    let source = of_trace(&server);
    let until = jiff::Timestamp::from_second(now).unwrap();
    for (asked, why) in [
        (
            TrafficSource {
                pod: None,
                ..source.clone()
            },
            "2 series instead of one",
        ),
        (
            TrafficSource {
                pod: Some("node".into()),
                ..source.clone()
            },
            "has no label `node`",
        ),
        (
            TrafficSource {
                latency: Some("rate(http_seconds_bucket[1m])".into()),
                ..source.clone()
            },
            "no count",
        ),
        (
            TrafficSource {
                latency: Some("http_seconds_bucket{le!=\"+Inf\",version=\"1.3.0\"}".into()),
                ..source.clone()
            },
            "no `+Inf`",
        ),
        (
            TrafficSource {
                gauges: [("cpu".into(), "cpu_seconds".into())].into(),
                ..source.clone()
            },
            "no data",
        ),
        (
            TrafficSource {
                errors: "sum by (pod) (http_requests_total{pod=\"a\",code=\"500\"})".into(),
                ..source.clone()
            },
            "`b` has requests but no series of errors",
        ),
    ] {
        let err = traffic(&asked, "1.3.0", Arm::Stable, Weight::ALL)
            .await
            .unwrap_err();
        assert!(err.why.contains(why), "{why}: {err}");
        if !why.contains("a series of") {
            assert!(
                history(&asked, "1.3.0", Span::from_secs(15), until)
                    .await
                    .is_err()
                    || why == "no data"
            );
        }
    }
}

#[tokio::test]
async fn a_page_gives_a_tick_of_each_instance_with_latency_and_gauges() {
    let text = "# TYPE r counter\n\
        r_total{pod=\"a\",code=\"200\"} 90\nr_total{pod=\"a\",code=\"500\"} 10\n\
        r_total{pod=\"b\",code=\"200\"} 50\nr_total{pod=\"b\",code=\"500\"} 0\n\
        # TYPE t histogram\n\
        t_bucket{pod=\"a\",le=\"0.1\"} 60\nt_bucket{pod=\"a\",le=\"+Inf\"} 100\n\
        t_bucket{pod=\"b\",le=\"0.1\"} 40\nt_bucket{pod=\"b\",le=\"+Inf\"} 50\n\
        memory{pod=\"a\"} 10\nmemory{pod=\"b\"} 30\n# EOF\n";
    let fake = Fake::always(ok(OPENMETRICS, text)).await;
    let source = TrafficSource {
        pod: Some("pod".into()),
        latency: Some("sum(t_bucket)".into()),
        gauges: [("memory".into(), "memory".into())].into(),
        ..asks(
            scrape(&fake, Span::from_secs(5)),
            "sum(r_total)",
            "sum(r_total{code=\"500\"})",
        )
    };
    let tick = traffic(&source, "1.4.0", Arm::Canary, Weight::ALL).await.unwrap();
    assert_eq!((tick.requests, tick.errors), (150, 10));
    assert_eq!((tick.pods["a"].requests, tick.pods["a"].errors), (100, 10));
    assert_eq!(tick.pods["b"].buckets, [(0.1, 40)]);
    assert_eq!(tick.buckets, [(0.1, 100)]);
    assert_eq!(tick.gauges["memory"], 20.0);
    assert_eq!(fake.asked().len(), 1, "all of one page");

    let whole = TrafficSource {
        pod: None,
        ..source.clone()
    };
    let tick = traffic(&whole, "1.4.0", Arm::Canary, Weight::ALL).await.unwrap();
    assert_eq!(
        (tick.requests, tick.pods.len(), tick.buckets),
        (150, 0, vec![(0.1, 100)])
    );
    for (asked, why) in [
        (
            TrafficSource {
                requests: "r_total".into(),
                ..whole.clone()
            },
            "series instead of one",
        ),
        (
            TrafficSource {
                requests: "rate(r_total)".into(),
                ..whole.clone()
            },
            "is no count",
        ),
        (
            TrafficSource {
                history: Some(Span::from_secs(60)),
                ..whole.clone()
            },
            "",
        ),
    ] {
        let told = match why {
            "" => history(&asked, "1.4.0", Span::from_secs(5), jiff::Timestamp::now())
                .await
                .map(drop),
            _ => traffic(&asked, "1.4.0", Arm::Canary, Weight::ALL).await.map(drop),
        };
        let err = told.unwrap_err();
        assert!(
            err.why.contains(why) && (!why.is_empty() || err.why.contains("has no past")),
            "{err}"
        );
    }
}

/// One native histogram as exporters write it: a message of `io.prometheus.client.MetricFamily` behind its length.
/// Two observations are in the zero bucket, 15 up to the square root of a half, and 5 up to one.
fn exposed_natively() -> Vec<u8> {
    fn varint(mut number: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while number >= 0x80 {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        bytes
    }
    let zigzag = |number: i64| varint(((number << 1) ^ (number >> 63)) as u64);
    let number = |field: u64, value: Vec<u8>| [varint(field << 3), value].concat();
    let double = |field: u64, value: f64| [varint(field << 3 | 1), value.to_le_bytes().to_vec()].concat();
    let bytes = |field: u64, value: &[u8]| {
        [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
    };
    let span = [number(1, zigzag(-1)), number(2, varint(2))].concat();
    let histogram = [
        number(1, varint(22)),
        double(2, 12.5),
        number(5, zigzag(1)),
        double(6, 0.001),
        number(7, varint(2)),
        bytes(12, &span),
        bytes(13, &[zigzag(15), zigzag(-10)].concat()),
    ]
    .concat();
    let label = [bytes(1, b"pod"), bytes(2, b"a")].concat();
    let metric = [bytes(1, &label), bytes(7, &histogram)].concat();
    let family = [bytes(1, b"seconds"), number(3, varint(4)), bytes(4, &metric)].concat();
    let body = [varint(family.len() as u64), family].concat();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

#[tokio::test]
async fn a_native_histogram_of_a_real_server_becomes_bounds() {
    let scraped = Fake::always(exposed_natively()).await;
    let server = Server::start(&scraped);
    server.until("histogram_count(seconds)").await;
    let source = TrafficSource {
        pod: Some("pod".into()),
        latency: Some("seconds".into()),
        ..asks(
            server.source(),
            "histogram_count(seconds)",
            "0 * histogram_count(seconds)",
        )
    };
    let tick = traffic(&source, "1.4.0", Arm::Canary, Weight::ALL).await.unwrap();
    assert_eq!((tick.requests, tick.errors), (22, 0));
    let at = |bound: f64| {
        tick.buckets
            .iter()
            .find(|bucket| (bucket.0 - bound).abs() < 1e-9)
            .unwrap()
            .1
    };
    assert_eq!((at(0.5), at(0.5_f64.sqrt()), at(1.0), at(128.0)), (2, 17, 22, 22));
    assert_eq!(tick.pods["a"].buckets, tick.buckets);
    // Of the past as well.
    let source = TrafficSource {
        history: Some(Span::from_secs(1)),
        ..source
    };
    let past = history(&source, "1.4.0", Span::from_secs(1), jiff::Timestamp::now())
        .await
        .unwrap();
    assert!(past.iter().all(|seen| seen.buckets == tick.buckets) && !past.is_empty());
}

#[tokio::test]
async fn the_past_of_a_query_has_a_number_for_each_look_that_had_one() {
    let now = jiff::Timestamp::now().as_second();
    let mut trace = String::from("# TYPE failing gauge\n");
    let moments: Vec<i64> = (0..120).map(|minute| now - 7_200 + minute * 60).collect();
    let value = |index: usize| if index % 40 == 20 { 5 } else { 0 };
    for (index, at) in moments.iter().enumerate() {
        trace += &format!("failing{{pod=\"a\"}} {} {at}\n", value(index));
    }
    for at in &moments {
        trace += &format!("failing{{pod=\"b\"}} 0 {at}\n");
    }
    trace += "# TYPE served gauge\n";
    for (index, at) in moments.iter().enumerate() {
        // A minute without requests: its ratio is no number.
        let served = if index == 50 { 0 } else { 100 };
        trace += &format!("served {served} {at}\n");
    }
    trace += "# EOF\n";
    let server = Server::of_trace(&trace);
    server.until("count(served)").await;
    let order = |query: &str| CheckOrder {
        check: Check::Metric(MetricCheck {
            source: server.source(),
            query: query.to_owned(),
        }),
        release: gateline_model::Digest::of(b"1.3.0"),
        stage: "payments/payment-service/production".parse().unwrap(),
        version: "1.3.0".to_owned(),
        artifacts: Vec::new(),
        reports: Vec::new(),
        registries: Default::default(),
        policy: None,
    };
    let (from, until) = (moments[0], moments[119]);
    let [from, until] = [from, until].map(|at| jiff::Timestamp::from_second(at).unwrap());
    let minute = Span::from_secs(60);
    let numbers = past(&order("sum(failing) / sum(served)"), from, until, minute)
        .await
        .unwrap();
    assert_eq!(numbers.len(), 120);
    assert_eq!(numbers[0].0, from);
    let over = numbers.iter().filter(|(_, value)| *value > 0.02).count();
    assert_eq!(over, 3);
    assert_eq!(numbers.iter().filter(|(_, value)| value.is_nan()).count(), 1);
    // Several series at one moment are as little an answer as they would have been then.
    let err = past(&order("failing"), from, until, minute).await.unwrap_err();
    assert!(err.why.contains("2 series"), "{err}");
    let err = past(&order("failing{"), from, until, minute).await.unwrap_err();
    assert!(err.why.contains("parse error"), "{err}");
    let page = serde_json::json!({"source": {"openmetrics": {"url": "http://127.0.0.1:1/"}}, "query": "up"});
    let none = CheckOrder {
        check: Check::Metric(serde_json::from_value(page).unwrap()),
        ..order("up")
    };
    assert!(
        past(&none, from, until, minute)
            .await
            .unwrap_err()
            .why
            .contains("no past")
    );
}
