use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};

use crate::support::{App, Client, PIPELINE, problem_of};

const FORM: &str = "application/x-www-form-urlencoded";

async fn log_in(client: &Client, token: &str, accept: &str) -> Response<Body> {
    let request = Request::post("/login")
        .header(header::CONTENT_TYPE, FORM)
        .header(header::ACCEPT, accept)
        .body(Body::from(format!("token={token}&next=%2Flog")));
    client.send_request(request.unwrap()).await
}

/// The cookie as a browser sends it back.
fn cookie(response: &Response<Body>) -> String {
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_is_traded_for_a_cookie_that_no_script_and_no_other_site_can_use() {
    let (_app, admin, _, anonymous) = App::start().await;
    let response = log_in(&anonymous, admin.token(), "text/html").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/log");
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(set.contains("; HttpOnly; SameSite=Strict"), "{set}");

    let board = Request::get("/api/v1/board").header(header::COOKIE, cookie(&response));
    let board = anonymous.send_request(board.body(Body::empty()).unwrap()).await;
    assert_eq!(board.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_token_gets_no_cookie() {
    let (_app, _, _, anonymous) = App::start().await;
    let person = log_in(&anonymous, "wrong", "text/html").await;
    assert_eq!(
        (person.status(), &person.headers()[header::LOCATION]),
        (
            StatusCode::SEE_OTHER,
            &"/login?next=%2Flog&wrong".parse().unwrap()
        )
    );
    // The page carries on where the person wanted to go.
    let again = anonymous.get("/login?next=%2Flog&wrong").await;
    let page = String::from_utf8(crate::support::body_of(again).await).unwrap();
    assert!(page.contains(r#"name="next" value="/log""#), "{page}");
    assert!(page.contains("auth.unauthorized"), "{page}");
    assert!(!person.headers().contains_key(header::SET_COOKIE));
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
        let page = String::from_utf8(crate::support::body_of(page).await).unwrap();
        assert!(page.contains(r#"name="next" value="/""#), "{next}");
        for (token, to) in [("wrong", "/login?next=%2F&wrong"), (admin.token(), "/")] {
            let request = Request::post("/login")
                .header(header::CONTENT_TYPE, FORM)
                .header(header::ACCEPT, "text/html")
                .body(Body::from(format!("token={token}&next={next}")));
            let response = anonymous.send_request(request.unwrap()).await;
            assert_eq!(response.headers()[header::LOCATION], to, "{next}");
        }
    }
}
