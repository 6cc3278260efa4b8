//! Signing in with a provider: what a good one says is believed, and nothing else.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use gateline_server::{Settings, auth};
use gateline_spec::read_server;
use serde_json::{Value, json};

use crate::issuer::{CLIENT, Issuer, SECRET};
use crate::session::cookie_named;
use crate::support::{App, Client, body_of};

/// A server that believes the issuer, and who nobody knows yet.
async fn start(issuer: &Issuer) -> (App, Client, Client, tempfile::TempDir) {
    start_named(issuer, "").await
}

/// The same, with more fields of the provider.
async fn start_named(issuer: &Issuer, more: &str) -> (App, Client, Client, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    let text = format!(
        "apiVersion: gateline.dev/v1\nkind: Server\nspec:\n  url: http://127.0.0.1:7474\n  providers:\n    - {{name: corp, title: Acme, issuer: '{}', client_id: {CLIENT}, client_secret: 'file:{}', {more}groups: groups}}\n",
        issuer.url,
        secret.display()
    );
    let file = read_server("server.yaml", &text).unwrap();
    let settings = Settings {
        file,
        ..Settings::default()
    };
    let (app, admin, _, anonymous) = App::start_with(settings).await;
    (app, admin, anonymous, dir)
}

/// What the browser was sent to the provider with.
struct Begun {
    asked: HashMap<String, String>,
    cookie: String,
}

async fn begin(client: &Client) -> Begun {
    let response = client.get("/login/corp?next=%2Flog").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let to = response.headers()[header::LOCATION].to_str().unwrap();
    let (_, query) = to.split_once("/authorize?").unwrap();
    Begun {
        asked: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        cookie: cookie_named(&response, auth::SIGN_IN_COOKIE).unwrap(),
    }
}

async fn finish(client: &Client, query: &str, cookie: Option<&str>) -> Response<Body> {
    let mut request =
        Request::get(format!("/login/corp/callback?{query}")).header(header::ACCEPT, "text/html");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    client.send_request(request.body(Body::empty()).unwrap()).await
}

/// Signs in with a token whose claims were changed, and perhaps made by somebody else.
async fn signed_in(
    issuer: &Issuer,
    client: &Client,
    change: Value,
    sign: impl FnOnce(&Value) -> String,
) -> Response<Body> {
    let Begun { asked, cookie } = begin(client).await;
    let mut claims = issuer.claims(json!({"nonce": asked["nonce"]}));
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    issuer.give("code-1", &asked["code_challenge"], sign(&claims));
    finish(
        client,
        &format!("code=code-1&state={}", asked["state"]),
        Some(&cookie),
    )
    .await
}

async fn refused(response: Response<Body>, why: &str) {
    assert!(cookie_named(&response, auth::SESSION_COOKIE).is_none(), "{why}");
    assert_ne!(response.status(), StatusCode::SEE_OTHER, "{why}");
    let page = String::from_utf8(body_of(response).await).unwrap();
    assert!(page.contains(why), "{why}: {page}");
}

#[tokio::test]
async fn who_comes_back_from_a_provider_is_in_with_the_groups_that_it_told() {
    let issuer = Issuer::start().await;
    let (app, admin, anonymous, _dir) = start(&issuer).await;
    let page = body_of(anonymous.get("/login?next=%2Flog").await).await;
    let page = String::from_utf8(page).unwrap();
    assert!(
        page.contains(r#"href="/login/corp?next=%2Flog""#) && page.contains("Log in with Acme"),
        "{page}"
    );
    let asked = begin(&anonymous).await.asked;
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", "http://127.0.0.1:7474/login/corp/callback"),
        ("scope", "openid"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(asked[name], value);
    }
    let response = signed_in(&issuer, &anonymous, json!({}), |claims| issuer.sign(claims)).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/log");
    let session = cookie_named(&response, auth::SESSION_COOKIE).unwrap();
    let request = Request::get("/")
        .header(header::COOKIE, &session)
        .body(Body::empty());
    let board = anonymous.send_request(request.unwrap()).await;
    assert_eq!(board.status(), StatusCode::OK);
    assert!(
        String::from_utf8(body_of(board).await)
            .unwrap()
            .contains("corp:ana")
    );
    let log = String::from_utf8(body_of(admin.get("/api/v1/log?event=signed_in").await).await).unwrap();
    for part in ["corp:ana", "corp:sre", "corp:dev"] {
        assert!(log.contains(part), "{log}");
    }
    assert!(!log.contains("\"Ana\""), "the name is not a fact: {log}");
    drop(app);
}

#[tokio::test]
async fn the_same_subject_keeps_its_actor_whatever_else_the_provider_calls_it() {
    let issuer = Issuer::start().await;
    let (app, _, anonymous, _dir) = start_named(&issuer, "actor: email, ").await;
    let mail = |address: &str| json!({"sub": "248289761001", "email": address, "email_verified": true});
    for address in ["Ana@Example.com", "ana@example.com", "ana.new@example.com"] {
        let response = signed_in(&issuer, &anonymous, mail(address), |claims| issuer.sign(claims)).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{address}");
    }
    let server = gateline_core::server_project();
    let names: Vec<String> = app.hub.with_world(|world| {
        let project = world.project(&server).unwrap();
        project.sign_ins.keys().map(ToString::to_string).collect()
    });
    assert_eq!(names, ["corp:ana@example.com"]);
}

#[tokio::test]
async fn a_token_that_is_not_for_this_sign_in_lets_nobody_in() {
    let issuer = Issuer::start().await;
    let (_app, _, anonymous, _dir) = start(&issuer).await;
    let past = jiff::Timestamp::now().as_second() - 3_600;
    for (change, why) in [
        (json!({"iss": "https://login.example.com"}), "from another issuer"),
        (json!({"aud": "grafana"}), "its audience is not"),
        (json!({"aud": [CLIENT, "grafana"]}), "its audience is not"),
        (json!({"nonce": "another"}), "does not answer this sign-in"),
        (json!({"nonce": null}), "does not answer this sign-in"),
        (json!({"exp": past}), "its time is over"),
        (json!({"exp": null}), "its time is over"),
        (json!({"iat": past + 7_200}), "its time has not come"),
        (json!({"sub": null}), "no claim `sub`"),
        (json!({"sub": "a b"}), "is not a actor id"),
        (json!({"groups": {"sre": 1}}), "no claim `groups`"),
    ] {
        let response = signed_in(&issuer, &anonymous, change.clone(), |claims| issuer.sign(claims)).await;
        let status = response.status();
        refused(response, why).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{change}");
    }
}

#[tokio::test]
async fn a_token_that_the_issuer_did_not_sign_lets_nobody_in() {
    let issuer = Issuer::start().await;
    let (_app, _, anonymous, _dir) = start(&issuer).await;
    let under = |header: Value| {
        let issuer = issuer.clone();
        move |claims: &Value| issuer.sign_as(&header, claims)
    };
    let response = signed_in(
        &issuer,
        &anonymous,
        json!({}),
        under(json!({"alg": "ES256", "kid": "unknown"})),
    )
    .await;
    refused(response, "no key of its issuer").await;
    let bare = |claims: &Value| {
        let token = issuer.sign_as(&json!({"alg": "none", "kid": "first"}), claims);
        format!("{}.", token.rsplit_once('.').unwrap().0)
    };
    refused(
        signed_in(&issuer, &anonymous, json!({}), bare).await,
        "its algorithm `none`",
    )
    .await;
    // Signed with the public key as if it were a secret.
    let confused = |claims: &Value| {
        let token = issuer.sign_as(&json!({"alg": "HS256", "kid": "first"}), claims);
        let signed = token.rsplit_once('.').unwrap().0;
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &issuer.public());
        let tag = ring::hmac::sign(&key, signed.as_bytes());
        use base64::Engine as _;
        format!(
            "{signed}.{}",
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(tag)
        )
    };
    refused(
        signed_in(&issuer, &anonymous, json!({}), confused).await,
        "its algorithm `HS256`",
    )
    .await;
    // Signed by somebody else under the same name.
    let other = Issuer::start().await;
    let forged = |claims: &Value| other.sign(claims);
    refused(
        signed_in(&issuer, &anonymous, json!({}), forged).await,
        "its signature is not good",
    )
    .await;
}

#[tokio::test]
async fn only_the_browser_that_began_a_sign_in_ends_it_and_only_once() {
    let issuer = Issuer::start().await;
    let (_app, _, anonymous, _dir) = start(&issuer).await;
    let good = |begun: &Begun, code: &str| {
        let claims = issuer.claims(json!({"nonce": begun.asked["nonce"]}));
        issuer.give(code, &begun.asked["code_challenge"], issuer.sign(&claims));
    };
    let (mine, theirs) = (begin(&anonymous).await, begin(&anonymous).await);
    good(&mine, "a");
    let answer = format!("code=a&state={}", mine.asked["state"]);
    refused(
        finish(&anonymous, &answer, None).await,
        "no sign-in of this browser",
    )
    .await;
    refused(
        finish(&anonymous, &answer, Some(&theirs.cookie)).await,
        "does not belong to this sign-in",
    )
    .await;
    refused(
        finish(&anonymous, "code=a", Some(&mine.cookie)).await,
        "does not belong to this sign-in",
    )
    .await;
    // Another browser's code, pushed under our state: its verifier is not ours.
    good(&theirs, "b");
    let swapped = format!("code=b&state={}", mine.asked["state"]);
    refused(
        finish(&anonymous, &swapped, Some(&mine.cookie)).await,
        "invalid_grant",
    )
    .await;
    let first = finish(&anonymous, &answer, Some(&mine.cookie)).await;
    assert_eq!(first.status(), StatusCode::SEE_OTHER);
    let gone = first.headers().get_all(header::SET_COOKIE).into_iter();
    assert!(
        gone.filter_map(|value| value.to_str().ok())
            .any(|set| set.starts_with("gateline_sign_in=;"))
    );
    refused(
        finish(&anonymous, &answer, Some(&mine.cookie)).await,
        "invalid_grant",
    )
    .await;
    // What the provider refused is told; what somebody wrote there is not shown as it is.
    let begun = begin(&anonymous).await;
    let denied = format!("error=access_denied%3Cscript%3E&state={}", begun.asked["state"]);
    let response = finish(&anonymous, &denied, Some(&begun.cookie)).await;
    let page = String::from_utf8(body_of(response).await).unwrap();
    assert!(page.contains("access_denied&lt;script&gt;"), "{page}");
}

#[tokio::test]
async fn an_answer_of_another_provider_is_refused() {
    let issuer = Issuer::start().await;
    issuer.name_answers();
    let (_app, _, anonymous, _dir) = start(&issuer).await;
    for iss in ["", "&iss=https%3A%2F%2Flogin.example.com"] {
        let begun = begin(&anonymous).await;
        let answer = format!("code=a&state={}{iss}", begun.asked["state"]);
        refused(
            finish(&anonymous, &answer, Some(&begun.cookie)).await,
            "from another provider",
        )
        .await;
    }
}

#[tokio::test]
async fn new_keys_are_found_and_unknown_ones_are_not_asked_for_without_end() {
    let issuer = Issuer::start().await;
    let (_app, _, anonymous, _dir) = start(&issuer).await;
    for kid in ["first", "second"] {
        issuer.rotate(kid);
        let response = signed_in(&issuer, &anonymous, json!({}), |claims| issuer.sign(claims)).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{kid}");
    }
    let before = issuer.fetched();
    for number in 0..20 {
        let header = json!({"alg": "ES256", "kid": format!("unknown-{number}")});
        let response = signed_in(&issuer, &anonymous, json!({}), |claims| {
            issuer.sign_as(&header, claims)
        })
        .await;
        refused(response, "no key of its issuer").await;
    }
    assert!(
        issuer.fetched() - before < 6,
        "{} times",
        issuer.fetched() - before
    );
    // A key that was taken back is good for nothing once the new ones are known.
    let response = signed_in(&issuer, &anonymous, json!({}), |claims| issuer.sign(claims)).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_or_calls_itself_otherwise_is_told_as_that() {
    let issuer = Issuer::start().await;
    issuer.rename("https://login.example.com");
    let (_app, _, anonymous, _dir) = start(&issuer).await;
    let response = anonymous.get("/login/corp").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    refused(response, "it calls itself").await;
    let response = anonymous.get("/login/nobody").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}
