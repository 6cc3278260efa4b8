//! Signing in with a provider: authorization code with PKCE, state and nonce (OpenID Connect Core 1.0, RFC 7636, 9700).
//!
//! Nothing is kept between the two halves: state, nonce and verifier are made from a secret in a cookie of the browser
//! that began, so that no other browser can end it. Knows no session and no event.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateline_api::ProviderAnswer;
use gateline_model::{ActorId, Digest};
use gateline_spec::Provider;
use jiff::Timestamp;
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use super::claims::{self, ClaimError, text};
use super::issuers::{Discovery, IssuerError, Issuers, unreachable};
use super::jws::Claims;
use super::token;

/// How long a sign-in may take: a second factor has to be found.
pub const SIGN_IN_SECS_MAX: i64 = 600;
/// Most groups of a sign-in that are kept.
pub const GROUPS_MAX: usize = 200;
/// Longest name of a group, in bytes.
const GROUP_BYTES_MAX: usize = 255;

/// Why somebody is not signed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignInError {
    /// The browser did not begin it, or not lately.
    #[error("no sign-in of this browser is under way, or it took longer than {SIGN_IN_SECS_MAX} s")]
    NotBegun,
    /// The provider said no.
    #[error("the provider answered `{0}`")]
    Refused(String),
    /// The answer is not the one to this request.
    #[error("the answer does not belong to this sign-in")]
    State,
    /// The answer came from another provider.
    #[error("the answer came from another provider")]
    Issuer,
    /// The token that the provider gave is not believed.
    #[error("the provider's token is not believed: {0}")]
    Token(String),
    /// Whoever it is cannot be named here.
    #[error("{0}")]
    Actor(String),
    /// The provider could not be asked.
    #[error("{0}")]
    Unreachable(String),
}

impl From<IssuerError> for SignInError {
    fn from(err: IssuerError) -> Self {
        match err {
            IssuerError::Token(err) => Self::Token(err.to_string()),
            IssuerError::Unreachable { .. } => Self::Unreachable(err.to_string()),
        }
    }
}

impl From<ClaimError> for SignInError {
    fn from(err: ClaimError) -> Self {
        Self::Token(err.to_string())
    }
}

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedIn {
    /// The actor, as in `corp:ana`.
    pub actor: ActorId,
    /// The person's name, where the provider told it.
    pub name: Option<String>,
    /// The groups, as `PROVIDER:GROUP`.
    pub groups: Vec<String>,
    /// Digest of issuer and subject: what the provider never calls somebody else.
    pub subject: Digest,
}

/// A sign-in that is under way: what the browser keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Begun {
    secret: String,
    at: i64,
    /// The page to go to then.
    pub next: String,
}

impl Begun {
    pub(crate) fn new(next: &str, now: Timestamp) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self {
            secret: URL_SAFE_NO_PAD.encode(bytes),
            at: now.as_second(),
            next: next.to_owned(),
        })
    }

    /// The value of the cookie.
    pub(crate) fn cookie(&self) -> String {
        format!(
            "{}.{}.{}",
            self.secret,
            self.at,
            URL_SAFE_NO_PAD.encode(&self.next)
        )
    }

    pub(crate) fn read(cookie: &str) -> Option<Self> {
        let mut parts = cookie.splitn(3, '.');
        let (secret, at, next) = (parts.next()?, parts.next()?, parts.next()?);
        let next = URL_SAFE_NO_PAD.decode(next).ok()?;
        // A secret that was not drawn here would be one that somebody else knows.
        (secret.len() == 43).then_some(Self {
            secret: secret.to_owned(),
            at: at.parse().ok()?,
            next: String::from_utf8(next).ok()?,
        })
    }

    /// Something that only who has the cookie can make, for one purpose and one provider.
    fn derive(&self, purpose: &str, provider: &Provider) -> String {
        let Self { secret, at, next } = self;
        let text = format!("{purpose} {} {secret} {at} {next}", provider.name);
        URL_SAFE_NO_PAD.encode(Digest::of(text.as_bytes()).as_bytes())
    }

    fn verifier(&self, provider: &Provider) -> String {
        self.derive("verifier", provider)
    }
}

/// Where to send the browser.
pub(crate) async fn begin(
    issuers: &Issuers,
    provider: &Provider,
    back: &str,
    begun: &Begun,
) -> Result<String, SignInError> {
    let discovery = issuers.discovery(&provider.issuer).await?;
    let endpoint = discovery.authorization_endpoint.as_deref().unwrap_or_default();
    let mut url: Url = super::outbound::allowed(endpoint)
        .map_err(|why| unreachable(&provider.issuer, format!("its authorization endpoint: {why}")))?;
    let challenge = Digest::of(begun.verifier(provider).as_bytes());
    let mut scopes = vec!["openid"];
    scopes.extend(
        provider
            .scopes
            .iter()
            .map(String::as_str)
            .filter(|scope| *scope != "openid"),
    );
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.client_id)
        .append_pair("redirect_uri", back)
        .append_pair("scope", &scopes.join(" "))
        .append_pair("state", &begun.derive("state", provider))
        .append_pair("nonce", &begun.derive("nonce", provider))
        .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge.as_bytes()))
        .append_pair("code_challenge_method", "S256");
    Ok(url.into())
}

/// Who came back.
pub(crate) async fn finish(
    issuers: &Issuers,
    provider: &Provider,
    back: &str,
    begun: Option<&Begun>,
    answer: &ProviderAnswer,
    now: Timestamp,
) -> Result<SignedIn, SignInError> {
    let begun = begun.ok_or(SignInError::NotBegun)?;
    if !(0..=SIGN_IN_SECS_MAX).contains(&(now.as_second() - begun.at)) {
        return Err(SignInError::NotBegun);
    }
    let state = answer.state.as_deref().unwrap_or_default();
    if !token::same(
        &token::hash(state),
        &token::hash(&begun.derive("state", provider)),
    ) {
        return Err(SignInError::State);
    }
    let discovery = issuers.discovery(&provider.issuer).await?;
    let told = answer.iss.as_deref();
    if told.map_or(discovery.authorization_response_iss_parameter_supported, |told| {
        told != provider.issuer
    }) {
        return Err(SignInError::Issuer);
    }
    if let Some(error) = &answer.error {
        let word: String = error.chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
        return Err(SignInError::Refused(word));
    }
    let code = answer.code.as_deref().ok_or(SignInError::State)?;
    let id_token = redeem(
        issuers,
        &discovery,
        provider,
        back,
        code,
        &begun.verifier(provider),
    )
    .await?;
    let claims = issuers.verify(&provider.issuer, &id_token).await?;
    claims::check(&claims, &provider.issuer, &provider.client_id, now)?;
    if text(&claims, "nonce") != Some(begun.derive("nonce", provider).as_str()) {
        return Err(ClaimError::Nonce.into());
    }
    who(provider, &claims)
}

#[derive(Deserialize)]
struct Redeemed {
    id_token: Option<String>,
}

/// Trades the code for the ID token. The access token is not looked at: nothing is asked in the person's name.
async fn redeem(
    issuers: &Issuers,
    discovery: &Discovery,
    provider: &Provider,
    back: &str,
    code: &str,
    verifier: &str,
) -> Result<String, SignInError> {
    let secret = match &provider.client_secret {
        Some(reference) => Some(
            gateline_drivers::read_secret(reference)
                .await
                .map_err(|err| SignInError::Unreachable(err.why))?,
        ),
        None => None,
    };
    let endpoint = discovery.token_endpoint.as_deref().unwrap_or_default();
    // Basic is what a provider must know that says nothing of it (OpenID Connect Core 1.0, section 9).
    let methods = discovery.token_endpoint_auth_methods_supported.as_deref();
    let basic = methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"));
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", back),
        ("code_verifier", verifier),
    ];
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let body = issuers
        .post(&provider.issuer, endpoint, |request| match &secret {
            Some(secret) if basic => request
                .basic_auth(encoded(&provider.client_id), Some(encoded(secret)))
                .form(&form),
            Some(secret) => {
                form.extend([
                    ("client_id", provider.client_id.as_str()),
                    ("client_secret", secret),
                ]);
                request.form(&form)
            }
            None => {
                form.push(("client_id", &provider.client_id));
                request.form(&form)
            }
        })
        .await?;
    let redeemed: Redeemed = serde_json::from_slice(&body)
        .map_err(|_| unreachable(&provider.issuer, "its token endpoint: the answer cannot be read"))?;
    redeemed.id_token.ok_or_else(|| {
        unreachable(
            &provider.issuer,
            "its token endpoint: the answer has no `id_token`",
        )
        .into()
    })
}

fn who(provider: &Provider, claims: &Claims) -> Result<SignedIn, SignInError> {
    let name = &provider.actor;
    let missing = || SignInError::Token(ClaimError::Missing(name.clone()).to_string());
    let value = text(claims, name).ok_or_else(missing)?;
    let verified = claims.get("email_verified");
    let is_verified = verified.is_some_and(|verified| *verified == Value::Bool(true) || verified == "true");
    if name == "email" && !is_verified {
        let why = "the provider does not say that the e-mail address is the person's own (`email_verified`)";
        return Err(SignInError::Actor(why.to_owned()));
    }
    let subject = text(claims, "sub").ok_or_else(|| ClaimError::Missing("sub".to_owned()))?;
    let subject = Digest::of_json(&[provider.issuer.as_str(), subject]);
    let actor = format!("{}:{value}", provider.name);
    let actor = actor.parse().map_err(|err| {
        SignInError::Actor(format!(
            "{err}; choose another claim with `actor` in the server's settings"
        ))
    })?;
    Ok(SignedIn {
        actor,
        name: text(claims, "name").map(|name| name.chars().take(200).collect()),
        groups: groups(provider, claims)?,
        subject,
    })
}

fn groups(provider: &Provider, claims: &Claims) -> Result<Vec<String>, SignInError> {
    let Some(name) = &provider.groups else {
        return Ok(Vec::new());
    };
    let told: Vec<&str> = match claims.get(name) {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        Some(_) => return Err(SignInError::Token(ClaimError::Missing(name.clone()).to_string())),
    };
    // Leaving some out would take rights away that somebody has, and nobody would see why.
    if told.len() > GROUPS_MAX {
        let why = format!(
            "the provider told {} groups; the limit is {GROUPS_MAX} (GROUPS_MAX): let it tell only those that roles name",
            told.len()
        );
        return Err(SignInError::Actor(why));
    }
    let legal = |group: &&str| (1..=GROUP_BYTES_MAX).contains(&group.len());
    let mut groups: Vec<String> = told
        .into_iter()
        .filter(legal)
        .map(|group| format!("{}:{group}", provider.name))
        .collect();
    groups.sort_unstable();
    groups.dedup();
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn provider(actor: &str) -> Provider {
        Provider {
            name: "corp".parse().unwrap(),
            title: "Acme".into(),
            issuer: "https://login.example.com".into(),
            client_id: "gateline".into(),
            client_secret: None,
            scopes: Vec::new(),
            actor: actor.into(),
            groups: Some("groups".into()),
        }
    }

    fn named(actor: &str, claims: Value) -> Result<SignedIn, SignInError> {
        who(&provider(actor), claims.as_object().unwrap())
    }

    #[test]
    fn an_actor_and_its_groups_are_named_after_their_provider() {
        let ana = named(
            "sub",
            json!({"sub": "ana", "name": "Ana", "groups": ["sre", "dev", "sre", ""]}),
        )
        .unwrap();
        assert_eq!(ana.actor.as_str(), "corp:ana");
        assert_eq!(ana.name.as_deref(), Some("Ana"));
        assert_eq!(ana.groups, ["corp:dev", "corp:sre"]);
        assert_eq!(
            named("sub", json!({"sub": "ana", "groups": "sre"}))
                .unwrap()
                .groups,
            ["corp:sre"]
        );
        assert_eq!(named("sub", json!({"sub": "ana"})).unwrap().groups, [""; 0]);
    }

    #[test]
    fn nobody_is_named_by_what_is_missing_or_not_theirs() {
        for (actor, claims) in [
            ("sub", json!({})),
            ("sub", json!({"sub": ""})),
            ("sub", json!({"sub": 7})),
            ("sub", json!({"sub": "a b"})),
            ("sub", json!({"sub": "x".repeat(200)})),
            ("sub", json!({"sub": "ana", "groups": {"sre": true}})),
            ("sub", json!({"sub": "ana", "groups": vec!["g"; GROUPS_MAX + 1]})),
            ("email", json!({"email": "ana@example.com"})),
            (
                "email",
                json!({"email": "ana@example.com", "email_verified": false}),
            ),
        ] {
            assert!(named(actor, claims.clone()).is_err(), "{claims:.80}");
        }
        let own = json!({"sub": "7", "email": "ana@example.com", "email_verified": true});
        assert_eq!(
            named("email", own).unwrap().actor.as_str(),
            "corp:ana@example.com"
        );
    }

    #[test]
    fn what_a_browser_keeps_reads_back_and_nothing_else_does() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let begun = Begun::new("/log?before=3", now).unwrap();
        assert_eq!(Begun::read(&begun.cookie()), Some(begun.clone()));
        for other in [
            "",
            "..",
            "a.1.",
            "a.b.c",
            &begun.cookie()[1..],
            &format!("{}!", begun.cookie()),
        ] {
            assert_eq!(Begun::read(other), None, "{other}");
        }
        let of = |purpose: &str| begun.derive(purpose, &provider("sub"));
        assert_ne!(of("state"), of("nonce"));
        assert_ne!(of("nonce"), of("verifier"));
        let elsewhere = Provider {
            name: "lab".parse().unwrap(),
            ..provider("sub")
        };
        assert_ne!(of("state"), begun.derive("state", &elsewhere));
        let led_astray = Begun {
            next: "/other".into(),
            ..begun.clone()
        };
        assert_ne!(of("state"), led_astray.derive("state", &provider("sub")));
    }
}
