//! Source `prometheus`: queries to the HTTP API of a Prometheus server, for one moment or for a stretch of time.
//!
//! An answer counts only when it is whole and is what was asked for: no data, NaN, several series, warnings (a partial
//! answer), an error of the server and an answer that is no JSON are told apart.

mod answer;

use std::collections::BTreeMap;

use gateline_model::{PrometheusSource, Span};
use jiff::Timestamp;
use reqwest::Url;

use self::answer::AnswerError;
use super::series::Series;
use crate::CheckError;
use crate::fetch::{Answer, Ask, post_form, shown, url};

/// Most bytes of an answer. One number needs 200; thousands of series fit, to be told how many there are.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most bytes of an answer over a stretch of time: some two hundred series of a day each.
pub const RANGE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Asks once for one number.
pub(super) async fn number(source: &PrometheusSource, query: &str) -> Result<f64, CheckError> {
    let answer = Question::of(source, query, "query")?
        .ask(&[], ANSWER_BYTES_MAX)
        .await?;
    let now = Timestamp::now();
    answer.read(|answer, of| answer::number(answer, of, now))
}

/// Asks once for all series of one moment.
pub(super) async fn series(
    source: &PrometheusSource,
    query: &str,
    at: Timestamp,
) -> Result<Vec<Series>, CheckError> {
    let time = ("time", seconds(at));
    let answer = Question::of(source, query, "query")?
        .ask(&[time], ANSWER_BYTES_MAX)
        .await?;
    answer.read(|answer, of| answer::series(answer, of, at))
}

/// Asks once for all series of a stretch of time, by the moment that each value is of, in milliseconds.
pub(super) async fn range(
    source: &PrometheusSource,
    query: &str,
    from: Timestamp,
    to: Timestamp,
    step: Span,
) -> Result<BTreeMap<i64, Vec<Series>>, CheckError> {
    let step = format!("{}ms", step.as_millis());
    let fields = [("start", seconds(from)), ("end", seconds(to)), ("step", step)];
    let answer = Question::of(source, query, "query_range")?
        .ask(&fields, RANGE_BYTES_MAX)
        .await?;
    answer.read(answer::range)
}

/// Asks once for the numbers of a stretch of time, by the moment that each is of, in milliseconds.
pub(super) async fn past(
    source: &PrometheusSource,
    query: &str,
    from: Timestamp,
    to: Timestamp,
    step: Span,
) -> Result<BTreeMap<i64, Vec<f64>>, CheckError> {
    let step = format!("{}ms", step.as_millis());
    let fields = [("start", seconds(from)), ("end", seconds(to)), ("step", step)];
    let answer = Question::of(source, query, "query_range")?
        .ask(&fields, RANGE_BYTES_MAX)
        .await?;
    answer.read(answer::past)
}

/// A time as the API writes it.
fn seconds(at: Timestamp) -> String {
    let millis = at.as_millisecond();
    format!("{}.{:03}", millis.div_euclid(1_000), millis.rem_euclid(1_000))
}

/// A query and where it is put.
struct Question<'a> {
    source: &'a PrometheusSource,
    query: &'a str,
    url: Url,
}

/// What came back, and to what.
struct Answered<'a> {
    answer: Answer,
    query: &'a str,
    at: String,
}

impl<'a> Question<'a> {
    fn of(source: &'a PrometheusSource, query: &'a str, api: &str) -> Result<Self, CheckError> {
        let url = api_url(&url(&source.url)?, api);
        Ok(Self { source, query, url })
    }

    async fn ask(self, fields: &[(&str, String)], body_bytes_max: usize) -> Result<Answered<'a>, CheckError> {
        let Self { source, query, url } = self;
        let PrometheusSource {
            url: _,
            timeout,
            token,
        } = source;
        let ask = Ask {
            url: &url,
            timeout: *timeout,
            token: token.as_ref(),
            body_bytes_max,
        };
        // The server stops working when we stop waiting.
        let limit = format!("{}ms", timeout.as_millis());
        let mut form = vec![("query", query), ("timeout", &limit)];
        form.extend(fields.iter().map(|(name, value)| (*name, value.as_str())));
        let answer = post_form(&ask, &form).await?;
        Ok(Answered {
            answer,
            query,
            at: shown(&url),
        })
    }
}

impl Answered<'_> {
    fn read<T>(&self, read: impl FnOnce(&Answer, &str) -> Result<T, AnswerError>) -> Result<T, CheckError> {
        let Self { answer, query, at } = self;
        read(answer, at).map_err(|err| match err {
            AnswerError::Refused => answer.refused(at),
            err => CheckError::new(format!("`{at}` on `{query}`: {err}")),
        })
    }
}

/// `/api/v1/query` and the like below the base address, whatever that ends with.
fn api_url(base: &Url, api: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/api/v1/{api}", base.path().trim_end_matches('/')));
    url.set_query(None);
    url
}

#[cfg(test)]
mod tests {
    use gateline_model::{SecretRef, Span};
    use test_case::test_case;

    use super::*;
    use crate::fake::{Fake, ok, raw, status};

    fn vector(series: &[&str]) -> String {
        let series = series.join(",");
        now(&format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#
        ))
    }

    /// The same with the time of now, in seconds, where `@` stands.
    fn now(text: &str) -> String {
        text.replace('@', &seconds(Timestamp::now()))
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
        let one = vector(&[r#"{"metric":{"a":"b"},"value":[@,"0.25"]}"#]);
        assert_eq!(ask(ok("application/json", &one)).await.unwrap(), 0.25);
        let scalar =
            now(r#"{"status":"success","data":{"resultType":"scalar","result":[@,"2"]},"infos":["hint"]}"#);
        assert_eq!(ask(ok("application/json", &scalar)).await.unwrap(), 2.0);
    }

    #[tokio::test]
    async fn what_is_not_of_now_is_no_data() {
        let moved = |by: jiff::SignedDuration| {
            let at = Timestamp::now() + by;
            let series = format!(r#"{{"metric":{{}},"value":[{},"1"]}}"#, seconds(at));
            ok("application/json", &vector(&[&series]))
        };
        let hour = jiff::SignedDuration::from_hours(1);
        let old = ask(moved(-hour)).await.unwrap_err();
        assert!(old.why.contains("no data of now: the sample is 1h"), "{old}");
        let ahead = ask(moved(hour)).await.unwrap_err();
        assert!(ahead.why.contains("ahead of the clock"), "{ahead}");
        // What is scraped now and then, and by a clock that is not quite ours, is data.
        for near in [
            answer::SAMPLE_AGE_MAX.as_millis() / -2,
            answer::SAMPLE_AHEAD_MAX.as_millis() / 2,
        ] {
            assert_eq!(
                ask(moved(jiff::SignedDuration::from_millis(near))).await.unwrap(),
                1.0
            );
        }
        let fake = Fake::always(moved(hour)).await;
        let source = PrometheusSource {
            url: fake.url("/"),
            timeout: Span::from_secs(5),
            token: None,
        };
        let err = series(&source, "up", Timestamp::now()).await.unwrap_err();
        assert!(err.why.contains("ahead of the clock"), "{err}");
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

    const NAN: &str = r#"{"metric":{},"value":[@,"NaN"]}"#;
    const INF: &str = r#"{"metric":{},"value":[@,"+Inf"]}"#;
    const ONE: &str = r#"{"metric":{"pod":"a"},"value":[@,"1"]}"#;
    const TWO: &str = r#"{"metric":{"pod":"b"},"value":[@,"1"]}"#;
    const HISTOGRAM: &str = r#"{"metric":{},"histogram":[@,{"count":"1","sum":"1"}]}"#;

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
