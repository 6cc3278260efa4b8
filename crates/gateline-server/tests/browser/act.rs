//! What people come for: seeing a hold explained, saying yes, watching what follows.

use gateline_api::PromotionState;
use serde_json::json;

use crate::scene::{JUDGED, Scene};
use crate::support::id;
use crate::window::{NARROW, WIDE, with_window};

const PROMOTION: &str = "/promotions/payments/payment-service/production/2";

#[tokio::test]
async fn the_board_leads_to_a_hold_that_explains_itself_and_a_yes_lets_it_go() {
    let scene = Scene::held().await;
    with_window(WIDE, async |window| {
        window.log_in(&scene.origin, scene.admin.token()).await;
        window.until_shown(".board", "1.1.0 held").await;
        window.until_shown(".board", "tech-lead").await;
        window.until_shown("main .sub", "1 needs somebody").await;
        window.click(".board .prop a").await;
        window
            .until_shown("h1", "payment-service 1.1.0 into production")
            .await;
        let decision = scene
            .admin
            .promotion(&id("production/2"))
            .await
            .unwrap()
            .decision
            .unwrap();
        window.until_shown(".banner", &decision.headline).await;
        for gate in &decision.verdicts {
            window.until_shown(".gates", &gate.says).await;
            window.until_shown(".gates", &gate.because).await;
        }
        window.until_shown("main .sub", &decision.code()).await;

        window.run("window.here = true").await;
        window.click("#act-approve > summary").await;
        window.until_shown("#act-approve", "in place of 1.0.0").await;
        window.write("#approve-reason", "Read, tested, fine.").await;
        window.click("#approve").await;
        window.until_shown("h1", "rolling out").await;
        window.until_shown(".timeline", "Read, tested, fine.").await;
        assert_eq!(window.path().await, PROMOTION);
    })
    .await;
    let view = scene.admin.promotion(&id("production/2")).await.unwrap();
    assert_eq!(
        (view.approvals.len(), view.state),
        (1, PromotionState::RollingOut)
    );
}

#[tokio::test]
async fn a_page_learns_of_news_without_being_loaded_again_and_leaves_a_form_in_use_alone() {
    let scene = Scene::held().await;
    with_window(WIDE, async |window| {
        window.log_in(&scene.origin, scene.admin.token()).await;
        window.go(&format!("{}{PROMOTION}", scene.origin)).await;
        window.until_shown("#live", "live").await;
        window.run("window.here = true").await;
        window.click("#act-abort > summary").await;
        window.write("#abort-reason", "half a sent").await;

        let release = scene.admin.promotion(&id("production/2")).await.unwrap();
        let question = release.decision.unwrap().question;
        scene.approve(question).await;
        window.until_shown("h1", "rolling out").await;
        window.until_shown("dl.four", "requests").await;
        assert_eq!(
            window.run("return window.here").await,
            json!(true),
            "the page was loaded again"
        );
        assert_eq!(
            window.run("return document.activeElement.id").await,
            json!("abort-reason")
        );
        window.press("ence").await;
        assert_eq!(
            window
                .run("return document.getElementById('abort-reason').value")
                .await,
            json!("half a sentence")
        );
    })
    .await;
}

#[tokio::test]
async fn a_refused_form_comes_back_with_the_problem_and_what_was_written() {
    let scene = Scene::held().await;
    with_window(WIDE, async |window| {
        window.log_in(&scene.origin, scene.admin.token()).await;
        window.go(&format!("{}{PROMOTION}", scene.origin)).await;
        window.click("#act-override > summary").await;
        window.write("#override-reason", "Customers wait for this.").await;
        // Eight days: more than an override may run.
        window
            .run("document.getElementById('override-until').value = '2999-01-01T00:00'")
            .await;
        window.click("#act-override button").await;
        window.until_shown("#problem", "override.until").await;
        assert_eq!(
            window
                .run("return document.getElementById('override-reason').value")
                .await,
            json!("Customers wait for this.")
        );
        assert_eq!(
            window
                .run("return document.getElementById('act-override').open")
                .await,
            json!(true)
        );
        window.run("location.reload()").await;
        window
            .until_shown("h1", "payment-service 1.1.0 into production")
            .await;
    })
    .await;
    assert!(
        scene
            .admin
            .promotion(&id("production/2"))
            .await
            .unwrap()
            .overrides
            .is_empty()
    );
}

#[tokio::test]
async fn who_may_only_read_is_offered_nothing_to_do() {
    let scene = Scene::held().await;
    with_window(WIDE, async |window| {
        window.log_in(&scene.origin, scene.reader.token()).await;
        window.go(&format!("{}{PROMOTION}", scene.origin)).await;
        window.until_shown("main", "your token may only look").await;
        assert_eq!(
            window
                .run("return document.querySelectorAll('main form').length")
                .await,
            json!(0)
        );
    })
    .await;
}

#[tokio::test]
async fn no_page_is_wider_than_a_telephone() {
    let scene = Scene::held().await;
    scene.troubled().await;
    with_window(NARROW, async |window| {
        window.log_in(&scene.origin, scene.admin.token()).await;
        for path in scene.pages() {
            window.go(&format!("{}{path}", scene.origin)).await;
            let wide = window
                .run("return document.documentElement.scrollWidth > innerWidth")
                .await;
            assert_eq!(wide, json!(false), "`{path}` scrolls sideways at 400 pixels");
            let problem = window
                .run("return document.querySelector('#problem') !== null")
                .await;
            assert_eq!(problem, json!(false), "`{path}` is no page of its own");
        }
        window.go(&format!("{}/incidents/payments/1", scene.origin)).await;
        window.until_shown("h1", "There is nothing at this path").await;
    })
    .await;
}

#[tokio::test]
async fn the_page_of_a_rollout_that_is_judged_moves_by_itself_and_can_be_paused_with_a_reason() {
    let scene = Scene::held().await;
    scene.judged().await;
    with_window(WIDE, async |window| {
        window.log_in(&scene.origin, scene.admin.token()).await;
        window.go(&format!("{}{JUDGED}", scene.origin)).await;
        window.until_shown("h2#ruling", "JUDGE").await;
        window.run("window.here = true").await;
        // Ticks are no events: the page follows at its own pace.
        window.until_shown(".meters", "Against it:").await;
        let requests = "return document.querySelector('.four div:last-child span').textContent";
        let before = window.run(requests).await;
        while window.run(requests).await == before {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        window.click("#act-pause > summary").await;
        window.write("#pause-reason", "Let me look at this.").await;
        window.click("#act-pause button").await;
        window.until_shown("h1", "paused").await;
        window.until_shown("#act-resume", "Resume").await;
        assert_eq!(window.path().await, JUDGED);
    })
    .await;
}
