//! Who is on call by a source: a real server on loopback that answers, changes, answers nonsense, sends elsewhere and hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use gateline_api::{ApplyRequest, ApplyRoles, Can, CanQuery, Empty};
use gateline_model::Scope;

use crate::pages::{get as page, text};
use crate::support::{App, Client};

/// A source that does what the test says.
async fn source(manner: Arc<AtomicUsize>) -> std::net::SocketAddr {
    let answer = move || {
        let manner = manner.clone();
        async move {
            match manner.load(Ordering::SeqCst) {
                0 => r#"{"oncalls": [{"user": {"email": "ana"}}]}"#.into_response(),
                1 => r#"{"oncalls": [{"user": {"email": "bo"}}, {"user": {"email": "cy"}}]}"#.into_response(),
                2 => "<html>sorry</html>".into_response(),
                3 => Redirect::temporary("http://127.0.0.1:1/elsewhere").into_response(),
                4 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                _ => std::future::pending().await,
            }
        }
    };
    let router = Router::new().route("/oncalls", get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn may_promote(reader: &Client, who: &str) -> (bool, String) {
    let query = CanQuery {
        actor: Some(who.parse().unwrap()),
        verb: Scope::Promote,
        project: "payments".parse().unwrap(),
        pipeline: None,
        stage: None,
    };
    let reply = reader.ask::<Can>(&Empty {}, &query, &Empty {}).await.unwrap();
    (reply.may, reply.because)
}

/// Looks until the people's page says so: how long it takes is not the test's to say.
async fn until_page_says(reader: &Client, said: &str) {
    loop {
        let shown = text(page(reader, "/people?project=payments").await).await;
        if shown.contains(said) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_source_says_who_is_on_call_and_where_it_cannot_be_read_nobody_is() {
    let (_app, admin, reader, _) = App::start().await;
    let manner = Arc::new(AtomicUsize::new(0));
    let address = source(manner.clone()).await;
    let roles = format!(
        "apiVersion: gateline.dev/v1
kind: Roles
metadata: {{project: payments}}
spec:
  teams:
    - name: duty
      on_call: {{http: \"http://{address}/oncalls\", who: \"/oncalls/*/user/email\", every: 1s, max_age: 10m, timeout: 1s}}
  roles:
    - {{name: releasers, may: [promote], teams: [duty]}}
"
    );
    let body = ApplyRequest {
        file_name: "roles.yaml".to_owned(),
        text: roles,
        written: None,
    };
    admin
        .ask::<ApplyRoles>(&Empty {}, &Empty {}, &body)
        .await
        .unwrap();
    until_page_says(&reader, "<b>ana</b> now").await;
    assert!(may_promote(&reader, "ana").await.0);
    assert!(!may_promote(&reader, "bo").await.0);
    manner.store(1, Ordering::SeqCst);
    until_page_says(&reader, "<b>bo, cy</b> now").await;
    assert!(may_promote(&reader, "bo").await.0 && may_promote(&reader, "cy").await.0);
    assert!(!may_promote(&reader, "ana").await.0, "her turn is over");
    for (bad, says) in [
        (2, "is not JSON"),
        (3, "redirects are not followed"),
        (4, "answered 503"),
        (5, "1s"),
    ] {
        manner.store(bad, Ordering::SeqCst);
        until_page_says(&reader, says).await;
        let (may, because) = may_promote(&reader, "bo").await;
        assert!(!may, "{because}");
        assert!(because.contains("nobody is on call in `duty`"), "{because}");
    }
    manner.store(0, Ordering::SeqCst);
    until_page_says(&reader, "<b>ana</b> now").await;
    // What was learnt stands in the log, once for each change.
    let log = text(page(&reader, "/log?event=on_call_learned").await).await;
    assert!(log.contains("bo, cy on call in duty, says its source"), "{log}");
}
