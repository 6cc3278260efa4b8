//! A way to the server that breaks where a test wants it to.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What happens to the next commit that comes by.
#[derive(Clone, Copy)]
pub(super) enum Next {
    /// It is carried.
    Carried = 0,
    /// It is not carried, and the connection ends.
    Swallowed = 1,
    /// It is carried, and the connection ends before its answer is.
    Unanswered = 2,
    /// It is not carried, and nothing more is said; the connection stays.
    Stalled = 3,
}

pub(super) struct Proxy {
    pub port: u16,
    next: Arc<AtomicU8>,
}

impl Proxy {
    pub(super) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let next = Arc::new(AtomicU8::new(Next::Carried as u8));
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            next: next.clone(),
        };
        // Ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", port)) {
                    carry(client, server, next.clone());
                }
            }
        });
        proxy
    }

    pub(super) fn next(&self, next: Next) {
        self.next.store(next as u8, Ordering::SeqCst);
    }

    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

fn carry(client: TcpStream, server: TcpStream, next: Arc<AtomicU8>) {
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (mut back, mut home) = (server, client);
    // Nonzero: what comes back is not carried any more.
    let cut = Arc::new(AtomicU8::new(0));
    let cuts = cut.clone();
    std::thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let bytes = &bytes[..count];
            let fate = match says_commit(bytes) {
                true => next.swap(Next::Carried as u8, Ordering::SeqCst),
                false => Next::Carried as u8,
            };
            if fate == Next::Stalled as u8 {
                // Longer than any test waits.
                std::thread::sleep(std::time::Duration::from_secs(600));
            }
            if fate == Next::Swallowed as u8 {
                break;
            }
            cut.fetch_max(fate, Ordering::SeqCst);
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    });
    std::thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(count @ 1..) = back.read(&mut bytes) {
            let bytes = &bytes[..count];
            if cuts.load(Ordering::SeqCst) != 0 {
                // Kept back until it is true.
                if says_commit(bytes) {
                    break;
                }
            } else if home.write_all(bytes).is_err() {
                break;
            }
        }
        let _ = (home.shutdown(Shutdown::Both), back.shutdown(Shutdown::Both));
    });
}

fn says_commit(bytes: &[u8]) -> bool {
    bytes.windows(7).any(|word| word == b"COMMIT\0")
}
