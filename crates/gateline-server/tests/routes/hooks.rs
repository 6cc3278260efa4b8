//! Answers that come in from channels: each forged, late, repeated, foreign or stale one is refused with its own reason.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use gateline_api::PromotionState;
use gateline_drivers::letter::{code_of, sha256_mac, slack_signature};
use gateline_server::Settings;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{App, Client, PIPELINE, body_of, id, junit};

const SLACK_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const GITHUB_SECRET: &str = "it's a secret to everybody";

/// A server with a channel of each kind, whose people are ana and bo, and the questions of a release before production.
struct Asked {
    app: App,
    client: Client,
    question: gateline_model::Digest,
    _secrets: tempfile::TempDir,
}

async fn asked() -> Asked {
    let secrets = tempfile::tempdir().unwrap();
    let kept = |name: &str, secret: &str| {
        let path = secrets.path().join(name);
        std::fs::write(&path, secret).unwrap();
        format!("file:{}", path.display())
    };
    let channels = json!([
        {
            "name": "chat",
            "projects": ["payments"],
            "slack": {"conversation": "C01", "token": kept("token", "xoxb"), "signing_secret": kept("slack", SLACK_SECRET), "api": "https://127.0.0.1:1"},
        },
        {
            "name": "code",
            "projects": ["payments"],
            "github": {"repository": "acme/payments", "token": kept("token", "ghp"), "webhook_secret": kept("github", GITHUB_SECRET), "api": "https://127.0.0.1:1"},
        },
    ]);
    let people = json!([
        {"actor": "ana", "slack": "T01/U01", "github": 1001},
        {"actor": "stranger", "slack": "T01/U09", "github": 1009},
    ]);
    let mut settings = Settings::default();
    settings.file.channels = serde_json::from_value(channels).unwrap();
    settings.file.people = serde_json::from_value(people).unwrap();
    let (app, admin, reader, client) = App::start_with(settings).await;
    // Ana is in the team that is asked, as her token says; she shows it to nobody here.
    app.actor("ana", &[gateline_model::Scope::Approve], &["tech-lead"], None)
        .await;
    admin.apply(PIPELINE).await.unwrap();
    admin.register("1.0.0").await.unwrap();
    let query = gateline_api::EvidenceQuery::default();
    admin
        .evidence("payment-service@1.0.0", &query, &junit(3, 0))
        .await
        .unwrap();
    app.until(&reader, &id("dev/1"), PromotionState::Verified).await;
    let view = reader.promotion(&id("production/1")).await.unwrap();
    Asked {
        question: view.decision.unwrap().question,
        app,
        client,
        _secrets: secrets,
    }
}

/// What came back: the status, and the code of what it says.
async fn sent(client: &Client, request: Request<Body>) -> (StatusCode, String) {
    let response = client.send_request(request).await;
    let status = response.status();
    let body: Value = serde_json::from_slice(&body_of(response).await).unwrap();
    let code = body["code"].as_str().or(body["refused"]["code"].as_str());
    (status, code.unwrap_or_default().to_owned())
}

fn press(user: &str, promotion: &str, question: &str) -> Vec<u8> {
    let value = json!({"promotion": promotion, "question": question}).to_string();
    let payload = json!({
        "type": "block_actions",
        "team": {"id": "T01", "domain": "acme"},
        "user": {"id": user, "username": "ana", "name": "ana", "team_id": "T01"},
        "actions": [{"type": "button", "action_id": "gateline_approve", "value": value}],
    });
    form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &payload.to_string())
        .finish()
        .into_bytes()
}

fn signed_by_slack(body: &[u8], secret: &str, secs_ago: i64) -> Request<Body> {
    let timestamp = (Timestamp::now().as_second() - secs_ago).to_string();
    Request::post("/hooks/slack")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-slack-request-timestamp", &timestamp)
        .header("x-slack-signature", slack_signature(secret, &timestamp, body))
        .body(Body::from(body.to_vec()))
        .unwrap()
}

const PRODUCTION: &str = "payments/payment-service/production/1";

#[tokio::test]
async fn what_slack_sends_is_believed_only_with_a_fresh_signature_over_it() {
    let Asked {
        app,
        client,
        question,
        _secrets,
    } = asked().await;
    let body = press("U01", PRODUCTION, &question.to_string());
    let old = gateline_server::HOOK_SECS_MAX + 5;
    for (request, code) in [
        (signed_by_slack(&body, "another secret", 0), "hook.signature"),
        (signed_by_slack(&body, SLACK_SECRET, old), "hook.old"),
        (signed_by_slack(&body, SLACK_SECRET, -old), "hook.old"),
        (
            Request::post("/hooks/slack")
                .body(Body::from(body.clone()))
                .unwrap(),
            "hook.signature",
        ),
    ] {
        let (status, found) = sent(&client, request).await;
        assert_eq!((status, found.as_str()), (StatusCode::UNAUTHORIZED, code));
    }
    // One byte more than was signed.
    let mut request = signed_by_slack(&body, SLACK_SECRET, 0);
    *request.body_mut() = Body::from([body, b"&".to_vec()].concat());
    assert_eq!(sent(&client, request).await.1, "hook.signature");
    let open = app
        .hub
        .with_world(|world| world.promotion(&id("production/1")).unwrap().approvals.len());
    assert_eq!(open, 0, "nobody approved");
}

#[tokio::test]
async fn a_button_is_pressed_by_whom_it_may_be_and_counts_once() {
    let Asked {
        app,
        client,
        question,
        _secrets,
    } = asked().await;
    let question = question.to_string();
    let stale = gateline_model::Digest::of(b"yesterday").to_string();
    let before = [
        (press("U77", PRODUCTION, &question), 403, "hook.person"),
        (press("U09", PRODUCTION, &question), 200, "approval.not_asked_you"),
        (press("U01", PRODUCTION, &stale), 200, "approval.stale"),
        (press("U01", "store/shop/live/1", &question), 403, "hook.project"),
        (
            press("U01", "payments/payment-service/production/99", &question),
            200,
            "promotion.unknown",
        ),
    ];
    for (body, status, code) in before {
        let found = sent(&client, signed_by_slack(&body, SLACK_SECRET, 0)).await;
        assert_eq!((found.0.as_u16(), found.1.as_str()), (status, code));
    }
    let body = press("U01", PRODUCTION, &question);
    let timestamp = Timestamp::now().as_second().to_string();
    let request = || {
        Request::post("/hooks/slack")
            .header("x-slack-request-timestamp", &timestamp)
            .header(
                "x-slack-signature",
                slack_signature(SLACK_SECRET, &timestamp, &body),
            )
            .body(Body::from(body.clone()))
            .unwrap()
    };
    assert_eq!(sent(&client, request()).await, (StatusCode::OK, String::new()));
    assert_eq!(
        sent(&client, request()).await,
        (StatusCode::OK, "hook.replayed".to_owned())
    );
    let log = app.hub.read(|store| store.read(0, 1_000)).await.unwrap();
    let given: Vec<_> = log
        .iter()
        .filter(|one| one.event.name() == "approval_given")
        .collect();
    assert_eq!((given.len(), given[0].actor.as_str()), (1, "ana"));
}

#[tokio::test]
async fn a_no_from_slack_needs_a_reason_and_says_so_beside_the_field() {
    let Asked {
        app,
        client,
        question,
        _secrets,
    } = asked().await;
    let form = |reason: &str| {
        let shown = json!({"promotion": PRODUCTION, "question": question}).to_string();
        let payload = json!({
            "type": "view_submission",
            "team": {"id": "T01"},
            "user": {"id": "U01"},
            "view": {
                "callback_id": "gateline_reason",
                "private_metadata": shown,
                "state": {"values": {"reason": {"reason": {"type": "plain_text_input", "value": reason}}}},
            },
        });
        form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", &payload.to_string())
            .finish()
            .into_bytes()
    };
    let found = sent(&client, signed_by_slack(&form(" "), SLACK_SECRET, 0)).await;
    assert_eq!(found.1, "reason.missing");
    let found = sent(
        &client,
        signed_by_slack(&form("not on a Friday"), SLACK_SECRET, 0),
    )
    .await;
    assert_eq!(found, (StatusCode::OK, String::new()));
    let refused = app
        .hub
        .with_world(|world| world.promotion(&id("production/1")).unwrap().refusals.len());
    assert_eq!(refused, 1);
}

fn comment(number: u64, user: u64, line: &str, secs_ago: i64, action: &str, repository: &str) -> Vec<u8> {
    let created = Timestamp::from_second(Timestamp::now().as_second() - secs_ago).unwrap();
    json!({
        "action": action,
        "repository": {"id": 1, "full_name": repository},
        "issue": {"number": 5},
        "comment": {"id": number, "body": line, "created_at": created, "user": {"id": user, "login": "ana"}},
        "sender": {"id": user, "login": "ana"},
    })
    .to_string()
    .into_bytes()
}

fn signed_by_github(body: &[u8], secret: &str) -> Request<Body> {
    let mac = sha256_mac(secret.as_bytes(), &[body]);
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    Request::post("/hooks/github")
        .header("x-github-event", "issue_comment")
        .header("x-hub-signature-256", format!("sha256={hex}"))
        .body(Body::from(body.to_vec()))
        .unwrap()
}

#[tokio::test]
async fn a_comment_on_github_answers_for_its_author_by_number_and_once() {
    let Asked {
        app,
        client,
        question,
        _secrets,
    } = asked().await;
    let line = |code: &str| format!("/approve {PRODUCTION} {code}");
    let code = code_of(&question);
    let made = |number, user, line: &str, ago| comment(number, user, line, ago, "created", "acme/payments");
    let foreign = comment(1, 1001, &line(&code), 0, "created", "evil/payments");
    let forged = made(1, 1001, &line(&code), 0);
    for (body, secret, status, wanted) in [
        (&forged, "guessed", 401, "hook.signature"),
        (&foreign, GITHUB_SECRET, 401, "hook.signature"),
        (&made(2, 7, &line(&code), 0), GITHUB_SECRET, 403, "hook.person"),
        (
            &made(3, 1009, &line(&code), 0),
            GITHUB_SECRET,
            403,
            "approval.not_asked_you",
        ),
        (
            &made(4, 1001, &line("0123456789abcdef"), 0),
            GITHUB_SECRET,
            409,
            "hook.stale",
        ),
        (
            &made(5, 1001, &line(&code), 7_200),
            GITHUB_SECRET,
            401,
            "hook.old",
        ),
        (
            &made(6, 1001, "/approve store/shop/live/1 abcd", 0),
            GITHUB_SECRET,
            403,
            "hook.project",
        ),
        (&made(7, 1001, "looks good", 0), GITHUB_SECRET, 200, ""),
        (
            &comment(8, 1001, &line(&code), 0, "edited", "acme/payments"),
            GITHUB_SECRET,
            200,
            "",
        ),
    ] {
        let found = sent(&client, signed_by_github(body, secret)).await;
        assert_eq!((found.0.as_u16(), found.1.as_str()), (status, wanted));
    }
    let given = || {
        app.hub.with_world(|world| {
            world
                .promotion(&id("production/1"))
                .map_or(0, |one| one.approvals.len())
        })
    };
    assert_eq!(given(), 0, "nobody approved");
    let body = made(9, 1001, &line(&code), 0);
    assert_eq!(
        sent(&client, signed_by_github(&body, GITHUB_SECRET)).await,
        (StatusCode::OK, String::new())
    );
    let again = sent(&client, signed_by_github(&body, GITHUB_SECRET)).await;
    assert_eq!(again, (StatusCode::CONFLICT, "hook.replayed".to_owned()));
}

#[tokio::test]
async fn a_body_without_end_and_a_server_without_channels_are_refused() {
    let (_app, _, _, client) = App::start().await;
    let request = Request::post("/hooks/slack").body(Body::from("x")).unwrap();
    assert_eq!(
        sent(&client, request).await,
        (StatusCode::NOT_FOUND, "hook.undeclared".to_owned())
    );
    let huge = vec![b'x'; gateline_server::HOOK_BYTES_MAX + 1];
    for path in ["/hooks/slack", "/hooks/github"] {
        let request = Request::post(path).body(Body::from(huge.clone())).unwrap();
        let found = sent(&client, request).await;
        assert_eq!(
            found,
            (StatusCode::PAYLOAD_TOO_LARGE, "request.body_too_large".to_owned())
        );
    }
}
