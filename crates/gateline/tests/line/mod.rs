//! A bad line: a TCP proxy that lets so many bytes of a connection through, and then none.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

/// What happens to a connection.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// It breaks after so many bytes towards the server.
    BreaksAfter(usize),
    /// It is silent after so many bytes, until the server goes away.
    StallsAfter(usize),
}

/// A line to a server whose first connections have these faults, one after another; the rest have none.
pub fn with(server: String, faults: Vec<Fault>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut faults = faults.into_iter();
        for client in listener.incoming().flatten() {
            // A server that is away is a line that breaks at once.
            let Ok(server) = TcpStream::connect(&server) else {
                continue;
            };
            let fault = faults.next();
            std::thread::spawn(move || carry(&client, &server, fault));
        }
    });
    address
}

fn carry(client: &TcpStream, server: &TcpStream, fault: Option<Fault>) {
    let (mut answers, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let back = std::thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut to);
    });
    let (mut from, mut to) = (client, server);
    match fault {
        None => drop(std::io::copy(&mut from, &mut to)),
        Some(Fault::BreaksAfter(bytes) | Fault::StallsAfter(bytes)) => {
            let _ = std::io::copy(&mut from.take(bytes as u64), &mut to).and_then(|_| to.flush());
        }
    }
    if let Some(Fault::StallsAfter(_)) = fault {
        let _ = back.join();
    }
    for end in [client, server] {
        let _ = end.shutdown(Shutdown::Both);
    }
}
