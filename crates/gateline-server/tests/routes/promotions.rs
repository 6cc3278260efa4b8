use gateline_api::{
    Abort, Advance, AdvanceRequest, Approve, ApproveRequest, Empty, EvidenceQuery, GetSummary, GetTicks,
    ListPromotions, OverrideGate, OverrideRequest, Pause, Promote, PromoteRequest, PromotionPath,
    PromotionQuery, PromotionState, ReasonRequest, Refuse, RefuseRequest, ReplayQuery, ReplayRollout,
    StepWord,
};
use gateline_model::{Act, Digest, No, PromotionId, PromotionOutcome, Scope, Verdict};

use crate::pages::{get, text};
use crate::support::{App, Client, PIPELINE, id, junit};

async fn registered() -> (App, Client, Client) {
    let (app, admin, reader, _) = App::with_release(PIPELINE).await;
    (app, admin, reader)
}

async fn tested(admin: &Client, version: &str) {
    let release = format!("payment-service@{version}");
    admin
        .evidence(&release, &EvidenceQuery::default(), &junit(3, 0))
        .await
        .unwrap();
}

fn because(text: &str) -> ReasonRequest {
    ReasonRequest { reason: text.into() }
}

#[tokio::test]
async fn a_release_goes_on_by_itself_and_waits_for_the_person_who_must_say_yes() {
    let (app, admin, reader) = registered().await;
    let held = reader.promotion(&id("dev/1")).await.unwrap();
    assert_eq!((held.state, held.automatic), (PromotionState::Held, true));
    tested(&admin, "1.0.0").await;

    let verified = app.until(&reader, &id("dev/1"), PromotionState::Verified).await;
    assert_eq!(verified.outcome, Some(PromotionOutcome::Verified));
    let rollout = verified.rollout.unwrap();
    assert!(
        rollout
            .steps
            .iter()
            .all(|step| step.state == StepWord::Done && step.since.is_some()),
        "{rollout:?}"
    );
    assert_eq!(rollout.weight.as_percent(), 100);
    assert_eq!(verified.log_index, verified.events.last().unwrap().number);

    let asked = app
        .until(&reader, &id("production/1"), PromotionState::Held)
        .await;
    let decision = asked.decision.unwrap();
    let approval = decision
        .verdicts
        .iter()
        .find(|gate| gate.kind == "approval")
        .unwrap();
    assert_eq!(approval.verdict, Verdict::Waiting);

    let path = PromotionPath::from(&id("production/1"));
    let asked = reader
        .ask::<GetSummary>(&path, &Empty {}, &Empty {})
        .await
        .unwrap();
    assert_eq!(asked.summary.question, decision.question);
    assert_eq!(asked.summary.recommended.act, Act::Approve);
    assert!(asked.text.contains(&decision.code()), "{}", asked.text);
    let gone = PromotionPath::from(&id("dev/1"));
    let problem = reader
        .ask::<GetSummary>(&gone, &Empty {}, &Empty {})
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (409, "promotion.not_held")
    );
    let stale = ApproveRequest {
        question: Some(Digest::of(b"another")),
        comment: None,
        signed: None,
    };
    let problem = admin.ask::<Approve>(&path, &Empty {}, &stale).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (409, "approval.stale"));
    let yes = ApproveRequest {
        question: Some(decision.question),
        comment: Some("Looks good.".into()),
        signed: None,
    };
    let approved = admin.ask::<Approve>(&path, &Empty {}, &yes).await.unwrap();
    assert_eq!(approved.approvals.len(), 1);
    app.until(&reader, &id("production/1"), PromotionState::Verified)
        .await;
}

/// Sends what several people answer at the same time, and gives the codes of what was refused.
async fn at_once(answers: Vec<(Client, bool)>, to: &PromotionId) -> Vec<String> {
    let sent = answers.into_iter().map(|(client, yes)| {
        let path = PromotionPath::from(to);
        tokio::spawn(async move {
            let answered = match yes {
                true => {
                    client
                        .ask::<Approve>(&path, &Empty {}, &ApproveRequest::default())
                        .await
                }
                false => {
                    let no = RefuseRequest {
                        no: No::Reject,
                        question: None,
                        reason: "It loses orders.".into(),
                        signed: None,
                    };
                    client.ask::<Refuse>(&path, &Empty {}, &no).await
                }
            };
            answered.err().map(|problem| problem.code)
        })
    });
    let mut refused = Vec::new();
    for one in sent.collect::<Vec<_>>() {
        refused.extend(one.await.unwrap());
    }
    refused
}

#[tokio::test(flavor = "multi_thread")]
async fn approvers_who_race_count_once_each_and_never_beside_a_no() {
    let (app, admin, reader, _) = App::start().await;
    let two = PIPELINE.replace("{from: tech-lead}", "{from: tech-lead, count: 2}");
    admin.apply(&two).await.unwrap();
    let mut leads = Vec::new();
    for name in ["ann", "bo", "cy", "dee", "eve"] {
        leads.push(app.actor(name, &[Scope::Approve], &["tech-lead"], None).await);
    }
    for round in 1..=6 {
        let version = format!("{round}.0.0");
        admin.register(&version).await.unwrap();
        tested(&admin, &version).await;
        let before = id(&format!("dev/{round}"));
        app.until(&reader, &before, PromotionState::Verified).await;
        let asked = id(&format!("production/{round}"));
        app.until(&reader, &asked, PromotionState::Held).await;
        // In every other round one of them says no at the same moment.
        let answers = leads.iter().enumerate();
        let answers = answers.map(|(index, lead)| (lead.clone(), round % 2 == 1 || index != 2));
        let refused = at_once(answers.collect(), &asked).await;
        let late = [
            "approval.complete",
            "approval.layer_complete",
            "promotion.admitted",
        ];
        assert!(
            refused.iter().all(|code| late.contains(&code.as_str())),
            "{refused:?}"
        );

        let seen = reader.promotion(&asked).await.unwrap();
        let times = |name: &str| {
            seen.events
                .iter()
                .filter(|event| event.event.name() == name)
                .count()
        };
        match times("approval_refused") {
            0 => assert_eq!((times("approval_given"), times("promotion_admitted")), (2, 1)),
            // Whoever said no before it was admitted keeps it out.
            no => assert_eq!((no, times("promotion_admitted")), (1, 0)),
        }
    }
}

#[tokio::test]
async fn an_approval_needs_the_group_that_is_asked() {
    let (app, admin, reader) = registered().await;
    tested(&admin, "1.0.0").await;
    app.until(&reader, &id("dev/1"), PromotionState::Verified).await;
    let stranger = app.actor("stranger", &[Scope::Approve], &["product"], None).await;
    let path = PromotionPath::from(&id("production/1"));
    let problem = stranger
        .ask::<Approve>(&path, &Empty {}, &ApproveRequest::default())
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (403, "approval.not_asked_you")
    );
}

#[tokio::test]
async fn an_override_admits_with_its_reason_on_record_and_the_gate_stays_unsatisfied() {
    let (app, admin, reader) = registered().await;
    let path = PromotionPath::from(&id("dev/1"));
    let mut wanted = OverrideRequest {
        gate: "tests".parse().unwrap(),
        until: jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1),
        reason: " ".into(),
    };
    let problem = admin
        .ask::<OverrideGate>(&path, &Empty {}, &wanted)
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (422, "reason.missing"));
    wanted.reason = "The runner burns.".into();
    let view = admin
        .ask::<OverrideGate>(&path, &Empty {}, &wanted)
        .await
        .unwrap();
    assert_eq!(view.overrides[0].reason.as_deref(), Some("The runner burns."));
    let verified = app.until(&reader, &id("dev/1"), PromotionState::Verified).await;
    let decision = verified.decision.unwrap();
    let gate = decision
        .verdicts
        .iter()
        .find(|gate| gate.gate.as_str() == "tests")
        .unwrap();
    assert_ne!(gate.verdict, Verdict::Satisfied);
    assert!(gate.overridden.is_some());
}

#[tokio::test]
async fn an_aborted_promotion_says_who_and_why_and_can_be_requested_again() {
    let (_app, admin, reader) = registered().await;
    let path = PromotionPath::from(&id("dev/1"));
    let aborted = admin
        .ask::<Abort>(&path, &Empty {}, &because("Wrong release."))
        .await
        .unwrap();
    assert_eq!(
        (aborted.state, aborted.outcome),
        (PromotionState::Aborted, Some(PromotionOutcome::Aborted))
    );
    let last = aborted.events.last().unwrap();
    assert_eq!(last.actor.as_str(), "admin");
    assert!(aborted.events.iter().any(|event| {
        event
            .private
            .as_ref()
            .is_some_and(|private| private.reason.as_deref() == Some("Wrong release."))
    }));
    let problem = admin
        .ask::<Abort>(&path, &Empty {}, &because("Again."))
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (409, "promotion.ended"));

    let again = PromoteRequest {
        release: "payment-service@1.0.0".parse().unwrap(),
        stage: "dev".parse().unwrap(),
    };
    let second = admin.ask::<Promote>(&Empty {}, &Empty {}, &again).await.unwrap();
    assert_eq!((second.id, second.automatic), (id("dev/2"), false));
    // Asking for what is on its way already is answered with it.
    let same = admin.ask::<Promote>(&Empty {}, &Empty {}, &again).await.unwrap();
    assert_eq!(same.id, id("dev/2"));

    let ended = PromotionQuery {
        ended: Some(true),
        ..PromotionQuery::default()
    };
    let list = reader
        .ask::<ListPromotions>(&Empty {}, &ended, &Empty {})
        .await
        .unwrap();
    assert_eq!(
        list.items.iter().map(|one| one.id.clone()).collect::<Vec<_>>(),
        [id("dev/1")]
    );
}

#[tokio::test]
async fn a_held_promotion_cannot_stand_still_any_more_than_it_does() {
    let (_app, admin, _) = registered().await;
    let path = PromotionPath::from(&id("dev/1"));
    let problem = admin
        .ask::<Pause>(&path, &Empty {}, &because("Lunch."))
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (409, "promotion.not_rolling")
    );
}

#[tokio::test]
async fn a_stage_out_of_order_and_one_that_there_is_not_are_told_apart() {
    let (_app, admin, _) = registered().await;
    for (stage, status, code) in [
        ("production", 409, "release.not_verified_before"),
        ("moon", 404, "stage.unknown"),
    ] {
        let request = PromoteRequest {
            release: "payment-service@1.0.0".parse().unwrap(),
            stage: stage.parse().unwrap(),
        };
        let problem = admin
            .ask::<Promote>(&Empty {}, &Empty {}, &request)
            .await
            .unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (status, code));
        assert!(!problem.hint.is_empty());
    }
}

#[tokio::test]
async fn a_promotion_that_never_was_has_no_ticks_either() {
    let (_app, _, reader) = registered().await;
    let path = PromotionPath::from(&id("dev/99"));
    assert_eq!(
        reader
            .ask::<GetTicks>(&path, &Empty {}, &Empty {})
            .await
            .unwrap_err()
            .code,
        "promotion.unknown"
    );
    assert_eq!(
        reader.promotion(&id("dev/99")).await.unwrap_err().code,
        "promotion.unknown"
    );
    let path = PromotionPath::from(&id("dev/1"));
    assert_eq!(
        reader.ask::<GetTicks>(&path, &Empty {}, &Empty {}).await.unwrap(),
        []
    );
}

#[tokio::test]
async fn a_rollout_is_judged_again_as_it_was_or_by_another_judge() {
    let (_app, _, reader) = registered().await;
    let path = PromotionPath::from(&id("dev/1"));
    let ask = async |judge: Option<&str>| {
        let judge = judge.map(str::to_owned);
        reader
            .ask::<ReplayRollout>(&path, &ReplayQuery { judge }, &Empty {})
            .await
    };
    // Nothing was judged in it: there is nothing that could come out otherwise.
    let again = ask(None).await.unwrap();
    assert_eq!((again.same, again.rulings.len()), (Some(true), 0));
    assert_eq!(ask(Some("kayenta")).await.unwrap().same, None);
    for bad in [
        "guesses",
        "{by: evidence, every: 0s}",
        "{by: kayenta, kayenta: {pass: 10, marginal: 20}}",
        "[",
        "",
    ] {
        let problem = ask(Some(bad)).await.unwrap_err();
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (422, "request.query"),
            "{bad}"
        );
    }
    let path = PromotionPath::from(&id("dev/99"));
    let unknown = reader
        .ask::<ReplayRollout>(&path, &ReplayQuery::default(), &Empty {})
        .await;
    assert_eq!(unknown.unwrap_err().code, "promotion.unknown");
}

#[tokio::test]
async fn promotions_come_page_by_page_the_newest_first() {
    let (_app, admin, reader) = registered().await;
    for version in ["1.1.0", "1.2.0"] {
        admin.register(version).await.unwrap();
    }
    let mut query = PromotionQuery {
        limit: Some(2),
        ..PromotionQuery::default()
    };
    let first = reader
        .ask::<ListPromotions>(&Empty {}, &query, &Empty {})
        .await
        .unwrap();
    query.after = first.next.clone();
    let second = reader
        .ask::<ListPromotions>(&Empty {}, &query, &Empty {})
        .await
        .unwrap();
    let numbers: Vec<u64> = first
        .items
        .iter()
        .chain(&second.items)
        .map(|one| one.id.number)
        .collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(second.next, None);
}

/// A rollout that stands at each of its steps.
const TIERS: &str = "apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: payment-service, project: payments}
spec:
  artifacts: [{name: service, kind: file}]
  stages:
    - name: dev
      target: {command: {apply: [/bin/true], health: [/bin/true]}}
      rollout: {tiers: {steps: [internal, trusted, everyone], pause: 24h}}
";

/// The step that stands, once one after this does.
async fn stands_after(client: &Client, step: Option<u32>) -> u32 {
    loop {
        let view = client.promotion(&id("dev/2")).await.unwrap();
        let rollout = view.rollout.filter(|rollout| rollout.go_on_at.is_some());
        if let Some(standing) = rollout.and_then(|rollout| rollout.standing())
            && Some(standing) > step
        {
            return standing;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_rollout_that_no_judge_looks_at_is_said_to_be_counted_by_nobody() {
    let (app, admin, _, _) = App::with_release(TIERS).await;
    app.until(&admin, &id("dev/1"), PromotionState::Verified).await;
    admin.register("1.1.0").await.unwrap();
    stands_after(&admin, None).await;
    let board = text(get(&admin, "/").await).await;
    assert!(
        board.contains("no requests counted") && !board.contains("0 requests"),
        "{board}"
    );
    let page = text(get(&admin, "/promotions/payments/payment-service/dev/2").await).await;
    assert!(
        page.contains("nobody counts what its cohorts are served"),
        "{page}"
    );
}

#[tokio::test]
async fn two_who_advance_what_they_both_see_take_one_step() {
    let (app, admin, _, _) = App::with_release(TIERS).await;
    app.until(&admin, &id("dev/1"), PromotionState::Verified).await;
    admin.register("1.1.0").await.unwrap();
    let path = PromotionPath::from(&id("dev/2"));
    let seen = stands_after(&admin, None).await;
    let go_on = AdvanceRequest {
        step: Some(seen),
        weight: None,
        reason: "It is good.".into(),
    };
    admin.ask::<Advance>(&path, &Empty {}, &go_on).await.unwrap();
    let next = stands_after(&admin, Some(seen)).await;
    let second = admin.ask::<Advance>(&path, &Empty {}, &go_on).await.unwrap_err();
    assert_eq!((second.status, second.code.as_str()), (409, "promotion.moved_on"));
    assert!(second.detail.contains("not what stands"), "{}", second.detail);
    assert_eq!(stands_after(&admin, Some(seen)).await, next);
    let elsewhere = AdvanceRequest {
        step: None,
        weight: Some(gateline_model::Weight::percent(37)),
        reason: "It is good.".into(),
    };
    let problem = admin
        .ask::<Advance>(&path, &Empty {}, &elsewhere)
        .await
        .unwrap_err();
    assert_eq!(problem.code, "promotion.moved_on");
}
