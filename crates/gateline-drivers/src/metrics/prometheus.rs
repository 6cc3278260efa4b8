//! Source `prometheus`: one instant query to the HTTP API of a Prometheus server.
//!
//! An answer counts only when it is whole and is exactly one finite number: no data, NaN, several series, warnings
//! (a partial answer), an error of the server and an answer that is no JSON are told apart.

use std::collections::BTreeMap;
use std::fmt;

use gateline_model::PrometheusSource;
use reqwest::Url;
use serde::Deserialize;

use super::listed;
use crate::CheckError;
use crate::fetch::{Answer, Ask, post_form, shown, url};

/// Most bytes of an answer. One number needs 200; thousands of series fit, to be told how many there are.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Asks once.
pub(super) async fn number(source: &PrometheusSource, query: &str) -> Result<f64, CheckError> {
    let PrometheusSource {
        url: base,
        timeout,
        token,
    } = source;
    let url = query_url(&url(base)?);
    let at = shown(&url);
    let ask = Ask {
        url: &url,
        timeout: *timeout,
        token: token.as_ref(),
        body_bytes_max: ANSWER_BYTES_MAX,
    };
    // The server stops working when we stop waiting.
    let limit = format!("{}ms", timeout.as_millis());
    let answer = post_form(&ask, &[("query", query), ("timeout", &limit)]).await?;
    read(&answer, &at).map_err(|err| match err {
        AnswerError::Refused => answer.refused(&at),
        err => CheckError::new(format!("`{at}` on `{query}`: {err}")),
    })
}

/// `/api/v1/query` below the base address, whatever it ends with.
fn query_url(base: &Url) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/api/v1/query", base.path().trim_end_matches('/')));
    url.set_query(None);
    url
}

/// The server's answer, as far as it is used.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    status: String,
    data: Option<Data>,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<Sample>),
    Scalar(Point),
    Matrix(serde::de::IgnoredAny),
    String(serde::de::IgnoredAny),
}

#[derive(Debug, Deserialize)]
struct Sample {
    metric: BTreeMap<String, String>,
    /// Absent for a native histogram.
    value: Option<Point>,
}

/// A time and a number as text.
#[derive(Debug, Deserialize)]
struct Point(
    #[expect(dead_code, reason = "the server stamps it with the time of the query")] f64,
    String,
);

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<String> = self
            .metric
            .iter()
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        write!(f, "{{{}}}", labels.join(", "))
    }
}

/// Why an answer is not one number.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
enum AnswerError {
    /// The status says it all.
    #[error("another status than 200")]
    Refused,
    #[error("the server said `{kind}`: {why}; correct the query or look at the server")]
    Server { kind: String, why: String },
    #[error("the answer is not one of a Prometheus server ({0}); give its base address")]
    NotPrometheus(String),
    #[error("partial answer, the server warns: {0}; look at its sources")]
    Partial(String),
    #[error(
        "no data; let it be scraped, correct the query, or write `or vector(0)` where nothing means zero"
    )]
    NoData,
    #[error("{count} series instead of one: {first}; name more labels or aggregate, as in `sum(..)`")]
    ManySeries { count: usize, first: String },
    #[error("the answer is a {0}; ask for one number, as in `sum(rate(..[5m]))`")]
    NotANumber(&'static str),
    #[error("the value is {0}, which is no number to judge by (often a division by zero requests)")]
    NotFinite(String),
}

fn read(answer: &Answer, at: &str) -> Result<f64, AnswerError> {
    let body: Body = match serde_json::from_slice(&answer.body) {
        Ok(body) => body,
        Err(_) if answer.status != 200 => return Err(AnswerError::Refused),
        Err(err) => return Err(AnswerError::NotPrometheus(err.to_string())),
    };
    let Body {
        status,
        data,
        error_type,
        error,
        warnings,
    } = body;
    if status == "error" {
        return Err(AnswerError::Server {
            kind: error_type,
            why: error.chars().take(300).collect(),
        });
    }
    if answer.status != 200 {
        return Err(AnswerError::Refused);
    }
    if status != "success" {
        return Err(AnswerError::NotPrometheus(format!(
            "it has the status `{status}` at `{at}`"
        )));
    }
    if let Some(warning) = warnings.first() {
        return Err(AnswerError::Partial(warning.chars().take(300).collect()));
    }
    let point = match data.ok_or_else(|| AnswerError::NotPrometheus("it has no `data`".to_owned()))? {
        Data::Scalar(point) => point,
        Data::Vector(mut samples) => match (samples.pop(), samples.len()) {
            (None, _) => return Err(AnswerError::NoData),
            (Some(only), 0) => only.value.ok_or(AnswerError::NotANumber("histogram"))?,
            (Some(last), others) => {
                samples.push(last);
                return Err(AnswerError::ManySeries {
                    count: others + 1,
                    first: listed(samples.iter()),
                });
            }
        },
        Data::Matrix(_) => return Err(AnswerError::NotANumber("range of numbers")),
        Data::String(_) => return Err(AnswerError::NotANumber("text")),
    };
    let Point(_, text) = point;
    let not_finite = || AnswerError::NotFinite(text.chars().take(40).collect());
    text.parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
        .ok_or_else(not_finite)
}

#[cfg(test)]
mod tests {
    use gateline_model::{SecretRef, Span};
    use test_case::test_case;

    use super::*;
    use crate::fake::{Fake, ok, raw, status};

    fn vector(series: &[&str]) -> String {
        let series = series.join(",");
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#)
    }

    async fn ask(answer: Vec<u8>) -> Result<f64, CheckError> {
        ask_at(&Fake::always(answer).await, "/").await
    }

    async fn ask_at(fake: &Fake, path: &str) -> Result<f64, CheckError> {
        let source = PrometheusSource {
            url: fake.url(path),
            timeout: Span::from_secs(5),
            token: None,
        };
        number(&source, "sum(up)").await
    }

    #[tokio::test]
    async fn one_series_or_a_scalar_is_a_number() {
        let one = vector(&[r#"{"metric":{"a":"b"},"value":[1.5,"0.25"]}"#]);
        assert_eq!(ask(ok("application/json", &one)).await.unwrap(), 0.25);
        let scalar =
            r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]},"infos":["hint"]}"#;
        assert_eq!(ask(ok("application/json", scalar)).await.unwrap(), 2.0);
    }

    #[tokio::test]
    async fn the_query_goes_below_the_base_address_whatever_it_ends_with() {
        let fake = Fake::always(ok("application/json", &vector(&[]))).await;
        for path in ["", "/", "/prometheus", "/prometheus/"] {
            let _ = ask_at(&fake, path).await;
        }
        let lines: Vec<String> = fake
            .asked()
            .iter()
            .map(|asked| asked.lines().next().unwrap_or_default().to_owned())
            .collect();
        let (root, below) = (
            "POST /api/v1/query HTTP/1.1",
            "POST /prometheus/api/v1/query HTTP/1.1",
        );
        assert_eq!(lines, [root, root, below, below]);
        assert!(
            fake.asked()[0].ends_with("query=sum%28up%29&timeout=5000ms"),
            "{}",
            fake.asked()[0]
        );
    }

    const NAN: &str = r#"{"metric":{},"value":[1,"NaN"]}"#;
    const INF: &str = r#"{"metric":{},"value":[1,"+Inf"]}"#;
    const ONE: &str = r#"{"metric":{"pod":"a"},"value":[1,"1"]}"#;
    const TWO: &str = r#"{"metric":{"pod":"b"},"value":[1,"1"]}"#;
    const HISTOGRAM: &str = r#"{"metric":{},"histogram":[1,{"count":"1","sum":"1"}]}"#;

    #[test_case(&vector(&[]), "no data"; "an empty answer is no zero")]
    #[test_case(&vector(&[NAN]), "the value is NaN"; "NaN is no number")]
    #[test_case(&vector(&[INF]), "the value is +Inf"; "infinity is no number")]
    #[test_case(&vector(&[ONE, TWO]), "2 series instead of one: {pod=\"a\"}, {pod=\"b\"}"; "several series are listed")]
    #[test_case(&vector(&[ONE, TWO, ONE, TWO, ONE]), "and 2 more"; "of many series a few are listed")]
    #[test_case(&vector(&[HISTOGRAM]), "is a histogram"; "a native histogram is no number")]
    #[test_case(&vector(&[ONE]).replace(r#","data""#, r#","warnings":["store a is away"],"data""#), "partial answer, the server warns: store a is away"; "a partial answer does not count")]
    #[test_case(r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#, "range of numbers"; "a range is not one number")]
    #[test_case(r#"{"status":"success","data":{"resultType":"string","result":[1,"5"]}}"#, "is a text"; "a text is no number even if it looks like one")]
    #[test_case(r#"{"status":"success"}"#, "it has no `data`"; "success without data is no answer")]
    #[test_case(r#"{"status":"fine","data":{"resultType":"scalar","result":[1,"2"]}}"#, "the status `fine`"; "an unknown status does not count")]
    #[test_case("<html>login</html>", "not one of a Prometheus server"; "a page for people is no answer")]
    #[test_case(r#"{"status":"success","data":{"resultType":"vec"#, "not one of a Prometheus server"; "half an answer is no answer")]
    #[test_case(&"[".repeat(100_000), "not one of a Prometheus server"; "deep nesting is refused")]
    #[tokio::test]
    async fn what_is_no_number_is_an_error(body: &str, why: &str) {
        let err = ask(ok("application/json", body)).await.unwrap_err();
        assert!(err.why.contains(why), "{err}");
        assert!(err.why.len() < 600, "{err}");
    }

    #[test_case("400 Bad Request", r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#, "the server said `bad_data`: parse error"; "the server's own error is told")]
    #[test_case("503 Service Unavailable", "away", "answered 503"; "a status without words is told")]
    #[test_case("401 Unauthorized", "", "give a `token`"; "a missing token is told")]
    #[test_case("404 Not Found", "404 page not found", "correct the address"; "a wrong address is told")]
    #[test_case("500 Internal Server Error", &vector(&[ONE]), "answered 500"; "a number under an error status does not count")]
    #[tokio::test]
    async fn an_error_status_is_an_error(line: &str, body: &str, why: &str) {
        let err = ask(status(line, "text/plain", body)).await.unwrap_err();
        assert!(err.why.contains(why), "{err}");
    }

    #[tokio::test]
    async fn a_server_that_breaks_off_hangs_or_trickles_gives_no_number() {
        let cut = raw("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"status\":\"success\"");
        assert!(ask(cut).await.unwrap_err().why.contains("broke off"));
        for fake in [Fake::hangs().await, Fake::trickles().await] {
            let source = PrometheusSource {
                url: fake.url("/"),
                timeout: Span::from_millis(200),
                token: None,
            };
            let err = number(&source, "up").await.unwrap_err();
            assert!(
                err.why.contains("did not finish its answer within 200ms"),
                "{err}"
            );
        }
    }

    #[tokio::test]
    async fn a_missing_token_is_told_by_its_reference() {
        let fake = Fake::always(ok("application/json", &vector(&[ONE]))).await;
        let token = Some(SecretRef::Env("GATELINE_NO_SUCH_TOKEN".into()));
        let source = PrometheusSource {
            url: fake.url("/"),
            timeout: Span::from_secs(5),
            token,
        };
        let err = number(&source, "up").await.unwrap_err();
        assert!(
            err.why.contains("`env:GATELINE_NO_SUCH_TOKEN` is not there"),
            "{err}"
        );
        assert!(fake.asked().is_empty(), "asked without the token");
    }
}
