use gateline_api::{
    Empty, EvidenceQuery, GetStage, LogQuery, PromotionState, ReasonRequest, RollBack, SearchLog, StagePath,
    StepWord, Unbar, UnbarRequest,
};
use gateline_core::{Actor, Command};
use gateline_model::{Health, HealthSeen, PromotionKind};

use crate::support::{App, Client, PIPELINE, body_of, id, junit};

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
async fn a_stage_says_why_its_health_is_not_known_and_records_only_what_changes_it() {
    let (app, admin, reader, _) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    live(&app, &admin, "1.0.0", 1).await;
    let report = async |seen: HealthSeen| {
        let command = Command::ReportHealth {
            stage: path("dev").reference(),
            seen,
            not_seen_from: None,
        };
        let actor = Actor::gateline();
        app.hub.submit(actor, command, None, Vec::new()).await.unwrap();
        let view = reader.ask::<GetStage>(&path("dev"), &Empty {}, &Empty {}).await;
        view.unwrap().live.unwrap()
    };
    let first = report(HealthSeen::because(Health::Unknown, "the proxy does not answer")).await;
    assert_eq!(first.health, Health::Unknown);
    assert_eq!(first.health_why.as_deref(), Some("the proxy does not answer"));
    let again = report(HealthSeen::because(Health::Unknown, "timed out after 2,001 ms")).await;
    assert_eq!(again, first, "other words for the same health are no news");
    let page = body_of(reader.get("/stages/payments/payment-service/dev").await).await;
    assert!(
        String::from_utf8(page)
            .unwrap()
            .contains("the proxy does not answer")
    );
    let well = report(Health::Healthy.into()).await;
    assert_eq!((well.health, well.health_why), (Health::Healthy, None));

    let log = LogQuery {
        event: Some("health_observed".into()),
        ..LogQuery::default()
    };
    let log = reader.ask::<SearchLog>(&Empty {}, &log, &Empty {}).await.unwrap();
    assert_eq!(log.events.len(), 2);
}

#[tokio::test]
async fn a_step_under_way_says_until_when_a_server_has_it() {
    let (app, admin, reader, _) = App::start().await;
    let slow = PIPELINE.replacen("apply: [/bin/true]", "apply: [/bin/sleep, '3']", 1);
    admin.apply(&slow).await.unwrap();
    admin.register("1.0.0").await.unwrap();
    let query = EvidenceQuery::default();
    admin
        .evidence("payment-service@1.0.0", &query, &junit(3, 0))
        .await
        .unwrap();
    let of = id("dev/1");
    loop {
        let rollout = reader.promotion(&of).await.unwrap().rollout;
        let mut steps = rollout.iter().flat_map(|rollout| &rollout.steps);
        if let Some(step) = steps.find(|step| step.leased_until.is_some()) {
            assert_eq!(step.state, StepWord::Now);
            break;
        }
        tokio::task::yield_now().await;
    }
    let view = app.until(&reader, &of, PromotionState::Verified).await;
    let mut steps = view.rollout.iter().flat_map(|rollout| &rollout.steps);
    assert!(steps.all(|step| step.leased_until.is_none()));
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
