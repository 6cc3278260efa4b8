//! What is declared, on its pages: people and roles, and every version of a rule.

use std::collections::BTreeMap;

use crate::pages::{get, text};
use crate::support::{App, Client, PIPELINE};
use gateline_api::{ApplyPipeline, ApplyPolicy, ApplyRequest, ApplyRoles, Empty, PolicyRequest};

const ROLES: &str = "apiVersion: gateline.dev/v1
kind: Roles
metadata: {project: payments}
spec:
  teams:
    - {name: tech-lead, members: [ana, bo]}
    - name: duty
      on_call: {from: \"2026-01-05T09:00:00Z\", every: 7d, rotation: [cy, dee]}
  roles:
    - {name: releasers, may: [promote, freeze], stages: [dev], teams: [tech-lead], actors: [eve]}
  owners:
    - {paths: [\"db/**\"], team: tech-lead}
";

fn file(text: &str) -> ApplyRequest {
    ApplyRequest {
        file_name: "file.yaml".to_owned(),
        text: text.to_owned(),
        written: None,
    }
}

async fn declared() -> (App, Client, Client) {
    let (app, admin, reader, _) = App::start().await;
    let second = PIPELINE.replace("tests: {suite: unit}", "tests: {suite: all}");
    for text in [PIPELINE, &second] {
        let body = file(text);
        admin
            .ask::<ApplyPipeline>(&Empty {}, &Empty {}, &body)
            .await
            .unwrap();
    }
    let body = file(ROLES);
    admin
        .ask::<ApplyRoles>(&Empty {}, &Empty {}, &body)
        .await
        .unwrap();
    for message in ["every change needs a ticket", "no change without a ticket"] {
        let rules = format!(
            "package main\n\nimport rego.v1\n\nwarn contains \"{message}\" if count(input.change.tickets) == 0\n"
        );
        let body = PolicyRequest {
            project: "payments".parse().unwrap(),
            name: "rules".parse().unwrap(),
            files: BTreeMap::from([("rules.rego".to_owned(), rules)]),
            written: None,
        };
        admin
            .ask::<ApplyPolicy>(&Empty {}, &Empty {}, &body)
            .await
            .unwrap();
    }
    (app, admin, reader)
}

#[tokio::test]
async fn the_people_of_a_project_are_shown_with_what_they_may_and_who_is_on_call() {
    let (_app, admin, reader) = declared().await;
    let page = text(get(&reader, "/people?project=payments&who=eve").await).await;
    for said in [
        "releasers",
        "promote, freeze",
        "every pipeline, dev",
        "ana, bo",
        "<b>cy</b> now",
        "<b>dee</b> now",
        "db/**",
        "In no team here.",
        "may not",
    ] {
        let one_of_two = said.ends_with("</b> now");
        assert!(one_of_two || page.contains(said), "`{said}` in {page}");
    }
    assert!(
        page.contains("<b>cy</b> now") != page.contains("<b>dee</b> now"),
        "{page}"
    );
    // Who may not administer the server does not see its tokens.
    assert!(!page.contains("id=\"tokens\""), "{page}");
    let page = text(get(&admin, "/people?project=payments").await).await;
    assert!(page.contains("id=\"tokens\"") && page.contains("never"), "{page}");
}

#[tokio::test]
async fn every_version_stands_with_what_it_changed() {
    let (_app, _, reader) = declared().await;
    let list = text(get(&reader, "/policies").await).await;
    for kind in ["policy/rules", "pipeline/payment-service", "roles/payments"] {
        assert!(list.contains(&format!("/policies/payments/{kind}")), "{list}");
    }
    let page = text(get(&reader, "/policies/payments/pipeline/payment-service").await).await;
    for said in [
        "<del>-         - tests: {suite: unit}</del>",
        "<ins>+         - tests: {suite: all}</ins>",
        "~ stages.dev.gates.tests.suite: unit -&gt; all",
    ] {
        assert!(page.contains(said), "`{said}` in {page}");
    }
    let page = text(get(&reader, "/policies/payments/policy/rules").await).await;
    assert!(page.contains("<h3>rules.rego</h3>"), "{page}");
    assert!(
        page.contains("<ins>+ warn contains &quot;no change without a ticket&quot;"),
        "{page}"
    );
    let page = text(get(&reader, "/policies/payments/roles/payments").await).await;
    assert!(page.contains("<ins>+ kind: Roles</ins>"), "{page}");
}
