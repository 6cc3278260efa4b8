//! Without our script.

use gateline_model::PromotionOutcome;

use crate::scene::Scene;
use crate::support::id;
use crate::window::{Manner, Scripts, WIDE, with_window};

const WITHOUT_SCRIPTS: Manner = Manner {
    scripts: Scripts::Never,
    ..WIDE
};

#[tokio::test]
async fn everything_can_be_done_without_scripts() {
    let scene = Scene::held().await;
    with_window(WITHOUT_SCRIPTS, async |window| {
        // Whoever is not known is sent to the login page, and from there to where they wanted to go.
        window.go(&format!("{}/releases", scene.origin)).await;
        assert_eq!(window.path().await, "/login");
        window.write("#token", "gateline_wrong").await;
        window.click("form button").await;
        window.until_shown("#problem", "auth.unauthorized").await;
        // A wrong token does not lose the way.
        window.write("#token", scene.admin.token()).await;
        window.click("form button").await;
        window.until_shown("h1", "Releases").await;
        window.go(&scene.origin).await;
        window.write("#filter", "ment").await;
        window.click(".filter button").await;
        window.click(".board .prop a").await;
        window.until_shown("h1", "1.1.0 into production").await;
        window.click("#act-abort > summary").await;
        window.write("#abort-reason", "Not this week.").await;
        window.click("#act-abort button").await;
        window.until_shown("h1", "aborted").await;
        window.until_shown(".timeline", "Not this week.").await;
        window.click(".timeline li:first-child a").await;
        window.until_shown("h1", "Log").await;
    })
    .await;
    let view = scene.admin.promotion(&id("production/2")).await.unwrap();
    assert_eq!(view.outcome, Some(PromotionOutcome::Aborted));
}
