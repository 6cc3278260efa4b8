use axum::body::Body;
use axum::http::Request;
use gateline_api::{Empty, GetRelease, ListReleases, RegisterRelease, ReleasePath, ReleaseQuery};

use crate::support::{App, PIPELINE, release};

#[tokio::test]
async fn the_same_content_twice_is_the_same_release() {
    let (_app, admin, reader, first) = App::with_release(PIPELINE).await;
    let again = admin.register("1.0.0").await.unwrap();
    assert_eq!((first.id, first.number), (again.id, again.number));

    for name in [
        "payment-service@1.0.0",
        "payments/payment-service@1.0.0",
        &first.id.to_string(),
    ] {
        let path = ReleasePath {
            release: name.parse().unwrap(),
        };
        let view = reader
            .ask::<GetRelease>(&path, &Empty {}, &Empty {})
            .await
            .unwrap();
        assert_eq!(view.id, first.id, "{name}");
        let text = view.text.unwrap();
        assert_eq!(
            (text.authors.as_slice(), text.notes.as_str()),
            (["Ana".to_owned()].as_slice(), "Pays faster.")
        );
    }
}

#[tokio::test]
async fn other_content_under_the_same_label_is_refused() {
    let (_app, admin, _, _) = App::with_release(PIPELINE).await;
    let mut other = release("1.0.0");
    other.change.breaking = true;
    let problem = admin
        .ask::<RegisterRelease>(&Empty {}, &Empty {}, &other)
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (409, "release.label_used")
    );
}

#[tokio::test]
async fn a_mutable_reference_is_refused_with_the_reason() {
    let (_app, admin, _, _) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    let mut mutable = release("1.0.0");
    mutable.artifacts = [("service".parse().unwrap(), "oci://registry/app:latest".to_owned())].into();
    let problem = admin
        .ask::<RegisterRelease>(&Empty {}, &Empty {}, &mutable)
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (422, "release.artifact"));
    assert!(problem.detail.contains("mutable reference"), "{}", problem.detail);
}

#[tokio::test]
async fn a_key_makes_a_write_happen_once_and_belongs_to_one_request() {
    let (app, admin, _, _) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    let keyed = admin.with_key("key-1");
    let first = keyed.register("1.0.0").await.unwrap();
    let size = app.hub.with_world(|world| world.next());
    assert_eq!(keyed.register("1.0.0").await.unwrap().id, first.id);
    assert_eq!(
        app.hub.with_world(|world| world.next()),
        size,
        "the second time recorded something"
    );

    let problem = keyed.register("1.1.0").await.unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (422, "idempotency.key_reused")
    );
    let problem = admin
        .with_key(&"k".repeat(201))
        .register("1.1.0")
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (422, "idempotency.key_invalid")
    );
    let two = Request::post("/api/v1/releases")
        .header("authorization", format!("Bearer {}", admin.token()))
        .header("content-type", "application/json")
        .header("idempotency-key", "one")
        .header("idempotency-key", "two")
        .body(Body::from(serde_json::to_vec(&release("1.1.0")).unwrap()))
        .unwrap();
    let answer = admin.send_request(two).await;
    assert_eq!(answer.status(), 422, "which of them would count?");
}

#[tokio::test]
async fn a_label_that_two_projects_have_needs_its_project() {
    let (_app, admin, reader, _) = App::start().await;
    for project in ["payments", "shop"] {
        admin.apply(&PIPELINE.replace("payments", project)).await.unwrap();
        let mut request = release("1.0.0");
        request.of.project = project.parse().unwrap();
        admin
            .ask::<RegisterRelease>(&Empty {}, &Empty {}, &request)
            .await
            .unwrap();
    }
    let path = ReleasePath {
        release: "payment-service@1.0.0".parse().unwrap(),
    };
    let problem = reader
        .ask::<GetRelease>(&path, &Empty {}, &Empty {})
        .await
        .unwrap_err();
    assert_eq!(problem.code, "release.ambiguous");
    assert!(
        problem.detail.contains("`shop/payment-service@1.0.0`"),
        "{}",
        problem.detail
    );
}

#[tokio::test]
async fn releases_come_page_by_page_the_newest_first() {
    let (_app, admin, reader, _) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        admin.register(version).await.unwrap();
    }
    let mut query = ReleaseQuery {
        limit: Some(2),
        ..ReleaseQuery::default()
    };
    let first = reader
        .ask::<ListReleases>(&Empty {}, &query, &Empty {})
        .await
        .unwrap();
    query.after = first.next.clone();
    let second = reader
        .ask::<ListReleases>(&Empty {}, &query, &Empty {})
        .await
        .unwrap();
    let versions: Vec<&str> = first
        .items
        .iter()
        .chain(&second.items)
        .map(|release| release.version.as_str())
        .collect();
    assert_eq!(versions, ["1.2.0", "1.1.0", "1.0.0"]);
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn a_release_of_no_pipeline_is_unknown() {
    let (_app, admin, reader, _) = App::start().await;
    let problem = admin.register("1.0.0").await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (404, "pipeline.unknown"));
    let path = ReleasePath {
        release: "payment-service@9.9.9".parse().unwrap(),
    };
    let problem = reader
        .ask::<GetRelease>(&path, &Empty {}, &Empty {})
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (404, "release.unknown"));
}
