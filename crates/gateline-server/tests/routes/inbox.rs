//! The inbox: what waits on whom, and the answers that are given in it.

use axum::http::{StatusCode, header};
use gateline_api::{
    Approve, ApproveRequest, Empty, EvidenceQuery, GetInbox, InboxItem, InboxQuery, Page, Promote,
    PromoteRequest, PromotionPath, PromotionState, Refuse, RefuseRequest,
};
use gateline_model::{Digest, No, Scope};

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
