//! The pages as a browser asks for them, without one: who gets in, what forms must carry, what answers carry.

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use gateline_api::{BoardOrder, BoardQuery, Empty, EvidenceQuery, GetBoard};
use gateline_model::{Digest, Scope};

use crate::support::{App, Client, PIPELINE, body_of, id, junit};

const PAGES: [&str; 14] = [
    "/",
    "/inbox",
    "/releases",
    "/releases/payments/payment-service/1.0.0",
    "/promote/payments/payment-service/1.0.0/production",
    "/promotions/payments/payment-service/dev/1",
    "/stages/payments/payment-service/dev",
    "/incidents",
    "/waivers",
    "/letters",
    "/people",
    "/policies",
    "/policies/payments/pipeline/payment-service",
    "/log",
];
const ABORT: &str = "/ui/promotions/payments/payment-service/dev/1/abort";

async fn held() -> (App, Client, Client) {
    let (app, admin, reader, _) = App::with_release(PIPELINE).await;
    (app, admin, reader)
}

/// A request of a browser that has this client's session.
async fn browse(client: &Client, method: Method, path: &str, site: &str, body: String) -> Response<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::COOKIE, format!("gateline_session={}", client.token()))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", site);
    let mut anonymous = client.clone();
    anonymous.forget();
    anonymous
        .send_request(request.body(Body::from(body)).unwrap())
        .await
}

pub async fn get(client: &Client, path: &str) -> Response<Body> {
    browse(client, Method::GET, path, "same-origin", String::new()).await
}

pub async fn post(client: &Client, path: &str, body: String) -> Response<Body> {
    browse(client, Method::POST, path, "same-origin", body).await
}

pub async fn text(response: Response<Body>) -> String {
    String::from_utf8(body_of(response).await).unwrap()
}

/// A hidden field of a page.
fn field(page: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&start).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn whoever_is_not_known_is_sent_to_the_login_page_and_told_nothing() {
    let (app, ..) = held().await;
    let anonymous = app.with_token(None);
    for page in PAGES {
        let response = anonymous.get(page).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{page}");
        let to = response.headers()[header::LOCATION].to_str().unwrap().to_owned();
        assert!(to.starts_with("/login?next=%2F"), "{page}: {to}");
        assert!(body_of(response).await.is_empty());
    }
    let response = anonymous
        .send(
            Method::POST,
            ABORT,
            "application/x-www-form-urlencoded",
            Vec::new(),
        )
        .await;
    // The address of the form, which leads back to its page.
    let to = response.headers()[header::LOCATION].to_str().unwrap();
    assert!(to.starts_with("/login?next=%2Fui%2Fpromotions%2F"), "{to}");
    assert_eq!(anonymous.get("/login").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn every_page_is_there_and_loads_nothing_from_elsewhere() {
    let (_app, _, reader) = held().await;
    for page in PAGES {
        let response = get(&reader, page).await;
        assert_eq!(response.status(), StatusCode::OK, "{page}");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/html; charset=utf-8"
        );
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"),
            "{policy}"
        );
    }
    let page = text(get(&reader, "/").await).await;
    let style = page
        .split('"')
        .find(|part| part.starts_with("/static/style."))
        .unwrap();
    let response = get(&reader, style).await;
    assert_eq!(
        response.headers()[header::CACHE_CONTROL],
        "public, max-age=31536000, immutable"
    );
    assert_eq!(
        get(&reader, "/static/style.css").await.status(),
        StatusCode::NOT_FOUND
    );
}

/// The page, once it says this: gates are judged right after a report, and not by its request.
async fn until(client: &Client, path: &str, says: &str) -> String {
    loop {
        let page = text(get(client, path).await).await;
        if page.contains(says) {
            return page;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn evidence_leads_to_the_decisions_on_it_and_they_lead_back() {
    let (_app, admin, reader) = held().await;
    let query = EvidenceQuery::default();
    let failed = admin
        .evidence("payment-service@1.0.0", &query, &junit(9, 1))
        .await
        .unwrap();
    let path = format!("/releases/payments/payment-service/1.0.0/evidence/{}", failed.id);
    let decision = "/promotions/payments/payment-service/dev/1";
    for page in ["/releases/payments/payment-service/1.0.0", decision] {
        until(&reader, page, &format!("href=\"{path}\"")).await;
    }
    let page = until(&reader, &path, &format!("href=\"{decision}#gate-")).await;
    assert!(
        page.contains(&format!("/api/v1/evidence/raw/{}", failed.raw.unwrap())),
        "{page}"
    );
    // A test that failed is named.
    assert!(page.contains("f0"), "{page}");
    let newer = admin
        .evidence("payment-service@1.0.0", &query, &junit(10, 0))
        .await
        .unwrap();
    assert_ne!(newer.id, failed.id);
    until(&reader, &path, "No decision on this release names it").await;
}

#[tokio::test]
async fn a_page_that_there_is_not_says_so_as_a_page() {
    let (_app, _, reader) = held().await;
    let nothing = format!(
        "/releases/payments/payment-service/1.0.0/evidence/{}",
        Digest::of(b"nothing")
    );
    for (path, status, code) in [
        (
            "/promotions/payments/payment-service/dev/99",
            404,
            "promotion.unknown",
        ),
        ("/promotions/payments/payment-service/dev/x", 422, "request.path"),
        ("/releases/payments/payment-service/9.9.9", 404, "release.unknown"),
        (&nothing, 404, "evidence.unknown"),
        (
            "/releases/payments/payment-service/1.0.0/evidence/x",
            422,
            "request.path",
        ),
        ("/stages/payments/payment-service/nowhere", 404, "stage.unknown"),
        ("/?show=sideways", 422, "request.query"),
        ("/log?from=yesterday", 422, "request.query"),
        ("/policies/payments/pipeline/nothing", 404, "pipeline.unknown"),
        ("/policies/payments/policy/nothing", 404, "policy.unknown"),
        ("/policies/payments/recipe/nothing", 422, "request.path"),
        (
            "/policies/payments/pipeline/payment-service?old=7000",
            422,
            "request.query",
        ),
        ("/people?who=a%20b", 422, "request.query"),
        ("/log?before=-1", 422, "request.query"),
        ("/inbox?after=yesterday", 422, "request.query"),
        ("/releases?project=payments", 422, "request.query"),
    ] {
        let response = get(&reader, path).await;
        assert_eq!(response.status(), status, "{path}");
        let page = text(response).await;
        assert!(
            page.contains("role=\"alert\"") && page.contains(code),
            "{path}: {page}"
        );
    }
}

#[tokio::test]
async fn where_there_is_nothing_a_browser_gets_a_page_and_a_program_a_problem() {
    let (_app, _, reader, _) = App::start().await;
    let browser = "text/html,*/*;q=0.8";
    for (method, accept, path, is_page) in [
        (Method::GET, browser, "/nowhere", true),
        (Method::HEAD, browser, "/nowhere", true),
        (Method::GET, "application/json, text/html", "/nowhere", false),
        (Method::GET, "*/*", "/nowhere", false),
        (Method::POST, browser, "/nowhere", false),
        (Method::GET, browser, "/api/v1/nowhere", false),
    ] {
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", reader.token()))
            .header(header::ACCEPT, accept)
            .body(Body::empty());
        let response = reader.send_request(request.unwrap()).await;
        let what = format!("{method} {path} as {accept}");
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{what}");
        let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap();
        assert_eq!(kind.starts_with("text/html"), is_page, "{what}: {kind}");
        if is_page && method == Method::GET {
            let page = text(response).await;
            assert!(
                page.contains("there is nothing at") && page.contains("Board"),
                "{page}"
            );
        }
    }
}

#[tokio::test]
async fn a_form_that_is_not_from_a_page_of_this_session_changes_nothing() {
    let (_app, admin, reader) = held().await;
    let page = text(get(&admin, "/promotions/payments/payment-service/dev/1").await).await;
    let foreign = text(get(&reader, "/promotions/payments/payment-service/dev/1").await).await;
    assert_ne!(field(&page, "csrf"), "");
    assert!(!foreign.contains("name=\"csrf\""), "a reader has no form");
    for body in ["reason=no", "csrf=&reason=no", "csrf=00&reason=no"] {
        let response = post(&admin, ABORT, body.to_owned()).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{body}");
    }
    let whole = format!("csrf={}&key=k1&reason=no", field(&page, "csrf"));
    let response = browse(&admin, Method::POST, ABORT, "cross-site", whole.clone()).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let huge = format!("{whole}{}", "x".repeat(64 * 1024));
    assert_eq!(
        post(&admin, ABORT, huge).await.status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert!(admin.promotion(&id("dev/1")).await.unwrap().ended_at.is_none());
}

#[tokio::test]
async fn the_same_form_sent_twice_is_one_request() {
    let (_app, admin, _) = held().await;
    let page = text(get(&admin, "/promotions/payments/payment-service/dev/1").await).await;
    let whole = format!(
        "csrf={}&key={}&reason=Not+this+week.",
        field(&page, "csrf"),
        field(&page, "key")
    );
    for _ in 0..2 {
        let response = post(&admin, ABORT, whole.clone()).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(
            response.headers()[header::LOCATION],
            "/promotions/payments/payment-service/dev/1"
        );
    }
    // Another form about the same promotion is another request: it has ended.
    let again = format!("csrf={}&key=another&reason=Again.", field(&page, "csrf"));
    assert!(post(&admin, ABORT, again).await.status().is_client_error());
}

#[tokio::test]
async fn a_form_needs_the_scope_that_the_api_asks_for() {
    let (app, _, _) = held().await;
    let approver = app.actor("amy", &[Scope::Approve], &["tech-lead"], None).await;
    let page = text(get(&approver, "/log").await).await;
    assert!(!page.contains("Promote into"));
    // The token of a session's forms does not depend on the page, nor does it permit more than the token does.
    let form = gateline_model::Digest::of(format!("{} csrf", approver.token()).as_bytes()).hex();
    for path in [
        ABORT.to_owned(),
        ABORT.replace("abort", "pause"),
        ABORT.replace("abort", "override"),
        "/ui/promote/payments/payment-service/1.0.0/production".to_owned(),
        "/ui/stages/payments/payment-service/dev/rollback".to_owned(),
    ] {
        let body = format!("csrf={form}&key=k&gate=tests&until=2999-01-01T00:00&reason=no");
        let response = post(&approver, &path, body).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
        assert!(text(response).await.contains("auth.forbidden"), "{path}");
    }
}

#[tokio::test]
async fn a_release_is_promoted_and_rolled_back_from_its_pages() {
    let (app, admin, reader) = held().await;
    let form = gateline_model::Digest::of(format!("{} csrf", admin.token()).as_bytes()).hex();
    let tested = async |version: &str| {
        let release = format!("payment-service@{version}");
        admin
            .evidence(&release, &gateline_api::EvidenceQuery::default(), &junit(3, 0))
            .await
            .unwrap();
    };
    tested("1.0.0").await;
    app.until(&reader, &id("dev/1"), gateline_api::PromotionState::Verified)
        .await;
    admin.register("2.0.0").await.unwrap();
    tested("2.0.0").await;
    app.until(&reader, &id("dev/2"), gateline_api::PromotionState::Verified)
        .await;

    let body = format!("csrf={form}&key=back&reason=It+pays+twice.");
    let response = post(&admin, "/ui/stages/payments/payment-service/dev/rollback", body).await;
    assert_eq!(
        response.headers()[header::LOCATION],
        "/promotions/payments/payment-service/dev/3"
    );
    app.until(&reader, &id("dev/3"), gateline_api::PromotionState::Verified)
        .await;
    let stage = text(get(&admin, "/stages/payments/payment-service/dev").await).await;
    assert!(stage.contains("2.0.0 barred"), "{stage}");

    let path = "/ui/promote/payments/payment-service/2.0.0/dev";
    let refused = post(&admin, path, format!("csrf={form}&key=again")).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let lift = format!(
        "csrf={form}&key=lift&reason=Mended.&release={}",
        field(&stage, "release")
    );
    let response = post(&admin, "/ui/stages/payments/payment-service/dev/unbar", lift).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let response = post(&admin, path, format!("csrf={form}&key=again")).await;
    assert_eq!(
        response.headers()[header::LOCATION],
        "/promotions/payments/payment-service/dev/4"
    );
}

#[tokio::test]
async fn what_needs_somebody_comes_first_on_every_page_of_the_board() {
    let (_app, admin, reader) = held().await;
    for name in ["another-service", "quiet-service"] {
        admin
            .apply(&PIPELINE.replace("name: payment-service", &format!("name: {name}")))
            .await
            .unwrap();
    }
    let mut query = BoardQuery {
        order: Some(BoardOrder::Need),
        limit: Some(1),
        ..BoardQuery::default()
    };
    let mut seen = Vec::new();
    loop {
        let board = reader
            .ask::<GetBoard>(&Empty {}, &query, &Empty {})
            .await
            .unwrap();
        assert_eq!((board.total, board.needing, board.rolling), (3, 1, 0));
        seen.extend(board.pipelines.iter().map(|one| one.of.pipeline.to_string()));
        query.after = board.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["payment-service", "another-service", "quiet-service"]);
}
