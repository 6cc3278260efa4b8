//! Connections: how many there are at once, how long the head of a request may take, and how long they may take to end.
//!
//! Knows no route.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

/// Most connections at once. More wait until one ends.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Most connections at once of one address: the others of all addresses stay free.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 1_024;
/// The same of a proxy in front that is believed: it is one address for many, and knows how to wait.
pub const CONNECTIONS_PER_PROXY_MAX: usize = CONNECTIONS_MAX - CONNECTIONS_PER_ADDRESS_MAX;
/// How long a connection may take to send the head of its next request: nobody holds one open for nothing.
pub const HEAD_SECS_MAX: u64 = 10;
/// How long requests may take to end once the server was told to: a slow upload would otherwise keep the database locked.
pub const SHUTDOWN_SECS_MAX: u64 = 10;

/// How long to wait after a connection that could not be taken: most often there are no more files to be opened.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Answers connections until it is told to stop, and then lets open requests end. Proxies are those that are believed.
pub async fn serve_connections(
    listener: TcpListener,
    router: Router,
    proxies: Vec<IpAddr>,
    stop: impl Future<Output = ()>,
) {
    let limits = Limits {
        all: CONNECTIONS_MAX,
        of_one: CONNECTIONS_PER_ADDRESS_MAX,
        of_proxy: CONNECTIONS_PER_PROXY_MAX,
        proxies,
    };
    serve_at_once(limits, listener, router, stop).await;
}

/// How many connections there may be.
#[derive(Debug, Clone)]
struct Limits {
    all: usize,
    of_one: usize,
    of_proxy: usize,
    proxies: Vec<IpAddr>,
}

impl Limits {
    fn of(&self, address: IpAddr) -> usize {
        if self.proxies.contains(&address) {
            self.of_proxy
        } else {
            self.of_one
        }
    }
}

/// How many connections each address has open.
#[derive(Debug, Clone, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection of an address, until it is dropped.
struct Held(Addresses, IpAddr);

impl Addresses {
    /// Counts one more, unless the address has all that it may have.
    fn hold(&self, address: IpAddr, most: usize) -> Option<Held> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Held(self.clone(), address))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Self(addresses, address) = self;
        let mut open = addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                open.remove(address);
            }
        }
    }
}

async fn serve_at_once(
    limits: Limits,
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_SECS_MAX));
    let seats = Arc::new(Semaphore::new(limits.all));
    let addresses = Addresses::default();
    let open = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let seat = seats.clone().acquire_owned().await;
            (seat, listener.accept().await)
        };
        let (seat, accepted) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(err) => {
                tracing::warn!("A connection could not be taken: {err}");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        // Closed at once: whoever holds so many open has no use for one more, and others have.
        let address = peer.ip().to_canonical();
        let Some(held) = addresses.hold(address, limits.of(address)) else {
            continue;
        };
        // An answer is written whole: there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let answer = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
            router.clone().oneshot(request)
        });
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), answer));
        tokio::spawn(async move {
            // Who broke off is not there to be told.
            let _ = connection.await;
            drop((seat, held));
        });
    }
    drop(listener);
    let time = Duration::from_secs(SHUTDOWN_SECS_MAX);
    if tokio::time::timeout(time, open.shutdown()).await.is_err() {
        tracing::warn!(
            "Requests were still open after {SHUTDOWN_SECS_MAX} s and are cut off; uploads can be resumed"
        );
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;
    use tokio::time::{Instant, timeout};

    use super::*;

    /// A server that answers `/`, and never `/slow`; with what stops it.
    async fn server(
        all: usize,
        of_one: usize,
    ) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route(
                "/",
                get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }),
            )
            .route("/slow", get(std::future::pending::<()>));
        let (stop, stopped) = oneshot::channel();
        let limits = Limits {
            all,
            of_one,
            of_proxy: all,
            proxies: vec!["127.0.0.3".parse().unwrap()],
        };
        let served = tokio::spawn(serve_at_once(limits, listener, router, async {
            let _ = stopped.await;
        }));
        (address, stop, served)
    }

    async fn asking(address: SocketAddr, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    async fn answer(stream: &mut TcpStream) -> String {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    const ONCE: &str = "GET / HTTP/1.1\r\nHost: gateline\r\nConnection: close\r\n\r\n";

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_end_is_cut_off_and_so_is_a_connection_that_asks_nothing() {
        let (address, _stop, _served) = server(9, 9).await;
        for begun in [
            "",
            "GET / HTTP/1.1\r\nHost: gate",
            "GET / HTTP/1.1\r\nHost: gateline\r\n\r\n",
        ] {
            let started = Instant::now();
            let mut stream = asking(address, begun).await;
            let said = answer(&mut stream).await;
            assert_eq!(said.contains("127.0.0.1"), begun.ends_with("\r\n\r\n"), "{said}");
            assert!(started.elapsed().as_secs() >= HEAD_SECS_MAX, "{begun}");
        }
    }

    #[tokio::test]
    async fn one_more_than_there_may_be_waits_for_another_to_end() {
        let (address, _stop, _served) = server(2, 9).await;
        let _slow = asking(address, "GET /slow HTTP/1.1\r\nHost: gateline\r\n\r\n").await;
        let second = asking(address, "GET /slow HTTP/1.1\r\nHost: gateline\r\n\r\n").await;
        let mut third = asking(address, ONCE).await;
        let waited = timeout(Duration::from_millis(200), third.readable()).await;
        assert!(waited.is_err());
        drop(second);
        assert!(answer(&mut third).await.contains("200 OK"));
    }

    #[tokio::test]
    async fn one_address_has_no_more_than_its_share_and_gets_it_back() {
        let (address, _stop, _served) = server(9, 1).await;
        let slow = asking(address, "GET /slow HTTP/1.1\r\nHost: gateline\r\n\r\n").await;
        let mut second = TcpStream::connect(address).await.unwrap();
        assert_eq!(
            second.read(&mut [0; 1]).await.unwrap_or_default(),
            0,
            "it is closed"
        );
        // From another address of this host there is room.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut other = socket.connect(address).await.unwrap();
        other.write_all(ONCE.as_bytes()).await.unwrap();
        assert!(answer(&mut other).await.contains("200 OK"));
        drop(slow);
        let again = async {
            loop {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let _ = stream.write_all(ONCE.as_bytes()).await;
                let mut said = String::new();
                let _ = stream.read_to_string(&mut said).await;
                if said.contains("200 OK") {
                    break;
                }
            }
        };
        timeout(Duration::from_secs(30), again).await.unwrap();
    }

    #[tokio::test]
    async fn a_proxy_that_is_believed_is_one_address_for_many() {
        let (address, _stop, _served) = server(3, 1).await;
        let mut slow = Vec::new();
        for _ in 0..2 {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.3:0".parse().unwrap()).unwrap();
            let mut stream = socket.connect(address).await.unwrap();
            stream
                .write_all(b"GET /slow HTTP/1.1\r\nHost: gateline\r\n\r\n")
                .await
                .unwrap();
            slow.push(stream);
        }
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.3:0".parse().unwrap()).unwrap();
        let mut third = socket.connect(address).await.unwrap();
        third.write_all(ONCE.as_bytes()).await.unwrap();
        assert!(answer(&mut third).await.contains("200 OK"));
    }

    #[tokio::test(start_paused = true)]
    async fn open_requests_are_waited_for_no_longer_than_the_limit() {
        let (address, stop, served) = server(9, 9).await;
        let mut slow = asking(address, "GET /slow HTTP/1.1\r\nHost: gateline\r\n\r\n").await;
        assert!(answer(&mut asking(address, ONCE).await).await.contains("200 OK"));
        let started = Instant::now();
        stop.send(()).unwrap();
        served.await.unwrap();
        assert_eq!(started.elapsed().as_secs(), SHUTDOWN_SECS_MAX);
        assert!(TcpStream::connect(address).await.is_err());
        drop(slow.shutdown().await);
    }
}
