//! A server over a hub, asked over HTTP on this host.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use gateline_server::hub::Hub;

use super::numbers::{Times, ms};

/// What answers and is nearly nothing else: the limit of HTTP itself.
pub(super) const LIMIT: &str = "/healthz";

/// A server and a client.
#[derive(Clone)]
pub(super) struct Served {
    client: reqwest::Client,
    address: String,
    token: String,
}

impl Served {
    /// Serves a hub; whoever asks is its first administrator.
    pub(super) async fn start(hub: Hub) -> Result<Self, String> {
        let token = gateline_server::serve::first_secret(&hub).await?;
        Self::start_as(hub, token).await
    }

    /// The same for somebody who has a token already.
    pub(super) async fn start_as(hub: Hub, token: String) -> Result<Self, String> {
        gateline_drivers::install_crypto();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(|err| err.to_string())?;
        let address = listener.local_addr().map_err(|err| err.to_string())?;
        let router = gateline_server::router(hub, gateline_server::Settings::default());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            client: reqwest::Client::new(),
            address: format!("http://{address}"),
            token,
        })
    }

    /// The same server for somebody else.
    pub(super) fn by(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    async fn get(&self, path: &str) -> Result<reqwest::Response, String> {
        let request = self
            .client
            .get(format!("{}{path}", self.address))
            .bearer_auth(&self.token);
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        answer.map_err(|err| err.to_string())
    }

    /// Asks these one after the other; how long each took, and the bytes of the last one.
    pub(super) async fn ask(
        &self,
        paths: impl IntoIterator<Item = String>,
    ) -> Result<(Times, usize), String> {
        let mut times = Times::default();
        let mut bytes = 0;
        for path in paths {
            let asked = Instant::now();
            let answer = self.get(&path).await?;
            bytes = answer.bytes().await.map_err(|err| err.to_string())?.len();
            times.push(asked.elapsed());
        }
        Ok((times, bytes))
    }

    /// Connects a watcher of all events, that counts what it is told until the flag is set.
    pub(super) async fn watch(&self, told: Arc<AtomicU64>, over: Arc<AtomicBool>) -> Result<(), String> {
        // A connection of its own, as each browser has.
        let alone = Self {
            client: reqwest::Client::new(),
            ..self.clone()
        };
        let mut answer = alone.get("/api/events").await?;
        tokio::spawn(async move {
            while let Ok(Some(chunk)) = answer.chunk().await {
                let notices = chunk.windows(3).filter(|three| three == b"id:").count();
                told.fetch_add(notices as u64, Ordering::Relaxed);
                if over.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        Ok(())
    }
}

/// Cells of a row: p50, p99.
pub(super) fn cells(times: &mut Times) -> String {
    format!("{} | {}", ms(times.percentile(0.5)), ms(times.percentile(0.99)))
}
