//! Erasing: a person's name and words go, what happened stays.

use axum::http::StatusCode;
use gateline_api::{
    Empty, EraseReply, EraseRequest, EraseText, GetCheckpoint, LogPage, LogQuery, OverrideGate,
    OverrideRequest, PromotionPath, PromotionState, SearchLog,
};
use gateline_model::Recorded;
use jiff::{SignedDuration, Timestamp};

use crate::pages::{get, text};
use crate::support::{App, Client, PIPELINE, id};

fn request(reason: &str) -> EraseRequest {
    EraseRequest {
        reason: reason.to_owned(),
        ..EraseRequest::default()
    }
}

async fn erase(client: &Client, request: &EraseRequest) -> EraseReply {
    client
        .ask::<EraseText>(&Empty {}, &Empty {}, request)
        .await
        .unwrap()
}

async fn log(client: &Client) -> LogPage {
    let query = LogQuery {
        limit: Some(500),
        ..LogQuery::default()
    };
    client
        .ask::<SearchLog>(&Empty {}, &query, &Empty {})
        .await
        .unwrap()
}

/// The log with two releases, whose notes name somebody.
async fn told() -> (App, Client, Client) {
    let (app, admin, reader, _) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    for version in ["1.0.0", "1.1.0"] {
        let mut body = crate::support::release(version);
        body.text.notes = format!("For Anastasia Example, {version}");
        admin.register_this(&body).await.unwrap();
    }
    (app, admin, reader)
}

fn holding(page: &LogPage, name: &str) -> Vec<u64> {
    let holds = |one: &&Recorded| format!("{:?}", one.private).contains(name);
    page.events.iter().filter(holds).map(|one| one.number).collect()
}

#[tokio::test]
async fn what_names_a_person_is_found_and_erased_and_the_log_says_who_did_it() {
    let (_app, admin, reader) = told().await;
    let name = "Anastasia Example";
    let before = log(&admin).await;
    let named = holding(&before, name);
    assert_eq!(named.len(), 2);

    let ask = EraseRequest {
        // However it was written.
        containing: Some(name.to_uppercase()),
        ..request("request 4711")
    };
    let looked = EraseRequest {
        dry_run: true,
        ..ask.clone()
    };
    assert_eq!(erase(&admin, &looked).await.erased, named);
    assert_eq!(log(&admin).await, before, "it was only looked at");

    assert_eq!(erase(&admin, &ask).await.erased, named);
    let after = log(&reader).await;
    assert!(holding(&after, name).is_empty());
    let [says, rest @ ..] = &after.events[..] else {
        panic!("{after:?}")
    };
    assert_eq!(says.event.name(), "text_erased");
    assert_eq!(says.actor.as_str(), "admin");
    assert_eq!(
        says.private
            .as_ref()
            .and_then(|private| private.reason.as_deref()),
        Some("request 4711")
    );
    let bodies = |events: &[Recorded]| events.iter().map(|one| one.event.clone()).collect::<Vec<_>>();
    assert_eq!(bodies(rest), bodies(&before.events), "what happened is as it was");
    let erased: Vec<_> = after.erased.iter().map(|one| (one.number, one.event)).collect();
    assert_eq!(erased, [(named[0], says.number), (named[1], says.number)]);
    let page = text(get(&reader, "/log").await).await;
    assert!(
        page.contains("names and text erased on") && page.contains("by admin"),
        "{page}"
    );

    // Again: nothing is left, and nothing is said twice.
    assert_eq!(erase(&admin, &ask).await.erased, [] as [u64; 0]);
    assert_eq!(log(&admin).await.events.len(), after.events.len());
}

#[tokio::test]
async fn a_number_that_no_event_has_is_refused_also_where_it_is_only_looked_at() {
    let (_app, admin, _) = told().await;
    for dry_run in [true, false] {
        let ask = EraseRequest {
            events: vec![0, 99_999],
            dry_run,
            ..request("request 4711")
        };
        let problem = admin
            .ask::<EraseText>(&Empty {}, &Empty {}, &ask)
            .await
            .unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (404, "event.unknown"));
    }
}

#[tokio::test]
async fn a_reason_that_was_erased_says_when_and_by_whom_in_its_place() {
    let (app, admin, reader, _) = App::with_release(PIPELINE).await;
    let path = PromotionPath::from(&id("dev/1"));
    let permission = OverrideRequest {
        gate: "tests".parse().unwrap(),
        until: Timestamp::now() + SignedDuration::from_hours(1),
        reason: "Anastasia Example waits for it.".to_owned(),
    };
    admin
        .ask::<OverrideGate>(&path, &Empty {}, &permission)
        .await
        .unwrap();
    app.until(&reader, &id("dev/1"), PromotionState::Verified).await;
    let pages = ["/promotions/payments/payment-service/dev/1", "/overrides"];
    for page in pages {
        let page = text(get(&reader, page).await).await;
        assert!(
            page.contains("Anastasia") && !page.contains("the reason was erased"),
            "{page}"
        );
    }
    let ask = EraseRequest {
        containing: Some("Anastasia".to_owned()),
        ..request("request 4711")
    };
    let named = erase(&admin, &ask).await.erased;
    let one = reader.promotion(&id("dev/1")).await.unwrap().overrides.remove(0);
    assert_eq!(one.reason, None);
    let erased = one.erased.unwrap();
    assert_eq!((vec![erased.number], erased.by.as_str()), (named, "admin"));
    for page in pages {
        let page = text(get(&reader, page).await).await;
        let says = format!(
            "the reason was erased on {}",
            erased.at.strftime("%Y-%m-%d %H:%M:%S UTC")
        );
        assert!(
            page.contains(&says) && page.contains(" by <b>admin</b>"),
            "{page}"
        );
    }
}

#[tokio::test]
async fn a_decision_and_a_proof_are_as_they_were_and_only_one_entry_is_new() {
    let (_app, admin, reader) = told().await;
    let checkpoint = async || {
        reader
            .ask::<GetCheckpoint>(&Empty {}, &Empty {}, &Empty {})
            .await
            .unwrap()
    };
    let before = checkpoint().await;
    let all = EraseRequest {
        actor: Some("registrar".parse().unwrap()),
        ..request("she left")
    };
    let erased = erase(&admin, &all).await.erased;
    assert!(!erased.is_empty());
    let after = checkpoint().await;
    assert_eq!(after.size, before.size + 1);
}

#[tokio::test]
async fn only_who_administers_the_server_erases_and_says_why() {
    let (app, admin, reader) = told().await;
    let ask = |request: EraseRequest| {
        let admin = &admin;
        async move {
            let err = admin.ask::<EraseText>(&Empty {}, &Empty {}, &request).await;
            err.unwrap_err().detail
        }
    };
    let named = || EraseRequest {
        containing: Some("Anastasia".to_owned()),
        ..request("")
    };
    assert!(ask(named()).await.contains("a reason is needed"));
    assert!(ask(request("x")).await.contains("says not what to erase"));
    let everything = EraseRequest {
        containing: Some(" ".to_owned()),
        ..request("x")
    };
    assert!(ask(everything).await.contains("is empty"));
    let many = EraseRequest {
        events: (0..1_001).collect(),
        ..request("x")
    };
    assert!(ask(many).await.contains("the limit is 1000"));
    let refused = reader
        .ask::<EraseText>(&Empty {}, &Empty {}, &named())
        .await
        .unwrap_err();
    assert_eq!(refused.status, StatusCode::FORBIDDEN.as_u16());
    let nowhere = EraseRequest {
        containing: Some("Nobody Example".to_owned()),
        ..request("x")
    };
    assert_eq!(erase(&admin, &nowhere).await.erased, [] as [u64; 0]);
    assert_eq!(holding(&log(&reader).await, "Anastasia").len(), 2);
    drop(app);
}
