//! The listener of one route: takes connections, within limits, and serves them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::forward::{Client, forward};
use super::route::LiveRoute;

/// Most connections of one route. Further ones wait in the kernel's queue.
pub const CONNECTIONS_PER_ROUTE_MAX: usize = 1_024;
/// Longest time for the head of a request to arrive; also how long a connection may be idle.
pub const HEADERS_WITHIN: Duration = Duration::from_secs(30);
/// Largest head of a request, in bytes.
pub const HEADERS_BYTES_MAX: usize = 64 * 1024;
/// Time between two attempts to listen on an address that another program has.
const LISTEN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Takes connections for one route until it is dropped. Connections that were taken go on.
#[derive(Debug)]
pub(super) struct Listener {
    task: JoinHandle<()>,
    listening: Arc<AtomicBool>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listener {
    /// Serves the route at a listener that is already there.
    pub(super) fn serve(listener: TcpListener, route: Arc<LiveRoute>, client: Client) -> Self {
        let listening = Arc::new(AtomicBool::new(true));
        Self {
            task: tokio::spawn(accept(listener, route, client)),
            listening,
        }
    }

    /// Serves the route as soon as its address can be had: after a restart, one taken address must not keep the
    /// other routes from their traffic.
    pub(super) fn serve_when_free(listen: SocketAddr, route: Arc<LiveRoute>, client: Client) -> Self {
        let listening = Arc::new(AtomicBool::new(false));
        let told = listening.clone();
        let task = tokio::spawn(async move {
            let listener = loop {
                match TcpListener::bind(listen).await {
                    Ok(listener) => break listener,
                    Err(err) => tracing::error!(%listen, "Could not listen on {listen}: {err}; trying again"),
                }
                tokio::time::sleep(LISTEN_AGAIN_AFTER).await;
            };
            told.store(true, Ordering::Relaxed);
            accept(listener, route, client).await;
        });
        Self { task, listening }
    }

    pub(super) fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, route: Arc<LiveRoute>, client: Client) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_PER_ROUTE_MAX));
    loop {
        let permit = room
            .clone()
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (route, client) = (route.clone(), client.clone());
                tokio::spawn(async move {
                    serve(stream, peer, route, client).await;
                    drop(permit);
                });
            }
            Err(err) => {
                // Out of file descriptors, mostly: the next attempt at once would fail as well.
                tracing::warn!("Could not take a connection: {err}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, route: Arc<LiveRoute>, client: Client) {
    // An error here only means more latency.
    let _: io::Result<()> = stream.set_nodelay(true);
    let mut ending = route.ending.subscribe();
    let service = service_fn(|request| forward(&route, &client, peer.ip(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_header_size(HEADERS_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = async { drop(ending.wait_for(|ending| *ending).await) } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(err) = ended {
        tracing::debug!(%peer, "A connection from {peer} broke off: {err}");
    }
}
