use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use gateline_api::SessionView;
use gateline_model::Digest;
use gateline_server::auth::{SESSION_COOKIE, SESSION_IDLE_SECS_MAX, SESSION_SECS_MAX};
use gateline_server::{Cookies, Settings};
use gateline_store::Session;

use crate::support::{App, Client, PIPELINE, body_of, problem_of};

const FORM: &str = "application/x-www-form-urlencoded";

async fn log_in(client: &Client, token: &str, accept: &str) -> Response<Body> {
    let request = Request::post("/login")
        .header(header::CONTENT_TYPE, FORM)
        .header(header::ACCEPT, accept)
        .body(Body::from(format!("token={token}&next=%2Flog")));
    client.send_request(request.unwrap()).await
}

/// The cookie of this name, as a browser sends it back; none where it is taken away or not given.
pub fn cookie_named(response: &Response<Body>, name: &str) -> Option<String> {
    let all = response.headers().get_all(header::SET_COOKIE).into_iter();
    let pairs = all.filter_map(|set| set.to_str().ok()?.split(';').next());
    let mut wanted = pairs.filter(|pair| {
        pair.split_once('=')
            .is_some_and(|(key, value)| key == name && !value.is_empty())
    });
    wanted.next().map(str::to_owned)
}

/// The session's cookie.
fn cookie(response: &Response<Body>) -> String {
    cookie_named(response, SESSION_COOKIE).unwrap()
}

#[tokio::test]
async fn a_token_is_traded_for_a_cookie_that_no_script_and_no_other_site_can_use() {
    let (_app, admin, _, anonymous) = App::start().await;
    let response = log_in(&anonymous, admin.token(), "text/html").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/log");
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(set.contains("; HttpOnly; SameSite=Lax"), "{set}");
    assert!(
        !set.contains(admin.token()),
        "a session is not the token that began it: {set}"
    );

    let board = Request::get("/api/v1/board").header(header::COOKIE, cookie(&response));
    let board = anonymous.send_request(board.body(Body::empty()).unwrap()).await;
    assert_eq!(board.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_token_gets_no_cookie() {
    let (_app, _, _, anonymous) = App::start().await;
    let person = log_in(&anonymous, "wrong", "text/html").await;
    assert_eq!(person.status(), StatusCode::UNAUTHORIZED);
    assert!(cookie_named(&person, SESSION_COOKIE).is_none());
    // The page carries on where the person wanted to go.
    let page = String::from_utf8(body_of(person).await).unwrap();
    assert!(page.contains(r#"name="next" value="/log""#), "{page}");
    assert!(page.contains("auth.unauthorized"), "{page}");
    let machine = log_in(&anonymous, "wrong", "*/*").await;
    assert_eq!(machine.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_write_with_a_cookie_must_come_from_our_own_pages() {
    let (_app, admin, _, anonymous) = App::start().await;
    let session = cookie(&log_in(&anonymous, admin.token(), "text/html").await);
    let body = serde_json::json!({"file_name": "p.yaml", "text": PIPELINE}).to_string();
    let write = |name: &'static str, value: &'static str| {
        Request::put("/api/v1/pipelines")
            .header(header::HOST, "127.0.0.1:7171")
            .header(header::COOKIE, session.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(name, value)
            .body(Body::from(body.clone()))
            .unwrap()
    };
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
        ("x-nothing", "told"),
    ] {
        let response = anonymous.send_request(write(name, value)).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{name}: {value}");
        assert_eq!(problem_of(response).await.code, "auth.origin");
    }
    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("origin", "http://127.0.0.1:7171"),
    ] {
        let response = anonymous.send_request(write(name, value)).await;
        assert_eq!(response.status(), StatusCode::OK, "{name}: {value}");
    }
}

#[tokio::test]
async fn logging_out_takes_the_cookie_back() {
    let (_app, _, _, anonymous) = App::start().await;
    let request = Request::post("/logout")
        .header("sec-fetch-site", "same-origin")
        .body(Body::empty())
        .unwrap();
    let response = anonymous.send_request(request).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert!(
        response.headers()[header::SET_COOKIE]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
}

#[tokio::test]
async fn logging_in_never_leads_to_another_site_however_often_it_is_tried() {
    let (_app, admin, _, anonymous) = App::start().await;
    let elsewhere = [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\r\nset-cookie: a=b",
        "javascript:alert(1)",
    ];
    for next in elsewhere {
        let next = gateline_api::encode(next);
        let page = anonymous.get(&format!("/login?next={next}")).await;
        let page = String::from_utf8(body_of(page).await).unwrap();
        assert!(page.contains(r#"name="next" value="/""#), "{next}");
        for token in ["wrong", admin.token()] {
            let request = Request::post("/login")
                .header(header::CONTENT_TYPE, FORM)
                .header(header::ACCEPT, "text/html")
                .body(Body::from(format!("token={token}&next={next}")));
            let response = anonymous.send_request(request.unwrap()).await;
            if token == "wrong" {
                let page = String::from_utf8(body_of(response).await).unwrap();
                assert!(page.contains(r#"name="next" value="/""#), "{next}");
            } else {
                assert_eq!(response.headers()[header::LOCATION], "/", "{next}");
            }
        }
    }
}

async fn with_cookie(client: &Client, method: Method, path: &str, cookie: &str) -> Response<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::COOKIE, cookie)
        .header("sec-fetch-site", "same-origin")
        .body(Body::empty());
    client.send_request(request.unwrap()).await
}

#[tokio::test]
async fn a_session_ends_with_the_token_that_began_it_and_reaches_no_further() {
    let (app, admin, reader, anonymous) = App::start().await;
    let session = cookie(&log_in(&anonymous, reader.token(), "text/html").await);
    let status = async |path: &str| {
        with_cookie(&anonymous, Method::GET, path, &session)
            .await
            .status()
    };
    assert_eq!(status("/api/v1/board").await, StatusCode::OK);
    assert_eq!(status("/api/v1/tokens").await, StatusCode::FORBIDDEN);
    // The cookie's value is no token.
    let value = session.split_once('=').unwrap().1.to_owned();
    let as_token = app.with_token(Some(value)).get("/api/v1/board").await;
    assert_eq!(as_token.status(), StatusCode::UNAUTHORIZED);
    let revoked = admin
        .send(Method::POST, "/api/v1/tokens/reader/revoke", "", Vec::new())
        .await;
    assert_eq!(revoked.status(), StatusCode::OK);
    assert_eq!(status("/api/v1/board").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn logging_out_ends_the_session_and_not_only_the_cookie() {
    let (_app, admin, _, anonymous) = App::start().await;
    let session = cookie(&log_in(&anonymous, admin.token(), "text/html").await);
    let out = with_cookie(&anonymous, Method::POST, "/logout", &session).await;
    assert_eq!(out.status(), StatusCode::SEE_OTHER);
    let after = with_cookie(&anonymous, Method::GET, "/api/v1/board", &session).await;
    assert_eq!(after.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn one_sees_ones_own_sessions_and_ends_all_others() {
    let (_app, admin, reader, anonymous) = App::start().await;
    let theirs = cookie(&log_in(&anonymous, reader.token(), "text/html").await);
    let mut mine = Vec::new();
    for _ in 0..3 {
        mine.push(cookie(&log_in(&anonymous, admin.token(), "text/html").await));
    }
    let list = async |cookie: &str| -> Vec<SessionView> {
        let response = with_cookie(&anonymous, Method::GET, "/api/v1/sessions", cookie).await;
        let all: Vec<SessionView> = serde_json::from_slice(&body_of(response).await).unwrap();
        all.into_iter()
            .filter(|session| session.provider == "token")
            .collect()
    };
    let before = list(&mine[1]).await;
    assert_eq!(before.len(), 3);
    assert_eq!(before.iter().filter(|session| session.this).count(), 1);
    let page = with_cookie(&anonymous, Method::GET, "/sessions", &mine[1]).await;
    let page = String::from_utf8(body_of(page).await).unwrap();
    assert!(
        page.contains("(this one)") && page.contains("Log out everywhere else"),
        "{page}"
    );
    let ended = with_cookie(&anonymous, Method::POST, "/api/v1/sessions/end", &mine[1]).await;
    assert_eq!(ended.status(), StatusCode::OK);
    assert_eq!(list(&mine[1]).await.len(), 1);
    assert_eq!(list(&theirs).await.len(), 1, "nobody else's");
    for gone in [&mine[0], &mine[2]] {
        let status = with_cookie(&anonymous, Method::GET, "/api/v1/board", gone)
            .await
            .status();
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_session_that_nobody_used_for_long_or_whose_time_is_over_is_no_session() {
    let (app, _, _, anonymous) = App::start().await;
    let now = jiff::Timestamp::now();
    let ago = |secs: i64| now - jiff::SignedDuration::from_secs(secs);
    let made = |name: &str, began: i64, used: i64| Session {
        id: Digest::of(name.as_bytes()),
        actor: "admin".parse().unwrap(),
        name: None,
        provider: "token".to_owned(),
        token: Some("admin".parse().unwrap()),
        agent: "test".to_owned(),
        began: ago(began),
        used: ago(used),
        ends: ago(began - SESSION_SECS_MAX),
    };
    for (name, began, used, status) in [
        ("fresh", 60, 30, StatusCode::OK),
        (
            "idle",
            SESSION_IDLE_SECS_MAX + 60,
            SESSION_IDLE_SECS_MAX + 5,
            StatusCode::UNAUTHORIZED,
        ),
        ("old", SESSION_SECS_MAX + 5, 30, StatusCode::UNAUTHORIZED),
    ] {
        let session = made(name, began, used);
        app.hub
            .write_beside(move |store| store.put_session(&session))
            .await
            .unwrap();
        let cookie = format!("{SESSION_COOKIE}={name}");
        let response = with_cookie(&anonymous, Method::GET, "/api/v1/board", &cookie).await;
        assert_eq!(response.status(), status, "{name}");
    }
    // A page that renews itself does not keep it; a person who comes does.
    let session = made("kept", 600, 600);
    let id = session.id;
    app.hub
        .write_beside(move |store| store.put_session(&session))
        .await
        .unwrap();
    let used = async || {
        app.hub
            .read(move |store| store.session(&id))
            .await
            .unwrap()
            .unwrap()
            .used
    };
    let before = used().await;
    for (mode, moves) in [("cors", false), ("navigate", true)] {
        let request = Request::get("/api/v1/board")
            .header(header::COOKIE, format!("{SESSION_COOKIE}=kept"))
            .header("sec-fetch-mode", mode)
            .body(Body::empty());
        assert_eq!(
            anonymous.send_request(request.unwrap()).await.status(),
            StatusCode::OK
        );
        assert_eq!(used().await > before, moves, "{mode}");
    }
}

#[tokio::test]
async fn a_cookie_goes_over_https_only_where_the_server_is_reached_so() {
    let settings = Settings {
        cookies: Cookies::HttpsOnly,
        ..Settings::default()
    };
    let (_app, admin, _, anonymous) = App::start_with(settings).await;
    let response = log_in(&anonymous, admin.token(), "text/html").await;
    for set in response.headers().get_all(header::SET_COOKIE) {
        assert!(set.to_str().unwrap().ends_with("; Secure"), "{set:?}");
    }
}
