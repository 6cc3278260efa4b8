use gateline_api::{
    DeclareFreeze, Empty, FreezePath, FreezeQuery, FreezeRequest, GetStage, LiftFreeze, ListFreezes,
    ReasonRequest, StagePath,
};

use crate::support::{App, PIPELINE};

fn request() -> FreezeRequest {
    FreezeRequest {
        project: "payments".parse().unwrap(),
        name: "holidays".parse().unwrap(),
        pipeline: None,
        stages: Vec::new(),
        from: None,
        until: "2099-01-01T00:00:00Z".parse().unwrap(),
        recurs: None,
        exempt: Vec::new(),
        applies_to_rollback: false,
        reason: "Nobody is here.".into(),
    }
}

#[tokio::test]
async fn a_freeze_is_told_with_its_reason_until_it_is_lifted() {
    let (_app, admin, reader, _) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    let declared = admin
        .ask::<DeclareFreeze>(&Empty {}, &Empty {}, &request())
        .await
        .unwrap();
    assert!(declared.in_force);

    let list = reader
        .ask::<ListFreezes>(&Empty {}, &FreezeQuery::default(), &Empty {})
        .await
        .unwrap();
    assert_eq!(list, [declared]);
    assert_eq!(list[0].reason.as_deref(), Some("Nobody is here."));
    let stage = |stage: &str| StagePath {
        project: "payments".parse().unwrap(),
        pipeline: "payment-service".parse().unwrap(),
        stage: stage.parse().unwrap(),
    };
    let production = reader
        .ask::<GetStage>(&stage("production"), &Empty {}, &Empty {})
        .await
        .unwrap();
    let dev = reader
        .ask::<GetStage>(&stage("dev"), &Empty {}, &Empty {})
        .await
        .unwrap();
    assert_eq!(
        (production.freezes.len(), dev.freezes.len()),
        (1, 0),
        "freezes hold production by default"
    );

    let path = FreezePath {
        project: "payments".parse().unwrap(),
        name: "holidays".parse().unwrap(),
    };
    let why = ReasonRequest {
        reason: "Back again.".into(),
    };
    assert_eq!(admin.ask::<LiftFreeze>(&path, &Empty {}, &why).await.unwrap(), []);
    let problem = admin.ask::<LiftFreeze>(&path, &Empty {}, &why).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (404, "freeze.unknown"));
}

#[tokio::test]
async fn a_freeze_needs_a_reason_an_end_ahead_and_a_project_that_there_is() {
    let (_app, admin, _, _) = App::start().await;
    let problem = admin
        .ask::<DeclareFreeze>(&Empty {}, &Empty {}, &request())
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (404, "project.unknown"));
    admin.apply(PIPELINE).await.unwrap();
    let silent = FreezeRequest {
        reason: String::new(),
        ..request()
    };
    let past = FreezeRequest {
        until: "2020-01-01T00:00:00Z".parse().unwrap(),
        ..request()
    };
    for (request, code) in [(silent, "reason.missing"), (past, "freeze.empty")] {
        let problem = admin
            .ask::<DeclareFreeze>(&Empty {}, &Empty {}, &request)
            .await
            .unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (422, code));
    }
}
