//! Health of one process: one request to its health page.

use std::error::Error;
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

/// Asks whether the process answers its health page with 200.
///
/// # Errors
/// What it did instead, and where.
pub(super) async fn is_healthy(instance: &Instance, path: &str) -> Result<(), String> {
    answers(instance.address(), path).await
}

/// Asks whether this page is answered with 200.
///
/// # Errors
/// What was answered instead, and where.
pub(super) async fn answers(address: SocketAddr, path: &str) -> Result<(), String> {
    let instead = match tokio::time::timeout(HEALTH_WITHIN, ask(address, path)).await {
        Ok(Ok(StatusCode::OK)) => return Ok(()),
        Ok(Ok(status)) => format!("answered {status}"),
        Ok(Err(err)) => format!("gave no answer: {err}"),
        Err(_) => format!("gave no answer within {} s", HEALTH_WITHIN.as_secs()),
    };
    Err(format!("`http://{address}{path}` {instead}"))
}

async fn ask(address: SocketAddr, path: &str) -> Result<StatusCode, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())?;
    let mut answer = std::pin::pin!(sender.send_request(request));
    let answer = tokio::select! {
        answer = &mut answer => answer,
        // HTTP/1.0, and `Connection: close`: it ends right behind its answer, which is there then, or never comes.
        _ = connection => answer.await,
    };
    Ok(answer?.status())
}

#[cfg(test)]
mod tests {
    use test_case::test_case;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[test_case("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", ""; "kept open")]
    #[test_case("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nok", ""; "closed behind its answer")]
    #[test_case("HTTP/1.0 200 OK\r\n\r\nok", ""; "an old protocol")]
    #[test_case("HTTP/1.0 200 OK\r\n\r\n", ""; "an empty page")]
    #[test_case("HTTP/1.0 503 Busy\r\n\r\nok", "answered 503"; "another status")]
    #[test_case("HTTP/1.1 204 No Content\r\n\r\n", "answered 204"; "another status that is well")]
    #[test_case("HTTP/1.1 200", "gave no answer"; "an answer that is cut off")]
    #[test_case("", "gave no answer"; "no answer")]
    #[tokio::test]
    async fn a_health_page_counts_however_its_connection_ends(page: &'static str, instead: &str) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _request = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(page.as_bytes()).await.unwrap();
        });
        match answers(address, "/healthz").await {
            Ok(()) => assert_eq!(instead, ""),
            Err(why) => assert!(
                why.contains(&format!("/healthz` {instead}")) && !instead.is_empty(),
                "{why}"
            ),
        }
        served.await.unwrap();
    }
}
