//! Policy modules from their files to the verdict, run by the real interpreter.

use std::collections::BTreeMap;

use gateline_api::{
    ApplyPolicy, Empty, EvidenceQuery, GetPolicy, ListPolicies, PolicyPath, PolicyQuery, PolicyReply,
    PolicyRequest, PromotionView,
};
use gateline_model::{Digest, GateVerdict, PromotionId, Verdict};

use crate::support::{App, Client};

const RELEASE: &str = "payment-service@1.0.0";
const PIPELINE: &str = "apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: payment-service, project: payments}
spec:
  artifacts: [{name: service, kind: file}]
  stages:
    - name: live
      target: {command: {apply: [/bin/true], health: [/bin/true]}}
      gates:
        - policy: {module: rules, every: 100ms}
          because: What all teams agreed on.
";
const RULES: &str = "package rules
deny contains msg if {
    tested := {run | some run in input.evidence; run.kind == \"tests\"; run.facts.passed > 0}
    count(tested) == 0
    msg := sprintf(\"%v was not tested\", [input.release.version])
}
warn contains \"every change needs a ticket\" if count(input.change.tickets) == 0
";

fn request(text: &str) -> PolicyRequest {
    PolicyRequest {
        project: "payments".parse().unwrap(),
        name: "rules".parse().unwrap(),
        files: BTreeMap::from([("rules.rego".to_owned(), text.to_owned())]),
        written: None,
    }
}

async fn apply(client: &Client, text: &str) -> PolicyReply {
    client
        .ask::<ApplyPolicy>(&Empty {}, &Empty {}, &request(text))
        .await
        .unwrap()
}

/// Waits until the gate says something that fits.
async fn says(app: &App, client: &Client, fits: impl Fn(&GateVerdict) -> bool) -> GateVerdict {
    let id: PromotionId = "payments/payment-service/live/1".parse().unwrap();
    let mut news = app.hub.watch();
    loop {
        let view: PromotionView = client.promotion(&id).await.unwrap();
        let verdicts = view.decision.into_iter().flat_map(|decision| decision.verdicts);
        if let Some(verdict) = verdicts.into_iter().find(|one| one.kind == "policy" && fits(one)) {
            return verdict;
        }
        news.recv().await.unwrap();
    }
}

#[tokio::test]
async fn rules_are_run_when_they_or_what_they_see_change() {
    let (app, admin, ..) = App::with_release(PIPELINE).await;
    let nothing = says(&app, &admin, |one| one.code == "policy.unknown").await;
    assert_eq!(nothing.verdict, Verdict::Waiting);

    let first = apply(&admin, RULES).await;
    assert!(first.changed);
    let denied = says(&app, &admin, |one| one.code == "check.denied").await;
    assert_eq!(denied.verdict, Verdict::Refused);
    assert!(
        denied.says.starts_with("1.0.0 was not tested (rules.deny)"),
        "{}",
        denied.says
    );
    assert!(denied.says.contains(&first.version.short()), "{}", denied.says);
    assert!(denied.details.iter().any(|line| line.contains("needs a ticket")));

    // A rule that goes wrong is no pass, and says where.
    apply(
        &admin,
        &format!("{RULES}\nviolation contains \"x\" if 1 / 0 == 1"),
    )
    .await;
    let errored = says(&app, &admin, |one| one.code == "check.errored").await;
    assert_eq!(errored.verdict, Verdict::Waiting);
    assert!(errored.says.contains("rules.rego:9"), "{}", errored.says);

    let second = apply(&admin, &format!("{RULES}\n# again")).await;
    says(&app, &admin, |one| one.says.contains(&second.version.short())).await;

    let tests = b"<testsuites><testsuite name=\"a\"><testcase name=\"b\"/></testsuite></testsuites>";
    admin
        .evidence(RELEASE, &EvidenceQuery::default(), tests)
        .await
        .unwrap();
    let passed = says(&app, &admin, |one| one.verdict == Verdict::Satisfied).await;
    assert_eq!(passed.code, "check.passed");
    assert!(passed.says.contains("2 rules passed"), "{}", passed.says);
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_with_its_place_and_changes_nothing() {
    let (_app, admin, reader, _) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    for (text, says) in [
        ("package a\ndeny contains \"x\" if {", "rules.rego:2"),
        (
            "package a\n\ndeny contains \"x\" if crypto.sha256(input.a) == \"\"",
            "rules.rego:3: there is no function `crypto.sha256`",
        ),
    ] {
        let problem = admin
            .ask::<ApplyPolicy>(&Empty {}, &Empty {}, &request(text))
            .await
            .unwrap_err();
        assert_eq!(problem.code, "policy.invalid");
        assert!(problem.detail.contains(says), "{}", problem.detail);
    }
    let list = reader
        .ask::<ListPolicies>(&Empty {}, &PolicyQuery::default(), &Empty {})
        .await
        .unwrap();
    assert_eq!(list, []);
}

#[tokio::test]
async fn a_module_in_force_is_listed_and_shown_as_it_was_applied() {
    let (_app, admin, reader, _) = App::start().await;
    let applied = apply(&admin, RULES).await;
    assert!(!apply(&admin, RULES).await.changed);
    let list = reader
        .ask::<ListPolicies>(&Empty {}, &PolicyQuery::default(), &Empty {})
        .await
        .unwrap();
    assert_eq!((list.len(), list[0].version), (1, applied.version));
    let path = |policy: &str| PolicyPath {
        project: "payments".parse().unwrap(),
        policy: policy.parse().unwrap(),
    };
    let view = reader
        .ask::<GetPolicy>(&path("rules"), &Empty {}, &Empty {})
        .await
        .unwrap();
    assert_eq!(view.files, request(RULES).files);
    assert_eq!(view.packages, ["rules"]);
    let stored = serde_json::json!({"files": view.files}).to_string();
    assert_eq!(Digest::of(stored.as_bytes()), view.version);
    let absent = reader
        .ask::<GetPolicy>(&path("other"), &Empty {}, &Empty {})
        .await;
    assert_eq!(absent.unwrap_err().code, "policy.unknown");
}
