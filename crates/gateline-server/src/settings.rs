//! Settings of the router: what differs between one server and another.

use tokio::sync::watch;

/// How the router behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether browsers may send the session cookie over HTTPS only.
    pub cookies: Cookies,
    /// Turns true when the server stops: streams of events then end, so that nothing waits for them.
    pub stopping: watch::Receiver<bool>,
}

/// Over what browsers may send the session cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookies {
    /// Anything: the server listens on this host only.
    Anywhere,
    /// HTTPS only.
    HttpsOnly,
}

impl Default for Settings {
    /// For this host only, and never stopping.
    fn default() -> Self {
        let (_, stopping) = watch::channel(false);
        Self {
            cookies: Cookies::Anywhere,
            stopping,
        }
    }
}
