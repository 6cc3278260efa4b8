//! An issuer of signed tokens on this host, that lies as it is told: what a good provider never does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gateline_model::Digest;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

/// What Gateline is called there, and its secret.
pub const CLIENT: &str = "gateline";
pub const SECRET: &str = "hunter2 & co";

#[derive(Clone)]
pub struct Issuer {
    pub url: String,
    state: Arc<Mutex<Told>>,
}

struct Told {
    url: String,
    keys: Vec<(String, Arc<EcdsaKeyPair>)>,
    /// Codes that may be redeemed once: challenge and token.
    codes: HashMap<String, (String, String)>,
    /// How often the keys were fetched.
    fetched: usize,
    /// What it calls itself.
    name: String,
    answers_name_it: bool,
}

impl Issuer {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(Told {
            url: url.clone(),
            keys: Vec::new(),
            codes: HashMap::new(),
            fetched: 0,
            name: url.clone(),
            answers_name_it: false,
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/token", post(redeem))
            .with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuer = Self { url, state };
        issuer.rotate("first");
        issuer
    }

    /// From now on this is the only key.
    pub fn rotate(&self, kid: &str) {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        self.state.lock().unwrap().keys = vec![(kid.to_owned(), Arc::new(pair))];
    }

    pub fn fetched(&self) -> usize {
        self.state.lock().unwrap().fetched
    }

    /// From now on it calls itself something else.
    pub fn rename(&self, name: &str) {
        self.state.lock().unwrap().name = name.to_owned();
    }

    /// From now on it promises that its answers name it.
    pub fn name_answers(&self) {
        self.state.lock().unwrap().answers_name_it = true;
    }

    /// A token with the claims, signed with its key.
    pub fn sign(&self, claims: &Value) -> String {
        let kid = self.state.lock().unwrap().keys[0].0.clone();
        self.sign_as(&json!({"alg": "ES256", "kid": kid, "typ": "JWT"}), claims)
    }

    /// The same under any header.
    pub fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let key = self.state.lock().unwrap().keys[0].1.clone();
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The bytes of its public key, as anybody can fetch them.
    pub fn public(&self) -> Vec<u8> {
        self.state.lock().unwrap().keys[0]
            .1
            .public_key()
            .as_ref()
            .to_vec()
    }

    /// Claims as a good issuer makes them.
    pub fn claims(&self, change: Value) -> Value {
        let now = Timestamp::now().as_second();
        let mut claims = json!({
            "iss": self.url, "aud": CLIENT, "sub": "ana", "name": "Ana", "exp": now + 300, "iat": now,
            "groups": ["sre", "dev"],
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    /// Lets a code be redeemed once for this token, by who knows the verifier of this challenge.
    pub fn give(&self, code: &str, challenge: &str, token: String) {
        let given = (challenge.to_owned(), token);
        self.state.lock().unwrap().codes.insert(code.to_owned(), given);
    }
}

type Shared = State<Arc<Mutex<Told>>>;

async fn describe(State(state): Shared) -> Json<Value> {
    let told = state.lock().unwrap();
    let url = &told.url;
    Json(json!({
        "issuer": told.name,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "authorization_response_iss_parameter_supported": told.answers_name_it,
    }))
}

async fn keys(State(state): Shared) -> Json<Value> {
    let mut told = state.lock().unwrap();
    told.fetched += 1;
    let keys = told.keys.iter().map(|(kid, pair)| {
        let point = pair.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": kid, "x": part(&point[1..33]), "y": part(&point[33..])})
    });
    Json(json!({"keys": keys.collect::<Vec<_>>()}))
}

async fn redeem(
    State(state): Shared,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let refused = |why: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": why}))).into_response();
    // RFC 6749, section 2.3.1: both are encoded as in a form, and then once more.
    let basic = STANDARD.encode(format!("{CLIENT}:hunter2+%26+co"));
    let shown = headers.get("authorization").and_then(|value| value.to_str().ok());
    if shown != Some(&format!("Basic {basic}")) {
        return refused("invalid_client");
    }
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let Some((challenge, token)) = state.lock().unwrap().codes.remove(field("code")) else {
        return refused("invalid_grant");
    };
    let proof = URL_SAFE_NO_PAD.encode(Digest::of(field("code_verifier").as_bytes()).as_bytes());
    let right = proof == challenge
        && field("grant_type") == "authorization_code"
        && field("redirect_uri") == "http://127.0.0.1:7474/login/corp/callback";
    if !right {
        return refused("invalid_grant");
    }
    Json(json!({"access_token": "unused", "token_type": "Bearer", "id_token": token})).into_response()
}
