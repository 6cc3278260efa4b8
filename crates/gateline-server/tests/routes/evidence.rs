use axum::http::{StatusCode, header};
use gateline_api::{EvidenceQuery, EvidenceView, Problem};
use gateline_model::{Digest, Found, Outcome};

use crate::support::{App, Client, PIPELINE, body_of, junit};

const RELEASE: &str = "payment-service@1.0.0";

async fn registered() -> (App, Client, Client) {
    let (app, admin, reader, _) = App::with_release(PIPELINE).await;
    (app, admin, reader)
}

async fn submit(admin: &Client, bytes: &[u8]) -> Result<EvidenceView, Problem> {
    admin.evidence(RELEASE, &EvidenceQuery::default(), bytes).await
}

#[tokio::test]
async fn a_report_is_read_bound_to_the_release_and_kept_byte_for_byte() {
    let (_app, admin, reader) = registered().await;
    let report = junit(3, 1);
    let view = submit(&admin, &report).await.unwrap();
    assert_eq!(
        (view.kind.as_deref(), view.format.as_str()),
        (Some("tests"), "junit")
    );
    assert_eq!(view.says, "3 passed, 1 failed, 0 errored, 0 skipped of 4");
    assert_eq!(view.artifacts, [Digest::of(b"1.0.0")]);

    let raw = reader
        .get(&format!("/api/v1/evidence/raw/{}", view.raw.unwrap()))
        .await;
    assert_eq!(raw.headers()[header::CONTENT_TYPE], "application/octet-stream");
    assert!(
        raw.headers()[header::CONTENT_DISPOSITION]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    assert_eq!(body_of(raw).await, report);
}

#[tokio::test]
async fn a_report_that_is_cut_off_is_recorded_as_errored_never_as_a_pass() {
    let (_app, admin, _) = registered().await;
    let whole = junit(3, 0);
    let view = submit(&admin, &whole[..whole.len() - 20]).await.unwrap();
    assert_eq!(view.outcome, Some(Outcome::Errored));
    assert!(
        matches!(&view.found, Found::Errored { reason, .. } if reason.contains("cut off")),
        "{:?}",
        view.found
    );
    let empty = submit(&admin, b"<testsuites></testsuites>").await.unwrap();
    assert_eq!(empty.outcome, Some(Outcome::Errored));
}

#[tokio::test]
async fn a_report_of_no_known_format_is_refused_with_the_known_ones() {
    let (app, admin, _) = registered().await;
    let size = app.hub.with_world(|world| world.next());
    for bytes in [&b"hello"[..], b"", b"\xff\xfe\x00"] {
        let problem = submit(&admin, bytes).await.unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (422, "evidence.format"));
    }
    let problem = submit(&admin, b"hello").await.unwrap_err();
    assert!(
        ["`junit`", "`lcov`", "`sarif`", "`cyclonedx`"]
            .iter()
            .all(|known| problem.detail.contains(known)),
        "{}",
        problem.detail
    );
    let query = EvidenceQuery {
        format: Some("jnuit".into()),
        ..EvidenceQuery::default()
    };
    let problem = admin
        .evidence(RELEASE, &query, b"<testsuites/>")
        .await
        .unwrap_err();
    assert_eq!(problem.code, "evidence.format");
    assert_eq!(
        app.hub.with_world(|world| world.next()),
        size,
        "something was recorded"
    );
}

#[tokio::test]
async fn any_json_is_evidence_with_a_type_and_a_path() {
    let (_app, admin, _) = registered().await;
    let query = |of: Option<&str>, path: &str| EvidenceQuery {
        format: Some("json".into()),
        of: of.map(str::to_owned),
        path: Some(path.into()),
        ..EvidenceQuery::default()
    };
    let drill = br#"{"summary": {"recovery_s": 12}}"#;
    let view = admin
        .evidence(RELEASE, &query(Some("chaos"), ".summary"), drill)
        .await
        .unwrap();
    assert!(matches!(view.found, Found::Facts { .. }), "{:?}", view.found);
    let view = admin
        .evidence(RELEASE, &query(Some("chaos"), ".nothing"), drill)
        .await
        .unwrap();
    let Found::Errored { reason, .. } = view.found else {
        panic!("a path that leads nowhere is no fact");
    };
    assert!(reason.contains("and no `.nothing`"), "{reason}");
    let problem = admin
        .evidence(RELEASE, &query(None, ".summary"), drill)
        .await
        .unwrap_err();
    assert_eq!(problem.code, "request.query");
}

#[tokio::test]
async fn evidence_for_another_digest_is_refused() {
    let (_app, admin, _) = registered().await;
    let query = EvidenceQuery {
        artifacts: Some(Digest::of(b"other").to_string()),
        ..EvidenceQuery::default()
    };
    let problem = admin.evidence(RELEASE, &query, &junit(1, 0)).await.unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (422, "evidence.foreign_digest")
    );
    let query = EvidenceQuery {
        artifacts: Some("latest".into()),
        ..EvidenceQuery::default()
    };
    assert_eq!(
        admin
            .evidence(RELEASE, &query, &junit(1, 0))
            .await
            .unwrap_err()
            .code,
        "request.query"
    );
    let query = EvidenceQuery {
        name: Some("a\nb".into()),
        ..EvidenceQuery::default()
    };
    assert_eq!(
        admin
            .evidence(RELEASE, &query, &junit(1, 0))
            .await
            .unwrap_err()
            .code,
        "request.query"
    );
}

#[tokio::test]
async fn the_same_report_twice_is_one_record() {
    let (_app, admin, _) = registered().await;
    let first = submit(&admin, &junit(3, 0)).await.unwrap();
    let again = submit(&admin, &junit(3, 0)).await.unwrap();
    assert_eq!(first, again);
}

#[tokio::test]
async fn bytes_that_were_never_kept_are_unknown() {
    let (_app, _, reader) = registered().await;
    let response = reader
        .get(&format!("/api/v1/evidence/raw/{}", Digest::of(b"never")))
        .await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}
