//! `seats PORT`: one row over HTTP. `POST /take/3` takes three seats together, `GET /healthz` answers.

use seats::Row;
use tiny_http::{Method, Response, Server};

/// Seats of the row.
const SEATS: usize = 40;

fn main() {
    let Some(port) = std::env::args().nth(1) else {
        eprintln!("usage: seats PORT");
        std::process::exit(2);
    };
    let server = Server::http(format!("127.0.0.1:{port}")).expect("the port is free");
    let mut row = Row::new(SEATS);
    for request in server.incoming_requests() {
        let (code, text) = answer(&mut row, request.method(), request.url());
        // Who asked may have gone; that is no matter of ours.
        let _ = request.respond(Response::from_string(text).with_status_code(code));
    }
}

fn answer(row: &mut Row, method: &Method, path: &str) -> (u16, String) {
    let party = path.strip_prefix("/take/").and_then(|party| party.parse().ok());
    match (method, path, party) {
        (Method::Get, "/healthz", _) => (200, "ok\n".to_owned()),
        (Method::Post, _, Some(party)) => match row.take(party) {
            Ok(seats) => (200, format!("{} to {}\n", seats.start, seats.end - 1)),
            Err(why) => (409, format!("{why}\n")),
        },
        _ => (404, "there is POST /take/NUMBER and GET /healthz\n".to_owned()),
    }
}
