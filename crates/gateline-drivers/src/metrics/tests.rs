//! Sources as a whole: scrapes of a fake page, and queries to a real Prometheus server that scrapes a fake page.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gateline_model::{OpenmetricsSource, PrometheusSource, Span};
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

async fn look(fake: &Fake, requests: &str, errors: &str) -> Result<Tick, CheckError> {
    let from = scrape(fake, Span::from_secs(5));
    let source = TrafficSource {
        from,
        requests: requests.into(),
        errors: errors.into(),
    };
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
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let page = scraped.url("");
        let host = page.strip_prefix("http://").unwrap();
        let settings = format!(
            "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\nscrape_configs: [{{job_name: app, static_configs: [{{targets: ['{host}']}}]}}]\n"
        );
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
            .arg("--log.level=warn")
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
    let source = TrafficSource {
        from: server.source(),
        requests: requests.into(),
        errors: errors.into(),
    };
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
