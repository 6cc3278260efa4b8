//! A server that gives the answers it was told, one per connection, and keeps what it was asked.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde::Serialize;

/// One answer.
#[derive(Clone)]
pub(super) enum Answer {
    /// A status line and headers, and the body behind them.
    Full(&'static str, String),
    /// Headers that promise more than comes.
    CutOff,
    /// The connection ends without a word.
    Nothing,
}

impl Answer {
    pub fn ok(reply: &impl Serialize) -> Self {
        let body = serde_json::to_string(reply).expect("views are plain data");
        Answer::Full("200 OK\r\ncontent-type: application/json", body)
    }
}

/// The server; it ends with the test.
pub(super) struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Gives these answers in turn, then the last one again and again.
    pub fn giving(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut next = 0;
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let Some(request) = request(&mut stream) else {
                    continue;
                };
                seen.lock().expect("nobody panics while reading").push(request);
                give(&mut stream, &answers[next.min(answers.len() - 1)]);
                next += 1;
            }
        });
        Self { url, asked }
    }

    /// Every request so far: its head in lower case, and its body.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics while reading").clone()
    }
}

fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 65_536];
    let mut head: Option<(String, usize)> = None;
    loop {
        if head.is_none()
            && let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            head = Some((text, end + 4 + length));
        }
        if let Some((text, end)) = &head
            && bytes.len() >= *end
        {
            let body = bytes.split_off(text.len() + 4);
            return Some(format!("{text}\n\n{}", String::from_utf8_lossy(&body)));
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
}

fn give(stream: &mut TcpStream, answer: &Answer) {
    let text = match answer {
        Answer::Full(head, body) => {
            let length = body.len();
            format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        }
        Answer::CutOff => {
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"id\":"
                .to_owned()
        }
        Answer::Nothing => String::new(),
    };
    let _ = stream.write_all(text.as_bytes());
}
