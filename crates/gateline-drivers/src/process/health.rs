//! Health of one process: one request to its health page.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::instance::Instance;

/// Longest time for the head of a health page.
pub const HEALTH_WITHIN: Duration = Duration::from_secs(2);

/// Whether the process answers its health page with 200.
pub(super) async fn is_healthy(instance: &Instance, path: &str) -> bool {
    answers(instance.address(), path).await
}

/// Whether this page is answered with 200.
pub(super) async fn answers(address: SocketAddr, path: &str) -> bool {
    matches!(
        tokio::time::timeout(HEALTH_WITHIN, ask(address, path)).await,
        Ok(Some(StatusCode::OK))
    )
}

async fn ask(address: SocketAddr, path: &str) -> Option<StatusCode> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .ok()?;
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .ok()?;
    tokio::select! {
        answer = sender.send_request(request) => answer.ok().map(|answer| answer.status()),
        // The connection ends before its answer only when it breaks.
        _ = connection => None,
    }
}
