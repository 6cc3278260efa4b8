//! The client: one request to the server for each call, asked again within named limits where that is safe.
//!
//! Every write carries an idempotency key, so asking again never does a thing twice. Knows no verb.

mod answer;
mod secret;
mod upload;

use std::cell::Cell;
use std::fmt::Write as _;
use std::time::Duration;

use gateline_api::{Empty, Endpoint, IDEMPOTENCY_HEADER, IDEMPOTENCY_KEY_BYTES_MAX, Media, Method, address};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use reqwest::{Request, Url};

use crate::failure::Failure;
use crate::options::Options;
use crate::session::Surroundings;

/// How often a request is sent at most: with the waits below, for three seconds where each is refused at once. A restart
/// takes one.
pub(crate) const ATTEMPTS_MAX: u32 = 5;
/// The wait before the second attempt; each further one is twice as long.
const WAIT_FIRST: Duration = Duration::from_millis(200);
/// The longest wait that a busy server may ask for.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long after the first time a request is sent again at most: a server answers "not now" after ten.
const AGAIN_WITHIN: Duration = Duration::from_secs(30);
/// How long one request may take, its answer included. Uploads have a limit of their own.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Asks one server.
pub(crate) struct Client {
    http: reqwest::Client,
    server: Url,
    token: Option<HeaderValue>,
    key: String,
    /// Writes so far: each has a key of its own.
    writes: Cell<u32>,
    wait_first: Duration,
}

/// What is sent along.
enum Content {
    Nothing,
    Bytes(&'static str, Vec<u8>),
}

impl Client {
    /// A client with the address, token and key of the options.
    pub fn new(options: &Options, surroundings: &Surroundings) -> Result<Self, Failure> {
        // The error only says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = server(&options.server)?;
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // A page to log in at is no answer; and a token goes to the named server only.
            .redirect(reqwest::redirect::Policy::none());
        if matches!(server.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")) {
            http = http.no_proxy();
        }
        Ok(Self {
            http: http
                .build()
                .map_err(|err| Failure::unknown("could not start the client", cause(&err)))?,
            server,
            token: secret::find(options.token.as_deref(), surroundings)?,
            key: key(options.idempotency_key.as_deref())?,
            writes: Cell::new(0),
            // Tests wait for no real server to come back.
            wait_first: if cfg!(test) {
                Duration::from_millis(1)
            } else {
                WAIT_FIRST
            },
        })
    }

    /// Reads.
    pub async fn get<E: Endpoint>(&self, path: &E::Path, query: &E::Query) -> Result<E::Reply, Failure> {
        self.call::<E>(path, query, Content::Nothing).await
    }

    /// Writes what is said in JSON.
    pub async fn send<E: Endpoint<Query = Empty>>(
        &self,
        path: &E::Path,
        body: &E::Body,
    ) -> Result<E::Reply, Failure> {
        let content = match E::BODY {
            Media::Json | Media::Secret => {
                let bytes = serde_json::to_vec(body).map_err(Failure::bug)?;
                Content::Bytes("application/json", bytes)
            }
            Media::None | Media::Bytes | Media::Form | Media::Events | Media::Text => Content::Nothing,
        };
        self.call::<E>(path, &Empty {}, content).await
    }

    async fn call<E: Endpoint>(
        &self,
        path: &E::Path,
        query: &E::Query,
        content: Content,
    ) -> Result<E::Reply, Failure> {
        self.execute::<E>(&self.request::<E>(path, query, content)?).await
    }

    /// Sends a request, again and again within the limits.
    async fn execute<E: Endpoint>(&self, request: &Request) -> Result<E::Reply, Failure> {
        let mut wait = self.wait_first;
        let mut attempt = 1;
        let began = std::time::Instant::now();
        loop {
            let copy = request
                .try_clone()
                .ok_or_else(|| Failure::bug("a body cannot be sent twice"))?;
            let again = match self.http.execute(copy).await {
                Ok(response) => match answer::read(response).await {
                    Ok(bytes) => return answer::decode::<E>(&bytes),
                    Err(again) => again,
                },
                Err(err) => answer::Unanswered::of_transport(&self.server, &err),
            };
            if !again.may_ask_again || attempt == ATTEMPTS_MAX || began.elapsed() >= AGAIN_WITHIN {
                return Err(again.failure);
            }
            tokio::time::sleep(again.after.unwrap_or(wait).min(RETRY_AFTER_MAX)).await;
            wait *= 2;
            attempt += 1;
        }
    }

    fn request<E: Endpoint>(
        &self,
        path: &E::Path,
        query: &E::Query,
        content: Content,
    ) -> Result<Request, Failure> {
        let key = E::TAKES_KEY.then(|| self.next_key());
        self.keyed::<E>(path, query, content, key.as_deref())
    }

    fn keyed<E: Endpoint>(
        &self,
        path: &E::Path,
        query: &E::Query,
        content: Content,
        key: Option<&str>,
    ) -> Result<Request, Failure> {
        let address = format!(
            "{}{}",
            self.server.as_str().trim_end_matches('/'),
            address::<E>(path, query)
        );
        let method = match E::METHOD {
            Method::Get => reqwest::Method::GET,
            Method::Put => reqwest::Method::PUT,
            Method::Post => reqwest::Method::POST,
        };
        let mut request = self
            .http
            .request(method, address)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("gateline/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token);
        }
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_HEADER, key);
        }
        if let Content::Bytes(media, bytes) = content {
            request = request.header(CONTENT_TYPE, media).body(bytes);
        }
        request.build().map_err(|err| Failure::bug(cause(&err)))
    }

    /// A key for each write; the same ones when the same command is given the same key again.
    fn next_key(&self) -> String {
        let writes = self.writes.get() + 1;
        self.writes.set(writes);
        if writes == 1 {
            self.key.clone()
        } else {
            format!("{}.{writes}", self.key)
        }
    }
}

fn server(text: &str) -> Result<Url, Failure> {
    let bad = |why: &str| {
        Failure::usage("the server's address cannot be used", why)
            .hint("write it as `http://127.0.0.1:7474` or `https://gateline.example.com`")
    };
    let url: Url = text.parse().map_err(|err| bad(&format!("{err}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("it does not begin with `http://` or `https://`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad(
            "it holds a name or password; a token is given with `--token`",
        ));
    }
    Ok(url)
}

/// The key that was given, or a random one.
fn key(given: Option<&str>) -> Result<String, Failure> {
    if let Some(key) = given {
        // Room for the number that further writes put behind it.
        let fits = (1..=IDEMPOTENCY_KEY_BYTES_MAX - 8).contains(&key.len());
        if fits && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(key.to_owned());
        }
        let why = format!(
            "use 1 to {} visible ASCII characters",
            IDEMPOTENCY_KEY_BYTES_MAX - 8
        );
        return Err(Failure::usage("the idempotency key cannot be used", why));
    }
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|err| Failure::unknown("could not make an idempotency key", err))?;
    let mut key = String::from("cli-");
    for byte in random {
        let _ = write!(key, "{byte:02x}");
    }
    Ok(key)
}

/// The innermost reason of an error: the outer ones only say which call it was.
fn cause(err: &dyn std::error::Error) -> String {
    let mut inner = err;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("127.0.0.1:7474"; "no scheme")]
    #[test_case("ftp://host"; "another scheme")]
    #[test_case("http://ana:secret@host"; "a password in it")]
    #[test_case(""; "nothing")]
    fn an_address_that_cannot_be_used_is_usage(text: &str) {
        let failure = server(text).unwrap_err();
        assert_eq!(failure.exit.code(), 2);
        assert!(!failure.why.contains("secret"), "{}", failure.why);
    }

    #[test]
    fn keys_are_random_and_a_given_one_is_checked() {
        assert_ne!(key(None).unwrap(), key(None).unwrap());
        assert_eq!(key(Some("mine")).unwrap(), "mine");
        for bad in ["", "a b", &"x".repeat(IDEMPOTENCY_KEY_BYTES_MAX)] {
            assert!(key(Some(bad)).is_err(), "{bad}");
        }
    }
}
