//! Local accounts: their passwords, and who may try them how often.

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, Response, StatusCode, header};
use gateline_api::{
    AccountPath, AccountRequest, DisableAccount, Empty, ListAccounts, MakeAccount, Password, PasswordRequest,
    Problem, SetPassword,
};
use gateline_server::auth;
use std::net::SocketAddr;

use crate::session::cookie_named;
use crate::support::{App, Client, body_of};

const PASSWORD: &str = "correct horse battery";

async fn make(admin: &Client, account: &str, password: &str) -> Result<(), Problem> {
    let request = AccountRequest {
        account: account.parse().unwrap(),
        password: Password(password.into()),
    };
    admin
        .ask::<MakeAccount>(&Empty {}, &Empty {}, &request)
        .await
        .map(drop)
}

fn of(account: &str) -> AccountPath {
    AccountPath {
        account: account.parse().unwrap(),
    }
}

async fn log_in_from(client: &Client, account: &str, password: &str, from: [u8; 4]) -> Response<Body> {
    let form: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("account", account), ("password", password)])
        .finish();
    let mut request = Request::post("/login")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap();
    request
        .extensions_mut()
        .insert(ConnectInfo(SocketAddr::from((from, 7))));
    client.send_request(request).await
}

async fn log_in(client: &Client, account: &str, password: &str) -> Response<Body> {
    log_in_from(client, account, password, [192, 0, 2, 1]).await
}

#[tokio::test]
async fn an_account_lets_in_with_its_password_until_it_is_disabled() {
    let (app, admin, _, anonymous) = App::start().await;
    make(&admin, "ana", PASSWORD).await.unwrap();
    let response = log_in(&anonymous, "ana", PASSWORD).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let session = cookie_named(&response, auth::SESSION_COOKIE).unwrap();
    let board = async || {
        let request = Request::get("/api/v1/board")
            .header(header::COOKIE, &session)
            .body(Body::empty());
        anonymous.send_request(request.unwrap()).await.status()
    };
    assert_eq!(board().await, StatusCode::OK);
    admin
        .ask::<DisableAccount>(&of("ana"), &Empty {}, &Empty {})
        .await
        .unwrap();
    assert_eq!(board().await, StatusCode::UNAUTHORIZED, "its sessions have ended");
    assert_eq!(
        log_in(&anonymous, "ana", PASSWORD).await.status(),
        StatusCode::UNAUTHORIZED
    );
    let list = admin
        .ask::<ListAccounts>(&Empty {}, &Empty {}, &Empty {})
        .await
        .unwrap();
    assert!(list.len() == 1 && list[0].disabled);
    // Opened again, with another password.
    make(&admin, "ana", "another horse battery").await.unwrap();
    assert_eq!(
        log_in(&anonymous, "ana", PASSWORD).await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        log_in(&anonymous, "ana", "another horse battery").await.status(),
        StatusCode::SEE_OTHER
    );
    drop(app);
}

#[tokio::test]
async fn another_password_ends_what_the_old_one_began() {
    let (_app, admin, _, anonymous) = App::start().await;
    make(&admin, "ana", PASSWORD).await.unwrap();
    let session = cookie_named(&log_in(&anonymous, "ana", PASSWORD).await, auth::SESSION_COOKIE).unwrap();
    let request = PasswordRequest {
        password: Password("another horse battery".into()),
    };
    admin
        .ask::<SetPassword>(&of("ana"), &Empty {}, &request)
        .await
        .unwrap();
    let request = Request::get("/api/v1/board")
        .header(header::COOKIE, &session)
        .body(Body::empty());
    let status = anonymous.send_request(request.unwrap()).await.status();
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        log_in(&anonymous, "ana", PASSWORD).await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn no_password_and_no_hash_of_one_leaves_the_server_or_stands_in_the_log() {
    let (app, admin, _, anonymous) = App::start().await;
    let keyed = admin.with_key("make-ana");
    make(&keyed, "ana", PASSWORD).await.unwrap();
    log_in(&anonymous, "ana", PASSWORD).await;
    for path in ["/api/v1/accounts", "/api/v1/log", "/api/v1/sessions"] {
        let text = String::from_utf8(body_of(admin.get(path).await).await).unwrap();
        for secret in [PASSWORD, "argon2"] {
            assert!(!text.contains(secret), "{path}: {text}");
        }
    }
    let log = String::from_utf8(body_of(admin.get("/api/v1/log?event=account_made").await).await).unwrap();
    assert!(
        log.contains(r#""account":"ana""#) && log.contains(r#""actor":"admin""#),
        "{log}"
    );
    // Nor does a digest of it, which could be guessed at: what was asked is known by its key alone.
    let body = serde_json::json!({"account": "ana", "password": PASSWORD}).to_string();
    let digest = gateline_model::Digest::of(body.as_bytes());
    let whole = gateline_model::Digest::of_json(&[gateline_model::Digest::of(b""), digest]);
    let scope = "admin POST /api/v1/accounts make-ana";
    let kept = app.hub.read(move |store| store.accepted(scope)).await.unwrap();
    assert_ne!(kept.unwrap().request, whole);
}

#[tokio::test]
async fn wrong_passwords_and_unknown_accounts_get_the_same_answer_and_an_end() {
    let (_app, admin, _, anonymous) = App::start().await;
    make(&admin, "ana", PASSWORD).await.unwrap();
    let mut answers = Vec::new();
    for (account, last) in [("ana", 2), ("nobody", 3), ("no account!", 4)] {
        for _ in 0..auth::TRIES_PER_ACCOUNT_MAX {
            let response = log_in_from(&anonymous, account, "wrong horse battery", [192, 0, 2, last]).await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            answers.push(body_of(response).await);
        }
        let response = log_in_from(&anonymous, account, PASSWORD, [192, 0, 2, last]).await;
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS, "{account}");
        assert!(response.headers().contains_key(header::RETRY_AFTER));
        assert!(cookie_named(&response, auth::SESSION_COOKIE).is_none());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "one answer for all");
}

#[tokio::test]
async fn a_password_that_anybody_guesses_is_refused_with_what_it_lacks() {
    let (_app, admin, _, _) = App::start().await;
    for (password, why) in [
        ("short", "fewer than 12 characters"),
        ("aaaaaaaaaaaaaaaa", "one character, repeated"),
        (&"ab".repeat(600), "more than 1024 bytes"),
    ] {
        let problem = make(&admin, "ana", password).await.unwrap_err();
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (422, "password.unusable")
        );
        assert!(problem.detail.contains(why), "{}", problem.detail);
    }
}

#[tokio::test]
async fn accounts_that_cannot_be_are_told_why() {
    let (_app, admin, _, _) = App::start().await;
    make(&admin, "ana", PASSWORD).await.unwrap();
    for (became, code) in [
        (make(&admin, "ana", PASSWORD).await, "account.exists"),
        (make(&admin, "gateline", PASSWORD).await, "account.reserved"),
        (
            admin
                .ask::<DisableAccount>(&of("bo"), &Empty {}, &Empty {})
                .await
                .map(drop),
            "account.unknown",
        ),
    ] {
        assert_eq!(became.unwrap_err().code, code);
    }
    admin
        .ask::<DisableAccount>(&of("ana"), &Empty {}, &Empty {})
        .await
        .unwrap();
    let request = PasswordRequest {
        password: Password(PASSWORD.into()),
    };
    let problem = admin
        .ask::<SetPassword>(&of("ana"), &Empty {}, &request)
        .await
        .unwrap_err();
    assert_eq!(problem.code, "account.disabled");
    let text = admin
        .send(
            Method::POST,
            "/api/v1/accounts",
            "application/json",
            b"{\"account\":\"An A\"}".to_vec(),
        )
        .await;
    assert_eq!(text.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn who_signed_in_may_look_and_do_nothing_where_no_roles_say_so() {
    let (_app, admin, _, anonymous) = App::start().await;
    make(&admin, "ana", PASSWORD).await.unwrap();
    let session = cookie_named(&log_in(&anonymous, "ana", PASSWORD).await, auth::SESSION_COOKIE).unwrap();
    for (method, path) in [
        (Method::GET, "/api/v1/tokens"),
        (Method::GET, "/api/v1/accounts"),
        (Method::POST, "/api/v1/accounts/ana/disable"),
        (Method::POST, "/api/v1/tokens/admin/revoke"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, &session)
            .header("sec-fetch-site", "same-origin")
            .body(Body::empty());
        let response = anonymous.send_request(request.unwrap()).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
    }
}

/// Somebody who came in with a password, and what a browser sends for it.
struct Signed<'a> {
    client: &'a Client,
    cookie: String,
}

impl Signed<'_> {
    async fn get(&self, path: &str) -> (StatusCode, String) {
        let request = Request::get(path)
            .header(header::COOKIE, &self.cookie)
            .body(Body::empty());
        let response = self.client.send_request(request.unwrap()).await;
        let status = response.status();
        (status, String::from_utf8(body_of(response).await).unwrap())
    }

    async fn change(&self, csrf: &str, old: &str, new: &str, again: &str) -> Response<Body> {
        let form: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("csrf", csrf),
                ("key", "k"),
                ("old", old),
                ("new", new),
                ("again", again),
            ])
            .finish();
        let mut request = Request::post("/ui/password/set")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(form))
            .unwrap();
        let from = SocketAddr::from(([192, 0, 2, 77], 7));
        request.extensions_mut().insert(ConnectInfo(from));
        self.client.send_request(request).await
    }

    /// What the forms of this session carry.
    fn csrf(&self) -> String {
        let (_, secret) = self.cookie.split_once('=').unwrap();
        gateline_model::Digest::of(format!("{secret} csrf").as_bytes()).hex()
    }
}

async fn signed_in<'a>(client: &'a Client, account: &str, password: &str) -> Signed<'a> {
    let response = log_in(client, account, password).await;
    Signed {
        client,
        cookie: cookie_named(&response, auth::SESSION_COOKIE).unwrap(),
    }
}

const OTHER: &str = "another horse battery";

#[tokio::test]
async fn who_has_an_account_changes_its_password_and_is_out_everywhere_else() {
    let (_app, admin, _, anonymous) = App::start().await;
    make(&admin, "ana", PASSWORD).await.unwrap();
    let elsewhere = signed_in(&anonymous, "ana", PASSWORD).await;
    let here = signed_in(&anonymous, "ana", PASSWORD).await;
    assert!(here.get("/sessions").await.1.contains("href=\"/password\""));
    let (status, page) = here.get("/password").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("name=\"old\"") && page.contains(&here.csrf()),
        "{page}"
    );
    let response = here.change(&here.csrf(), PASSWORD, OTHER, OTHER).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/sessions");
    let renewed = Signed {
        client: &anonymous,
        cookie: cookie_named(&response, auth::SESSION_COOKIE).unwrap(),
    };
    assert_eq!(renewed.get("/api/v1/board").await.0, StatusCode::OK);
    for ended in [&elsewhere, &here] {
        assert_eq!(ended.get("/api/v1/board").await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(
        log_in(&anonymous, "ana", PASSWORD).await.status(),
        StatusCode::UNAUTHORIZED
    );
    signed_in(&anonymous, "ana", OTHER).await;
    let log = String::from_utf8(body_of(admin.get("/api/v1/log?event=password_set").await).await).unwrap();
    assert!(log.contains(r#""actor":"ana""#) && !log.contains(OTHER), "{log}");
}

#[tokio::test]
async fn a_new_password_is_refused_with_its_reason_and_never_shown_again() {
    let (_app, admin, _, anonymous) = App::start().await;
    make(&admin, "ana", PASSWORD).await.unwrap();
    let ana = signed_in(&anonymous, "ana", PASSWORD).await;
    let csrf = ana.csrf();
    for (old, new, again, code) in [
        (PASSWORD, OTHER, "another horse buttery", "password.unusable"),
        (PASSWORD, "elevenchars", "elevenchars", "password.unusable"),
        (PASSWORD, PASSWORD, PASSWORD, "password.unusable"),
        ("wrong horse battery", OTHER, OTHER, "auth.wrong_old_password"),
    ] {
        let response = ana.change(&csrf, old, new, again).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{code}");
        let page = String::from_utf8(body_of(response).await).unwrap();
        assert!(page.contains(code), "{page}");
        for secret in [old, new, again] {
            assert!(!page.contains(secret), "{page}");
        }
    }
    let foreign = ana.change("00", PASSWORD, OTHER, OTHER).await;
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        ana.get("/api/v1/board").await.0,
        StatusCode::OK,
        "nothing changed"
    );
    signed_in(&anonymous, "ana", PASSWORD).await;
}

#[tokio::test]
async fn the_old_password_is_tried_as_seldom_as_at_the_door() {
    let (_app, admin, _, anonymous) = App::start().await;
    make(&admin, "ana", PASSWORD).await.unwrap();
    let ana = signed_in(&anonymous, "ana", PASSWORD).await;
    for _ in 0..auth::TRIES_PER_ACCOUNT_MAX {
        let response = ana.change(&ana.csrf(), "wrong horse battery", OTHER, OTHER).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let response = ana.change(&ana.csrf(), PASSWORD, OTHER, OTHER).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let door = log_in_from(&anonymous, "ana", PASSWORD, [192, 0, 2, 78]).await;
    assert_eq!(door.status(), StatusCode::TOO_MANY_REQUESTS, "one count for both");
}

#[tokio::test]
async fn a_token_changes_no_password_not_even_by_a_session() {
    let (_app, admin, _, anonymous) = App::start().await;
    make(&admin, "admin", PASSWORD).await.unwrap();
    let form = format!("token={}", admin.token());
    let request = Request::post("/login")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form));
    let response = anonymous.send_request(request.unwrap()).await;
    let by_token = Signed {
        client: &anonymous,
        cookie: cookie_named(&response, auth::SESSION_COOKIE).unwrap(),
    };
    let (_, page) = by_token.get("/password").await;
    assert!(!page.contains("name=\"old\""), "{page}");
    let response = by_token.change(&by_token.csrf(), PASSWORD, OTHER, OTHER).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}
