//! New versions of what is protected: proposed, shown with what they change, and answered by their owners.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use gateline_api::{
    ApplyPolicy, ApproveProposal, Empty, GetProposal, GetProposalStatement, Holds, ListProposalSignatures,
    ListProposals, PolicyRequest, PreviewProposal, PreviewView, Problem, ProposalAnswer, ProposalDetail,
    ProposalNo, ProposalPath, ProposalQuery, ProposalView, ReasonRequest, RejectProposal, StatementQuery,
    WithdrawProposal,
};
use gateline_model::{
    ANSWER_PURPOSE, Answer, Digest, ProposalOutcome, Scope, SignedStatement, Tier, comment_digest,
};

use crate::keys::Ring;
use crate::pages::{get, post, text};
use crate::support::{App, Client, PIPELINE};

fn protected(pipeline: &str) -> String {
    pipeline.replace("spec:\n", "spec:\n  protected: {owners: [platform]}\n")
}

fn path(number: u64) -> ProposalPath {
    ProposalPath {
        project: "payments".parse().unwrap(),
        number,
    }
}

async fn approve(client: &Client, question: Option<Digest>) -> Result<ProposalView, Problem> {
    let answer = ProposalAnswer {
        question,
        comment: Some("as agreed".into()),
        signed: None,
    };
    client.ask::<ApproveProposal>(&path(1), &Empty {}, &answer).await
}

/// A protected pipeline with a proposal of the admin, an owner of it, and somebody who owns nothing.
async fn proposed() -> (App, Client, Client, Client) {
    let (app, admin, ..) = App::start().await;
    assert!(admin.apply(&protected(PIPELINE)).await.unwrap().changed);
    admin.register("1.0.0").await.unwrap();
    let other = protected(PIPELINE).replace("tests: {suite: unit}", "tests: {suite: all}");
    let reply = admin.apply(&other).await.unwrap();
    assert!(!reply.changed, "it is not in force");
    let proposal = reply.proposed.unwrap();
    assert_eq!(
        (proposal.number, proposal.still_needs().as_str()),
        (1, "1 of platform")
    );
    let owner = app.actor("olga", &[Scope::Approve], &["platform"], None).await;
    let nobody = app.actor("nick", &[Scope::Approve], &["others"], None).await;
    (app, admin, owner, nobody)
}

#[tokio::test]
async fn an_owner_signs_a_yes_to_a_proposal_and_it_is_verified_again() {
    let (app, admin, ..) = App::start().await;
    let signed = |pipeline: &str| {
        pipeline.replace(
            "spec:\n",
            "spec:\n  protected: {owners: [platform], signed: ssh}\n",
        )
    };
    admin.apply(&signed(PIPELINE)).await.unwrap();
    let other = signed(PIPELINE).replace("tests: {suite: unit}", "tests: {suite: all}");
    let reply = admin.apply(&other).await.unwrap();
    assert_eq!(
        reply.proposed.unwrap().still_needs(),
        "1 of platform, signed with an SSH key"
    );
    let owner = app
        .actor(
            "olga",
            &[Scope::Read, Scope::Approve, Scope::Admin],
            &["platform"],
            None,
        )
        .await;
    assert_eq!(approve(&owner, None).await.unwrap_err().code, "approval.tier");

    let ring = Ring::new();
    let key = ring.enrol(&owner).await.unwrap();
    let query = StatementQuery {
        answer: Answer::Approve,
        comment: comment_digest("as agreed"),
    };
    let asked = owner
        .ask::<GetProposalStatement>(&path(1), &query, &Empty {})
        .await
        .unwrap();
    assert_eq!(asked.tier, Tier::Ssh);
    let answer = |comment: &str| ProposalAnswer {
        question: None,
        comment: Some(comment.to_owned()),
        signed: Some(SignedStatement {
            statement: asked.statement.clone(),
            key: key.fingerprint.clone(),
            proof: ring.proof(ANSWER_PURPOSE, &asked.statement),
        }),
    };
    let send = async |answer| owner.ask::<ApproveProposal>(&path(1), &Empty {}, &answer).await;
    let err = send(answer("something else")).await.unwrap_err();
    assert_eq!(err.code, "signature.other_comment");
    let approved = send(answer("as agreed")).await.unwrap();
    assert_eq!(approved.outcome, Some(ProposalOutcome::InForce));

    let list = admin
        .ask::<ListProposalSignatures>(&path(1), &Empty {}, &Empty {})
        .await
        .unwrap();
    let [signature] = &list[..] else {
        panic!("{list:?}")
    };
    assert_eq!((&signature.holds, signature.by.as_str()), (&Holds::Yes, "olga"));
    assert_eq!(signature.statement, asked.statement);
    let gone = admin
        .ask::<ListProposalSignatures>(&path(2), &Empty {}, &Empty {})
        .await
        .unwrap_err();
    assert_eq!(gone.code, "proposal.unknown");
}

#[tokio::test]
async fn what_is_protected_is_in_force_once_its_owners_approved_it() {
    let (_app, admin, owner, nobody) = proposed().await;
    let shown: ProposalDetail = owner
        .ask::<GetProposal>(&path(1), &Empty {}, &Empty {})
        .await
        .unwrap();
    let meaning = shown.meaning.unwrap();
    assert_eq!(meaning, ["~ stages.dev.gates.tests.suite: unit -> all"]);
    let lines = &shown.files[0].lines;
    assert!(
        lines.iter().any(|line| line == "+         - tests: {suite: all}"),
        "{lines:?}"
    );

    let preview: PreviewView = owner
        .ask::<PreviewProposal>(&path(1), &Empty {}, &Empty {})
        .await
        .unwrap();
    assert_eq!(preview.unknown, None);
    assert_eq!(
        preview.promotions.len(),
        1,
        "the one that was requested by itself"
    );

    // Neither who proposed it nor who owns nothing, nor to another question.
    let problem = approve(&admin, None).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (403, "proposal.own"));
    let problem = approve(&nobody, None).await.unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (403, "proposal.not_owner")
    );
    let problem = approve(&owner, Some(Digest::of(b"another"))).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (409, "proposal.other"));

    let view = approve(&owner, Some(shown.proposal.question)).await.unwrap();
    assert_eq!(view.outcome, Some(ProposalOutcome::InForce));
    let again = admin
        .apply(&protected(PIPELINE).replace("tests: {suite: unit}", "tests: {suite: all}"))
        .await;
    let again = again.unwrap();
    assert!(
        !again.changed && again.proposed.is_none(),
        "it is in force already"
    );
    let problem = approve(&owner, None).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (409, "proposal.ended"));
}

#[tokio::test]
async fn a_proposal_ends_by_a_no_or_by_whoever_made_it_and_what_there_is_not_is_unknown() {
    let (_app, admin, owner, nobody) = proposed().await;
    let waiting = admin
        .ask::<ListProposals>(&Empty {}, &ProposalQuery::default(), &Empty {})
        .await;
    assert_eq!(waiting.unwrap().len(), 1);
    let because = || ReasonRequest {
        reason: "not mine".into(),
    };
    let problem = nobody
        .ask::<WithdrawProposal>(&path(1), &Empty {}, &because())
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (409, "proposal.none_of_yours")
    );
    let no = ProposalNo {
        question: None,
        reason: "the suite is too slow".into(),
    };
    let problem = nobody
        .ask::<RejectProposal>(&path(1), &Empty {}, &no)
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (403, "proposal.not_owner")
    );
    let view = owner
        .ask::<RejectProposal>(&path(1), &Empty {}, &no)
        .await
        .unwrap();
    assert_eq!(view.outcome, Some(ProposalOutcome::Rejected));
    assert_eq!(view.reason.as_deref(), Some("the suite is too slow"));

    let weaker = admin.apply(PIPELINE).await.unwrap().proposed.unwrap();
    assert_eq!(
        weaker.number, 2,
        "to drop the protection is a change like every other"
    );
    let view = admin
        .ask::<WithdrawProposal>(&path(2), &Empty {}, &because())
        .await
        .unwrap();
    assert_eq!(view.outcome, Some(ProposalOutcome::Withdrawn));
    for number in [0, 3, u64::MAX] {
        let problem = admin
            .ask::<GetProposal>(&path(number), &Empty {}, &Empty {})
            .await
            .unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (404, "proposal.unknown"));
    }
}

#[tokio::test]
async fn the_page_of_a_proposal_shows_its_lines_and_takes_the_answer_of_an_owner() {
    let (_app, _, owner, nobody) = proposed().await;
    for address in [
        "/policies",
        "/policies/payments/pipeline/payment-service",
        "/inbox",
    ] {
        let page = text(get(&owner, address).await).await;
        assert!(
            page.contains("/policies/payments/proposal/1"),
            "{address}: {page}"
        );
    }
    let page = text(get(&nobody, "/inbox").await).await;
    assert!(!page.contains("/policies/payments/proposal/1"), "{page}");
    let address = "/policies/payments/proposal/1";
    let page = text(get(&nobody, address).await).await;
    assert!(page.contains("does not own pipeline payment-service"), "{page}");
    let page = text(get(&owner, address).await).await;
    for said in [
        "Not in force.",
        "1 of <b>platform</b>: nobody approved yet",
        "~ stages.dev.gates.tests.suite: unit -&gt; all",
        "<ins>+         - tests: {suite: all}</ins>",
        "What it would have decided",
        "act-proposal-approve",
        "act-proposal-reject",
    ] {
        assert!(page.contains(said), "`{said}` in {page}");
    }
    let question = page.split("name=\"question\" value=\"").nth(1).unwrap();
    let question = &question[..question.find('"').unwrap()];
    let csrf = Digest::of(format!("{} csrf", owner.token()).as_bytes()).hex();
    let send = |question: &str, key: &str| format!("csrf={csrf}&key={key}&question={question}");
    let act = "/ui/policies/payments/proposal/1/approve";
    let other = Digest::of(b"another").to_string();
    let refused = post(&owner, act, send(&other, "a")).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    assert!(text(refused).await.contains("is not the one that was shown"));
    let done = post(&owner, act, send(question, "b")).await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER);
    let page = text(get(&owner, address).await).await;
    assert!(page.contains("<b>in force</b> by olga"), "{page}");
    let page = text(get(&owner, "/policies/payments/pipeline/payment-service").await).await;
    assert!(page.contains(">proposal 1</a>"), "{page}");
}

#[tokio::test]
async fn the_preview_of_a_policy_runs_its_rules_on_what_was_known_then() {
    let (app, admin, ..) = App::start().await;
    let roles = "apiVersion: gateline.dev/v1
kind: Roles
metadata: {project: payments}
spec:
  teams:
    - {name: platform, members: [olga]}
  protected:
    policies: {owners: [platform]}
";
    let apply = async |rules: &str| {
        let body = PolicyRequest {
            project: "payments".parse().unwrap(),
            name: "rules".parse().unwrap(),
            files: BTreeMap::from([("rules.rego".to_owned(), rules.to_owned())]),
            written: None,
        };
        admin
            .ask::<ApplyPolicy>(&Empty {}, &Empty {}, &body)
            .await
            .unwrap()
    };
    assert!(
        apply("package main\n\nimport rego.v1\n\ndeny contains \"no\" if false\n")
            .await
            .changed
    );
    let gated = PIPELINE.replace(
        "        - tests: {suite: unit}",
        "        - policy: {module: rules}\n          because: All agreed on it.\n        - tests: {suite: unit}",
    );
    admin.apply(&gated).await.unwrap();
    let file = gateline_api::ApplyRequest {
        file_name: "roles.yaml".into(),
        text: roles.into(),
        written: None,
    };
    admin
        .ask::<gateline_api::ApplyRoles>(&Empty {}, &Empty {}, &file)
        .await
        .unwrap();
    let mut news = app.hub.watch();
    admin.register("1.0.0").await.unwrap();
    let id = crate::support::id("dev/1");
    loop {
        let decided = admin.promotion(&id).await.ok().and_then(|view| view.decision);
        let passed = decided.is_some_and(|one| one.verdicts.iter().any(|gate| gate.code == "check.passed"));
        if passed {
            break;
        }
        news.recv().await.unwrap();
    }
    let stricter =
        "package main\n\nimport rego.v1\n\ndeny contains \"no ticket\" if count(input.change.tickets) == 0\n";
    let reply = apply(stricter).await;
    assert!(!reply.changed && reply.proposed.is_some());
    let preview: PreviewView = admin
        .ask::<PreviewProposal>(&path(1), &Empty {}, &Empty {})
        .await
        .unwrap();
    let [one] = &preview.promotions[..] else {
        panic!("{preview:?}");
    };
    let gate = one
        .gates
        .iter()
        .find(|gate| gate.gate.as_str() == "policy")
        .unwrap();
    assert!(gate.says.contains("no ticket"), "{gate:?}");
    assert_eq!(preview.otherwise, 1, "{preview:?}");
}
