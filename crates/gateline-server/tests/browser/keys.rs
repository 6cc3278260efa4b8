//! Without a mouse.

use serde_json::json;

use crate::scene::Scene;
use crate::window::{WIDE, with_window};

#[tokio::test]
async fn keys_lead_to_the_filter_the_pages_and_the_yes() {
    let scene = Scene::held().await;
    with_window(WIDE, async |window| {
        window.log_in(&scene.origin, scene.admin.token()).await;
        window.press("/").await;
        assert_eq!(
            window.run("return document.activeElement.id").await,
            json!("filter")
        );
        // A `/` that is written is a `/`.
        window.press("payments/pay\u{e007}").await;
        window.until_shown(".board", "payment-service").await;
        assert_eq!(
            window
                .run("return new URLSearchParams(location.search).get('q')")
                .await,
            json!("payments/pay")
        );
        window.press("/").await;
        window.run("document.activeElement.value = ''").await;
        window.press("nowhere\u{e007}").await;
        window.until_shown(".banner", "No pipeline is like this").await;

        window.press("gl").await;
        window.until_shown("h1", "Log").await;
        window.press("gb").await;
        window.until_shown("h1", "Board").await;
        window
            .go(&format!(
                "{}/promotions/payments/payment-service/production/2",
                scene.origin
            ))
            .await;
        window.press("a").await;
        assert_eq!(
            window.run("return document.activeElement.id").await,
            json!("approve")
        );
    })
    .await;
}

#[tokio::test]
async fn an_entry_of_the_log_unfolds_and_is_an_address() {
    let scene = Scene::held().await;
    with_window(WIDE, async |window| {
        window.log_in(&scene.origin, scene.admin.token()).await;
        window
            .go(&format!("{}/log?event=approval_given", scene.origin))
            .await;
        window.until_shown(".banner", "No event is like this").await;
        window
            .go(&format!(
                "{}/log?stream=promotion/payments/payment-service/production/2",
                scene.origin
            ))
            .await;
        window.until_shown(".log", "requested by the pipeline").await;
        window.click(".log li:last-child summary").await;
        window
            .until_shown(".log li:last-child", "\"type\": \"promotion_requested\"")
            .await;
        window.go(&format!("{}/log?before=1#event-0", scene.origin)).await;
        window.until_shown("#event-0", "\"number\": 0").await;
    })
    .await;
}
