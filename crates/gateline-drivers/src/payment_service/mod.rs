//! The small real service that the demonstration rolls out: it answers, measures itself, and fails as told.
//!
//! Only `/pay` fails and is slow: its health page stays green, as with real services that break under traffic only.

mod faults;
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

use faults::Faults;
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
    /// Mean of what it takes besides, now and then long, in milliseconds.
    pub tail_ms: u64,
    /// How many times as many fail in bursts of a second, now and then.
    pub bursts: f64,
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
            tail_ms: 0,
            bursts: 1.0,
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

impl Service {
    fn new(settings: Settings) -> Self {
        Self {
            healthy_from: Instant::now() + Duration::from_millis(settings.start_up_ms),
            metrics: Metrics::new(&settings.version),
            faults: Mutex::new(Faults::of(&settings)),
            version: settings.version,
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
        let (error, takes) = {
            let mut faults = self.faults();
            (faults.next_is_error(), faults.next_takes())
        };
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
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
