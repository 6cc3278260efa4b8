//! Rights before work, secrets that are the server's, and questions about rights that are told as they are.

use axum::http::{Method, StatusCode};
use gateline_model::{Scope, SecretRef};
use gateline_server::Settings;
use serde_json::{Value, json};

use crate::support::{App, Client, PIPELINE, body_of, problem_of};

const ROLES: &str = "apiVersion: gateline.dev/v1
kind: Roles
metadata: {project: payments}
spec:
  teams:
    - {name: tech-lead, members: [ana]}
    - {name: platform, members: [olga]}
  roles:
    - {name: admins, may: [admin], actors: [root]}
  protected:
    policies: {owners: [platform]}
";

async fn send(client: &Client, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let body = body.to_string().into_bytes();
    let response = client.send(method, path, "application/json", body).await;
    let status = response.status();
    (status, serde_json::from_slice(&body_of(response).await).unwrap())
}

fn file(text: &str) -> Value {
    json!({"file_name": "file.yaml", "text": text})
}

async fn with_roles() -> (App, Client, Client) {
    let (app, admin, ..) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    let (status, said) = send(&admin, Method::PUT, "/api/v1/roles", file(ROLES)).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let scopes = [Scope::Apply, Scope::SubmitEvidence, Scope::Approve];
    let nobody = app.actor("nobody", &scopes, &[], None).await;
    (app, admin, nobody)
}

#[tokio::test]
async fn who_may_not_is_told_before_anything_is_read() {
    let (_app, admin, nobody) = with_roles().await;
    admin.register("1.0.0").await.unwrap();
    // None of it could be read: that somebody may not is told first.
    let calendar = json!({"project": "payments", "name": "x", "text": "no calendar"});
    let module = json!({"project": "payments", "name": "x", "files": {"x.rego": "no rego"}});
    for (path, body) in [("/api/v1/calendars", calendar), ("/api/v1/policies", module)] {
        let (status, said) = send(&nobody, Method::PUT, path, body).await;
        assert_eq!(
            (status, &said["code"]),
            (StatusCode::FORBIDDEN, &json!("authority.no_role")),
            "{path}"
        );
    }
    let path = "/api/v1/releases/payment-service@1.0.0/evidence";
    let response = nobody
        .send(
            Method::POST,
            path,
            "application/octet-stream",
            b"no report".to_vec(),
        )
        .await;
    assert_eq!(problem_of(response).await.code, "authority.no_role");
}

#[tokio::test]
async fn roles_of_a_project_name_the_secrets_that_the_server_offers_and_no_others() {
    let mut settings = Settings::default();
    settings.file.secrets.folders = vec!["/etc/gateline/on-call".to_owned()];
    settings.file.secrets.env = vec!["PAGER_TOKEN".to_owned()];
    let (_app, admin, ..) = App::start_with(settings).await;
    let roles = |project: &str, token: &str| {
        file(&format!(
            "apiVersion: gateline.dev/v1\nkind: Roles\nmetadata: {{project: {project}}}\nspec:\n  teams:\n    - name: duty\n      on_call: \
             {{http: 'http://127.0.0.1:9/x', who: /u, token: '{token}'}}\n"
        ))
    };
    for (project, token, status) in [
        ("payments", "env:PAGER_TOKEN", 200),
        ("payments", "file:/etc/gateline/on-call/pager", 200),
        ("payments", "env:AWS_SECRET_ACCESS_KEY", 422),
        ("payments", "file:/var/lib/gateline/admin.token", 422),
        ("payments", "file:/etc/gateline/on-call/../admin.token", 422),
        ("payments", "file:on-call/pager", 422),
        ("gateline", "env:ANYTHING", 200),
    ] {
        let (found, said) = send(&admin, Method::PUT, "/api/v1/roles", roles(project, token)).await;
        assert_eq!(found.as_u16(), status, "{project} {token}: {said}");
        if status == 422 {
            assert_eq!(said["code"], "roles.secret");
        }
    }
    let by_default = Settings::default().file.secrets;
    assert!(
        !by_default.allows(&SecretRef::Env("PATH".to_owned())),
        "none is offered by default"
    );
}

#[tokio::test]
async fn what_somebody_can_is_told_of_what_there_is() {
    let (_app, admin, _) = with_roles().await;
    let can = async |query: &str| send(&admin, Method::GET, &format!("/api/v1/can?{query}"), json!({})).await;
    let (_, said) = can("actor=ghost&verb=approve&project=payments").await;
    assert_eq!(
        (&said["may"], &said["because"]),
        (&json!(false), &json!("no layer of a stage there asks this actor"))
    );
    let (_, said) = can("actor=ana&verb=approve&project=payments").await;
    assert_eq!(
        (&said["may"], &said["layers"]),
        (&json!(true), &json!(["tech-lead"]))
    );
    for (query, code) in [
        (
            "verb=approve&project=payments&pipeline=payment-service&stage=prodction",
            "stage.unknown",
        ),
        (
            "verb=approve&project=payments&pipeline=paymnt",
            "pipeline.unknown",
        ),
    ] {
        let (status, said) = can(query).await;
        assert_eq!(
            (status, &said["code"]),
            (StatusCode::NOT_FOUND, &json!(code)),
            "{query}"
        );
    }
    let (_, said) = can("actor=ana&verb=apply&project=payments&pipeline=new").await;
    assert!(
        said["because"]
            .as_str()
            .unwrap()
            .contains("apply pipelines, policies, calendars and notifications")
    );
}

#[tokio::test]
async fn an_owner_lists_the_proposals_that_wait_on_the_owner() {
    let (app, admin, nobody) = with_roles().await;
    let module = json!({"project": "payments", "name": "rules", "files": {"x.rego": "package main\n"},
        "written": {"commit": {"id": "a1".repeat(20)}, "author": "Olga <olga@example.org>"}});
    let (status, said) = send(&admin, Method::PUT, "/api/v1/policies", module).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let olga = app.actor("olga", &[Scope::Approve], &[], None).await;
    let mine = async |client: &Client| {
        let (_, said) = send(client, Method::GET, "/api/v1/proposals?mine=true", json!({})).await;
        said.as_array().unwrap().len()
    };
    assert_eq!((mine(&olga).await, mine(&nobody).await), (1, 0));
    // The name of the commit's author is not one that is known here; with one that is, she may not approve it.
    let module = json!({"project": "payments", "name": "rules", "files": {"x.rego": "package other\n"},
        "written": {"commit": {"id": "a1".repeat(20)}, "author": "Olga <olga>"}});
    send(&admin, Method::PUT, "/api/v1/policies", module).await;
    assert_eq!(mine(&olga).await, 0);
    let (_, said) = send(
        &olga,
        Method::POST,
        "/api/v1/proposals/payments/2/approve",
        json!({}),
    )
    .await;
    assert_eq!(said["code"], "proposal.author", "{said}");
}
