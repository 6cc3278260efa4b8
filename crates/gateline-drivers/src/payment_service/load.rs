//! The load generator: sends requests at a steady rate and counts what becomes of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Most requests in flight; at this many, the next one waits and the rate falls.
pub const REQUESTS_IN_FLIGHT_MAX: u32 = 64;
/// Longest time for one answer with its body.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Highest rate, in requests per second.
const RPS_MAX: u32 = 10_000;

/// What to send, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The address that is asked again and again with GET.
    pub url: String,
    /// Requests per second, 1 to 10,000.
    pub rps: u32,
}

/// Why load cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The address cannot be asked.
    #[error("`{0}` is not an address to send load to: write `http://HOST:PORT/PATH`")]
    Url(String),
    /// The rate makes no sense.
    #[error("{0} requests per second cannot be sent: choose 1 to {RPS_MAX}")]
    Rate(u32),
}

/// What became of the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Requests sent.
    pub sent: u64,
    /// Requests answered with 200 and a whole body.
    pub ok: u64,
    /// Requests answered otherwise, or not at all.
    pub bad: u64,
}

#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    ok: AtomicU64,
    bad: AtomicU64,
}

/// Load that is being sent. Dropping it ends it at once.
#[derive(Debug)]
pub struct Running {
    counts: Arc<Counts>,
    ending: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Load {
    /// Begins to send.
    ///
    /// # Errors
    /// [`LoadError`] when there is nothing sensible to send.
    pub fn start(self) -> Result<Running, LoadError> {
        let url: Uri = self.url.parse().map_err(|_| LoadError::Url(self.url.clone()))?;
        if url.scheme_str() != Some("http") || url.authority().is_none() {
            return Err(LoadError::Url(self.url));
        }
        if !(1..=RPS_MAX).contains(&self.rps) {
            return Err(LoadError::Rate(self.rps));
        }
        let counts = Arc::<Counts>::default();
        let ending = watch::Sender::new(false);
        let every = Duration::from_secs(1) / self.rps;
        let task = tokio::spawn(send_all(url, every, counts.clone(), ending.subscribe()));
        Ok(Running {
            counts,
            ending,
            task: Some(task),
        })
    }
}

impl Running {
    /// What became of the requests so far. Those in flight are in `sent` only.
    pub fn totals(&self) -> Totals {
        // Outcomes before `sent`: a request that ends in between must not be missing from `sent`.
        let (ok, bad) = (
            self.counts.ok.load(Ordering::SeqCst),
            self.counts.bad.load(Ordering::SeqCst),
        );
        Totals {
            sent: self.counts.sent.load(Ordering::SeqCst),
            ok,
            bad,
        }
    }

    /// Sends no more, waits for the answers in flight, and says what became of all requests.
    pub async fn stop(mut self) -> Totals {
        self.ending.send_replace(true);
        if let Some(task) = self.task.take() {
            // It can only fail by a panic, which has been printed.
            let _ = task.await;
        }
        self.totals()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn send_all(url: Uri, every: Duration, counts: Arc<Counts>, mut ending: watch::Receiver<bool>) {
    let client: Client<HttpConnector, Empty<Bytes>> = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(10))
        .build(HttpConnector::new());
    let room = Arc::new(Semaphore::new(REQUESTS_IN_FLIGHT_MAX as usize));
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = ending.wait_for(|ending| *ending) => break,
        }
        let permit = room
            .clone()
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        counts.sent.fetch_add(1, Ordering::SeqCst);
        let (client, url, counts) = (client.clone(), url.clone(), counts.clone());
        tokio::spawn(async move {
            let good = timeout(ANSWER_WITHIN, is_answered(&client, url))
                .await
                .unwrap_or(false);
            let count = if good { &counts.ok } else { &counts.bad };
            count.fetch_add(1, Ordering::SeqCst);
            drop(permit);
        });
    }
    // All room is free when the last request has ended.
    let _all = room
        .acquire_many(REQUESTS_IN_FLIGHT_MAX)
        .await
        .expect("the semaphore is never closed");
}

async fn is_answered(client: &Client<HttpConnector, Empty<Bytes>>, url: Uri) -> bool {
    match client.get(url).await {
        Ok(response) if response.status() == StatusCode::OK => response.into_body().collect().await.is_ok(),
        Ok(_) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("https://127.0.0.1/pay", 10; "no TLS here")]
    #[test_case("/pay", 10; "no host")]
    #[test_case("http://127.0.0.1/pay", 0; "no rate")]
    #[test_case("http://127.0.0.1/pay", 10_001; "a rate over the limit")]
    fn load_that_makes_no_sense_is_refused(url: &str, rps: u32) {
        assert!(Load { url: url.into(), rps }.start().is_err());
    }

    #[tokio::test]
    async fn every_request_is_counted_once_also_without_an_answer() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let running = Load {
            url: format!("http://{nobody}/pay"),
            rps: 200,
        }
        .start()
        .unwrap();
        while running.totals().sent < 20 {
            tokio::task::yield_now().await;
        }
        let Totals { sent, ok, bad } = running.stop().await;
        assert!(sent >= 20);
        assert_eq!((ok, bad), (0, sent));
    }
}
