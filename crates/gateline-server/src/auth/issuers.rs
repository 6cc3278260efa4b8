//! Issuers: who signs tokens, and with which keys. Asked once, remembered for a while, asked again when a token names a key
//! that is not among them; never more often than the limits below. Knows no provider, no machine and no claim but `iss`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder};
use serde::Deserialize;

use super::jws::{Claims, Keys, TokenError, Unverified};
use super::outbound;

/// How long published keys are believed. A key that its issuer took back is good for no longer.
pub(crate) const KEYS_KEPT_SECS: u64 = 3_600;
/// How often an issuer is asked at most, in [`ASKED_WITHIN_SECS`]: tokens with ids of no key cannot make it more.
pub(crate) const ASKED_MAX: usize = 6;
/// See [`ASKED_MAX`].
pub(crate) const ASKED_WITHIN_SECS: u64 = 300;
/// Most issuers that are remembered. Only issuers that a file names are asked at all.
const ISSUERS_MAX: usize = 256;

/// Why a token of an issuer is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IssuerError {
    /// The token is bad.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Nobody could find out.
    #[error("could not ask the issuer `{issuer}`: {why}")]
    Unreachable {
        /// Which.
        issuer: String,
        /// Why not.
        why: String,
    },
}

/// What an issuer says of itself (OpenID Connect Discovery 1.0, section 3).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Discovery {
    pub issuer: String,
    pub jwks_uri: String,
    #[serde(default)]
    pub authorization_endpoint: Option<String>,
    #[serde(default)]
    pub token_endpoint: Option<String>,
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Whether its answers name it, which keeps two providers apart (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// Everything that is known of issuers.
pub(crate) struct Issuers {
    client: Result<Client, String>,
    known: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Known>>>>,
}

#[derive(Default)]
struct Known {
    found: Option<Found>,
    asked: Vec<Instant>,
}

#[derive(Clone)]
struct Found {
    discovery: Arc<Discovery>,
    keys: Arc<Keys>,
    at: Instant,
}

impl Issuers {
    pub(crate) fn new() -> Self {
        Self {
            client: outbound::client(),
            known: Mutex::default(),
        }
    }

    /// What the token says, if a key of this issuer has signed it. Nothing of it is compared with anything yet.
    pub(crate) async fn verify(&self, issuer: &str, token: &str) -> Result<Claims, IssuerError> {
        let token = Unverified::read(token)?;
        let known = self.known(issuer);
        let mut known = known.lock().await;
        let found = self.found(issuer, &mut known).await?;
        match token.verify(&found.keys) {
            // Keys are changed from time to time: this one may be new.
            Err(TokenError::UnknownKey) if known.may_ask() => {
                let found = self.ask(issuer, &mut known).await?;
                Ok(token.verify(&found.keys)?.clone())
            }
            verified => Ok(verified?.clone()),
        }
    }

    /// What the issuer says of itself.
    pub(crate) async fn discovery(&self, issuer: &str) -> Result<Arc<Discovery>, IssuerError> {
        let known = self.known(issuer);
        let mut known = known.lock().await;
        Ok(self.found(issuer, &mut known).await?.discovery)
    }

    /// Sends a form to an address that the issuer named.
    pub(crate) async fn post(
        &self,
        issuer: &str,
        url: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Vec<u8>, IssuerError> {
        let sent = async {
            let request = self.client()?.post(outbound::allowed(url)?);
            outbound::ask(fill(request), "its token endpoint").await
        };
        sent.await.map_err(|why| unreachable(issuer, why))
    }

    fn client(&self) -> Result<&Client, String> {
        self.client.as_ref().map_err(Clone::clone)
    }

    fn known(&self, issuer: &str) -> Arc<tokio::sync::Mutex<Known>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ISSUERS_MAX && !known.contains_key(issuer) {
            known.clear();
        }
        known.entry(issuer.to_owned()).or_default().clone()
    }

    async fn found(&self, issuer: &str, known: &mut Known) -> Result<Found, IssuerError> {
        match &known.found {
            Some(found) if found.at.elapsed() < Duration::from_secs(KEYS_KEPT_SECS) => Ok(found.clone()),
            Some(_) | None => self.ask(issuer, known).await,
        }
    }

    async fn ask(&self, issuer: &str, known: &mut Known) -> Result<Found, IssuerError> {
        if !known.may_ask() {
            let why = format!("it was asked {ASKED_MAX} times within {ASKED_WITHIN_SECS} s, the limit");
            return Err(unreachable(issuer, why));
        }
        known.asked.push(Instant::now());
        let found = self.fetch(issuer).await.map_err(|why| unreachable(issuer, why))?;
        known.found = Some(found.clone());
        Ok(found)
    }

    async fn fetch(&self, issuer: &str) -> Result<Found, String> {
        let client = self.client()?;
        let at = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let body = outbound::ask(client.get(outbound::allowed(&at)?), "its description").await?;
        let discovery: Discovery =
            serde_json::from_slice(&body).map_err(|err| format!("its description cannot be read: {err}"))?;
        if discovery.issuer != issuer {
            return Err(format!(
                "it calls itself `{:.200}`; the names must be the same, to the last `/`",
                discovery.issuer
            ));
        }
        let keys = client.get(outbound::allowed(&discovery.jwks_uri)?);
        let keys = Keys::read(&outbound::ask(keys, "its keys").await?)?;
        Ok(Found {
            discovery: Arc::new(discovery),
            keys: Arc::new(keys),
            at: Instant::now(),
        })
    }
}

impl Known {
    fn may_ask(&mut self) -> bool {
        self.asked
            .retain(|at| at.elapsed() < Duration::from_secs(ASKED_WITHIN_SECS));
        self.asked.len() < ASKED_MAX
    }
}

pub(crate) fn unreachable(issuer: &str, why: impl Into<String>) -> IssuerError {
    IssuerError::Unreachable {
        issuer: issuer.to_owned(),
        why: why.into(),
    }
}
