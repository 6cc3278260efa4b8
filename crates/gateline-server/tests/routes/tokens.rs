use axum::http::StatusCode;
use gateline_api::{Empty, IssueToken, ListTokens, Problem, RevokeToken, TokenPath, TokenRequest};
use gateline_model::Scope;
use jiff::{SignedDuration, Timestamp};

use crate::support::{App, Client, body_of};

fn request(id: &str) -> TokenRequest {
    TokenRequest {
        id: id.parse().unwrap(),
        actor: "ci@acme".parse().unwrap(),
        scopes: vec![Scope::Register],
        groups: Vec::new(),
        expires: None,
    }
}

#[tokio::test]
async fn a_new_token_works_and_its_secret_is_in_no_list_and_not_in_the_log() {
    let (app, admin, _, _) = App::start().await;
    let made = admin
        .ask::<IssueToken>(&Empty {}, &Empty {}, &request("ci"))
        .await
        .unwrap();
    let ci = app.with_token(Some(made.token.clone()));
    assert_eq!(ci.get("/api/v1/board").await.status(), StatusCode::OK);
    assert_eq!(ci.get("/api/v1/tokens").await.status(), StatusCode::FORBIDDEN);

    let list = admin
        .ask::<ListTokens>(&Empty {}, &Empty {}, &Empty {})
        .await
        .unwrap();
    assert!(
        list.iter()
            .any(|token| token.id.as_str() == "ci" && token.actor.as_str() == "ci@acme")
    );
    for path in ["/api/v1/tokens", "/api/v1/log"] {
        let text = String::from_utf8(body_of(admin.get(path).await).await).unwrap();
        assert!(!text.contains(&made.token), "{path}");
    }
}

#[tokio::test]
async fn a_secret_is_never_shown_twice_nor_replaced_by_one_that_opens_nothing() {
    let (_app, admin, _, _) = App::start().await;
    let keyed = admin.with_key("make-ci");
    keyed
        .ask::<IssueToken>(&Empty {}, &Empty {}, &request("ci"))
        .await
        .unwrap();
    let problem = keyed
        .ask::<IssueToken>(&Empty {}, &Empty {}, &request("ci"))
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (409, "token.shown_once"));
    let problem = admin
        .ask::<IssueToken>(&Empty {}, &Empty {}, &request("ci"))
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (409, "token.exists"));
}

/// What is said where a token is not made.
async fn refused(client: &Client, request: &TokenRequest) -> Problem {
    let made = client.ask::<IssueToken>(&Empty {}, &Empty {}, request).await;
    made.unwrap_err()
}

#[tokio::test]
async fn a_token_that_could_do_nothing_is_refused() {
    let (_app, admin, _, _) = App::start().await;
    let nothing = TokenRequest {
        scopes: Vec::new(),
        ..request("ci")
    };
    let problem = refused(&admin, &nothing).await;
    assert_eq!((problem.status, problem.code.as_str()), (422, "token.no_scope"));
}

#[tokio::test]
async fn a_token_that_would_be_over_when_it_is_made_is_refused() {
    let (_app, admin, _, _) = App::start().await;
    let over = TokenRequest {
        expires: Some("2020-01-01T00:00:00Z".parse().unwrap()),
        ..request("ci")
    };
    let problem = refused(&admin, &over).await;
    assert_eq!((problem.status, problem.code.as_str()), (422, "token.expires"));
}

#[tokio::test]
async fn nobody_gets_a_token_in_the_name_of_gateline_itself() {
    let (_app, admin, _, _) = App::start().await;
    let itself = TokenRequest {
        actor: "gateline".parse().unwrap(),
        ..request("ci")
    };
    let problem = refused(&admin, &itself).await;
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (403, "token.actor_reserved")
    );
}

async fn revoke(client: &Client, id: &str) -> Result<(), Problem> {
    let path = TokenPath {
        id: id.parse().unwrap(),
    };
    client
        .ask::<RevokeToken>(&path, &Empty {}, &Empty {})
        .await
        .map(|_| ())
}

#[tokio::test]
async fn the_last_token_that_may_administer_cannot_be_revoked() {
    let (app, admin, _, _) = App::start().await;
    app.former("former").await;
    let problem = revoke(&admin, "admin").await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (409, "token.last_admin"));
    assert!(problem.detail.contains("the last token"), "{}", problem.detail);
    assert!(problem.hint.contains("gateline token create"), "{}", problem.hint);
    assert_eq!(admin.get("/api/v1/tokens").await.status(), StatusCode::OK);
    // What cannot administer, or no longer, may always go.
    revoke(&admin, "reader").await.unwrap();
    revoke(&admin, "former").await.unwrap();
}

#[tokio::test]
async fn what_remains_of_administration_lasts_as_long_as_what_is_revoked() {
    let (app, admin, _, _) = App::start().await;
    let soon = Some(Timestamp::now() + SignedDuration::from_hours(1));
    app.actor("guest", &[Scope::Admin], &[], soon).await;
    let problem = revoke(&admin, "admin").await.unwrap_err();
    assert_eq!(problem.code, "token.last_admin");
    assert!(
        problem.detail.contains("ends before `admin`"),
        "{}",
        problem.detail
    );
    let heir = app.actor("heir", &[Scope::Admin], &[], None).await;
    revoke(&admin, "admin").await.unwrap();
    revoke(&heir, "guest").await.unwrap();
    assert_eq!(revoke(&heir, "heir").await.unwrap_err().code, "token.last_admin");
}
