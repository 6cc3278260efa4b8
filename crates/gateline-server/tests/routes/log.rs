use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use gateline_api::{Empty, GetCheckpoint, LogQuery, Notice, SearchLog};
use gateline_core::{Actor, Command};
use gateline_model::{Digest, Scope};
use gateline_server::hub::WATCH_BATCHES_MAX;
use gateline_server::{Settings, WATCHERS_MAX};
use http_body_util::BodyExt;

use crate::support::{App, Client, PIPELINE};

#[tokio::test]
async fn the_log_is_searched_by_stream_event_and_actor_page_by_page() {
    let (app, _, reader, _) = App::with_release(PIPELINE).await;
    let size = app.hub.with_world(|world| world.next());

    let mut query = LogQuery {
        limit: Some(3),
        ..LogQuery::default()
    };
    let mut numbers = Vec::new();
    loop {
        let page = reader
            .ask::<SearchLog>(&Empty {}, &query, &Empty {})
            .await
            .unwrap();
        numbers.extend(page.events.iter().map(|event| event.number));
        query.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(numbers, (0..size).rev().collect::<Vec<_>>());

    let query = LogQuery {
        event: Some("pipeline_applied".into()),
        actor: Some("admin".parse().unwrap()),
        prefix: Some("project/payments".into()),
        ..LogQuery::default()
    };
    let found = reader
        .ask::<SearchLog>(&Empty {}, &query, &Empty {})
        .await
        .unwrap();
    assert_eq!(found.events.len(), 1);
}

#[tokio::test]
async fn the_checkpoint_moves_with_the_log() {
    let (_app, admin, reader, _) = App::start().await;
    let before = reader
        .ask::<GetCheckpoint>(&Empty {}, &Empty {}, &Empty {})
        .await
        .unwrap();
    admin.apply(PIPELINE).await.unwrap();
    let after = reader
        .ask::<GetCheckpoint>(&Empty {}, &Empty {}, &Empty {})
        .await
        .unwrap();
    assert!(after.size > before.size && after.root != before.root);
    assert_eq!(after.root.len(), 64);
}

async fn watch(client: &Client, path: &str, last: Option<u64>) -> Response<Body> {
    let mut request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {}", client.token()));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    client.send_request(request.body(Body::empty()).unwrap()).await
}

/// The next so many notices of a stream, each with the id of its frame.
async fn notices(response: &mut Response<Body>, count: usize) -> Vec<(u64, Notice)> {
    let mut text = String::new();
    loop {
        let frames: Vec<&str> = text.split("\n\n").collect();
        let whole: Vec<(u64, Notice)> = frames[..frames.len() - 1]
            .iter()
            .filter(|frame| frame.contains("data: "))
            .map(|frame| {
                let line = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).unwrap();
                (
                    line("id: ").parse().unwrap(),
                    serde_json::from_str(line("data: ")).unwrap(),
                )
            })
            .collect();
        if whole.len() >= count {
            return whole;
        }
        let piece = response.body_mut().frame().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&piece.into_data().unwrap()).unwrap());
    }
}

#[tokio::test]
async fn a_watcher_is_told_of_what_is_new() {
    let (app, admin, reader, _) = App::start().await;
    let end = app.hub.with_world(|world| world.next());
    let mut stream = watch(&reader, "/api/events", None).await;
    assert_eq!(stream.headers()[header::CONTENT_TYPE], "text/event-stream");
    admin.apply(PIPELINE).await.unwrap();
    let told = notices(&mut stream, 1).await;
    assert_eq!(told[0].0, end);
    assert_eq!(
        (told[0].1.number, told[0].1.event.as_str()),
        (end, "pipeline_applied")
    );
}

#[tokio::test]
async fn a_watcher_that_comes_back_misses_nothing_and_hears_nothing_twice() {
    let (app, admin, reader, _) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    let mut stream = watch(&reader, "/api/events", Some(0)).await;
    admin.register("1.0.0").await.unwrap();
    let size = app.hub.with_world(|world| world.next());
    let told = notices(&mut stream, size as usize - 1).await;
    assert_eq!(
        told.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        (1..size).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_watcher_from_beyond_the_log_as_before_an_older_backup_hears_what_is_new() {
    let (app, admin, reader, _) = App::start().await;
    let end = app.hub.with_world(|world| world.next());
    let mut stream = watch(&reader, "/api/events", Some(99_999_999)).await;
    admin.apply(PIPELINE).await.unwrap();
    assert_eq!(notices(&mut stream, 1).await[0].0, end);
}

#[tokio::test]
async fn a_watcher_of_one_project_hears_of_no_other() {
    let (_app, admin, reader, _) = App::start().await;
    let mut stream = watch(&reader, "/api/events?prefix=release/&from=0", None).await;
    admin.apply(PIPELINE).await.unwrap();
    let release = admin.register("1.0.0").await.unwrap();
    let told = notices(&mut stream, 1).await;
    assert_eq!(told[0].1.stream.to_string(), format!("release/{}", release.id));
}

#[tokio::test]
async fn a_last_event_id_that_is_no_number_is_refused() {
    let (_app, _, reader, _) = App::start().await;
    let request = Request::get("/api/events")
        .header(header::AUTHORIZATION, format!("Bearer {}", reader.token()))
        .header("last-event-id", "x");
    let response = reader.send_request(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_watcher_that_cannot_keep_up_is_let_go() {
    let (app, admin, reader, _) = App::start().await;
    admin.apply(PIPELINE).await.unwrap();
    let mut stream = watch(&reader, "/api/events", None).await;
    for number in 0..=WATCH_BATCHES_MAX {
        let command = Command::IssueToken {
            id: format!("t{number}").parse().unwrap(),
            hash: Digest::of(&number.to_be_bytes()),
            actor: "nobody".parse().unwrap(),
            scopes: vec![Scope::Read],
            groups: Vec::new(),
            expires: None,
        };
        app.hub
            .submit(Actor::gateline(), command, None, Vec::new())
            .await
            .unwrap();
    }
    assert!(
        stream.body_mut().frame().await.is_none(),
        "it was told of events with others missing"
    );
}

#[tokio::test]
async fn one_watcher_too_many_is_told_when_to_come_again() {
    let (_app, _, reader, _) = App::start().await;
    let mut watchers = Vec::new();
    // One caller has half of the places.
    for _ in 0..WATCHERS_MAX / 2 {
        watchers.push(watch(&reader, "/api/events", None).await);
    }
    let refused = watch(&reader, "/api/events", None).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    watchers.pop();
    assert_eq!(watch(&reader, "/api/events", None).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn watchers_are_let_go_when_the_server_stops() {
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let (_app, _, reader, _) = App::start_with(Settings {
        stopping,
        ..Settings::default()
    })
    .await;
    let mut stream = watch(&reader, "/api/events", None).await;
    stop.send(true).unwrap();
    assert!(stream.body_mut().frame().await.is_none());
}
