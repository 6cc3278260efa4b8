//! Servers for tests: they answer bytes that were written down, hang, trickle or lie.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server on a free port of this host. It ends when it is dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

/// Gives the bytes of an answer to a request.
type Answering = dyn Fn(&str) -> Vec<u8> + Send + Sync;

#[derive(Clone)]
enum Manner {
    /// An answer that depends on the request.
    Answering(Arc<Answering>),
    /// The answers in turn; the last one again and again.
    Answers(Vec<Vec<u8>>),
    Hangs,
    Trickles,
}

/// An answer with status 200.
pub(crate) fn ok(content_type: &str, body: &str) -> Vec<u8> {
    status("200 OK", content_type, body)
}

/// An answer with this status line.
pub(crate) fn status(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    raw(&format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}"
    ))
}

/// Exactly these bytes; then the connection is closed.
pub(crate) fn raw(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

impl Fake {
    pub(crate) async fn always(answer: Vec<u8>) -> Self {
        Self::start(Manner::Answers(vec![answer])).await
    }

    pub(crate) async fn in_turn(answers: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::start(Manner::Answers(answers.into_iter().collect())).await
    }

    pub(crate) async fn answering(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start(Manner::Answering(Arc::new(answer))).await
    }

    pub(crate) async fn hangs() -> Self {
        Self::start(Manner::Hangs).await
    }

    pub(crate) async fn trickles() -> Self {
        Self::start(Manner::Trickles).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far, heads and bodies.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, manner.clone(), Arc::clone(&seen)));
            }
        });
        Self {
            address,
            asked,
            serving,
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream, manner: Manner, asked: Arc<Mutex<Vec<String>>>) {
    let Some(request) = read_request(&mut stream).await else {
        return;
    };
    let turn = {
        let mut asked = asked.lock().unwrap();
        asked.push(request.clone());
        asked.len() - 1
    };
    match manner {
        Manner::Answering(answer) => {
            let _ = stream.write_all(&answer(&request)).await;
            let _ = stream.shutdown().await;
        }
        Manner::Answers(answers) => {
            // A client that gave up is no concern of a fake.
            let _ = stream.write_all(&answers[turn.min(answers.len() - 1)]).await;
            let _ = stream.shutdown().await;
        }
        Manner::Hangs => std::future::pending().await,
        Manner::Trickles => {
            let head = raw("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 900\r\n\r\n");
            let _ = stream.write_all(&head).await;
            while stream.write_all(b"a").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length:")
                    .and_then(|length| length.trim().parse::<usize>().ok())
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&chunk[..read]);
    }
}
