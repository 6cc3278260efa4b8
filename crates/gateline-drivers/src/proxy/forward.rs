//! One request's way: to the backend whose turn it is, once more to another one if nobody answered, and back.
//!
//! Bodies are streamed both ways. Knows no weights: the route chooses, and says when a copy is due.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::copy::{COPY_BODY_BYTES_MAX, Copied};
use super::counters::Outcome;
use super::route::{Lease, LiveRoute};
use super::whose::whose;
use super::wire::Arms;

/// Longest time to connect to a backend. Backends are near: a longer wait only hides that one is gone.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// Longest time from the first byte of a request to the head of its answer.
pub const ANSWER_HEAD_WITHIN: Duration = Duration::from_secs(60);
/// Longest silence within the body of an answer.
pub const BODY_IDLE_WITHIN: Duration = Duration::from_secs(60);
/// Largest request body, in bytes.
pub const REQUEST_BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most idle connections kept to one backend.
pub const IDLE_BACKEND_CONNECTIONS_MAX: usize = 64;

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;
pub(super) type AnyBody = BoxBody<Bytes, BoxError>;
pub(super) type Client = legacy::Client<HttpConnector, AnyBody>;

/// A client with pooled connections to all backends of the proxy.
pub(super) fn client() -> Client {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_WITHIN));
    connector.set_nodelay(true);
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(15))
        .pool_max_idle_per_host(IDLE_BACKEND_CONNECTIONS_MAX)
        .build(connector)
}

/// Answers one request of a route. Errors become answers.
pub(super) async fn forward(
    route: &LiveRoute,
    client: &Client,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Result<Response<AnyBody>, Infallible> {
    let started = Instant::now();
    let (mut parts, body) = request.into_parts();
    if parts.method == Method::CONNECT {
        return Ok(answer(StatusCode::NOT_IMPLEMENTED, "this proxy opens no tunnels"));
    }
    if body.size_hint().lower() > REQUEST_BODY_BYTES_MAX as u64 {
        return Ok(answer(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the request's body is too large",
        ));
    }
    let mut cookie = None;
    let placed = |arms: &Arms| {
        let whose = whose(arms, &parts.headers, || getrandom::u64().ok());
        cookie = whose.cookie;
        whose.placing
    };
    let Some((mut lease, copy)) = route.choose(placed) else {
        return Ok(answer(StatusCode::SERVICE_UNAVAILABLE, "no release serves here"));
    };
    clean(&mut parts, peer);
    // Asking twice is harmless for these, and without a body nothing of the request is used up.
    let again = matches!(parts.method, Method::GET | Method::HEAD) && body.is_end_stream();
    let fits = body.size_hint().lower() <= COPY_BODY_BYTES_MAX as u64;
    let body = if again {
        empty()
    } else {
        Limited::new(body, REQUEST_BODY_BYTES_MAX).boxed()
    };
    let body = match copy.filter(|_| fits) {
        Some(copy) => Copied::new(body, copy.begin(client, &parts)).boxed(),
        None => body,
    };

    let mut sent = send(client, &parts, &lease, body).await;
    if again
        && matches!(sent, Err(NoAnswer::Broken(_)))
        && let Some(second) = route.choose_again(&lease)
    {
        // The arm answers for its failure unless the arm itself makes up for it.
        if second.arm != lease.arm {
            lease.tally.count(Outcome::Error, started.elapsed());
        }
        lease = second;
        sent = send(client, &parts, &lease, empty()).await;
    }
    let took = started.elapsed();
    Ok(match sent {
        Ok(response) => {
            let server_error = response.status().is_server_error();
            lease.tally.count(
                if server_error {
                    Outcome::Error
                } else {
                    Outcome::Answered
                },
                took,
            );
            let (mut parts, body) = response.into_parts();
            remove_hop_by_hop(&mut parts.headers);
            if let Some(cookie) = cookie {
                parts.headers.append(header::SET_COOKIE, cookie);
            }
            let body = Watched {
                body,
                lease,
                silent: timer(),
                counted_as_error: server_error,
            };
            Response::from_parts(parts, body.boxed())
        }
        Err(NoAnswer::Sender(status, why)) => answer(status, why),
        Err(NoAnswer::Late) => {
            lease.tally.count(Outcome::Error, took);
            answer(StatusCode::GATEWAY_TIMEOUT, "the backend did not answer in time")
        }
        Err(NoAnswer::Broken(err)) => {
            lease.tally.count(Outcome::Error, took);
            let why: Vec<String> = causes(&err).map(ToString::to_string).collect();
            tracing::warn!(backend = %lease.backend, "No answer from backend `{}`: {}", lease.backend, why.join(": "));
            answer(StatusCode::BAD_GATEWAY, "the backend did not answer")
        }
    })
}

/// Why there is no answer.
pub(super) enum NoAnswer {
    /// The request itself broke off or was too large: nobody's error but its sender's.
    Sender(StatusCode, &'static str),
    /// The backend took too long.
    Late,
    /// The backend could not be connected, or closed the connection.
    Broken(legacy::Error),
}

/// Sends a request to the backend of its lease.
pub(super) async fn send(
    client: &Client,
    parts: &Parts,
    lease: &Lease,
    body: AnyBody,
) -> Result<Response<Incoming>, NoAnswer> {
    let mut request = Request::new(body);
    request.method_mut().clone_from(&parts.method);
    request.headers_mut().clone_from(&parts.headers);
    let Some(uri) = uri(lease.backend, &parts.uri) else {
        return Err(NoAnswer::Sender(
            StatusCode::BAD_REQUEST,
            "the request's target is not a path",
        ));
    };
    *request.uri_mut() = uri;
    match tokio::time::timeout(ANSWER_HEAD_WITHIN, client.request(request)).await {
        Ok(Ok(response)) => Ok(response),
        Err(_) => Err(NoAnswer::Late),
        Ok(Err(err)) => {
            let user = |err: &(dyn StdError + 'static)| err.downcast_ref().is_some_and(hyper::Error::is_user);
            if causes(&err).any(<dyn StdError>::is::<LengthLimitError>) {
                return Err(NoAnswer::Sender(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "the request's body is too large",
                ));
            }
            if causes(&err).any(user) {
                return Err(NoAnswer::Sender(
                    StatusCode::BAD_REQUEST,
                    "the request's body broke off",
                ));
            }
            Err(NoAnswer::Broken(err))
        }
    }
}

fn uri(backend: SocketAddr, asked: &Uri) -> Option<Uri> {
    let path = asked.path_and_query().map_or("/", |path| path.as_str());
    Uri::builder()
        .scheme("http")
        .authority(backend.to_string())
        .path_and_query(path)
        .build()
        .ok()
}

/// Headers that speak of one connection only (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

fn clean(parts: &mut Parts, peer: IpAddr) {
    remove_hop_by_hop(&mut parts.headers);
    parts.version = Version::HTTP_11;
    let peer = HeaderValue::from_str(&peer.to_string()).expect("an address is plain text");
    parts.headers.append("x-forwarded-for", peer);
}

fn empty() -> AnyBody {
    Empty::new().map_err(|never| match never {}).boxed()
}

fn answer(status: StatusCode, why: &'static str) -> Response<AnyBody> {
    let mut response = Response::new(
        Full::from(format!("{why}\n"))
            .map_err(|never| match never {})
            .boxed(),
    );
    *response.status_mut() = status;
    response
}

/// The error and what caused it, outermost first.
fn causes<'a>(err: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(err), |err| (**err).source())
}

fn timer() -> Pin<Box<tokio::time::Sleep>> {
    Box::pin(tokio::time::sleep(BODY_IDLE_WITHIN))
}

/// The body of an answer. Its request is in flight until this is dropped; silence and a break are errors of its arm.
struct Watched {
    body: Incoming,
    lease: Lease,
    silent: Pin<Box<tokio::time::Sleep>>,
    counted_as_error: bool,
}

impl Watched {
    fn broke_off(&mut self, err: BoxError) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.counted_as_error {
            self.counted_as_error = true;
            self.lease.tally.broke_off();
        }
        Poll::Ready(Some(Err(err)))
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.silent
                    .as_mut()
                    .reset(tokio::time::Instant::now() + BODY_IDLE_WITHIN);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(err))) => self.broke_off(err.into()),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.silent.as_mut().poll(cx) {
                Poll::Ready(()) => self.broke_off("the backend fell silent within its answer".into()),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_one_connection_go_no_further() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close, X-Secret"));
        headers.insert("x-secret", HeaderValue::from_static("1"));
        headers.insert("keep-alive", HeaderValue::from_static("timeout=5"));
        headers.insert("x-kept", HeaderValue::from_static("1"));
        remove_hop_by_hop(&mut headers);
        assert_eq!(
            headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
            ["x-kept"]
        );
    }

    #[test]
    fn the_backend_is_asked_for_the_path_and_never_for_another_host() {
        let backend = "127.0.0.1:9".parse().unwrap();
        let asked = "http://elsewhere.example/pay?a=1".parse().unwrap();
        assert_eq!(
            uri(backend, &asked).unwrap().to_string(),
            "http://127.0.0.1:9/pay?a=1"
        );
    }
}
