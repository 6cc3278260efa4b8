use axum::http::StatusCode;
use gateline_api::{Empty, IssueToken, ListTokens, TokenRequest};
use gateline_model::Scope;

use crate::support::{App, body_of};

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

#[tokio::test]
async fn a_token_that_could_do_nothing_is_refused() {
    let (_app, admin, _, _) = App::start().await;
    let nothing = TokenRequest {
        scopes: Vec::new(),
        ..request("ci")
    };
    let problem = admin
        .ask::<IssueToken>(&Empty {}, &Empty {}, &nothing)
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (422, "token.no_scope"));
}

#[tokio::test]
async fn nobody_gets_a_token_in_the_name_of_gateline_itself() {
    let (_app, admin, _, _) = App::start().await;
    let itself = TokenRequest {
        actor: "gateline".parse().unwrap(),
        ..request("ci")
    };
    let problem = admin
        .ask::<IssueToken>(&Empty {}, &Empty {}, &itself)
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (403, "token.actor_reserved")
    );
}
