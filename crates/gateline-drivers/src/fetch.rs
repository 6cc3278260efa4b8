//! Fetching: one bounded HTTP request, and each way in which it can go wrong with its own words.
//!
//! Reaches no link-local and no metadata address, as letters do not, and asks no proxy, which would look names up itself.
//! Knows nothing of what is in the answer. Every request gets a fresh connection: a check asks whether new callers
//! are served. Redirects leave neither the host nor its port; secrets go to the address that was written.

use std::sync::LazyLock;
use std::time::Duration;

use gateline_model::{SecretRef, Span};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, RequestBuilder, Response, Url};
use tokio::time::Instant;

use crate::CheckError;
use crate::outbound::{self, Reach};

/// Most redirects that are followed, all on the same host.
pub const REDIRECTS_MAX: usize = 5;

/// How one request is made.
pub(crate) struct Ask<'a> {
    pub(crate) url: &'a Url,
    pub(crate) timeout: Span,
    pub(crate) token: Option<&'a SecretRef>,
    pub(crate) body_bytes_max: usize,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    /// Where a redirect that was not followed points.
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) took: Duration,
}

impl Answer {
    /// The error for an answer that is not 200, with what to do about it.
    pub(crate) fn refused(&self, at: &str) -> CheckError {
        let Answer { status, location, .. } = self;
        CheckError::new(match (status, location) {
            (300..=399, Some(to)) => format!(
                "`{at}` answered {status} and points to `{to}`: redirects to another host or port are not followed; give the final address"
            ),
            (401 | 403, _) => format!("`{at}` answered {status}: give a `token` that may read it"),
            (404, _) => format!("`{at}` answered 404: correct the address"),
            _ => format!("`{at}` answered {status} instead of 200: look at what serves it"),
        })
    }
}

/// Reads an address that a user wrote.
pub(crate) fn url(text: &str) -> Result<Url, CheckError> {
    let bad = |why: &dyn std::fmt::Display| {
        CheckError::new(format!(
            "an address cannot be used: {why}; write it as in `http://127.0.0.1:9090/metrics`"
        ))
    };
    // The text is not repeated where it cannot be taken apart: it may hold a password.
    let url = Url::parse(text).map_err(|err| bad(&err))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(&format_args!("`{}` is neither http nor https", url.scheme())));
    }
    Ok(url)
}

/// An address for messages: without user, password and query, which may hold secrets.
pub(crate) fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!(
        "{}://{}{port}{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.path()
    )
}

/// Whether an address is none that only a machine itself should ask.
pub(crate) fn reachable(url: &Url) -> Result<(), CheckError> {
    outbound::number_allowed(url, &Reach::Checked).map_err(CheckError::new)
}

/// One GET.
pub(crate) async fn get(ask: &Ask<'_>, accept: &str) -> Result<Answer, CheckError> {
    perform(
        ask,
        client()?
            .get(ask.url.clone())
            .header(reqwest::header::ACCEPT, accept),
    )
    .await
}

/// One POST of form fields.
pub(crate) async fn post_form(ask: &Ask<'_>, fields: &[(&str, &str)]) -> Result<Answer, CheckError> {
    perform(ask, client()?.post(ask.url.clone()).form(fields)).await
}

async fn perform(ask: &Ask<'_>, mut request: RequestBuilder) -> Result<Answer, CheckError> {
    reachable(ask.url)?;
    let at = shown(ask.url);
    if let Some(reference) = ask.token {
        request = request.bearer_auth(crate::secret::read(reference).await?);
    }
    let answer = async {
        let began = Instant::now();
        let response = request.send().await.map_err(|err| unreachable(&at, err))?;
        let status = response.status().as_u16();
        let header = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let content_type = header(CONTENT_TYPE).unwrap_or_default();
        let location = header(LOCATION).map(|to| crate::secret::hide(&to).into_owned());
        let body = read_body(response, &at, ask.body_bytes_max).await?;
        Ok(Answer {
            status,
            content_type,
            location,
            body,
            took: began.elapsed(),
        })
    };
    // One limit for connecting, asking and reading: a server that trickles does not get more.
    tokio::time::timeout(ask.timeout.as_std(), answer)
        .await
        .unwrap_or_else(|_| {
            Err(CheckError::new(format!(
                "`{at}` did not finish its answer within {}: look at what serves it, or raise `timeout`",
                ask.timeout
            )))
        })
}

/// Reads a body up to a limit.
pub(crate) async fn read_body(
    mut response: Response,
    at: &str,
    bytes_max: usize,
) -> Result<Vec<u8>, CheckError> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await.map_err(|err| {
            CheckError::new(format!(
                "`{at}` broke off in the middle of its answer: {}",
                cause(err)
            ))
        })?;
        let Some(chunk) = chunk else { return Ok(body) };
        if body.len() + chunk.len() > bytes_max {
            return Err(CheckError::new(format!(
                "`{at}` answered with more than {bytes_max} bytes: ask for less, or for another address"
            )));
        }
        body.extend_from_slice(&chunk);
    }
}

/// Why there was no answer at all.
pub(crate) fn unreachable(at: &str, err: reqwest::Error) -> CheckError {
    let what = if err.is_connect() {
        "could not reach"
    } else {
        "got no answer from"
    };
    CheckError::new(format!(
        "{what} `{at}`: {}; look whether it runs and the address is right",
        cause(err)
    ))
}

/// The innermost reason: reqwest's own words name the whole address, which may hold secrets.
fn cause(err: reqwest::Error) -> String {
    let err = err.without_url();
    let mut innermost: &dyn std::error::Error = &err;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn client() -> Result<&'static Client, CheckError> {
    static CLIENT: LazyLock<Result<Client, String>> = LazyLock::new(|| build(|| Policy::custom(stay), 0));
    set_up(&CLIENT)
}

/// A client that follows no redirect and keeps connections, for many small requests to one host.
pub(crate) fn client_that_stays() -> Result<&'static Client, CheckError> {
    static CLIENT: LazyLock<Result<Client, String>> = LazyLock::new(|| build(Policy::none, 1));
    set_up(&CLIENT)
}

fn build(redirects: fn() -> Policy, idle_max: usize) -> Result<Client, String> {
    crate::install_crypto();
    let builder = || {
        Client::builder()
            .user_agent(concat!("gateline/", env!("CARGO_PKG_VERSION")))
            .redirect(redirects())
            .no_proxy()
            .dns_resolver(outbound::resolver(Reach::Checked))
            .pool_max_idle_per_host(idle_max)
    };
    // Without the system's certificates plain http still works; https then fails with its own words.
    builder()
        .build()
        .or_else(|_| builder().tls_certs_only([]).build())
        .map_err(|err| err.to_string())
}

fn set_up(client: &'static Result<Client, String>) -> Result<&'static Client, CheckError> {
    client
        .as_ref()
        .map_err(|why| CheckError::new(format!("could not set up the HTTP client: {why}")))
}

/// Follows a redirect only where host, port and scheme stay the same.
fn stay(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let stays = attempt
        .previous()
        .first()
        .is_some_and(|first| first.origin() == attempt.url().origin());
    if !stays {
        attempt.stop()
    } else if attempt.previous().len() > REDIRECTS_MAX {
        attempt.error("too many redirects")
    } else {
        attempt.follow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{Fake, ok, raw};

    async fn fetch(fake: &Fake) -> Result<Answer, CheckError> {
        fetch_with(fake, Span::from_secs(5), None).await
    }

    async fn fetch_with(fake: &Fake, timeout: Span, token: Option<&SecretRef>) -> Result<Answer, CheckError> {
        let url = url(&fake.url("/start")).unwrap();
        get(
            &Ask {
                url: &url,
                timeout,
                token,
                body_bytes_max: 1_000,
            },
            "*/*",
        )
        .await
    }

    #[tokio::test]
    async fn an_answer_comes_whole() {
        let answer = fetch(&Fake::always(ok("text/plain", "hello")).await)
            .await
            .unwrap();
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, b"hello".as_slice())
        );
        assert_eq!(answer.content_type, "text/plain");
    }

    #[tokio::test]
    async fn a_server_that_hangs_is_given_up() {
        let err = fetch_with(&Fake::hangs().await, Span::from_millis(200), None)
            .await
            .unwrap_err();
        assert!(
            err.why.contains("did not finish its answer within 200ms"),
            "{err}"
        );
    }

    #[tokio::test]
    async fn a_server_that_trickles_is_given_up() {
        let err = fetch_with(&Fake::trickles().await, Span::from_millis(300), None)
            .await
            .unwrap_err();
        assert!(
            err.why.contains("did not finish its answer within 300ms"),
            "{err}"
        );
    }

    #[tokio::test]
    async fn a_server_that_disappears_in_the_middle_is_told_apart() {
        let cut = raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this");
        let err = fetch(&Fake::always(cut).await).await.unwrap_err();
        assert!(err.why.contains("broke off in the middle of its answer"), "{err}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_apart() {
        let fake = Fake::always(ok("text/plain", "x")).await;
        let address = fake.url("/");
        drop(fake);
        let url = url(&address).unwrap();
        let ask = Ask {
            url: &url,
            timeout: Span::from_secs(5),
            token: None,
            body_bytes_max: 10,
        };
        let err = get(&ask, "*/*").await.unwrap_err();
        assert!(
            err.why.starts_with(&format!("could not reach `{address}`")),
            "{err}"
        );
    }

    #[tokio::test]
    async fn an_answer_over_the_limit_is_refused() {
        let err = fetch(&Fake::always(ok("text/plain", &"x".repeat(1_001))).await)
            .await
            .unwrap_err();
        assert!(err.why.contains("more than 1000 bytes"), "{err}");
    }

    #[tokio::test]
    async fn a_redirect_to_another_port_is_not_followed_and_takes_no_secret_along() {
        let elsewhere = Fake::always(ok("text/plain", "stolen")).await;
        let to = elsewhere.url("/");
        let moved = raw(&format!(
            "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
        ));
        let answer = fetch(&Fake::always(moved).await).await.unwrap();
        assert_eq!(answer.status, 302);
        assert!(answer.refused("x").why.contains(&format!("points to `{to}`")));
        assert!(elsewhere.asked().is_empty(), "the other server was asked");
    }

    #[tokio::test]
    async fn a_redirect_within_the_host_is_followed_but_not_for_ever() {
        let moved = raw("HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n");
        let once = Fake::in_turn([moved.clone(), ok("text/plain", "there")]).await;
        assert_eq!(fetch(&once).await.unwrap().body, b"there");
        let err = fetch(&Fake::always(moved).await).await.unwrap_err();
        assert!(err.why.contains("too many redirects"), "{err}");
    }

    #[tokio::test]
    async fn a_token_is_sent_and_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let token = SecretRef::File(path.display().to_string());
        let fake = Fake::always(ok("text/plain", "x")).await;
        std::fs::write(&path, "hunter2").unwrap();
        fetch_with(&fake, Span::from_secs(5), Some(&token)).await.unwrap();
        assert!(
            fake.asked()[0]
                .to_ascii_lowercase()
                .contains("authorization: bearer hunter2")
        );
        std::fs::write(&path, "hunter\u{1}2").unwrap();
        let err = fetch_with(&fake, Span::from_secs(5), Some(&token))
            .await
            .unwrap_err();
        assert!(!err.why.contains("hunter"), "{err}");
    }

    #[tokio::test]
    async fn where_a_machine_keeps_its_own_secrets_is_not_asked() {
        for address in [
            "http://169.254.169.254/latest/meta-data/",
            "http://[fd00:ec2::254]/",
            "http://[::ffff:169.254.169.254]/",
            "http://2852039166/",
        ] {
            let url = url(address).unwrap();
            let ask = Ask {
                url: &url,
                timeout: Span::from_secs(5),
                token: None,
                body_bytes_max: 10,
            };
            let err = get(&ask, "*/*").await.unwrap_err();
            assert!(
                err.why.contains("link-local or a metadata service"),
                "{address}: {err}"
            );
        }
    }

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        let address = url("http://me:hunter2@host:9090/api?token=hunter2").unwrap();
        assert_eq!(shown(&address), "http://host:9090/api");
        for bad in ["hunter2", "ftp://hunter2", "http://me:hunter2@host:port/"] {
            let err = url(bad).unwrap_err().why;
            assert!(!err.contains("hunter2"), "{err}");
        }
    }
}
