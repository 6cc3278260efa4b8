//! The inbox: what waits on whom, and the answers that are given in it.

use axum::http::{StatusCode, header};
use gateline_api::{
    Abort, Approve, ApproveRequest, BoardQuery, Empty, EvidenceQuery, GetBoard, GetInbox, GetInboxRollouts,
    InboxItem, InboxQuery, InboxRolloutsQuery, ListPromotions, Page, Pause, Promote, PromoteRequest,
    PromotionPath, PromotionQuery, PromotionState, ReasonRequest, Refuse, RefuseRequest, StandingRollout,
};
use gateline_model::{Cause, Digest, No, PauseReason, Scope};

use crate::incidents::{close, open, rolling};
use crate::pages::{get, post, text};
use crate::support::{App, Client, PIPELINE, id, junit};

async fn asked(pipeline: &str) -> (App, Client, Client) {
    let (app, admin, reader, _) = App::start().await;
    admin.apply(pipeline).await.unwrap();
    (app, admin, reader)
}

/// A release that waits before production for `tech-lead`.
async fn waiting(app: &App, admin: &Client, version: &str) {
    let number = admin.register(version).await.unwrap().number;
    let release = format!("payment-service@{version}");
    let query = EvidenceQuery::default();
    admin.evidence(&release, &query, &junit(3, 0)).await.unwrap();
    app.until(admin, &id(&format!("dev/{number}")), PromotionState::Verified)
        .await;
    held(app, admin, &format!("production/{number}")).await;
}

/// Waits until a promotion asks people.
async fn held(app: &App, admin: &Client, promotion: &str) {
    let mut news = app.hub.watch();
    loop {
        let view = admin.promotion(&id(promotion)).await;
        let asks = view.is_ok_and(|view| {
            let decision = view.decision.iter();
            decision
                .flat_map(|decision| &decision.verdicts)
                .any(gateline_model::GateVerdict::is_asking)
        });
        if asks {
            return;
        }
        news.recv().await.unwrap();
    }
}

async fn inbox(client: &Client, limit: Option<u32>, after: Option<String>) -> Page<InboxItem> {
    let query = InboxQuery {
        project: None,
        after,
        limit,
    };
    client
        .ask::<GetInbox>(&Empty {}, &query, &Empty {})
        .await
        .unwrap()
}

fn names(page: &Page<InboxItem>) -> Vec<String> {
    page.items.iter().map(|item| item.promotion.to_string()).collect()
}

fn form(client: &Client) -> String {
    Digest::of(format!("{} csrf", client.token()).as_bytes()).hex()
}

const PRODUCTION: &str = "payments/payment-service/production";

#[tokio::test]
async fn what_waits_stands_in_the_inbox_of_those_who_may_answer_and_in_no_other() {
    let (app, admin, reader) = asked(PIPELINE).await;
    let lead = app.actor("lea", &[Scope::Approve], &["tech-lead"], None).await;
    waiting(&app, &admin, "1.0.0").await;
    let page = inbox(&lead, None, None).await;
    assert_eq!(names(&page), [format!("{PRODUCTION}/1")]);
    let item = &page.items[0];
    assert_eq!(item.from.to_string(), "tech-lead");
    assert_eq!(item.says, "0 of 1 from tech-lead");
    assert!(names(&inbox(&reader, None, None).await).is_empty());
    let part = inbox(&lead, Some(1), None).await;
    assert_eq!((part.items.len(), part.next), (1, None));
    let behind = format!("{} {}", item.since, item.promotion);
    assert!(names(&inbox(&lead, None, Some(behind)).await).is_empty());
    let query = InboxQuery {
        after: Some("yesterday".to_owned()),
        ..InboxQuery::default()
    };
    let problem = lead
        .ask::<GetInbox>(&Empty {}, &query, &Empty {})
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (422, "request.query"));
}

#[tokio::test]
async fn who_asked_for_it_has_it_in_the_inbox_only_where_the_layer_takes_that_answer() {
    for (pipeline, has_it) in [
        (PIPELINE.to_owned(), false),
        (
            PIPELINE.replace("{from: tech-lead}", "{from: tech-lead, requester_may: true}"),
            true,
        ),
    ] {
        let pipeline = pipeline.replace(
            "      after: [dev]\n",
            "      after: [dev]\n      promote: manual\n",
        );
        let (app, admin, _) = asked(&pipeline).await;
        let release = admin.register("1.0.0").await.unwrap();
        admin
            .evidence("payment-service@1.0.0", &EvidenceQuery::default(), &junit(3, 0))
            .await
            .unwrap();
        app.until(&admin, &id("dev/1"), PromotionState::Verified).await;
        let lead = app
            .actor("lea", &[Scope::Approve, Scope::Promote], &["tech-lead"], None)
            .await;
        let wanted = PromoteRequest {
            release: release.id.to_string().parse().unwrap(),
            stage: "production".parse().unwrap(),
        };
        lead.ask::<Promote>(&Empty {}, &Empty {}, &wanted).await.unwrap();
        held(&app, &admin, "production/1").await;
        let page = inbox(&lead, None, None).await;
        assert_eq!(!page.items.is_empty(), has_it);
        let shown = text(get(&lead, &format!("/promotions/{PRODUCTION}/1")).await).await;
        let refused = "You cannot answer: `lea` requested this promotion and may not approve it.";
        assert_eq!(shown.replace("&#96;", "`").contains(refused), !has_it, "{shown}");
        let yes = lead
            .ask::<Approve>(
                &PromotionPath::from(&id("production/1")),
                &Empty {},
                &ApproveRequest::default(),
            )
            .await;
        assert_eq!(yes.is_ok(), has_it, "{yes:?}");
    }
}

#[tokio::test]
async fn an_answer_in_the_inbox_counts_for_what_was_shown_and_leads_back_to_the_inbox() {
    let (app, admin, _) = asked(PIPELINE).await;
    let lead = app.actor("lea", &[Scope::Approve], &["tech-lead"], None).await;
    waiting(&app, &admin, "1.0.0").await;
    let question = inbox(&lead, None, None).await.items[0].question;
    let page = text(get(&lead, "/inbox").await).await;
    assert!(
        page.contains(&format!("name=\"question\" value=\"{question}\"")),
        "{page}"
    );
    let token = form(&lead);
    let act = |word: &str| format!("/ui/promotions/{PRODUCTION}/1/{word}");

    // What was seen is not what is asked: refused, and the inbox says so with what was written.
    let stale = Digest::of(b"another");
    for word in ["approve", "reject", "request-changes"] {
        let body = format!("csrf={token}&key=stale&page=inbox&question={stale}&reason=Not+this+one.");
        let response = post(&lead, &act(word), body).await;
        assert_eq!(response.status(), StatusCode::CONFLICT, "{word}");
        let page = text(response).await;
        assert!(
            page.contains("approval.stale") && page.contains("<h1>Inbox</h1>"),
            "{page}"
        );
        assert!(page.contains("Not this one.</textarea>"), "{page}");
        // A form without the question is none of ours.
        let body = format!("csrf={token}&key=none&page=inbox&reason=no");
        let status = post(&lead, &act(word), body).await.status();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{word}");
    }

    let body = format!("csrf={token}&key=no&page=inbox&question={question}&reason=Too+early.");
    let response = post(&lead, &act("reject"), body).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/inbox");
    // What was answered does not wait any more, and can be taken back.
    assert!(names(&inbox(&lead, None, None).await).is_empty());
    let page = text(get(&lead, "/inbox").await).await;
    assert!(
        page.contains("You answered") && page.contains("Withdraw your answer"),
        "{page}"
    );
    let body = format!("csrf={token}&key=back&page=inbox&reason=I+was+wrong.");
    post(&lead, &act("withdraw"), body).await;
    held(&app, &admin, "production/1").await;
    assert_eq!(inbox(&lead, None, None).await.items.len(), 1);

    let question = inbox(&lead, None, None).await.items[0].question;
    let body = format!("csrf={token}&key=yes&question={question}&reason=");
    let response = post(&lead, &act("approve"), body).await;
    assert_eq!(
        response.headers()[header::LOCATION],
        format!("/promotions/{PRODUCTION}/1").as_str()
    );
    app.until(&admin, &id("production/1"), PromotionState::Verified)
        .await;
    assert!(names(&inbox(&lead, None, None).await).is_empty());
}

#[tokio::test]
async fn an_answer_is_handed_on_and_somebody_is_asked_by_name_from_the_inbox() {
    let (app, admin, _) = asked(PIPELINE).await;
    let lead = app.actor("lea", &[Scope::Approve], &["tech-lead"], None).await;
    let other = app.actor("otto", &[Scope::Approve], &[], None).await;
    waiting(&app, &admin, "1.0.0").await;
    let token = form(&lead);
    let act = |word: &str| format!("/ui/promotions/{PRODUCTION}/1/{word}");
    assert!(names(&inbox(&other, None, None).await).is_empty());

    // Who is not asked cannot be asked by name.
    let body = format!("csrf={token}&key=ask&page=inbox&who=otto");
    assert_eq!(
        post(&lead, &act("ask"), body).await.status(),
        StatusCode::CONFLICT
    );
    let body = format!(
        "csrf={token}&key=hand&page=inbox&who=otto&team=tech-lead&until=2999-01-01T00:00&reason=Away."
    );
    let refused = post(&lead, &act("delegate"), body).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let until = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48)).strftime("%Y-%m-%dT%H:%M");
    let body =
        format!("csrf={token}&key=hand2&page=inbox&who=otto&team=tech-lead&until={until}&reason=Away.");
    let response = post(&lead, &act("delegate"), body).await;
    assert_eq!(
        response.status(),
        StatusCode::SEE_OTHER,
        "{}",
        text(response).await
    );
    let body = format!("csrf={token}&key=ask2&page=inbox&who=otto");
    assert_eq!(
        post(&lead, &act("ask"), body).await.status(),
        StatusCode::SEE_OTHER
    );
    let page = inbox(&other, None, None).await;
    assert_eq!(page.items[0].instead_of.as_ref().unwrap().as_str(), "lea");
    assert!(page.items[0].by_name);
    let shown = text(get(&lead, "/inbox").await).await;
    assert!(
        shown.contains("Handed on") && shown.contains(">otto</td>"),
        "{shown}"
    );

    let body = format!("csrf={token}&key=end&project=payments&who=otto");
    let response = post(&lead, "/ui/inbox/end", body).await;
    assert_eq!(response.headers()[header::LOCATION], "/inbox");
    assert!(names(&inbox(&other, None, None).await).is_empty());
}

#[tokio::test]
async fn who_asked_for_changes_is_not_asked_again_until_that_is_taken_back() {
    let pipeline = PIPELINE.replace("{from: tech-lead}", "{from: tech-lead, count: 2, veto: false}");
    let (app, admin, _) = asked(&pipeline).await;
    let lead = app.actor("lea", &[Scope::Approve], &["tech-lead"], None).await;
    waiting(&app, &admin, "1.0.0").await;
    let no = RefuseRequest {
        no: No::RequestChanges,
        question: None,
        reason: "Say why.".to_owned(),
        signed: None,
    };
    let path = PromotionPath::from(&id("production/1"));
    lead.ask::<Refuse>(&path, &Empty {}, &no).await.unwrap();
    assert!(names(&inbox(&lead, None, None).await).is_empty());
    // The others are asked as before.
    assert_eq!(inbox(&admin, None, None).await.items.len(), 1);
}

async fn standing(client: &Client) -> Vec<StandingRollout> {
    let query = InboxRolloutsQuery::default();
    client
        .ask::<GetInboxRollouts>(&Empty {}, &query, &Empty {})
        .await
        .unwrap()
}

fn because(reason: &str) -> ReasonRequest {
    ReasonRequest {
        reason: reason.to_owned(),
    }
}

#[tokio::test]
async fn a_rollout_that_stands_for_a_person_is_in_the_inbox_of_those_who_may_let_it_go_on() {
    let (app, admin) = rolling().await;
    let promoter = app.actor("promoter", &[Scope::Promote], &[], None).await;
    let reporter = app.actor("reporter", &[Scope::Incident], &[], None).await;
    assert!(standing(&promoter).await.is_empty());
    let opened = open(&admin, &["payments/payment-service/dev"]).await.unwrap();
    assert_eq!(opened.stops, [id("dev/2")]);
    let found = standing(&promoter).await;
    assert_eq!((found.len(), &found[0].promotion), (1, &id("dev/2")));
    assert_eq!(found[0].paused.why, PauseReason::Incident);
    let says = "incident 1: checkout is slow; a person says that it is not to blame, resumes or aborts it";
    assert_eq!(found[0].paused.says, says);
    // Who may not promote there is asked nothing.
    assert!(standing(&reporter).await.is_empty());
    for client in [&admin, &promoter] {
        let page = text(get(client, "/inbox").await).await;
        assert!(
            page.contains("Rollouts that stand still") && page.contains("checkout is slow"),
            "{page}"
        );
        assert!(!page.contains("waits on you"), "{page}");
    }
    // What stands for a person does not change by itself.
    let board = admin
        .ask::<GetBoard>(&Empty {}, &BoardQuery::default(), &Empty {})
        .await
        .unwrap();
    let cell = &board.pipelines[0].stages[0].proposed[0];
    assert_eq!((cell.state, cell.until), (PromotionState::Paused, None));
    let view = admin.promotion(&id("dev/2")).await.unwrap();
    assert_eq!(
        view.rollout
            .unwrap()
            .goes_on(view.requested_at, |at| at.to_string()),
        None
    );

    // The incident is closed, and what it stopped waits on.
    assert!(close(&admin, 1, Cause::NoChange).await.unwrap().stops.is_empty());
    let says = &standing(&promoter).await[0].paused.says;
    assert!(
        says.ends_with("which suspects it no more; a person resumes or aborts it"),
        "{says}"
    );
}

#[tokio::test]
async fn the_reason_of_whoever_pauses_or_aborts_stands_where_that_is_told() {
    let (app, admin) = rolling().await;
    let path = PromotionPath::from(&id("dev/2"));
    open(&admin, &["payments/payment-service/dev"]).await.unwrap();
    // It stands for the incident, and from then on for the person as well.
    let view = admin
        .ask::<Pause>(&path, &Empty {}, &because("Lunch."))
        .await
        .unwrap();
    let paused = view.rollout.unwrap().paused.unwrap();
    assert_eq!(
        (paused.why, paused.reason.as_deref()),
        (PauseReason::Asked, Some("Lunch."))
    );
    assert_eq!(
        paused.says,
        "admin asked for it; it goes on when somebody resumes it"
    );
    assert_eq!(standing(&admin).await[0].paused, paused);
    for page in ["/inbox", "/promotions/payments/payment-service/dev/2"] {
        let page = text(get(&admin, page).await).await;
        assert!(
            page.contains("<q>Lunch.</q>") || page.contains("<q class=\"break\">Lunch.</q>"),
            "{page}"
        );
    }
    // A second pause is not silently lost.
    let problem = admin
        .ask::<Pause>(&path, &Empty {}, &because("Tea."))
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (409, "promotion.paused"));

    admin
        .ask::<Abort>(&path, &Empty {}, &because("Not today."))
        .await
        .unwrap();
    let view = app.until(&admin, &id("dev/2"), PromotionState::Aborted).await;
    assert_eq!(view.ended_because.as_deref(), Some("Not today."));
    assert!(view.rollout.unwrap().paused.is_none());
    let list = admin
        .ask::<ListPromotions>(&Empty {}, &PromotionQuery::default(), &Empty {})
        .await
        .unwrap();
    let row = list.items.iter().find(|row| row.id == id("dev/2")).unwrap();
    assert_eq!(row.ended_because.as_deref(), Some("Not today."));
    let page = text(get(&admin, "/promotions/payments/payment-service/dev/2").await).await;
    assert!(
        page.contains("aborted by admin while it rolled out</b> <q>Not today.</q>"),
        "{page}"
    );
    // What the incident stopped is over: nobody is asked any more.
    assert!(standing(&admin).await.is_empty());
    let page = text(get(&admin, "/inbox").await).await;
    assert!(page.contains("waits on you"), "{page}");
}

#[tokio::test]
async fn what_is_not_live_any_more_does_not_look_as_if_it_were() {
    let pipeline = "apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: payment-service, project: payments}
spec:
  artifacts: [{name: service, kind: file}]
  stages:
    - name: dev
      target: {command: {apply: [/bin/true], health: [/bin/true]}}
";
    let (app, admin, _) = asked(pipeline).await;
    for (version, promotion) in [("1.0.0", "dev/1"), ("1.1.0", "dev/2")] {
        admin.register(version).await.unwrap();
        app.until(&admin, &id(promotion), PromotionState::Verified).await;
    }
    let since_then = async |promotion: &str| admin.promotion(&id(promotion)).await.unwrap().since_then;
    assert_eq!(since_then("dev/2").await, None);
    let here = "payments/payment-service/dev";
    let gone = format!("not live any more: 1.1.0 went live by {here}/2");
    assert_eq!(since_then("dev/1").await, Some(gone));
    let of = gateline_api::StagePath::from(&id("dev/1").stage);
    admin
        .ask::<gateline_api::RollBack>(&of, &Empty {}, &because("It leaks."))
        .await
        .unwrap();
    app.until(&admin, &id("dev/3"), PromotionState::Verified).await;
    let back = format!("not live any more: barred, and 1.0.0 was brought back by {here}/3");
    assert_eq!(since_then("dev/2").await, Some(back.clone()));
    let page = text(get(&admin, &format!("/promotions/{here}/2")).await).await;
    assert!(page.contains(&format!("<b>1.1.0 is {back}.</b>")), "{page}");
}
