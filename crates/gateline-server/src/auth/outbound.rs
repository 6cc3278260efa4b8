//! Asking an issuer: where to, and how much of its answer is taken.
//!
//! Encrypted, except on this host. Never to where a machine keeps its own secrets: link-local and metadata addresses, by
//! name or by number. Redirects are not followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};

/// How long an issuer may take to answer.
pub(crate) const ISSUER_SECS_MAX: u64 = 10;
/// Most bytes of an issuer's answer.
pub(crate) const ISSUER_BYTES_MAX: usize = 256 * 1024;

/// Metadata services that are not link-local: Alibaba's, Oracle's, and the IPv6 one of AWS.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// An address that may be asked.
///
/// # Errors
/// Why it may not.
pub(crate) fn allowed(text: &str) -> Result<Url, String> {
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
    match number {
        Some(address) if !here && forbidden(address) => Err(format!(
            "`{host}` is not an address that Gateline asks: it is link-local or a metadata service"
        )),
        Some(_) | None => Ok(url),
    }
}

/// Whether an address is one that only the machine itself should ask.
fn forbidden(address: IpAddr) -> bool {
    let address = address.to_canonical();
    METADATA.contains(&address)
        || address.is_unspecified()
        || address.is_multicast()
        || match address {
            IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        }
}

/// Names, looked up; an address that may not be asked is not among the answers. It is the address that is then
/// connected to: a name that changes its mind in between gains nothing.
struct Checked;

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let here = host == "localhost";
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let good: Vec<SocketAddr> = found
                .filter(|address| !forbidden(address.ip()) && (here || !address.ip().is_loopback()))
                .collect();
            if good.is_empty() {
                let why = format!(
                    "`{host}` has no address that Gateline asks: link-local, metadata and loopback are not"
                );
                return Err(why.into());
            }
            Ok(Box::new(good.into_iter()) as Addrs)
        })
    }
}

/// The client for issuers.
pub(crate) fn client() -> Result<Client, String> {
    gateline_drivers::install_crypto();
    let builder = || {
        Client::builder()
            .user_agent(concat!("gateline/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            // A proxy would look names up itself, and so past the rule for addresses.
            .no_proxy()
            .timeout(Duration::from_secs(ISSUER_SECS_MAX))
            .dns_resolver(Arc::new(Checked))
    };
    // Without the system's certificates an issuer on this host can still be asked.
    builder()
        .build()
        .or_else(|_| builder().tls_certs_only([]).build())
        .map_err(|err| format!("could not set up the HTTP client: {err}"))
}

/// Sends a request and reads its answer, which must be 200 and short enough.
pub(crate) async fn ask(request: RequestBuilder, what: &str) -> Result<Vec<u8>, String> {
    let cause = |err: reqwest::Error| {
        let err = err.without_url();
        let mut innermost: &dyn std::error::Error = &err;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        format!("{what}: {innermost}")
    };
    let mut response = request.send().await.map_err(cause)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(cause)? {
        if body.len() + chunk.len() > ISSUER_BYTES_MAX {
            return Err(format!(
                "{what}: the answer has more than {ISSUER_BYTES_MAX} bytes"
            ));
        }
        body.extend_from_slice(&chunk);
    }
    if status != reqwest::StatusCode::OK {
        return Err(format!("{what}: it answered {}{}", status.as_u16(), said(&body)));
    }
    Ok(body)
}

/// The error code of an OAuth answer, where it is one: a word, not a secret.
fn said(body: &[u8]) -> String {
    let error = serde_json::from_slice::<serde_json::Value>(body).ok();
    let error = error.as_ref().and_then(|body| body.get("error")?.as_str());
    let word = error.filter(|word| {
        word.len() <= 64 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    });
    word.map(|word| format!(" ({word})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_host_are_asked_and_never_where_a_machine_keeps_its_secrets() {
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

    #[tokio::test]
    async fn a_name_that_leads_to_this_host_is_refused_but_for_localhost() {
        let resolved = async |name: &str| {
            Checked
                .resolve(name.parse().unwrap())
                .await
                .map(|found| found.count())
        };
        assert!(resolved("localhost").await.is_ok_and(|found| found > 0));
        // The host's own name, by its hosts file, is this host or nothing.
        let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
        let loopback = tokio::net::lookup_host((name.trim(), 0))
            .await
            .is_ok_and(|mut found| found.all(|found| found.ip().is_loopback()));
        if loopback {
            assert!(resolved(name.trim()).await.is_err());
        }
    }
}
