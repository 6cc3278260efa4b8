//! Places: which addresses a repository has, and which of them may be asked without encryption.

use std::net::IpAddr;

use gateline_model::{Registry, Transport};
use reqwest::Url;

use crate::CheckError;

/// A repository in its registry.
#[derive(Debug)]
pub(super) struct Place {
    /// `https://registry.example.com/v2/shop/app/`, which every address begins with.
    base: Url,
    plain: bool,
}

impl Place {
    /// The place of `registry.example.com/shop/app`, if it is in this registry.
    pub(super) fn of(registry: &Registry, repository: &str) -> Result<Place, CheckError> {
        let host = registry.registry.as_str();
        let name = repository
            .strip_prefix(host)
            .and_then(|rest| rest.strip_prefix('/'));
        let Some(name) = name else {
            return Err(CheckError::new(format!(
                "`{repository}` is not in `{host}`, where the pipeline looks for what is attached: push the artifact there, or name its registry in the pipeline"
            )));
        };
        if !name.split('/').all(is_part) {
            return Err(CheckError::new(format!(
                "`{name}` is no name of a repository: small letters, digits, `.`, `_` and `-`, with `/` between parts"
            )));
        }
        // Only a host and a port: anything else in front of `/v2/` would ask somebody else.
        let is_host = |char: char| char.is_ascii_alphanumeric() || ".-:[]".contains(char);
        let https = Url::parse(&format!("https://{host}/v2/{name}/"))
            .ok()
            .filter(|_| !host.is_empty() && host.chars().all(is_host));
        let Some(https) = https else {
            return Err(CheckError::new(format!(
                "`{host}` is no registry: write its host, and its port where it has one, as in `registry.example.com`"
            )));
        };
        let plain = match registry.transport {
            Some(transport) => transport == Transport::Http,
            None => is_loopback(&https),
        };
        let base = match plain {
            true => Url::parse(&format!("http://{host}/v2/{name}/")).unwrap_or(https),
            false => https,
        };
        Ok(Place { base, plain })
    }

    /// An address in the repository, as of `manifests/latest`.
    pub(super) fn url(&self, path: &str) -> Result<Url, CheckError> {
        self.base
            .join(path)
            .map_err(|err| CheckError::new(format!("`{path}` is no path: {err}")))
    }

    /// Whether it is the registry itself, which gets the credentials.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Whether this may be asked: encrypted, or open where the registry is, too.
    pub(super) fn may_ask(&self, url: &Url) -> bool {
        match url.scheme() {
            "https" => true,
            "http" => self.plain && (self.is_own(url) || is_loopback(url) || !is_loopback(&self.base)),
            _ => false,
        }
    }
}

/// One part of a repository's name, without what would lead elsewhere.
fn is_part(part: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    part.bytes().all(legal) && part.starts_with(|char: char| char.is_ascii_alphanumeric())
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use gateline_model::Span;
    use test_case::test_case;

    use super::*;

    fn registry(host: &str, transport: Option<Transport>) -> Registry {
        Registry {
            registry: host.to_owned(),
            transport,
            username: None,
            password: None,
            timeout: Span::from_secs(5),
        }
    }

    #[test_case("registry.example.com", None, "https"; "another host is encrypted")]
    #[test_case("registry.example.com:5000", Some(Transport::Http), "http"; "unless it is said aloud")]
    #[test_case("127.0.0.1:5000", None, "http"; "this host is not encrypted")]
    #[test_case("[::1]:5000", None, "http"; "in either family")]
    #[test_case("localhost:5000", Some(Transport::Https), "https"; "unless that is said")]
    fn it_is_encrypted(host: &str, transport: Option<Transport>, scheme: &str) {
        let place = Place::of(&registry(host, transport), &format!("{host}/shop/app")).unwrap();
        let url = place.url("manifests/latest").unwrap();
        assert_eq!(
            url.as_str(),
            format!("{scheme}://{host}/v2/shop/app/manifests/latest")
        );
    }

    #[test_case("evil.example/shop/app", "is not in `registry.example.com`"; "another registry gets no credentials")]
    #[test_case("registry.example.com.evil.example/app", "is not in"; "nor one that begins like it")]
    #[test_case("registry.example.com/../../secret", "is no name of a repository"; "a path that leads out")]
    #[test_case("registry.example.com/a?b", "is no name of a repository"; "a query")]
    #[test_case("registry.example.com/", "is no name of a repository"; "nothing")]
    fn what_is_elsewhere_is_not_asked(repository: &str, says: &str) {
        let err = Place::of(&registry("registry.example.com", None), repository).unwrap_err();
        assert!(err.why.contains(says), "{err}");
    }

    #[test]
    fn a_registry_that_is_no_host_is_refused() {
        for host in ["me@evil.example", "a/b", "", "a b"] {
            let err = Place::of(&registry(host, None), &format!("{host}/app")).unwrap_err();
            assert!(
                err.why.contains("is no registry") || err.why.contains("no name"),
                "{err}"
            );
        }
    }

    #[test]
    fn what_was_encrypted_stays_so() {
        let place = Place::of(
            &registry("registry.example.com", None),
            "registry.example.com/app",
        )
        .unwrap();
        let may = |url: &str| place.may_ask(&Url::parse(url).unwrap());
        assert!(may("https://storage.example/x"));
        assert!(!may("http://storage.example/x") && !may("http://127.0.0.1/x") && !may("file:///etc/passwd"));
    }
}
