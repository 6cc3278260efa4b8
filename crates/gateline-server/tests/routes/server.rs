use axum::http::{StatusCode, header};

use crate::support::{App, body_of};

#[tokio::test]
async fn the_server_tells_that_it_lives_and_decides_without_a_token() {
    let (_app, _, _, anonymous) = App::start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(anonymous.get(path).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn the_document_served_is_the_one_of_the_table() {
    let (_app, _, _, anonymous) = App::start().await;
    let served = body_of(anonymous.get("/api/openapi.json").await).await;
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&served).unwrap(),
        gateline_api::openapi()
    );
}

#[tokio::test]
async fn the_numbers_are_whole_open_metrics() {
    let (_app, _, reader, _) = App::start().await;
    let response = reader.get("/metrics").await;
    assert!(
        response.headers()[header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    let text = String::from_utf8(body_of(response).await).unwrap();
    assert!(
        text.contains("\ngateline_log_size ") && text.ends_with("# EOF\n"),
        "{text}"
    );
}
