//! Notifications: rules that come into force, letters that arrive, and those that cannot.

use std::sync::{Arc, Mutex};

use gateline_api::{
    ApplyNotifications, ApplyRequest, Empty, EvidenceQuery, GetNotifications, GetSummary, LettersQuery,
    ListLetters, ProjectPath, PromotionPath,
};
use gateline_model::{Letter, LetterState};
use gateline_server::Settings;
use serde_json::{Value, json};

use crate::support::{App, Client, PIPELINE, id, junit};

const RULES: &str = "\
apiVersion: gateline.dev/v1
kind: Notifications
metadata: {project: payments}
spec:
  rules:
    - {name: asked, on: [promotion_requested], to: [{channel: audit}, {channel: nowhere}]}
";

/// Takes every body that is posted to it.
async fn receiver() -> (String, Arc<Mutex<Vec<Value>>>) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let kept = taken.clone();
    let take = axum::routing::post(move |body: axum::body::Bytes| async move {
        kept.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().route("/in", take)).await });
    (url, taken)
}

async fn letters(client: &Client, state: Option<LetterState>) -> Vec<Letter> {
    let path = ProjectPath {
        project: "payments".parse().unwrap(),
    };
    client
        .ask::<ListLetters>(&path, &LettersQuery { state }, &Empty {})
        .await
        .unwrap()
}

#[tokio::test]
async fn a_rule_s_letter_arrives_and_what_cannot_be_brought_is_shown_with_the_reason() {
    let (url, taken) = receiver().await;
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "hunter2").unwrap();
    let mut settings = Settings::default();
    settings.file.channels = serde_json::from_value(json!([{
        "name": "audit",
        "allow": ["127.0.0.1"],
        "webhook": {"url": url, "secret": format!("file:{}", secret.display())},
    }]))
    .unwrap();
    let (app, admin, reader, _) = App::start_with(settings).await;
    admin.apply(PIPELINE).await.unwrap();
    let body = ApplyRequest {
        file_name: "notifications.yaml".into(),
        text: RULES.into(),
        written: None,
    };
    let reply = admin
        .ask::<ApplyNotifications>(&Empty {}, &Empty {}, &body)
        .await
        .unwrap();
    assert!(reply.changed);
    let again = admin
        .ask::<ApplyNotifications>(&Empty {}, &Empty {}, &body)
        .await
        .unwrap();
    assert!(!again.changed);
    let problem = reader
        .ask::<ApplyNotifications>(&Empty {}, &Empty {}, &body)
        .await
        .unwrap_err();
    assert_eq!(problem.status, 403);
    let path = ProjectPath {
        project: "payments".parse().unwrap(),
    };
    let view = reader
        .ask::<GetNotifications>(&path, &Empty {}, &Empty {})
        .await
        .unwrap();
    assert_eq!(view.version, reply.version);

    let mut news = app.hub.watch();
    admin.register("1.0.0").await.unwrap();
    let told = ["letter_sent", "letter_failed"];
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let events = news.recv().await.unwrap();
        seen.extend(
            events
                .iter()
                .map(|one| one.event.name())
                .filter(|name| told.contains(name)),
        );
    }
    let sent = letters(&reader, Some(LetterState::Sent)).await;
    assert_eq!((sent.len(), sent[0].to.channel.as_str()), (1, "audit"));
    let pending = letters(&reader, Some(LetterState::Pending)).await;
    assert_eq!((pending.len(), pending[0].attempts), (1, 1));
    assert!(
        pending[0]
            .says
            .as_deref()
            .unwrap()
            .contains("declares no channel `nowhere`")
    );
    assert_eq!(letters(&reader, None).await.len(), 2);
    let events = taken.lock().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["type"], "dev.gateline.promotion_requested.v1");
    assert_eq!(
        events[0]["data"]["notices"][0]["notice"]["says"],
        "1.0.0 requested by the pipeline"
    );
}

#[tokio::test]
async fn rules_with_errors_are_refused_with_their_lines() {
    let (_app, admin, _, _) = App::start().await;
    let body = ApplyRequest {
        file_name: "notifications.yaml".into(),
        text: RULES.replace("promotion_requested", "promotion_wanted"),
        written: None,
    };
    let problem = admin
        .ask::<ApplyNotifications>(&Empty {}, &Empty {}, &body)
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (422, "pipeline.invalid"));
    let path = ProjectPath {
        project: "payments".parse().unwrap(),
    };
    let problem = admin
        .ask::<GetNotifications>(&path, &Empty {}, &Empty {})
        .await
        .unwrap_err();
    assert_eq!(problem.code, "project.unknown");
}

#[tokio::test]
async fn who_is_asked_in_a_chat_reads_the_summary_that_the_page_shows() {
    let taken = Arc::new(Mutex::new(Vec::<Value>::new()));
    let kept = taken.clone();
    let take = axum::routing::post(move |body: axum::body::Bytes| async move {
        kept.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
        axum::Json(json!({"ok": true, "ts": "1.2"}))
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let slack = axum::Router::new().route("/chat.postMessage", take);
    tokio::spawn(async move { axum::serve(listener, slack).await });
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, "xoxb").unwrap();
    let token = format!("file:{}", token.display());
    let mut settings = Settings::default();
    settings.file.channels = serde_json::from_value(json!([{
        "name": "chat",
        "allow": ["127.0.0.1"],
        "slack": {"conversation": "C01", "token": token, "api": api},
    }]))
    .unwrap();
    let (app, admin, reader, _) = App::start_with(settings).await;
    admin.apply(PIPELINE).await.unwrap();
    let body = ApplyRequest {
        file_name: "notifications.yaml".into(),
        text: RULES
            .replace("promotion_requested", "approval_asked")
            .replace("{channel: audit}, {channel: nowhere}", "{channel: chat}"),
        written: None,
    };
    admin
        .ask::<ApplyNotifications>(&Empty {}, &Empty {}, &body)
        .await
        .unwrap();
    let mut news = app.hub.watch();
    admin.register("1.0.0").await.unwrap();
    let query = EvidenceQuery::default();
    admin
        .evidence("payment-service@1.0.0", &query, &junit(3, 0))
        .await
        .unwrap();
    let is_sent =
        |events: &[gateline_model::Recorded]| events.iter().any(|one| one.event.name() == "letter_sent");
    while !is_sent(&news.recv().await.unwrap()) {}
    let summary = reader
        .ask::<GetSummary>(&PromotionPath::from(&id("production/1")), &Empty {}, &Empty {})
        .await
        .unwrap();
    let recommended = summary.summary.recommendation();
    let message = taken.lock().unwrap()[0].to_string();
    assert!(message.contains(&format!("do: {recommended}")), "{message}");
    assert!(message.contains("Why it is there"), "{message}");
}
