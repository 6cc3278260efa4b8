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
        window
            .until(
                "return new URLSearchParams(location.search).get('q')",
                json!("payments/pay"),
            )
            .await;
        window.until_shown(".board", "payment-service").await;
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

#[tokio::test]
async fn rows_are_walked_and_opened_by_keys_and_a_question_mark_lists_them() {
    let scene = Scene::held().await;
    with_window(WIDE, async |window| {
        window.log_in(&scene.origin, scene.admin.token()).await;
        window.until_shown(".board", "1.1.0 held").await;
        window.press("?").await;
        window.until_shown("#keys", "next row").await;
        // A row of the board leads to what is proposed in it.
        window.press("j\u{e007}").await;
        window.until_shown("h1", "1.1.0 into production").await;

        window.press("gr").await;
        window.until_shown("h1", "Releases").await;
        let row = "return document.activeElement.textContent";
        window.press("j").await;
        assert_eq!(window.run(row).await, json!("1.1.0"));
        window.press("j").await;
        assert_eq!(window.run(row).await, json!("1.0.0"));
        // Beyond the last row there is none: the focus stays.
        window.press("j").await;
        assert_eq!(window.run(row).await, json!("1.0.0"));
        window.press("k").await;
        assert_eq!(window.run(row).await, json!("1.1.0"));
        window.press("\u{e007}").await;
        window.until_shown("h1", "payment-service 1.1.0").await;

        window.go(&format!("{}/log", scene.origin)).await;
        window.press("jj\u{e007}").await;
        window.until_shown(".log li:nth-child(2)", "\"number\"").await;
    })
    .await;
}

#[tokio::test]
async fn what_waits_is_answered_in_the_inbox_with_one_key_each() {
    let scene = Scene::held().await;
    with_window(WIDE, async |window| {
        window.log_in(&scene.origin, scene.admin.token()).await;
        window.press("gi").await;
        window.until_shown("h1", "Inbox").await;
        window.press("j").await;
        let focused = "return document.activeElement.id || document.activeElement.textContent";
        assert_eq!(
            window.run(focused).await,
            json!("payment-service 1.1.0 into production")
        );
        let production = "payments/payment-service/production/2";
        // Each key opens its form and goes to what must be said, or to the button where nothing must.
        for (key, place) in [
            ("a", "approve"),
            ("x", "reject-reason"),
            ("c", "request-changes-reason"),
            ("n", "ask-who"),
            ("d", "delegate-who"),
        ] {
            window.press(key).await;
            let place = format!("{place}-{production}");
            assert_eq!(window.run(focused).await, json!(place), "{key}");
            // What is written is written; Escape leaves the form, with the row in focus.
            if key != "a" {
                window.press("gb\u{e00c}").await;
                assert_eq!(window.path().await, "/inbox");
                let written = format!("return document.getElementById('{place}').value");
                assert_eq!(window.run(&written).await, json!("gb"), "{key}");
            }
        }
        window
            .run("document.getElementById('reject-reason-payments/payment-service/production/2').value = ''")
            .await;
        window.press("xNot this week.").await;
        window.press("\u{e004}\u{e007}").await;
        window.until_shown(".banner", "Nothing waits on you").await;
        window.until_shown("main", "Withdraw your answer").await;
        window.press("w").await;
        window.press("I looked again.\u{e004}\u{e007}").await;
        window
            .until_shown("[id^=waits-]", "payment-service 1.1.0 into production")
            .await;
    })
    .await;
}
