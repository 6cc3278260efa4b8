//! Asking: one bounded request to a registry, with redirects followed by hand and credentials for the registry alone.

use gateline_model::Registry;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;

use super::answer::Answer;
use super::challenge::Challenge;
use super::place::Place;
use super::{LOOK_BYTES_MAX, shown};
use crate::CheckError;
use crate::fetch::{self, REDIRECTS_MAX};

/// Bytes of a registry's answer with a token.
const TOKEN_BYTES_MAX: usize = 64 * 1024;

/// One look at a registry.
pub(super) struct Session<'r> {
    registry: &'r Registry,
    place: Place,
    /// What the registry gets with each request, once it has asked for it.
    authorization: Option<HeaderValue>,
    /// Bytes that may still be fetched.
    left: usize,
}

impl<'r> Session<'r> {
    pub(super) fn new(registry: &'r Registry, repository: &str) -> Result<Self, CheckError> {
        Ok(Session {
            registry,
            place: Place::of(registry, repository)?,
            authorization: None,
            left: LOOK_BYTES_MAX,
        })
    }

    /// The registry, for messages.
    pub(super) fn name(&self) -> String {
        format!("the registry `{}`", self.registry.registry)
    }

    /// What is at a path of the repository; `None` where the registry says that there is nothing.
    pub(super) async fn get(
        &mut self,
        path: &str,
        accept: &str,
        bytes_max: usize,
    ) -> Result<Option<Answer>, CheckError> {
        let url = self.place.url(path)?;
        self.get_url(url, accept, bytes_max).await
    }

    pub(super) async fn get_url(
        &mut self,
        first: Url,
        accept: &str,
        bytes_max: usize,
    ) -> Result<Option<Answer>, CheckError> {
        let (mut url, mut redirects, mut entered) = (first, 0, false);
        loop {
            let response = self.send(&url, accept).await?;
            let at = fetch::shown(&url);
            match response.status() {
                StatusCode::OK => {
                    let limit = bytes_max.min(self.left);
                    let answer = Answer::read(response, url, &at, limit).await?;
                    self.left -= answer.body.len();
                    return Ok(Some(answer));
                }
                StatusCode::NOT_FOUND => return Ok(None),
                StatusCode::UNAUTHORIZED if !entered && self.place.is_own(&url) => {
                    self.enter(&response).await?;
                    entered = true;
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    return Err(CheckError::new(format!(
                        "`{at}` answered {}: give a `username` and `password` that may read it",
                        response.status().as_u16()
                    )));
                }
                status if status.is_redirection() => {
                    redirects += 1;
                    if redirects > REDIRECTS_MAX {
                        return Err(CheckError::new(format!(
                            "`{at}` leads on and on: {REDIRECTS_MAX} redirects are followed"
                        )));
                    }
                    url = self.next(&url, &response)?;
                }
                status => {
                    return Err(CheckError::new(format!(
                        "`{at}` answered {} instead of 200: look at what serves it",
                        status.as_u16()
                    )));
                }
            }
        }
    }

    /// One request. Nobody but the registry itself gets what it asked to see.
    async fn send(&self, url: &Url, accept: &str) -> Result<Response, CheckError> {
        if !self.place.may_ask(url) {
            return Err(CheckError::new(format!(
                "`{}` is not encrypted and is not asked: say `transport: http` if that is meant",
                fetch::shown(url)
            )));
        }
        fetch::reachable(url)?;
        let mut request = fetch::client_that_stays()?
            .get(url.clone())
            .header(ACCEPT, accept);
        if let (true, Some(authorization)) = (self.place.is_own(url), &self.authorization) {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        sent(request, url).await
    }

    fn next(&self, from: &Url, response: &Response) -> Result<Url, CheckError> {
        let to = response
            .headers()
            .get(LOCATION)
            .and_then(|to| to.to_str().ok())
            .and_then(|to| from.join(to).ok());
        to.ok_or_else(|| CheckError::new(format!("`{}` redirects to nowhere", fetch::shown(from))))
    }

    /// Meets what the registry asks to see.
    async fn enter(&mut self, response: &Response) -> Result<(), CheckError> {
        let headers = response.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenge = Challenge::of(headers.filter_map(|value| value.to_str().ok()));
        let credentials = self.credentials().await?;
        let authorization = match (challenge, credentials) {
            (None, _) => {
                return Err(CheckError::new(format!(
                    "{} asks who reads, in a way that is not spoken here: it must take a password or a bearer token",
                    self.name()
                )));
            }
            (Some(Challenge::Basic), None) => {
                return Err(CheckError::new(format!(
                    "{} asks who reads: give a `username` and `password`",
                    self.name()
                )));
            }
            (Some(Challenge::Basic), Some((user, password))) => {
                use base64::Engine as _;
                let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
                crate::secret::remember(&pair);
                format!("Basic {pair}")
            }
            (
                Some(Challenge::Bearer {
                    realm,
                    service,
                    scope,
                }),
                credentials,
            ) => {
                let token = self.token(&realm, service, scope, credentials).await?;
                crate::secret::remember(&token);
                format!("Bearer {token}")
            }
        };
        let mut value = HeaderValue::try_from(authorization)
            .map_err(|_| CheckError::new("the registry's token or its password cannot stand in a header"))?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(())
    }

    async fn credentials(&self) -> Result<Option<(String, String)>, CheckError> {
        let Registry {
            username, password, ..
        } = self.registry;
        Ok(match password {
            Some(password) => {
                let password = crate::secret::read(password).await?;
                Some((username.clone().unwrap_or_default(), password))
            }
            None => None,
        })
    }

    /// A token from the place that the registry names. It is not followed any further.
    async fn token(
        &self,
        realm: &str,
        service: Option<String>,
        scope: Option<String>,
        credentials: Option<(String, String)>,
    ) -> Result<String, CheckError> {
        let mut url = Url::parse(realm).map_err(|_| {
            CheckError::new(format!(
                "{} sends for a token to `{}`, which is no address",
                self.name(),
                shown(realm)
            ))
        })?;
        for (name, value) in [("service", service), ("scope", scope)] {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, &value);
            }
        }
        let at = fetch::shown(&url);
        if !self.place.may_ask(&url) {
            return Err(CheckError::new(format!(
                "{} sends for a token to `{at}`, which is not encrypted",
                self.name()
            )));
        }
        fetch::reachable(&url)?;
        let mut request = fetch::client_that_stays()?.get(url.clone());
        if let Some((user, password)) = credentials {
            request = request.basic_auth(user, Some(password));
        }
        let response = sent(request, &url).await?;
        if response.status() != StatusCode::OK {
            return Err(CheckError::new(format!(
                "`{at}` answered {} where a token for {} was asked: look at `username` and `password`",
                response.status().as_u16(),
                self.name()
            )));
        }
        let answer = Answer::read(response, url, &at, TOKEN_BYTES_MAX).await?;
        let token: Token = answer.json()?;
        let token = token.token.or(token.access_token);
        token.ok_or_else(|| CheckError::new(format!("`{at}` answered without a token")))
    }
}

/// Both names are in use.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

async fn sent(request: RequestBuilder, url: &Url) -> Result<Response, CheckError> {
    let sent = request.send().await;
    sent.map_err(|err| fetch::unreachable(&fetch::shown(url), err))
}
