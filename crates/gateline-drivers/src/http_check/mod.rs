//! Driver `http`: one GET, its status, its time, and whether the body holds a text.
//!
//! Effect class: none, it only observes. An answer of any status is a reading; no answer, or not all of it in time, is
//! an error. Knows no status that is good: that is for the gate to say.

use gateline_model::{HttpCheck, Reading};

use crate::CheckError;
use crate::fetch::{Ask, get, shown, url};
use crate::fill::Fill;

/// Most bytes of an answer's body. A health page is small; a download is not a check.
pub const HTTP_BODY_BYTES_MAX: usize = 1024 * 1024;

/// Asks once.
///
/// # Errors
/// [`CheckError`] where there was no whole answer within the check's timeout.
pub async fn check(check: &HttpCheck, version: &str) -> Result<Reading, CheckError> {
    let HttpCheck {
        url: address,
        contains,
        timeout,
        token,
    } = check;
    // `+` is legal in a version and means a space in a query.
    let fill = Fill::of(&version.replace('+', "%2B"), &[]);
    let address = fill
        .fill(address)
        .map_err(|err| CheckError::new(err.to_string()))?;
    let url = url(&address)?;
    let ask = Ask {
        url: &url,
        timeout: *timeout,
        token: token.as_ref(),
        body_bytes_max: HTTP_BODY_BYTES_MAX,
    };
    let answer = get(&ask, "*/*").await?;
    let holds = |text: &String| contains_bytes(&answer.body, text.as_bytes());
    Ok(Reading::Http {
        status: answer.status,
        latency_ms: u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
        body_matched: contains.as_ref().map(holds),
        url: shown(&url),
    })
}

fn contains_bytes(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    use gateline_model::Span;
    use test_case::test_case;

    use super::*;
    use crate::fake::{Fake, ok, raw, status};

    fn check(url: String, contains: Option<&str>) -> HttpCheck {
        HttpCheck {
            url,
            contains: contains.map(str::to_owned),
            timeout: Span::from_secs(5),
            token: None,
        }
    }

    #[test_case("200 OK", "ready", Some("ready"), 200, Some(true); "a body that holds the text is told")]
    #[test_case("200 OK", "starting", Some("ready"), 200, Some(false); "a body that lacks the text is a reading")]
    #[test_case("500 Internal Server Error", "", None, 500, None; "a server error is a reading and no check error")]
    #[test_case("302 Found", "", None, 302, None; "a redirect elsewhere is a reading")]
    #[tokio::test]
    async fn an_answer_is_a_reading(
        line: &str,
        body: &str,
        asked: Option<&str>,
        code: u16,
        holds: Option<bool>,
    ) {
        let fake = Fake::always(status(line, "text/plain", body)).await;
        let reading = super::check(&check(fake.url("/healthz"), asked), "1.0.0")
            .await
            .unwrap();
        let Reading::Http {
            status,
            body_matched,
            url,
            latency_ms: _,
        } = reading
        else {
            panic!("{reading:?}")
        };
        assert_eq!((status, body_matched, url), (code, holds, fake.url("/healthz")));
    }

    #[tokio::test]
    async fn the_version_is_filled_into_the_address() {
        let fake = Fake::always(ok("text/plain", "")).await;
        super::check(&check(fake.url("/is?v={version}"), None), "1.0.0+7")
            .await
            .unwrap();
        assert!(
            fake.asked()[0].starts_with("GET /is?v=1.0.0%2B7 "),
            "{}",
            fake.asked()[0]
        );
    }

    #[tokio::test]
    async fn half_an_answer_is_an_error_and_no_reading() {
        let cut = raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nready");
        let fake = Fake::always(cut).await;
        let err = super::check(&check(fake.url("/"), Some("ready")), "1.0.0")
            .await
            .unwrap_err();
        assert!(err.why.contains("broke off"), "{err}");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_an_error() {
        let fake = Fake::always(ok("text/plain", &"x".repeat(HTTP_BODY_BYTES_MAX + 1))).await;
        let err = super::check(&check(fake.url("/"), None), "1.0.0")
            .await
            .unwrap_err();
        assert!(err.why.contains("more than 1048576 bytes"), "{err}");
    }
}
