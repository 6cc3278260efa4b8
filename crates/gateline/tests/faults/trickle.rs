//! A metric source that never ends its answer.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::place::{Place, SIMPLE, eventually};
use super::told::{Told, line};

/// A page with one number, which comes a byte at a time and never ends while `slow` is set. Counts who asked.
fn page(slow: Arc<AtomicBool>, asked: Arc<AtomicU32>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Ends with the test's process.
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            asked.fetch_add(1, Ordering::SeqCst);
            let slow = slow.clone();
            std::thread::spawn(move || {
                let _ = client.read(&mut [0; 4_096]);
                let body = "# TYPE queue_depth gauge\nqueue_depth 3\n# EOF\n";
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text\r\nConnection: close\r\n\r\n";
                let _ = client.write_all(head.as_bytes());
                while slow.load(Ordering::SeqCst) && client.write_all(b"#").is_ok() {
                    std::thread::sleep(Duration::from_millis(50));
                }
                let _ = client.write_all(format!("\n{body}").as_bytes());
            });
        }
    });
    port
}

#[test]
fn a_metric_source_that_trickles_is_errored_at_its_limit_and_holds_nothing_up() {
    let mut told = Told::of(
        "trickle",
        "One server on SQLite, and a gate that asks a metric source whose answer comes a byte every 50 ms and never \
         ends, with `timeout: 2s`. Later the source answers whole.",
        "The check is errored at its limit, says which, and is tried again; it is never passed, and never hangs. When the source answers, the \
         release goes on by itself.",
    );
    let (slow, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU32::new(0)));
    let port = page(slow.clone(), asked.clone());
    let dir = tempfile::tempdir().unwrap();
    let place = Place::start(&[format!("sqlite:{}", dir.path().join("gateline.db").display())]);
    let server = &place.replicas[0];
    let gated = format!(
        "{SIMPLE}\n      gates:\n        - metric: {{source: {{openmetrics: {{url: \"http://127.0.0.1:{port}/metrics\", timeout: 2s}}}}, \
         query: queue_depth, threshold: \"<= 5\", every: 1s}}\n          because: A long queue is a slow shop."
    );
    place.apply(server.port, &gated);
    place.release(server.port, "1.0.0");
    let said = eventually("the gate says why it waits", || {
        let explained = place.gateline(server.port, &["explain", "app@1.0.0", "--to", "live"]);
        let text = String::from_utf8_lossy(&explained.stdout).into_owned();
        text.contains("within 2s").then(|| line(&text, "within 2s"))
    });
    told.saw(format!("The gate: {said}"));
    eventually("it asks again", || {
        (asked.load(Ordering::SeqCst) >= 2).then_some(())
    });
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200"));
    slow.store(false, Ordering::SeqCst);
    place.becomes(server.port, "1.0.0", "verified");
    told.saw(format!(
        "It was asked {} times; once it answered whole, the release was verified.",
        asked.load(Ordering::SeqCst)
    ));
}
