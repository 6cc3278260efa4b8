use gateline_api::{
    Empty, EvidenceQuery, GetStage, PromotionState, ReasonRequest, RollBack, StagePath, Unbar, UnbarRequest,
};
use gateline_model::PromotionKind;

use crate::support::{App, Client, PIPELINE, id, junit};

fn path(stage: &str) -> StagePath {
    StagePath {
        project: "payments".parse().unwrap(),
        pipeline: "payment-service".parse().unwrap(),
        stage: stage.parse().unwrap(),
    }
}

async fn live(app: &App, admin: &Client, version: &str, number: u64) {
    admin.register(version).await.unwrap();
    let release = format!("payment-service@{version}");
    admin
        .evidence(&release, &EvidenceQuery::default(), &junit(3, 0))
        .await
        .unwrap();
    app.until(admin, &id(&format!("dev/{number}")), PromotionState::Verified)
        .await;
}

#[tokio::test]
async fn a_stage_rolls_back_bars_the_bad_release_and_lets_the_bar_be_lifted() {
    let (app, admin, reader, _) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    live(&app, &admin, "1.0.0", 1).await;
    live(&app, &admin, "1.1.0", 2).await;
    let before = reader
        .ask::<GetStage>(&path("dev"), &Empty {}, &Empty {})
        .await
        .unwrap();
    assert_eq!(before.live.unwrap().version.as_str(), "1.1.0");
    assert_eq!(before.before.unwrap().as_str(), "1.0.0");

    let reason = ReasonRequest {
        reason: "Customers call.".into(),
    };
    let back = admin
        .ask::<RollBack>(&path("dev"), &Empty {}, &reason)
        .await
        .unwrap();
    assert_eq!(
        (back.kind, back.reason.as_deref()),
        (PromotionKind::Rollback, Some("Customers call."))
    );
    app.until(&reader, &back.id, PromotionState::Verified).await;

    let after = reader
        .ask::<GetStage>(&path("dev"), &Empty {}, &Empty {})
        .await
        .unwrap();
    assert_eq!(after.live.unwrap().version.as_str(), "1.0.0");
    assert_eq!(after.barred[0].version.as_ref().unwrap().as_str(), "1.1.0");
    assert_eq!(after.promotions.len(), 3);

    let unbar = UnbarRequest {
        release: "payment-service@1.1.0".parse().unwrap(),
        reason: "Mended.".into(),
    };
    assert_eq!(
        admin
            .ask::<Unbar>(&path("dev"), &Empty {}, &unbar)
            .await
            .unwrap()
            .barred,
        []
    );
    let problem = admin
        .ask::<Unbar>(&path("dev"), &Empty {}, &unbar)
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (409, "release.not_barred")
    );
}

#[tokio::test]
async fn a_stage_without_a_past_cannot_roll_back() {
    let (_app, admin, reader, _) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    let reason = ReasonRequest {
        reason: "Now.".into(),
    };
    let problem = admin
        .ask::<RollBack>(&path("dev"), &Empty {}, &reason)
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (409, "stage.nothing_before")
    );
    let problem = reader
        .ask::<GetStage>(&path("moon"), &Empty {}, &Empty {})
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (404, "stage.unknown"));
}
