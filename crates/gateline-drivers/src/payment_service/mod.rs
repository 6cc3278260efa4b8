//! The small real service that the demonstration rolls out: it answers, measures itself, and fails as told.
//!
//! Only `/pay` fails and is slow: its health page stays green, as with real services that break under traffic only.

mod load;
mod metrics;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};

pub use load::{Load, LoadError, REQUESTS_IN_FLIGHT_MAX, Running, Totals};
use metrics::Metrics;

/// Most connections at once. Further ones wait in the kernel's queue.
pub const CONNECTIONS_MAX: u32 = 1_024;
/// Longest latency that can be set, in milliseconds.
pub const LATENCY_MS_MAX: u64 = 60_000;

/// How the service behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The version that it says it is.
    pub version: String,
    /// Share of `/pay` that is answered with 500, in per cent; kept exactly, not by chance.
    pub error_percent: f64,
    /// Time that `/pay` takes, in milliseconds.
    pub latency_ms: u64,
    /// Time until it says that it is healthy, in milliseconds.
    pub start_up_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: 0,
            version: "0.0.0".into(),
            error_percent: 0.0,
            latency_ms: 0,
            start_up_ms: 0,
        }
    }
}

/// Runs the service until SIGTERM or SIGINT; requests in flight finish first.
///
/// # Errors
/// When its port is taken, or signals cannot be heard.
pub async fn run(settings: Settings) -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    serve(settings, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
    .await
}

/// Runs the service until `ending` is there; requests in flight finish first.
///
/// # Errors
/// When its port is taken.
pub async fn serve(settings: Settings, ending: impl Future<Output = ()>) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", settings.port)).await?;
    let service = Arc::new(Service::new(settings));
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
    let ended = watch::Sender::new(false);
    let take = async {
        loop {
            let permit = room
                .clone()
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            match listener.accept().await {
                Ok((stream, _)) => {
                    let (service, ended) = (service.clone(), ended.subscribe());
                    tokio::spawn(async move {
                        connection(stream, service, ended).await;
                        drop(permit);
                    });
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    tokio::select! {
        () = take => {}
        () = ending => {}
    }
    drop(listener);
    ended.send_replace(true);
    // All room is free when the last connection has closed.
    let _all = room
        .acquire_many(CONNECTIONS_MAX)
        .await
        .expect("the semaphore is never closed");
    Ok(())
}

async fn connection(stream: TcpStream, service: Arc<Service>, mut ended: watch::Receiver<bool>) {
    let answer = service_fn(|request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), answer)
    );
    // A connection that breaks off is its sender's affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = async { drop(ended.wait_for(|ended| *ended).await) } => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

struct Service {
    version: String,
    healthy_from: Instant,
    faults: Mutex<Faults>,
    metrics: Metrics,
}

/// What goes wrong with `/pay`.
#[derive(Debug)]
struct Faults {
    error_percent: f64,
    latency_ms: u64,
    /// Hundredths of an error that are due; the remainder is carried from request to request.
    owed: f64,
}

impl Faults {
    fn next_is_error(&mut self) -> bool {
        self.owed += self.error_percent;
        let error = self.owed >= 100.0;
        if error {
            self.owed -= 100.0;
        }
        error
    }

    /// Changes what the query names; nothing at all when any part of it is wrong.
    fn set(&mut self, query: &str) -> Result<(), String> {
        let (mut error_percent, mut latency_ms) = (self.error_percent, self.latency_ms);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let wrong = || {
                format!(
                    "`{pair}` cannot be set: use `error_percent=0..100` or `latency_ms=0..{LATENCY_MS_MAX}`"
                )
            };
            match pair.split_once('=').ok_or_else(wrong)? {
                ("error_percent", value) => {
                    let percent = value
                        .parse()
                        .ok()
                        .filter(|percent| (0.0..=100.0).contains(percent));
                    error_percent = percent.ok_or_else(wrong)?;
                }
                ("latency_ms", value) => {
                    latency_ms = value
                        .parse()
                        .ok()
                        .filter(|ms| *ms <= LATENCY_MS_MAX)
                        .ok_or_else(wrong)?;
                }
                _ => return Err(wrong()),
            }
        }
        *self = Self {
            error_percent,
            latency_ms,
            owed: self.owed,
        };
        Ok(())
    }
}

impl Service {
    fn new(settings: Settings) -> Self {
        let Settings {
            port: _,
            version,
            error_percent,
            latency_ms,
            start_up_ms,
        } = settings;
        Self {
            healthy_from: Instant::now() + Duration::from_millis(start_up_ms),
            faults: Mutex::new(Faults {
                error_percent,
                latency_ms,
                owed: 0.0,
            }),
            metrics: Metrics::new(&version),
            version,
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let ok = StatusCode::OK;
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/healthz") if Instant::now() < self.healthy_from => {
                text(StatusCode::SERVICE_UNAVAILABLE, "starting\n")
            }
            (&Method::GET, "/healthz") => text(ok, "healthy\n"),
            (&Method::GET, "/version") => text(ok, format!("{}\n", self.version)),
            (&Method::GET, "/pay") => self.pay().await,
            (&Method::GET, "/metrics") => typed(ok, metrics::CONTENT_TYPE, self.metrics.page()),
            (&Method::POST, "/set") => match self.faults().set(request.uri().query().unwrap_or_default()) {
                Ok(()) => text(ok, "set\n"),
                Err(why) => text(StatusCode::BAD_REQUEST, format!("{why}\n")),
            },
            _ => text(
                StatusCode::NOT_FOUND,
                "there is `/pay`, `/healthz`, `/version`, `/metrics` and `POST /set`\n",
            ),
        }
    }

    async fn pay(&self) -> Response<Full<Bytes>> {
        let started = Instant::now();
        let _begun = self.metrics.begin();
        let (error, latency_ms) = {
            let mut faults = self.faults();
            (faults.next_is_error(), faults.latency_ms)
        };
        if latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(latency_ms)).await;
        }
        let status = if error {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::OK
        };
        self.metrics.count(status.as_u16(), started.elapsed());
        let paid = !error;
        let body = serde_json::json!({"paid": paid, "version": self.version});
        typed(status, "application/json", format!("{body}\n"))
    }

    fn faults(&self) -> std::sync::MutexGuard<'_, Faults> {
        self.faults.lock().expect("nothing panics while it counts")
    }
}

fn text(status: StatusCode, body: impl Into<String>) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", body.into())
}

fn typed(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn faults(error_percent: f64) -> Faults {
        Faults {
            error_percent,
            latency_ms: 0,
            owed: 0.0,
        }
    }

    #[test_case(0.0, 0; "none")]
    #[test_case(2.5, 25; "a fraction")]
    #[test_case(100.0, 1_000; "all")]
    fn of_1000_payments_exactly_the_set_share_fails(percent: f64, expected: usize) {
        let mut faults = faults(percent);
        assert_eq!((0..1_000).filter(|_| faults.next_is_error()).count(), expected);
    }

    #[test_case("error_percent=101"; "more than all")]
    #[test_case("error_percent=NaN"; "not a number")]
    #[test_case("latency_ms=-1"; "a negative time")]
    #[test_case("latency_ms=60001"; "a latency over the limit")]
    #[test_case("latency_ms=5&colour=red"; "an unknown name beside a good one")]
    #[test_case("latency_ms"; "no value")]
    fn a_wrong_setting_changes_nothing(query: &str) {
        let mut faults = faults(1.0);
        assert!(faults.set(query).unwrap_err().contains("cannot be set"));
        assert_eq!((faults.error_percent, faults.latency_ms), (1.0, 0));
    }
}
