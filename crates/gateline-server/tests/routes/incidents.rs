use std::process::{Child, Command, Stdio};

use axum::http::{Method, StatusCode};
use gateline_api::{
    AlertsReply, CloseIncident, CloseRequest, Empty, GetIncident, GetStage, IncidentPath, IncidentQuery,
    IncidentRequest, IncidentView, LiftSuspect, LiftSuspectRequest, ListIncidents, OpenIncident, Problem,
    ProjectPath, PromotionState, StagePath, StageView,
};
use gateline_model::{Cause, Done, Event, INCIDENTS_OPEN_MAX, IncidentSource, Scope};
use serde_json::{Value, json};

use crate::pages::{get, post, text};
use crate::support::{App, Client, body_of, id, problem_of};
use crate::waivers::form_of;

/// A rollout that stands at its first step, in a stage that alerts of the service touch.
const SHOP_PIPELINE: &str = "apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: payment-service, project: payments}
spec:
  artifacts: [{name: service, kind: file}]
  stages:
    - name: dev
      target: {command: {apply: [/bin/true], health: [/bin/true]}}
      rollout: {tiers: {steps: [internal, everyone], pause: 24h}}
      incidents: {match: {service: payments}}
      gates:
        - incidents: {}
          because: While users suffer, nothing else changes.
";

/// One release is live and another rolls out.
pub async fn rolling() -> (App, Client) {
    let (app, admin, _, _) = App::with_release(SHOP_PIPELINE).await;
    app.until(&admin, &id("dev/1"), PromotionState::Verified).await;
    admin.register("1.1.0").await.unwrap();
    app.until(&admin, &id("dev/2"), PromotionState::RollingOut).await;
    (app, admin)
}

fn project() -> ProjectPath {
    ProjectPath {
        project: "payments".parse().unwrap(),
    }
}

fn path(number: u64) -> IncidentPath {
    IncidentPath {
        project: project().project,
        number,
    }
}

pub async fn open(client: &Client, stages: &[&str]) -> Result<IncidentView, Problem> {
    let request = IncidentRequest {
        name: "checkout is slow".into(),
        stages: stages.iter().map(|stage| stage.parse().unwrap()).collect(),
        labels: Default::default(),
        since: None,
        reason: "Users write to us.".into(),
    };
    client.ask::<OpenIncident>(&project(), &Empty {}, &request).await
}

pub async fn close(client: &Client, number: u64, cause: Cause) -> Result<IncidentView, Problem> {
    let request = CloseRequest {
        cause,
        reason: "The bank was slow.".into(),
    };
    client
        .ask::<CloseIncident>(&path(number), &Empty {}, &request)
        .await
}

async fn lift(client: &Client, number: u64, promotion: &str) -> Result<IncidentView, Problem> {
    let request = LiftSuspectRequest {
        promotion: id(promotion),
        reason: "It is the bank.".into(),
    };
    client
        .ask::<LiftSuspect>(&path(number), &Empty {}, &request)
        .await
}

async fn list(client: &Client, closed: bool) -> Vec<IncidentView> {
    let query = IncidentQuery {
        project: None,
        closed,
    };
    client
        .ask::<ListIncidents>(&Empty {}, &query, &Empty {})
        .await
        .unwrap()
}

async fn stage(client: &Client) -> StageView {
    let of = StagePath::from(&id("dev/1").stage);
    client.ask::<GetStage>(&of, &Empty {}, &Empty {}).await.unwrap()
}

const DEV: &str = "payments/payment-service/dev";

#[tokio::test]
async fn an_incident_stops_what_rolls_out_until_a_person_lifts_it() {
    let (app, admin) = rolling().await;
    let opened = open(&admin, &[DEV]).await.unwrap();
    assert_eq!(opened.incident.number, 1);
    assert_eq!(opened.reason.as_deref(), Some("Users write to us."));
    let [first, ..] = &opened.incident.suspects[..] else {
        panic!("nobody is suspected: {opened:?}");
    };
    assert_eq!((first.promotion.clone(), first.done), (id("dev/2"), Done::Paused));
    let paused = admin.promotion(&id("dev/2")).await.unwrap();
    assert_eq!(paused.state, PromotionState::Paused);
    assert!(paused.suspected[0].open && !paused.suspected[0].lifted);
    assert_eq!(stage(&admin).await.incidents[0].name, "checkout is slow");
    // Nothing else comes in meanwhile.
    admin.register("1.2.0").await.unwrap();
    let held = admin.promotion(&id("dev/3")).await.unwrap();
    let gate = held.decision.unwrap();
    let gate = gate
        .verdicts
        .iter()
        .find(|gate| gate.kind == "incidents")
        .unwrap();
    assert_eq!(gate.code, "incidents.open");

    let lifted = lift(&admin, 1, "dev/2").await.unwrap();
    assert_eq!(lifted.lifted, [id("dev/2")]);
    app.until(&admin, &id("dev/2"), PromotionState::RollingOut).await;
    let closed = close(&admin, 1, Cause::NoChange).await.unwrap();
    assert_eq!(
        (closed.cause, closed.ended.as_deref()),
        (Cause::NoChange, Some("The bank was slow."))
    );
    assert!(list(&admin, false).await.is_empty());
    assert_eq!(list(&admin, true).await.len(), 1);
    let problem = close(&admin, 1, Cause::NoChange).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (409, "incident.closed"));
}

#[tokio::test]
async fn what_there_is_not_is_not_lifted_closed_or_blamed() {
    let (_app, admin) = rolling().await;
    let unknown = admin
        .ask::<GetIncident>(&path(7), &Empty {}, &Empty {})
        .await
        .unwrap_err();
    assert_eq!((unknown.status, unknown.code.as_str()), (404, "incident.unknown"));
    assert_eq!(close(&admin, 7, Cause::NoChange).await.unwrap_err().status, 404);
    let problem = open(&admin, &["payments/payment-service/moon"])
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (404, "stage.unknown"));
    // An incident that touches nothing is one all the same.
    let nowhere = open(&admin, &[]).await.unwrap();
    assert!(nowhere.incident.suspects.is_empty() && nowhere.incident.stages.is_empty());
    let cause = Cause::Change {
        promotion: id("dev/2"),
    };
    let problem = close(&admin, 1, cause).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (422, "incident.cause"));
    let problem = lift(&admin, 1, "dev/2").await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (404, "incident.suspect"));
}

#[tokio::test]
async fn opening_and_lifting_are_rights_of_their_own() {
    let (app, _admin) = rolling().await;
    let reporter = app.actor("alertmanager", &[Scope::Incident], &[], None).await;
    let promoter = app.actor("promoter", &[Scope::Promote], &[], None).await;
    assert_eq!(open(&promoter, &[DEV]).await.unwrap_err().status, 403);
    assert_eq!(open(&reporter, &[DEV]).await.unwrap().incident.number, 1);
    assert_eq!(lift(&reporter, 1, "dev/2").await.unwrap_err().status, 403);
    assert!(lift(&promoter, 1, "dev/2").await.is_ok());
    assert_eq!(
        close(&promoter, 1, Cause::NoChange).await.unwrap_err().status,
        403
    );
    assert!(close(&reporter, 1, Cause::NoChange).await.is_ok());
}

/// A delivery of one alert, as Alertmanager writes it, with fields that nobody reads here.
fn delivery(status: &str, labels: Value, fingerprint: &str) -> Value {
    json!({
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": status, "receiver": "gateline",
        "groupLabels": {}, "commonLabels": labels, "commonAnnotations": {}, "externalURL": "http://am:9093",
        "notification_reason": "first notification",
        "alerts": [{
            "status": status, "labels": labels, "annotations": {"summary": "95th percentile is 3 s"},
            "startsAt": "2026-01-05T08:00:00.123Z", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus:9090/graph", "fingerprint": fingerprint,
        }],
    })
}

async fn deliver(client: &Client, body: &Value) -> Result<AlertsReply, Problem> {
    let path = "/api/v1/projects/payments/alerts";
    let body = serde_json::to_vec(body).unwrap();
    let response = client.send(Method::POST, path, "application/json", body).await;
    match response.status() {
        StatusCode::OK => Ok(serde_json::from_slice(&body_of(response).await).unwrap()),
        _ => Err(problem_of(response).await),
    }
}

#[tokio::test]
async fn the_same_alert_is_one_incident_however_often_it_is_delivered() {
    let (_app, admin) = rolling().await;
    let labels = json!({"alertname": "SlowCheckout", "service": "payments", "pod": "a"});
    let firing = delivery("firing", labels.clone(), "f1");
    assert_eq!(deliver(&admin, &firing).await.unwrap().opened, [1]);
    for _ in 0..3 {
        let again = deliver(&admin, &firing).await.unwrap();
        assert_eq!(
            (again.opened.len(), again.closed.len(), again.unchanged),
            (0, 0, 1)
        );
    }
    let view = &list(&admin, false).await[0];
    assert_eq!(view.incident.name, "SlowCheckout");
    assert_eq!(view.reason.as_deref(), Some("95th percentile is 3 s"));
    // Labels that no stage matches, also strange ones, touch nothing.
    let other = json!({"alertname": "Moon", "service": "<script>", "\u{202e}": "x"});
    let passed_over = deliver(&admin, &delivery("firing", other, "f2")).await.unwrap();
    assert_eq!((passed_over.opened.len(), passed_over.unchanged), (0, 1));
    // A person closes it while it goes on firing: it does not come back until it was resolved.
    close(&admin, 1, Cause::NoChange).await.unwrap();
    assert!(deliver(&admin, &firing).await.unwrap().opened.is_empty());
    let mut later = firing.clone();
    later["alerts"][0]["startsAt"] = json!("2026-01-05T08:30:00Z");
    assert_eq!(deliver(&admin, &later).await.unwrap().opened, [2]);
    let mut resolved = delivery("resolved", labels.clone(), "f1");
    // The end of the earlier firing, delivered late, does not end this one.
    resolved["alerts"][0]["endsAt"] = json!("2026-01-05T08:20:00Z");
    assert!(deliver(&admin, &resolved).await.unwrap().closed.is_empty());
    resolved["alerts"][0]["endsAt"] = json!("2026-01-05T08:40:00Z");
    assert_eq!(deliver(&admin, &resolved).await.unwrap().closed, [2]);
    assert_eq!(deliver(&admin, &resolved).await.unwrap().closed.len(), 0);
    // A sender that knows no end gives the beginning of the calendar: it is over all the same.
    later["alerts"][0]["startsAt"] = json!("2026-01-05T09:00:00Z");
    assert_eq!(deliver(&admin, &later).await.unwrap().opened, [3]);
    let mut endless = delivery("resolved", labels, "f1");
    endless["alerts"][0]["startsAt"] = json!("2026-01-05T09:00:00Z");
    assert_eq!(deliver(&admin, &endless).await.unwrap().closed, [3]);
}

#[tokio::test]
async fn a_delivery_that_is_none_is_refused_with_its_reason() {
    let (_app, admin) = rolling().await;
    let labels = json!({"service": "payments"});
    let good = delivery("firing", labels.clone(), "f1");
    let with = |key: &str, value: Value| {
        let mut body = good.clone();
        body["alerts"][0][key] = value;
        body
    };
    let mut old = good.clone();
    old["version"] = json!("3");
    let many: Vec<Value> = vec![good["alerts"][0].clone(); 501];
    let mut too_many = good.clone();
    too_many["alerts"] = json!(many);
    for (body, status, code) in [
        (json!({}), 422, "request.body"),
        (json!({"version": "4"}), 422, "request.body"),
        (old, 422, "request.body"),
        (with("status", json!("smouldering")), 422, "request.body"),
        (with("startsAt", json!("yesterday")), 422, "request.body"),
        (with("labels", json!({"service": 7})), 422, "request.body"),
        (with("fingerprint", json!("f".repeat(129))), 422, "request.body"),
        (too_many, 422, "alerts.too_many"),
    ] {
        let problem = deliver(&admin, &body).await.unwrap_err();
        assert_eq!(problem.code, code, "{}", problem.detail);
        assert!((400..500).contains(&problem.status), "{status}");
    }
    assert!(list(&admin, true).await.is_empty());
    // Without a fingerprint, the labels are the alert. One that is too long to be kept keeps nothing out.
    let mut nameless = with("labels", json!({"service": "payments", "x": "y".repeat(2_000)}));
    nameless["alerts"][0]["fingerprint"] = json!("");
    assert_eq!(deliver(&admin, &nameless).await.unwrap().opened, [1]);
    assert!(deliver(&admin, &nameless).await.unwrap().opened.is_empty());
    assert_eq!(list(&admin, false).await[0].incident.labels.len(), 1);
}

/// A delivery of many alerts, each of its own.
fn many(range: std::ops::Range<usize>) -> Value {
    let labels = json!({"alertname": "Noise", "service": "payments"});
    let mut body = delivery("firing", labels.clone(), "x");
    let one = body["alerts"][0].clone();
    let alerts = range.map(|number| {
        let mut alert = one.clone();
        alert["fingerprint"] = json!(format!("n{number}"));
        alert
    });
    body["alerts"] = alerts.collect();
    body
}

#[tokio::test]
async fn an_alert_that_cannot_be_read_keeps_no_other_out() {
    let (_app, admin) = rolling().await;
    let mut body = many(0..3);
    body["alerts"][0]["labels"] = json!(5);
    body["alerts"][2]["status"] = json!("smouldering");
    let reply = deliver(&admin, &body).await.unwrap();
    assert_eq!(reply.opened, [1]);
    let refused: Vec<u32> = reply.refused.iter().map(|one| one.index).collect();
    assert_eq!(refused, [0, 2], "{reply:?}");
    assert!(reply.refused[1].why.contains("smouldering"), "{reply:?}");
}

#[tokio::test]
async fn what_there_is_no_room_for_comes_again_and_still_stops_what_rolls_out() {
    let (app, admin) = rolling().await;
    let full = INCIDENTS_OPEN_MAX;
    let opened = deliver(&admin, &many(0..full - 1)).await.unwrap().opened;
    assert_eq!(opened.len(), full - 1);
    // One finds room and two do not: whoever sent them sends them again.
    let problem = deliver(&admin, &many(full - 1..full + 2)).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (503, "alerts.full"));
    assert!(
        problem.detail.starts_with("2 of 3 alerts were not taken"),
        "{}",
        problem.detail
    );
    let problem = deliver(&admin, &many(full..full + 2)).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (503, "alerts.full"));
    assert_eq!(list(&admin, false).await.len(), full);
    // What was taken before, and what touches nothing, is no reason to come again.
    assert_eq!(deliver(&admin, &many(0..3)).await.unwrap().unchanged, 3);
    let page = text(get(&admin, "/incidents").await).await;
    assert!(page.contains("as there is room for"), "{page}");
    assert!(
        app.hub.metrics().contains("gateline_alerts_unheard_total 4"),
        "{}",
        app.hub.metrics()
    );

    // What rolls out is stopped all the same.
    app.until(&admin, &id("dev/2"), PromotionState::RollingOut).await;
    let mut critical = many(full + 7..full + 8);
    critical["alerts"][0]["startsAt"] = json!(jiff::Timestamp::now());
    assert_eq!(deliver(&admin, &critical).await.unwrap().opened.len(), 1);
    app.until(&admin, &id("dev/2"), PromotionState::Paused).await;
}

#[tokio::test]
async fn a_reason_that_nobody_can_read_is_none() {
    let (_app, admin) = rolling().await;
    for reason in ["\0", "it is\u{1b}[2J bad"] {
        let request = IncidentRequest {
            name: "checkout is slow".into(),
            stages: Vec::new(),
            labels: Default::default(),
            since: None,
            reason: reason.into(),
        };
        let problem = admin
            .ask::<OpenIncident>(&project(), &Empty {}, &request)
            .await
            .unwrap_err();
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (422, "reason.unreadable")
        );
    }
}

#[tokio::test]
async fn the_page_opens_lifts_and_closes_and_escapes_what_an_alert_says() {
    let (_app, admin) = rolling().await;
    let labels = json!({"alertname": "<b>Slow</b>", "service": "payments"});
    let mut firing = delivery("firing", labels, "f1");
    firing["alerts"][0]["startsAt"] = json!(jiff::Timestamp::now());
    deliver(&admin, &firing).await.unwrap();
    let page = text(get(&admin, "/incidents").await).await;
    assert!(
        page.contains("&lt;b&gt;Slow") && !page.contains("<b>Slow"),
        "{page}"
    );
    assert!(
        page.contains("had been rolling out") || page.contains("went live"),
        "{page}"
    );
    let stage = text(get(&admin, "/stages/payments/payment-service/dev").await).await;
    assert!(
        stage.contains("incident") && stage.contains("&lt;b&gt;Slow"),
        "{stage}"
    );
    let inbox = text(get(&admin, "/inbox").await).await;
    assert!(inbox.contains("/incidents"), "{inbox}");

    let form = form_of(&admin);
    let said = |key: &str, rest: &str| format!("csrf={form}&key={key}&project=payments&incident=1&{rest}");
    let promotion = "payments%2Fpayment-service%2Fdev%2F2";
    let lift = said("lift", &format!("promotion={promotion}&reason="));
    let response = post(&admin, "/ui/incidents/lift", lift.clone()).await;
    assert_eq!(
        response.status(),
        StatusCode::UNPROCESSABLE_ENTITY,
        "a reason is asked for"
    );
    let response = post(&admin, "/ui/incidents/lift", lift + "The+bank.").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let close = said("close", &format!("cause={promotion}&reason=Mended."));
    let response = post(&admin, "/ui/incidents/close", close).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let open = said(
        "open",
        "stage=payments%2Fpayment-service%2Fdev&name=Slow&reason=Users+write.",
    );
    let response = post(&admin, "/ui/incidents/open", open).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let page = text(get(&admin, "/incidents").await).await;
    assert!(
        page.contains("named as the cause") && page.contains("Users write."),
        "{page}"
    );
}

/// A real Alertmanager that delivers to this server.
struct Alertmanager {
    child: Child,
    url: String,
    _dir: tempfile::TempDir,
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Alertmanager {
    fn start(to: &str, token: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), token).unwrap();
        let settings = json!({
            "route": {"receiver": "gateline", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1s"},
            "receivers": [{"name": "gateline", "webhook_configs": [{
                "url": to, "send_resolved": true,
                "http_config": {"authorization": {"credentials_file": dir.path().join("token")}},
            }]}],
        });
        std::fs::write(dir.path().join("am.yml"), settings.to_string()).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let child = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", dir.path().join("am.yml").display()))
            .arg(format!("--storage.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--cluster.listen-address=", "--log.level=warn"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.path().join("log")).unwrap())
            .spawn()
            .expect("this test needs the real one: `apt-get install prometheus-alertmanager`");
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            _dir: dir,
        }
    }

    /// Tells it of an alert, as Prometheus does and as a person does with `amtool`.
    async fn alert(&self, more: &[&str]) {
        loop {
            let told = Command::new("amtool")
                .arg(format!("--alertmanager.url={}", self.url))
                .args([
                    "alert",
                    "add",
                    "SlowCheckout",
                    "service=payments",
                    "severity=page",
                ])
                .arg("--annotation=summary=checkout takes 3 s")
                .args(more)
                .output()
                .expect("`amtool` comes with it");
            if told.status.success() {
                return;
            }
            // It is not up yet.
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_real_alertmanager_opens_and_closes_an_incident() {
    let (app, admin) = rolling().await;
    let reporter = app.actor("alertmanager", &[Scope::Incident], &[], None).await;
    let address = app.listen().await;
    let to = format!("http://{address}/api/v1/projects/payments/alerts");
    let alertmanager = Alertmanager::start(&to, reporter.token());
    let mut news = app.hub.watch();
    alertmanager.alert(&[]).await;
    let opened = 'heard: loop {
        for recorded in news.recv().await.unwrap().iter() {
            if let Event::IncidentOpened { incident } = &recorded.event {
                break 'heard incident.clone();
            }
        }
    };
    assert_eq!(opened.name, "SlowCheckout");
    assert!(matches!(&opened.source, IncidentSource::Alert { fingerprint } if fingerprint.len() == 16));
    assert_eq!(opened.suspects[0].done, Done::Paused);
    let view = &list(&admin, false).await[0];
    assert_eq!(view.opened_by.as_ref().unwrap().as_str(), "alertmanager");
    assert_eq!(view.reason.as_deref(), Some("checkout takes 3 s"));
    // It is delivered again every second, and is one incident until it is resolved.
    let ends = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    let ends = ends.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    alertmanager.alert(&[&format!("--end={ends}")]).await;
    let closed = 'heard: loop {
        for recorded in news.recv().await.unwrap().iter() {
            match &recorded.event {
                Event::IncidentClosed { number, cause } => break 'heard (*number, cause.clone()),
                Event::IncidentOpened { .. } => panic!("the same alert opened a second incident"),
                _ => {}
            }
        }
    };
    assert_eq!(closed, (1, Cause::NotTold));
    // What it stopped stands until a person says how it goes on.
    let view = admin.promotion(&id("dev/2")).await.unwrap();
    assert_eq!(view.state, PromotionState::Paused);
}
