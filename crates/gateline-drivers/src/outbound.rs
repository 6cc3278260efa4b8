//! Where Gateline may write to and ask: addresses are checked when they are read, and once more after names are looked up.
//!
//! Never to where a machine keeps its own secrets: link-local and metadata addresses, by name or by number. Channels of
//! notifications reach no private network and not this host either, unless the server's file allows it. It is the address
//! that was checked that is connected to: a name that changes its mind in between gains nothing. No redirect is followed,
//! and no proxy asked, which would look names up itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use gateline_model::Network;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

/// Metadata services that are not link-local: Alibaba's, Oracle's, and the IPv6 one of AWS.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// How far something may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Anything but link-local and metadata addresses; this host only by number, or as `localhost`.
    Near,
    /// Anything but link-local and metadata addresses: what a pipeline may look at, which is most often near.
    Checked,
    /// The public network, and these networks.
    Public(Vec<Network>),
}

impl Reach {
    /// Whether an address behind a host's name may be connected to.
    pub fn permits(&self, host: &str, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Reach::Near => {
                let here = host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
                !forbidden(address) && (here || !address.is_loopback())
            }
            Reach::Checked => !forbidden(address),
            Reach::Public(allowed) => {
                allowed.iter().any(|network| network.has(address))
                    || (!forbidden(address) && !is_private(address))
            }
        }
    }

    /// Why an address is not permitted, for people.
    fn refusal(&self, host: &str) -> String {
        match self {
            Reach::Near | Reach::Checked => {
                format!(
                    "`{host}` is not an address that Gateline asks: it is link-local or a metadata service"
                )
            }
            Reach::Public(_) => format!(
                "`{host}` leads to no address that this channel may reach: private, link-local, metadata and loopback addresses are not, unless its `allow` has their network"
            ),
        }
    }
}

/// Whether an address is one that only the machine itself should ask.
fn forbidden(address: IpAddr) -> bool {
    METADATA.contains(&address)
        || address.is_unspecified()
        || address.is_multicast()
        || match address {
            IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
            IpAddr::V6(address) => {
                address.is_unicast_link_local() || embedded(address).is_some_and(forbidden)
            }
        }
}

/// Whether an address is not one of the public network.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            address.is_loopback()
                || address.is_private()
                || address.is_documentation()
                || a == 0
                || a >= 240
                // Shared by carriers, protocol assignments, benchmarks.
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19))
        }
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unique_local()
                || embedded(address).is_some_and(is_private)
                // Site-local, of old; documentation.
                || address.segments()[0] & 0xffc0 == 0xfec0
                || address.segments()[..2] == [0x2001, 0xdb8]
        }
    }
}

/// The IPv4 address that a translator or a tunnel takes an IPv6 address for: NAT64, 6to4, and of old.
fn embedded(address: Ipv6Addr) -> Option<IpAddr> {
    let parts = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
    };
    match parts {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x64, 0xff9b, 1, ..] => v4(parts[6], parts[7]),
        [0x2002, high, low, ..] => v4(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => v4(high, low),
        _ => None,
    }
}

/// An address that may be asked: encrypted, except on this host.
///
/// # Errors
/// Why it may not.
pub fn allowed(text: &str, reach: &Reach) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|err| format!("`{text:.200}` is no address: {err}"))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let number: Option<IpAddr> = host.parse().ok();
    let here = host == "localhost" || number.is_some_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if here => {}
        _ => return Err(format!("`{text:.200}` is not https, and not on this host")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("the address of `{host}` holds a name or a password"));
    }
    number_allowed(&url, reach)?;
    Ok(url)
}

/// The addresses behind a host's name that may be connected to.
///
/// # Errors
/// Where it has none, or cannot be looked up.
pub async fn look_up(host: &str, port: u16, reach: &Reach) -> Result<Vec<SocketAddr>, String> {
    look_up_by(&System, host, port, reach).await
}

/// What knows the addresses behind names.
trait Names: Send + Sync + 'static {
    fn addresses(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = std::io::Result<Vec<SocketAddr>>> + Send;
}

/// The system's own way.
struct System;

impl Names for System {
    async fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        let found = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await?;
        Ok(found.collect())
    }
}

async fn look_up_by(
    names: &impl Names,
    host: &str,
    port: u16,
    reach: &Reach,
) -> Result<Vec<SocketAddr>, String> {
    let mut good = names
        .addresses(host, port)
        .await
        .map_err(|err| format!("`{host}` could not be looked up: {err}"))?;
    good.retain(|address| reach.permits(host, address.ip()));
    if good.is_empty() {
        return Err(reach.refusal(host));
    }
    Ok(good)
}

/// What looks names up for a client that reaches so far.
pub(crate) fn resolver(reach: Reach) -> Arc<impl Resolve + 'static> {
    Arc::new(Checked(reach, Arc::new(System)))
}

/// Whether a host that is written as a number may be connected to. Names are looked at once they are looked up.
///
/// # Errors
/// Why it may not.
pub(crate) fn number_allowed(url: &Url, reach: &Reach) -> Result<(), String> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(address) if !reach.permits(host, address) => Err(reach.refusal(host)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Names, looked up; an address that may not be asked is not among the answers.
struct Checked<N>(Reach, Arc<N>);

impl<N: Names> Resolve for Checked<N> {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, names) = (self.0.clone(), self.1.clone());
        Box::pin(async move {
            let good = look_up_by(&*names, name.as_str(), 0, &reach).await?;
            Ok(Box::new(good.into_iter()) as Addrs)
        })
    }
}

/// A client that reaches so far, and waits so long for a whole answer.
///
/// # Errors
/// Where it cannot be set up.
pub fn client(reach: &Reach, timeout: Duration) -> Result<Client, String> {
    client_by(resolver(reach.clone()), timeout)
}

fn client_by(names: Arc<impl Resolve + 'static>, timeout: Duration) -> Result<Client, String> {
    crate::install_crypto();
    let builder = || {
        Client::builder()
            .user_agent(concat!("gateline/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .timeout(timeout)
            .dns_resolver(names.clone())
    };
    // Without the system's certificates what is on this host can still be asked.
    builder()
        .build()
        .or_else(|_| builder().tls_certs_only([]).build())
        .map_err(|err| format!("could not set up the HTTP client: {err}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_host_are_asked_and_never_where_a_machine_keeps_its_secrets() {
        let allowed = |text: &str| allowed(text, &Reach::Near);
        for good in [
            "https://token.actions.githubusercontent.com",
            "https://gitlab.example.com:8443/x",
            "https://10.1.2.3/dex",
            "http://127.0.0.1:9400",
            "http://localhost:9400/",
            "http://[::1]:9400",
        ] {
            assert!(allowed(good).is_ok(), "{good}");
        }
        for bad in [
            "http://login.example.com",
            "https://169.254.169.254/latest/meta-data",
            "https://[fe80::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://[64:ff9b::169.254.169.254]/",
            "https://[fd00:ec2::254]/",
            "https://100.100.100.200/",
            "https://0.0.0.0/",
            "https://me:secret@login.example.com/",
            "https://2852039166/",
            "https://0xa9fea9fe/",
            "file:///etc/passwd",
            "gopher://127.0.0.1/",
            "login.example.com",
            "",
        ] {
            let err = allowed(bad).unwrap_err();
            assert!(!err.contains("secret@"), "{err}");
        }
    }

    #[test]
    fn a_channel_reaches_the_public_network_and_what_its_file_allows() {
        let public = Reach::Public(Vec::new());
        for good in [
            "https://hooks.example.com/x",
            "https://203.0.112.7/",
            "https://[2606:4700::1]/",
        ] {
            assert!(allowed(good, &public).is_ok(), "{good}");
        }
        for bad in [
            "http://127.0.0.1:9400",
            "https://127.0.0.1",
            "https://127.1/",
            "https://[::1]/",
            "https://10.1.2.3/",
            "https://172.16.0.1/",
            "https://192.168.1.1/",
            "https://169.254.169.254/",
            "https://100.64.0.1/",
            "https://[fd12::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[::10.0.0.1]/",
            "https://[64:ff9b::10.0.0.1]/",
            "https://[2002:a00:1::1]/",
            "https://0x7f000001/",
            "https://017700000001/",
        ] {
            assert!(allowed(bad, &public).is_err(), "{bad}");
        }
        let here = Reach::Public(vec![
            "127.0.0.0/8".parse().unwrap(),
            "10.0.0.0/8".parse().unwrap(),
        ]);
        for good in ["http://127.0.0.1:9400", "https://10.1.2.3/"] {
            assert!(allowed(good, &here).is_ok(), "{good}");
        }
        assert!(
            allowed("https://192.168.1.1/", &here).is_err(),
            "no more than that"
        );
    }

    #[tokio::test]
    async fn a_name_is_checked_again_once_it_is_looked_up() {
        assert!(look_up("localhost", 1, &Reach::Near).await.is_ok());
        let err = look_up("localhost", 1, &Reach::Public(Vec::new()))
            .await
            .unwrap_err();
        assert!(err.contains("no address that this channel may reach"), "{err}");
        let both = ["127.0.0.1", "::1"].map(|one| one.parse().unwrap());
        assert!(
            look_up("localhost", 1, &Reach::Public(both.to_vec()))
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_host_is_refused_but_for_localhost() {
        // The host's own name, by its hosts file, is this host or nothing.
        let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
        let loopback = tokio::net::lookup_host((name.trim(), 0))
            .await
            .is_ok_and(|mut found| found.all(|found| found.ip().is_loopback()));
        if loopback {
            assert!(look_up(name.trim(), 0, &Reach::Near).await.is_err());
        }
    }

    /// A name that says another address each time; the last one again and again.
    struct Fickle(std::sync::Mutex<Vec<Vec<SocketAddr>>>);

    impl Names for Fickle {
        async fn addresses(&self, _: &str, _: u16) -> std::io::Result<Vec<SocketAddr>> {
            let mut left = self.0.lock().unwrap();
            Ok(if left.len() > 1 {
                left.remove(0)
            } else {
                left[0].clone()
            })
        }
    }

    #[tokio::test]
    async fn a_name_that_changes_its_mind_is_connected_to_where_it_was_checked_or_nowhere() {
        use crate::fake::{Fake, ok};
        let good = Fake::always(ok("text/plain", "here")).await;
        let address: SocketAddr = good.url("").trim_start_matches("http://").parse().unwrap();
        let metadata: SocketAddr = "169.254.169.254:80".parse().unwrap();
        let allowed = Reach::Public(vec!["127.0.0.1/32".parse().unwrap()]);
        // Both at once: the one that may be asked is. Then the other alone: nobody is.
        let names = Fickle(vec![vec![metadata, address], vec![metadata]].into());
        let names = Arc::new(Checked(allowed, Arc::new(names)));
        let client = client_by(names, Duration::from_secs(5)).unwrap();
        let url = format!("http://rebound.example:{}/", address.port());
        let answer = client
            .get(&url)
            .header("connection", "close")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.remote_addr(), Some(address));
        assert_eq!(answer.text().await.unwrap(), "here");
        let err = client.get(&url).send().await.unwrap_err();
        let mut cause: &dyn std::error::Error = &err;
        while let Some(source) = cause.source() {
            cause = source;
        }
        assert!(
            cause
                .to_string()
                .contains("leads to no address that this channel may reach"),
            "{cause}"
        );
        assert_eq!(good.asked().len(), 1);
    }
}
