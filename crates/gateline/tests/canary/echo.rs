//! A place that says again whatever it was shown: in error pages, in redirects, in words that look like a code.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The place, and all that it was shown.
pub struct Echo {
    pub address: SocketAddr,
    shown: Arc<Mutex<String>>,
}

impl Echo {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let all = shown.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let all = all.clone();
                std::thread::spawn(move || answer(stream, address, &all));
            }
        });
        Self { address, shown }
    }

    /// Whether it was shown this.
    pub fn saw(&self, secret: &str) -> bool {
        self.shown.lock().unwrap().contains(secret)
    }
}

fn answer(mut stream: TcpStream, here: SocketAddr, all: &Mutex<String>) {
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut asked = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut piece) {
        asked.extend_from_slice(&piece[..read]);
        if whole(&asked) {
            break;
        }
    }
    let mut said = String::from_utf8_lossy(&asked).into_owned();
    if let Some(pair) = said
        .split("Basic ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
    {
        said = format!("{said}\n{}", from_base64(pair));
    }
    all.lock().unwrap().push_str(&said);
    // A client gets the whole answer whatever it thinks of it.
    let _ = stream.write_all(reply(&said, here).as_bytes());
}

/// Whether a request is there with its body.
fn whole(asked: &[u8]) -> bool {
    let text = String::from_utf8_lossy(asked);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.to_ascii_lowercase();
    let length = length
        .split("content-length:")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    body.len() >= length.and_then(|length| length.trim().parse().ok()).unwrap_or(0)
}

fn reply(said: &str, here: SocketAddr) -> String {
    let path = said.split(' ').nth(1).unwrap_or("/");
    let credentials = said
        .split("uthorization: ")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    let token = credentials
        .and_then(|text| text.split(' ').nth(1))
        .unwrap_or("nothing");
    let json = |status: &str, value: serde_json::Value| page(status, "", &value.to_string());
    if path.starts_with("/.well-known/") {
        let at = |path: &str| format!("http://{here}{path}");
        return json(
            "200 OK",
            serde_json::json!({
                "issuer": format!("http://{here}"), "authorization_endpoint": at("/authorize"),
                "token_endpoint": at("/token"), "jwks_uri": at("/keys"),
                "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
            }),
        );
    }
    if path.starts_with("/keys") {
        // The example of RFC 7515: nothing is signed with it.
        let key = serde_json::json!({
            "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        });
        return json("200 OK", serde_json::json!({ "keys": [key] }));
    }
    if path.starts_with("/token") {
        // The code of an error is a word that is repeated.
        let secret = said.rsplit(':').next().unwrap_or_default().trim();
        return json("400 Bad Request", serde_json::json!({ "error": secret }));
    }
    if path.starts_with("/prom") {
        let error = serde_json::json!({"status": "error", "errorType": "bad_data", "error": said});
        return json("400 Bad Request", error);
    }
    if path.starts_with("/slack") {
        return json("200 OK", serde_json::json!({"ok": false, "error": token}));
    }
    if path.starts_with("/v2/") && credentials.is_none() {
        return page("401 Unauthorized", "www-authenticate: Basic realm=\"x\"\r\n", "");
    }
    if path.starts_with("/v2/") {
        let away = format!("location: http://registry.invalid/{token}\r\n");
        return page("307 Temporary Redirect", &away, said);
    }
    if path.starts_with("/moved") {
        let away = format!("location: http://localhost:1/?you-said={token}\r\n");
        return page("302 Found", &away, said);
    }
    page("500 Internal Server Error", "", said)
}

fn page(status: &str, head: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn from_base64(text: &str) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes().take_while(|letter| *letter != b'=') {
        let value = letters.iter().position(|one| *one == letter).unwrap_or(0);
        bits = (bits << 6) | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
