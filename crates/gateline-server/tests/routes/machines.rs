//! Machines that show what their CI signed: known by ids that roles name, and reaching as far as their roles.

use std::sync::Arc;

use axum::http::StatusCode;
use gateline_api::{Empty, RegisterRelease};
use gateline_core::{Actor, Command};
use gateline_model::{Digest, Machine, Role, Roles, Scope};
use serde_json::{Value, json};

use crate::issuer::Issuer;
use crate::support::{App, Client, body_of, problem_of, release};

const AUDIENCE: &str = "https://gateline.example.com";

async fn declare(app: &App, issuer: &str, actor: &str, claims: Value) {
    let claims = claims.as_object().unwrap().iter();
    let machine = Machine {
        actor: actor.parse().unwrap(),
        issuer: issuer.to_owned(),
        audience: AUDIENCE.to_owned(),
        claims: claims
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect(),
    };
    let role = Role {
        name: "ci".parse().unwrap(),
        teams: Vec::new(),
        actors: vec![actor.parse().unwrap()],
        may: vec![Scope::Register, Scope::SubmitEvidence],
        pipelines: Vec::new(),
        stages: Vec::new(),
    };
    let roles = Roles {
        project: "payments".parse().unwrap(),
        teams: Vec::new(),
        roles: vec![role],
        owners: Vec::new(),
        machines: vec![machine],
        protected: gateline_model::Protected::default(),
    };
    let command = Command::ApplyRoles {
        roles: Arc::new(roles),
        source: Digest::of(b"roles"),
        written: None,
    };
    app.hub
        .submit(Actor::gateline(), command, None, Vec::new())
        .await
        .unwrap();
}

/// What GitHub signs for a job of this repository; either form of the subject.
fn github(issuer: &Issuer, change: Value) -> Value {
    let mut claims = issuer.claims(json!({
        "aud": AUDIENCE, "sub": "repo:acme/shop:ref:refs/tags/v1.0.0",
        "repository": "acme/shop", "repository_id": "74", "repository_owner": "acme", "repository_owner_id": "65",
        "ref": "refs/tags/v1.0.0", "ref_type": "tag", "workflow": "release", "run_id": "9000", "actor": "ana",
    }));
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

async fn status(app: &App, token: String) -> StatusCode {
    app.with_token(Some(token)).get("/api/v1/board").await.status()
}

#[tokio::test]
async fn a_job_registers_its_release_without_a_stored_token_and_does_no_more() {
    let (app, admin, _, _) = App::start().await;
    let issuer = Issuer::start().await;
    admin.apply(crate::support::PIPELINE).await.unwrap();
    let ids = json!({"repository_id": "74", "repository_owner_id": "65"});
    declare(&app, &issuer.url, "shop@payments", ids).await;
    for sub in [
        "repo:acme/shop:ref:refs/tags/v1.0.0",
        "repo:acme@65/shop@74:ref:refs/tags/v1.0.0",
    ] {
        let token = issuer.sign(&github(&issuer, json!({"sub": sub})));
        assert_eq!(status(&app, token).await, StatusCode::OK, "{sub}");
    }
    let job: Client = app.with_token(Some(issuer.sign(&github(&issuer, json!({})))));
    let made = job
        .ask::<RegisterRelease>(&Empty {}, &Empty {}, &release("1.0.0"))
        .await;
    assert_eq!(made.unwrap().version.to_string(), "1.0.0");
    let log =
        String::from_utf8(body_of(admin.get("/api/v1/log?event=release_registered").await).await).unwrap();
    assert!(log.contains("shop@payments"), "{log}");
    let refused = job.apply(crate::support::PIPELINE).await;
    // The same file again changes nothing; another needs the right.
    let other = crate::support::PIPELINE.replace("because: ", "because: Really. ");
    let refused = refused.and(job.apply(&other).await).unwrap_err();
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(job.get("/api/v1/tokens").await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn gitlab_is_known_by_its_ids_too() {
    let (app, ..) = App::start().await;
    let issuer = Issuer::start().await;
    let ids = json!({"project_id": "22", "namespace_id": "72", "ref_protected": "true"});
    declare(&app, &issuer.url, "shop@payments", ids).await;
    let job = |change: Value| {
        let mut claims = issuer.claims(json!({
            "aud": AUDIENCE, "sub": "project_path:acme/shop:ref_type:branch:ref:main", "project_path": "acme/shop",
            "project_id": "22", "namespace_path": "acme", "namespace_id": "72", "ref": "main", "ref_protected": "true",
        }));
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        issuer.sign(&claims)
    };
    assert_eq!(status(&app, job(json!({}))).await, StatusCode::OK);
    assert_eq!(
        status(&app, job(json!({"project_id": "23"}))).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        status(&app, job(json!({"ref_protected": "false"}))).await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_job_of_the_same_name_elsewhere_or_a_token_of_another_making_is_nobody() {
    let (app, ..) = App::start().await;
    let issuer = Issuer::start().await;
    let ids = json!({"repository_id": "74", "repository_owner_id": "65"});
    declare(&app, &issuer.url, "shop@payments", ids).await;
    let past = jiff::Timestamp::now().as_second() - 3_600;
    for (change, why) in [
        (
            json!({"repository_id": "75"}),
            "no machine that roles name has its claims",
        ),
        (
            json!({"repository_owner_id": "66"}),
            "no machine that roles name has its claims",
        ),
        (
            json!({"repository_id": null}),
            "no machine that roles name has its claims",
        ),
        (json!({"aud": "https://other.example.com"}), "its audience is not"),
        (json!({"exp": past}), "its time is over"),
        (json!({"nbf": past + 7_200}), "its time has not come"),
        (
            json!({"iss": "https://login.example.com"}),
            "no roles name a machine of its issuer",
        ),
    ] {
        let token = issuer.sign(&github(&issuer, change));
        let response = app.with_token(Some(token)).get("/api/v1/board").await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{why}");
        let problem = problem_of(response).await;
        assert!(problem.detail.contains(why), "{}", problem.detail);
    }
    let other = Issuer::start().await;
    let forged = other.sign(&github(&issuer, json!({})));
    assert_eq!(status(&app, forged).await, StatusCode::UNAUTHORIZED);
    assert_eq!(other.fetched(), 0, "nobody is asked whom no roles name");
}

#[tokio::test]
async fn an_issuer_where_machines_keep_their_secrets_is_never_asked() {
    let (app, ..) = App::start().await;
    let issuer = Issuer::start().await;
    for url in [
        "http://169.254.169.254",
        "https://[fe80::1]",
        "http://login.example.com",
    ] {
        declare(&app, url, "shop@payments", json!({"repository_id": "74"})).await;
        let token = issuer.sign(&github(&issuer, json!({"iss": url})));
        let response = app.with_token(Some(token)).get("/api/v1/board").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{url}");
        assert_eq!(problem_of(response).await.code, "auth.issuer_unreachable");
    }
}

#[tokio::test]
async fn a_machine_is_nobody_once_its_roles_do_not_name_it() {
    let (app, ..) = App::start().await;
    let issuer = Issuer::start().await;
    declare(&app, &issuer.url, "shop@payments", json!({"repository_id": "74"})).await;
    let token = issuer.sign(&github(&issuer, json!({})));
    assert_eq!(status(&app, token.clone()).await, StatusCode::OK);
    declare(&app, &issuer.url, "shop@payments", json!({"repository_id": "99"})).await;
    assert_eq!(status(&app, token).await, StatusCode::UNAUTHORIZED);
}
