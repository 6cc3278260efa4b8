//! A real balancer, and somebody who watches the log through it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::cluster::free_port;
use super::place::{Replica, eventually, get};

/// HAProxy in front of some servers: asks each whether it is ready, and says which one answered.
pub struct Balancer {
    pub port: u16,
    child: Child,
}

impl Balancer {
    pub fn before(dir: &Path, replicas: &[Replica]) -> Self {
        let port = free_port();
        let mut text = format!(
            "defaults\n  mode http\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\n  retries 3\n  \
             option redispatch\n  retry-on conn-failure empty-response\nlisten gateline\n  bind 127.0.0.1:{port}\n  \
             balance roundrobin\n  option httpchk GET /readyz\n  http-response set-header x-served-by %s\n"
        );
        for (number, replica) in replicas.iter().enumerate() {
            text.push_str(&format!(
                "  server r{number} 127.0.0.1:{} check inter 200ms fall 1 rise 1\n",
                replica.port
            ));
        }
        let file = dir.join("haproxy.cfg");
        std::fs::write(&file, text).unwrap();
        let child = Command::new("haproxy")
            .arg("-f")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`haproxy` is there after `cargo xtask test --only install`");
        let balancer = Self { port, child };
        eventually("the balancer answers", || {
            get(port, "/readyz").starts_with("HTTP/1.1 200").then_some(())
        });
        balancer
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who watches the log through a balancer, and comes back with what he heard last.
#[derive(Default)]
pub struct Watch {
    numbers: Mutex<Vec<u64>>,
    pub served_by: Mutex<Vec<String>>,
    pub done: AtomicBool,
}

impl Watch {
    pub fn begin(port: u16, token: &str) -> Arc<Self> {
        let watch = Arc::new(Self::default());
        let (watching, token) = (watch.clone(), token.to_owned());
        std::thread::spawn(move || {
            while !watching.done.load(Ordering::SeqCst) {
                let _ = watching.once(port, &token);
            }
        });
        watch
    }

    /// One connection, until it ends.
    pub fn once(&self, port: u16, token: &str) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        let from = match self.numbers.lock().unwrap().last() {
            Some(last) => format!("Last-Event-ID: {last}\r\n"),
            None => String::new(),
        };
        write!(
            stream,
            "GET /api/events?from=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{from}\r\n"
        )?;
        for line in BufReader::new(stream).lines() {
            let line = line?;
            if let Some(server) = line.strip_prefix("x-served-by: ") {
                self.served_by.lock().unwrap().push(server.to_owned());
            }
            if let Some(number) = line.strip_prefix("id:") {
                self.numbers.lock().unwrap().push(number.trim().parse().unwrap());
            }
        }
        Ok(())
    }

    pub fn server(&self) -> Option<String> {
        self.served_by.lock().unwrap().last().cloned()
    }

    pub fn heard(&self) -> Vec<u64> {
        self.numbers.lock().unwrap().clone()
    }
}
