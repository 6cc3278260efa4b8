//! Settings of the router: what differs between one server and another.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use gateline_model::ProviderName;
use gateline_spec::{Provider, ServerFile};
use tokio::sync::watch;

/// How the router behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether browsers may send the session cookie over HTTPS only.
    pub cookies: Cookies,
    /// What the server's settings file says.
    pub file: ServerFile,
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
    /// For this host only, without providers, and never stopping.
    fn default() -> Self {
        let (_, stopping) = watch::channel(false);
        Self {
            cookies: Cookies::Anywhere,
            file: ServerFile::default(),
            stopping,
        }
    }
}

impl Settings {
    /// A provider of identities.
    pub(crate) fn provider(&self, name: &ProviderName) -> Option<&Provider> {
        self.file.providers.iter().find(|provider| provider.name == *name)
    }

    /// The address at which people reach this server: as its file says; else, where it listens on this host alone, the name
    /// `localhost` with the port that a browser used. Whatever else a request calls it by is anybody's word.
    pub(crate) fn address(&self, headers: &HeaderMap) -> Option<String> {
        if let Some(url) = &self.file.url {
            return Some(url.clone());
        }
        let host = headers.get(header::HOST)?.to_str().ok()?;
        let (name, port) = host.split_once(':').unwrap_or((host, "80"));
        let here = self.cookies == Cookies::Anywhere && name == "localhost";
        (here && port.parse::<u16>().is_ok()).then(|| format!("http://{host}"))
    }

    /// The attribute that keeps a cookie off unencrypted ways.
    pub(crate) fn secure(&self) -> &'static str {
        match self.cookies {
            Cookies::Anywhere => "",
            Cookies::HttpsOnly => "; Secure",
        }
    }

    /// Who asks, by address: who is connected, or who a proxy that is believed says was connected to it.
    pub(crate) fn from(&self, connected: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let mut from = connected?.to_canonical();
        let told = headers
            .get_all("x-forwarded-for")
            .into_iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| line.split(','));
        let told: Vec<&str> = told.collect();
        // From the nearest on: what a proxy added is its own word, what stood there before is anybody's.
        for address in told.into_iter().rev() {
            if !self.file.proxies.contains(&from) {
                break;
            }
            let Ok(address) = address.trim().parse::<IpAddr>() else {
                break;
            };
            from = address.to_canonical();
        }
        Some(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_that_is_believed_says_who_asks() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let settings = Settings {
            file: ServerFile {
                proxies: vec![address("10.0.0.7"), address("10.0.0.8")],
                ..ServerFile::default()
            },
            ..Settings::default()
        };
        let from = |connected: &str, told: &str| {
            let headers = [("x-forwarded-for".parse().unwrap(), told.parse().unwrap())];
            let headers = headers.into_iter().collect();
            settings
                .from(Some(address(connected)), &headers)
                .unwrap()
                .to_string()
        };
        assert_eq!(from("10.0.0.7", "192.0.2.1"), "192.0.2.1");
        assert_eq!(from("::ffff:10.0.0.7", "192.0.2.1"), "192.0.2.1");
        assert_eq!(
            from("10.0.0.7", "6.6.6.6, 192.0.2.1"),
            "192.0.2.1",
            "what the asker wrote himself"
        );
        assert_eq!(
            from("10.0.0.7", "6.6.6.6, 192.0.2.1, 10.0.0.8"),
            "192.0.2.1",
            "two proxies"
        );
        assert_eq!(
            from("192.0.2.9", "192.0.2.1"),
            "192.0.2.9",
            "nobody believes this one"
        );
        assert_eq!(from("10.0.0.7", "nonsense"), "10.0.0.7");
    }
}
