use axum::http::{Method, StatusCode};
use gateline_api::{
    Empty, EraseRequest, EraseText, EvidenceQuery, GrantWaiver, LiftWaiver, ListWaivers, Problem,
    PromotionState, PromotionView, ReasonRequest, ReleaseView, WaiverPath, WaiverQuery, WaiverRequest,
    WaiverView,
};
use gateline_model::{Facts, Found, Scope, Span};
use jiff::Timestamp;

use crate::pages::{get, post, text};
use crate::support::{App, Client, body_of, id, problem_of, sarif};

/// The findings gate in front of an approval: a waived finding leaves the promotion open.
const FINDINGS_PIPELINE: &str = "apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: payment-service, project: payments}
spec:
  artifacts: [{name: service, kind: file}]
  stages:
    - name: dev
      target: {command: {apply: [/bin/true], health: [/bin/true]}}
      gates:
        - findings: {high: 0}
          because: What was found once is found again, by somebody else.
      approval:
        - layers: [{from: tech-lead}]
";

/// A release that is refused for one finding of high severity.
async fn refused() -> (App, Client, ReleaseView, String) {
    let (app, admin, _, release) = App::with_release(FINDINGS_PIPELINE).await;
    let finding = scan(&admin, "1.0.0").await;
    until(&app, &admin, "dev/1", |view| {
        view.state == PromotionState::Refused
    })
    .await;
    (app, admin, release, finding)
}

/// Reports the finding, and gives its identity.
async fn scan(admin: &Client, version: &str) -> String {
    let evidence = admin
        .evidence(
            &format!("payment-service@{version}"),
            &EvidenceQuery::default(),
            &sarif("error"),
        )
        .await
        .unwrap();
    match evidence.found {
        Found::Facts {
            facts: Facts::Findings(facts),
        } => facts.findings[0].identity.clone(),
        other => panic!("{other:?} are no findings"),
    }
}

/// Waits, event by event, until an open promotion is like this.
async fn until(
    app: &App,
    client: &Client,
    promotion: &str,
    like: impl Fn(&PromotionView) -> bool,
) -> PromotionView {
    let mut news = app.hub.watch();
    loop {
        match client.promotion(&id(promotion)).await {
            Ok(view) if like(&view) => return view,
            Ok(_) | Err(_) => news.recv().await.unwrap(),
        };
    }
}

fn request(release: &ReleaseView, finding: &str) -> WaiverRequest {
    WaiverRequest {
        release: release.id,
        finding: finding.to_owned(),
        stage: None,
        until: in_secs(86_400),
        ticket: Some("PAY-77".into()),
        reason: "The query takes no text from outside.".into(),
    }
}

fn in_secs(secs: i64) -> Timestamp {
    Span::from_secs(secs).after(Timestamp::now())
}

async fn grant(client: &Client, request: &WaiverRequest) -> Result<WaiverView, Problem> {
    client.ask::<GrantWaiver>(&Empty {}, &Empty {}, request).await
}

async fn list(client: &Client, query: &WaiverQuery) -> Vec<WaiverView> {
    client
        .ask::<ListWaivers>(&Empty {}, query, &Empty {})
        .await
        .unwrap()
}

async fn lift(client: &Client, waiver: &WaiverView, reason: &str) -> Result<Vec<WaiverView>, Problem> {
    let path = WaiverPath {
        project: waiver.project.clone(),
        waiver: waiver.id,
    };
    let why = ReasonRequest {
        reason: reason.into(),
    };
    client.ask::<LiftWaiver>(&path, &Empty {}, &why).await
}

#[tokio::test]
async fn a_waiver_lets_a_release_pass_until_it_is_lifted_and_the_decision_names_it() {
    let (app, admin, release, finding) = refused().await;
    let granted = grant(&admin, &request(&release, &finding)).await.unwrap();
    assert_eq!(
        granted.reason.as_deref(),
        Some("The query takes no text from outside.")
    );
    assert_eq!(
        (granted.waiver.place.as_str(), granted.waiver.rule.as_deref()),
        ("src/pay.py:88", Some("S608"))
    );
    assert_eq!(
        list(&admin, &WaiverQuery::default()).await,
        std::slice::from_ref(&granted)
    );

    let held = until(&app, &admin, "dev/1", |view| view.state == PromotionState::Held).await;
    let verdict = &held.decision.unwrap().verdicts[0];
    assert_eq!(verdict.waivers, [granted.id]);
    assert_eq!(verdict.until, Some(granted.waiver.until));
    assert!(verdict.says.contains("1 waived"), "{}", verdict.says);

    assert_eq!(lift(&admin, &granted, "It does take text.").await.unwrap(), []);
    let again = until(&app, &admin, "dev/1", |view| {
        view.state == PromotionState::Refused
    })
    .await;
    assert_eq!(again.decision.unwrap().verdicts[0].waivers, []);
    let problem = lift(&admin, &granted, "Twice.").await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (404, "waiver.unknown"));
}

#[tokio::test]
async fn a_waiver_whose_reason_was_erased_says_when_and_by_whom() {
    let (_app, admin, release, finding) = refused().await;
    let granted = grant(&admin, &request(&release, &finding)).await.unwrap();
    let ask = EraseRequest {
        containing: granted.reason,
        reason: "request 4711".into(),
        ..EraseRequest::default()
    };
    let reply = admin.ask::<EraseText>(&Empty {}, &Empty {}, &ask).await.unwrap();
    assert_eq!(reply.erased.len(), 1);
    let listed = list(&admin, &WaiverQuery::default()).await.remove(0);
    assert_eq!(listed.reason, None);
    let erased = listed.erased.unwrap();
    assert_eq!((vec![erased.number], erased.by.as_str()), (reply.erased, "admin"));
    let page = text(get(&admin, "/waivers").await).await;
    assert!(
        page.contains("the reason was erased on") && page.contains(" by <b>admin</b>"),
        "{page}"
    );
}

#[tokio::test]
async fn a_waiver_ends_by_itself_and_the_release_is_refused_again() {
    let (app, admin, release, finding) = refused().await;
    let short = WaiverRequest {
        until: in_secs(2),
        ..request(&release, &finding)
    };
    grant(&admin, &short).await.unwrap();
    until(&app, &admin, "dev/1", |view| view.state == PromotionState::Held).await;
    until(&app, &admin, "dev/1", |view| {
        view.state == PromotionState::Refused
    })
    .await;
    assert_eq!(list(&admin, &WaiverQuery::default()).await, []);
}

#[tokio::test]
async fn the_list_is_of_what_was_asked_for_and_ends_first_in_front() {
    let (_app, admin, release, finding) = refused().await;
    let later = grant(&admin, &request(&release, &finding)).await.unwrap();
    let sooner = WaiverRequest {
        stage: Some("dev".parse().unwrap()),
        until: in_secs(3_600),
        ..request(&release, &finding)
    };
    let sooner = grant(&admin, &sooner).await.unwrap();
    let of = |project: &str, pipeline: &str| WaiverQuery {
        project: Some(project.parse().unwrap()),
        pipeline: Some(pipeline.parse().unwrap()),
    };
    let all = [sooner, later];
    assert_eq!(list(&admin, &WaiverQuery::default()).await, all);
    assert_eq!(list(&admin, &of("payments", "payment-service")).await, all);
    assert_eq!(list(&admin, &of("payments", "ledger")).await, []);
    assert_eq!(list(&admin, &of("ledgers", "payment-service")).await, []);
}

#[tokio::test]
async fn only_who_may_waive_grants_and_lifts() {
    let (app, admin, release, finding) = refused().await;
    let granted = grant(&admin, &request(&release, &finding)).await.unwrap();
    for (number, scope) in [Scope::Read, Scope::Override, Scope::Approve, Scope::Promote]
        .into_iter()
        .enumerate()
    {
        let client = app.actor(&format!("only-{number}"), &[scope], &[], None).await;
        let problem = grant(&client, &request(&release, &finding)).await.unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (403, "auth.forbidden"));
        let problem = lift(&client, &granted, "No.").await.unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (403, "auth.forbidden"));
    }
    let cy = app.actor("cy", &[Scope::Waive], &[], None).await;
    let own = WaiverRequest {
        until: in_secs(7_200),
        ..request(&release, &finding)
    };
    let own = grant(&cy, &own).await.unwrap();
    assert_eq!(own.waiver.by.to_string(), "cy");
    assert_eq!(
        lift(&cy, &granted, "Mended.").await.unwrap(),
        [own],
        "what is left is told"
    );
}

#[tokio::test]
async fn what_cannot_be_waived_is_refused_by_name_and_records_nothing() {
    let (app, admin, release, finding) = refused().await;
    let size = app.hub.with_world(|world| world.next());
    let good = || request(&release, &finding);
    let with = |change: fn(&mut WaiverRequest)| {
        let mut request = good();
        change(&mut request);
        request
    };
    for (request, status, code) in [
        (
            with(|it| it.finding = "0000000000000000".into()),
            404,
            "finding.unknown",
        ),
        (with(|it| it.finding = String::new()), 404, "finding.unknown"),
        (
            with(|it| it.stage = Some("nowhere".parse().unwrap())),
            404,
            "stage.unknown",
        ),
        (
            with(|it| {
                it.release = gateline_model::Digest::of(b"nothing")
                    .to_string()
                    .parse()
                    .unwrap()
            }),
            404,
            "release.unknown",
        ),
        (
            with(|it| it.until = "2020-01-01T00:00:00Z".parse().unwrap()),
            422,
            "waiver.until",
        ),
        (
            with(|it| it.until = "2999-01-01T00:00:00Z".parse().unwrap()),
            422,
            "waiver.until",
        ),
        (with(|it| it.ticket = Some(" ".into())), 422, "waiver.ticket"),
        (
            with(|it| it.ticket = Some("x".repeat(100_000))),
            422,
            "waiver.ticket",
        ),
        (with(|it| it.reason = " ".into()), 422, "reason.missing"),
        (with(|it| it.reason = "x".repeat(100_000)), 422, "reason.too_long"),
    ] {
        let problem = grant(&admin, &request).await.unwrap_err();
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (status, code),
            "{problem:?}"
        );
    }
    for body in ["", "{", "[]", "{\"finding\": 7}", "{\"until\": \"soon\"}"] {
        let response = admin
            .send(Method::POST, "/api/v1/waivers", "application/json", body.into())
            .await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(problem_of(response).await.code, "request.body", "{body}");
    }
    let path = "/api/v1/waivers/payments/not-a-digest/lift";
    let response = admin
        .send(
            Method::POST,
            path,
            "application/json",
            b"{\"reason\": \"no\"}".to_vec(),
        )
        .await;
    assert_eq!(problem_of(response).await.code, "request.path");
    assert_eq!(app.hub.with_world(|world| world.next()), size);
}

#[tokio::test]
async fn the_same_waiver_twice_is_one_with_its_last_reason() {
    let (_app, admin, release, finding) = refused().await;
    let first = grant(&admin, &request(&release, &finding)).await.unwrap();
    let again = WaiverRequest {
        until: first.waiver.until,
        reason: "Another reason.".into(),
        ticket: None,
        ..request(&release, &finding)
    };
    let second = grant(&admin, &again).await.unwrap();
    assert_eq!(second.id, first.id);
    assert_eq!(
        (second.reason.as_deref(), &second.waiver.ticket),
        (Some("Another reason."), &None)
    );
    assert_eq!(list(&admin, &WaiverQuery::default()).await.len(), 1);

    // With a key, the repeated request gets its first answer; another body under it is refused.
    let keyed = admin.with_key("waive-1");
    let other = WaiverRequest {
        until: in_secs(7_200),
        ..request(&release, &finding)
    };
    let granted = grant(&keyed, &other).await.unwrap();
    assert_eq!(grant(&keyed, &other).await.unwrap(), granted);
    let changed = WaiverRequest {
        ticket: None,
        ..other
    };
    let problem = grant(&keyed, &changed).await.unwrap_err();
    assert_eq!(problem.status, 422, "{problem:?}");
    assert_eq!(list(&admin, &WaiverQuery::default()).await.len(), 2);
}

#[tokio::test]
async fn a_waiver_never_hides_a_worse_finding_and_a_worse_one_is_waived_anew() {
    let (app, admin, release, finding) = refused().await;
    let milder = sarif("warning");
    let first = request(&release, &finding);
    // The same finding, less grave, is what was accepted.
    admin
        .evidence("payment-service@1.0.0", &EvidenceQuery::default(), &milder)
        .await
        .unwrap();
    let granted = grant(&admin, &first).await.unwrap();
    assert_eq!(granted.waiver.severity.name(), "medium");
    until(&app, &admin, "dev/1", |view| view.state == PromotionState::Held).await;
    admin
        .evidence(
            "payment-service@1.0.0",
            &EvidenceQuery {
                name: Some("again".into()),
                ..EvidenceQuery::default()
            },
            &sarif("error"),
        )
        .await
        .unwrap();
    until(&app, &admin, "dev/1", |view| {
        view.state == PromotionState::Refused
    })
    .await;
    let anew = grant(&admin, &first).await.unwrap();
    assert_eq!((anew.id, anew.waiver.severity.name()), (granted.id, "high"));
    until(&app, &admin, "dev/1", |view| view.state == PromotionState::Held).await;
    let log = admin.get("/api/v1/log?event=waiver_granted").await;
    assert_eq!(
        String::from_utf8(body_of(log).await)
            .unwrap()
            .matches("waiver_granted")
            .count(),
        2
    );
}

/// The page of the newest evidence of 1.0.0.
async fn evidence_page(admin: &Client) -> String {
    let release = admin
        .ask::<gateline_api::GetRelease>(
            &gateline_api::ReleasePath {
                release: "payment-service@1.0.0".parse().unwrap(),
            },
            &Empty {},
            &Empty {},
        )
        .await
        .unwrap();
    let id = release.evidence.last().unwrap().id;
    format!("/releases/payments/payment-service/1.0.0/evidence/{id}")
}

/// The token of a session's forms.
pub fn form_of(client: &Client) -> String {
    gateline_model::Digest::of(format!("{} csrf", client.token()).as_bytes()).hex()
}

#[tokio::test]
async fn a_finding_is_waived_from_its_page_and_the_waiver_lifted_from_the_list() {
    let (app, admin, _, finding) = refused().await;
    let path = evidence_page(&admin).await;
    let form = form_of(&admin);
    let promotion = text(get(&admin, "/promotions/payments/payment-service/dev/1").await).await;
    assert!(
        promotion.contains(&format!("{path}?waive={finding}&amp;stage=dev#act-waive")),
        "{promotion}"
    );
    let page = text(get(&admin, &format!("{path}?waive={finding}&stage=dev")).await).await;
    for said in [
        "id=\"act-waive\" open".to_owned(),
        format!("<option value=\"{finding}\" selected"),
        "<option value=\"dev\" selected".to_owned(),
    ] {
        assert!(page.contains(&said), "`{said}` in {page}");
    }

    // No time, and an unknown finding: the same page with what was written.
    let send = format!("/ui{path}/waive");
    for (finding, until, status, code) in [
        (finding.as_str(), "tomorrow", 422, "request.body"),
        (finding.as_str(), "2020-01-01T00:00", 422, "waiver.until"),
        ("0000000000000000", "2999-01-01T00:00", 404, "finding.unknown"),
    ] {
        let body =
            format!("csrf={form}&key={code}&finding={finding}&until={until}&ticket=PAY-77&reason=Known.");
        let response = post(&admin, &send, body).await;
        assert_eq!(response.status(), status, "{code}");
        let page = text(response).await;
        assert!(
            page.contains(code) && page.contains("Known.</textarea>"),
            "{page}"
        );
        assert!(page.contains("value=\"PAY-77\""), "{page}");
    }
    let until_field = in_secs(86_400).strftime("%Y-%m-%dT%H:%M").to_string();
    let body = format!(
        "csrf={form}&key=waive&finding={finding}&stage=dev&until={until_field}&ticket=PAY-77&reason=No+text+from+outside."
    );
    for _ in 0..2 {
        let response = post(&admin, &send, body.clone()).await;
        assert_eq!(response.headers()[axum::http::header::LOCATION], path.as_str());
    }
    let granted = list(&admin, &WaiverQuery::default()).await;
    let [waiver] = &granted[..] else {
        panic!("sent twice it is one: {granted:?}");
    };
    until(&app, &admin, "dev/1", |view| view.state == PromotionState::Held).await;
    let promotion = text(get(&admin, "/promotions/payments/payment-service/dev/1").await).await;
    for page in [&text(get(&admin, &path).await).await, &promotion] {
        assert!(
            page.contains("waived") && page.contains("No text from outside."),
            "{page}"
        );
    }

    let page = text(get(&admin, "/waivers").await).await;
    for said in [
        "S608",
        "src/pay.py:88",
        "PAY-77",
        "No text from outside.",
        "(in 23h",
    ] {
        assert!(page.contains(said), "`{said}` in {page}");
    }
    assert!(
        text(get(&admin, "/waivers?project=ledgers").await)
            .await
            .contains("No finding is waived here")
    );
    let body = format!(
        "csrf={form}&key=lift&project=payments&waiver={}&reason=",
        waiver.id
    );
    let response = post(&admin, "/ui/waivers/lift", body.clone()).await;
    assert_eq!(response.status(), 422);
    assert!(text(response).await.contains("reason.missing"));
    let response = post(&admin, "/ui/waivers/lift", body + "Mended.").await;
    assert_eq!(response.headers()[axum::http::header::LOCATION], "/waivers");
    assert_eq!(list(&admin, &WaiverQuery::default()).await, []);
    until(&app, &admin, "dev/1", |view| {
        view.state == PromotionState::Refused
    })
    .await;
}

#[tokio::test]
async fn who_may_not_waive_is_offered_no_form_and_refused_one() {
    let (app, admin, release, finding) = refused().await;
    let granted = grant(&admin, &request(&release, &finding)).await.unwrap();
    let path = evidence_page(&admin).await;
    let approver = app
        .actor("amy", &[Scope::Approve, Scope::Override], &["tech-lead"], None)
        .await;
    for page in [path.as_str(), "/waivers"] {
        let page = text(get(&approver, page).await).await;
        assert!(!page.contains("<form class=\"stack\""), "{page}");
        assert!(!page.contains("Waive</a>"), "{page}");
    }
    let form = form_of(&approver);
    for (send, more) in [
        (
            format!("/ui{path}/waive"),
            format!("finding={finding}&until=2999-01-01T00:00"),
        ),
        (
            "/ui/waivers/lift".to_owned(),
            format!("project=payments&waiver={}", granted.id),
        ),
    ] {
        let body = format!("csrf={form}&key=k&reason=no&{more}");
        let response = post(&approver, &send, body).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{send}");
    }
    assert_eq!(list(&admin, &WaiverQuery::default()).await, [granted]);
}

#[tokio::test]
async fn findings_of_the_last_releases_are_drawn_on_the_page_of_the_pipeline() {
    let (_app, admin, _, _) = refused().await;
    admin.register("1.1.0").await.unwrap();
    let clean = br#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "ruff"}}, "results": []}]}"#;
    let query = EvidenceQuery::default();
    admin
        .evidence("payment-service@1.1.0", &query, clean)
        .await
        .unwrap();
    // A tool that could not find out has no value.
    admin.register("1.2.0").await.unwrap();
    let whole = sarif("error");
    admin
        .evidence("payment-service@1.2.0", &query, &whole[..whole.len() - 9])
        .await
        .unwrap();
    let page = text(get(&admin, "/releases?project=payments&pipeline=payment-service").await).await;
    for said in [
        "Over the last 3 releases",
        "0 in 1.1.0, 1 in 1.0.0 before.",
        "No release reported it.",
    ] {
        assert!(page.contains(said), "`{said}` in {page}");
    }
    assert_eq!(page.matches("<svg").count(), 1);
    assert!(!text(get(&admin, "/releases").await).await.contains("<svg"));
}
