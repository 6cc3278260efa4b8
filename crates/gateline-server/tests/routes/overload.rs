//! Too much at once: who floods is told to wait, and everybody else is served.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use gateline_model::Scope;
use gateline_server::{REQUESTS_MAX, WATCHERS_MAX};

use crate::support::{App, Client, PIPELINE, body_of};

/// A request whose body never comes: it is under way until it is dropped.
fn waits(client: &Client, path: &str) -> tokio::task::JoinHandle<StatusCode> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", client.token()))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from_stream(futures::stream::pending::<
            Result<Vec<u8>, std::io::Error>,
        >()))
        .unwrap();
    let client = client.clone();
    tokio::spawn(async move { client.send_request(request).await.status() })
}

/// Fills the share of whoever asks for this path; gives what is under way, and how much of it there is.
async fn flood(client: &Client, path: &str) -> Vec<tokio::task::JoinHandle<StatusCode>> {
    let mut under_way = Vec::new();
    loop {
        let request = waits(client, path);
        // Each runs until it waits for its body, or is refused.
        while !request.is_finished() {
            tokio::task::yield_now().await;
            if under_way.len() < REQUESTS_MAX / 2 && !request.is_finished() {
                break;
            }
        }
        if request.is_finished() {
            assert_eq!(request.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
            return under_way;
        }
        under_way.push(request);
    }
}

#[tokio::test]
async fn a_project_that_floods_is_told_to_wait_and_another_one_is_served() {
    let (app, admin, reader, _) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    admin
        .apply(&PIPELINE.replace("project: payments", "project: shop"))
        .await
        .unwrap();
    let of = |project: &str| format!("/api/v1/freezes/{project}/none/lift");
    let under_way = flood(&admin, &of("payments")).await;
    assert_eq!(under_way.len(), REQUESTS_MAX / 2);

    // Whoever asks for it now, even to read: it is the project's share.
    let refused = reader.get("/api/v1/pipelines/payments/payment-service").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    let problem = String::from_utf8(body_of(refused).await).unwrap();
    assert!(
        problem.contains("project `payments`") && problem.contains("nothing was done"),
        "{problem}"
    );

    // Who floods, and who was refused because of it.
    let metrics = app.hub.metrics();
    assert!(metrics.contains("gateline_requests_busy_total 2\n"), "{metrics}");

    let served = reader.get("/api/v1/pipelines/shop/payment-service").await;
    assert_eq!(served.status(), StatusCode::OK);
    assert_eq!(reader.get("/readyz").await.status(), StatusCode::OK);
    under_way.iter().for_each(tokio::task::JoinHandle::abort);
    for request in under_way {
        let _ = request.await;
    }
    let served = reader.get("/api/v1/pipelines/payments/payment-service").await;
    assert_eq!(served.status(), StatusCode::OK);
}

#[tokio::test]
async fn whoever_names_a_project_that_he_may_not_see_floods_his_own_share() {
    let (app, admin, _, _) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    let stranger = app.actor("stranger", &[Scope::Freeze], &[], None).await;
    let under_way = flood(&stranger, "/api/v1/freezes/nowhere/none/lift").await;
    assert_eq!(under_way.len(), REQUESTS_MAX / 2);
    for path in ["/api/v1/board", "/"] {
        let refused = stranger.get(path).await;
        let says = "his own share is taken";
        assert_eq!(
            refused.status(),
            StatusCode::SERVICE_UNAVAILABLE,
            "{path}: {says}"
        );
        assert_eq!(refused.headers()[header::RETRY_AFTER], "1", "{path}");
    }
    let metrics = app.hub.metrics();
    assert!(metrics.contains("gateline_requests_busy_total 3\n"), "{metrics}");
    assert_eq!(admin.get("/api/v1/board").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn one_watcher_leaves_places_for_others() {
    let (_app, admin, reader, _) = App::start().await;
    let mut streams = Vec::new();
    loop {
        let stream = admin.get("/api/events").await;
        if stream.status() != StatusCode::OK {
            assert_eq!(stream.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(stream.headers()[header::RETRY_AFTER], "10");
            break;
        }
        streams.push(stream);
    }
    assert_eq!(streams.len(), WATCHERS_MAX / 2);
    let other = reader.get("/api/events").await;
    assert_eq!(other.status(), StatusCode::OK);
    drop(streams.pop());
    assert_eq!(
        admin.get("/api/events").await.status(),
        StatusCode::SERVICE_UNAVAILABLE,
        "now there are two"
    );
}
