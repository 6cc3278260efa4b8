use gateline_api::{Board, BoardQuery, BoardShow, Empty, EvidenceQuery, GetBoard, PromotionState};

use crate::support::{App, Client, PIPELINE, id, junit};

async fn board(client: &Client, query: &BoardQuery) -> Board {
    client.ask::<GetBoard>(&Empty {}, query, &Empty {}).await.unwrap()
}

#[tokio::test]
async fn a_cell_shows_what_is_live_and_below_it_what_is_proposed_and_why_it_waits() {
    let (app, admin, reader, _) = App::with_release(PIPELINE).await;
    let held = board(&reader, &BoardQuery::default()).await;
    let dev = &held.pipelines[0].stages[0];
    assert_eq!(dev.live, None);
    assert_eq!(
        (dev.proposed[0].state, dev.proposed[0].satisfied),
        (PromotionState::Held, dev.proposed[0].gates - 1)
    );
    assert!(!dev.proposed[0].waiting_on.is_empty());

    admin
        .evidence("payment-service@1.0.0", &EvidenceQuery::default(), &junit(2, 0))
        .await
        .unwrap();
    app.until(&reader, &id("dev/1"), PromotionState::Verified).await;
    let live = board(&reader, &BoardQuery::default()).await;
    let [dev, production] = &live.pipelines[0].stages[..] else {
        panic!("{live:?}")
    };
    assert_eq!(dev.live.as_ref().unwrap().version.as_str(), "1.0.0");
    assert!(dev.proposed.is_empty());
    assert!(
        production.production && production.proposed[0].headline.contains("approval"),
        "{production:?}"
    );
    assert_eq!(live.log, app.hub.with_world(|world| world.next()));
}

#[tokio::test]
async fn the_board_is_narrowed_and_cut_into_pages_by_the_server() {
    let (_app, admin, reader, _) = App::start().await;
    for name in ["a", "a-b", "b", "c"] {
        admin
            .apply(
                &PIPELINE
                    .replace("payment-service", name)
                    .replace("payments", name),
            )
            .await
            .unwrap();
    }
    admin.apply(PIPELINE).await.unwrap();
    admin.register("1.0.0").await.unwrap();

    let mut query = BoardQuery {
        limit: Some(2),
        ..BoardQuery::default()
    };
    let mut names = Vec::new();
    loop {
        let page = board(&reader, &query).await;
        assert_eq!((page.total, page.all), (5, 5));
        names.extend(page.pipelines.iter().map(|row| row.of.pipeline.to_string()));
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    names.sort();
    assert_eq!(names, ["a", "a-b", "b", "c", "payment-service"]);

    for (show, total) in [
        (BoardShow::Open, 1),
        (BoardShow::Held, 1),
        (BoardShow::RollingOut, 0),
        (BoardShow::NotHealthy, 0),
    ] {
        let query = BoardQuery {
            show: Some(show),
            ..BoardQuery::default()
        };
        assert_eq!(board(&reader, &query).await.total, total, "{show:?}");
    }
    let query = BoardQuery {
        text: Some("payments/".into()),
        ..BoardQuery::default()
    };
    assert_eq!(board(&reader, &query).await.total, 1);
}
