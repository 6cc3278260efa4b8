//! Claims about the rows of the read models.

use std::collections::BTreeSet;

use gateline_model::Digest;

use super::sample::{accept, at, id, lease, nothing, pipeline, promotion_row, release_row, rows, work};
use crate::{Append, PromotionSearch, ReleaseRow, ReleaseSearch, Row, Store};

fn promotions(store: &dyn Store, search: PromotionSearch) -> Vec<String> {
    let found = store
        .promotions(&PromotionSearch { limit: 100, ..search })
        .unwrap();
    found
        .iter()
        .map(|row| row.id.to_string().replace("payments/", ""))
        .collect()
}

pub(super) fn promotions_are_replaced_and_found(store: &mut dyn Store) {
    let mut first = promotion_row("payments/payment-service/dev/1", 10);
    let mut other = promotion_row("payments/ledger/dev/1", 20);
    other.release = Digest::of(b"2.0.0");
    let last = promotion_row("payments/payment-service/production/1", 30);
    accept(store, 0, &rows([first.clone(), other, last]));
    first.ended_at = Some(at(40));
    first.says = "verified".into();
    accept(store, 0, &rows([first.clone()]));
    let of = || PromotionSearch {
        pipeline: Some(pipeline("payment-service")),
        ..Default::default()
    };
    let found = |search| promotions(store, search);
    assert_eq!(
        found(Default::default()),
        [
            "payment-service/production/1",
            "ledger/dev/1",
            "payment-service/dev/1"
        ]
    );
    assert_eq!(
        found(of()),
        ["payment-service/production/1", "payment-service/dev/1"]
    );
    let dev = Some("dev".parse().unwrap());
    assert_eq!(
        found(PromotionSearch {
            stage: dev.clone(),
            ..of()
        }),
        ["payment-service/dev/1"]
    );
    assert_eq!(
        found(PromotionSearch {
            stage: dev,
            ..Default::default()
        }),
        ["ledger/dev/1", "payment-service/dev/1"]
    );
    let release = Some(Digest::of(b"2.0.0"));
    assert_eq!(
        found(PromotionSearch {
            release,
            ..Default::default()
        }),
        ["ledger/dev/1"]
    );
    assert_eq!(found(PromotionSearch { release, ..of() }), [] as [&str; 0]);
    assert_eq!(
        found(PromotionSearch {
            ended: Some(true),
            ..of()
        }),
        ["payment-service/dev/1"]
    );
    assert_eq!(
        found(PromotionSearch {
            ended: Some(false),
            ..of()
        }),
        ["payment-service/production/1"]
    );
    assert_eq!(
        store
            .promotions(&PromotionSearch {
                ended: Some(true),
                limit: 1,
                ..of()
            })
            .unwrap(),
        [first]
    );
}

pub(super) fn releases_are_replaced_and_found(store: &mut dyn Store) {
    let mut one = release_row("1.0.0", 10);
    let other = ReleaseRow {
        of: pipeline("ledger"),
        ..release_row("2.0.0", 20)
    };
    let row = |row: &ReleaseRow| Row::Release(row.clone());
    accept(
        store,
        0,
        &Append {
            rows: vec![row(&one), row(&other)],
            ..nothing()
        },
    );
    one.breaking = true;
    accept(
        store,
        0,
        &Append {
            rows: vec![row(&one)],
            ..nothing()
        },
    );
    let found = |search| store.releases(&ReleaseSearch { limit: 100, ..search }).unwrap();
    assert_eq!(found(ReleaseSearch::default()), [other.clone(), one.clone()]);
    let version = Some("1.0.0".parse().unwrap());
    assert_eq!(
        found(ReleaseSearch {
            version: version.clone(),
            ..Default::default()
        }),
        [one.clone()]
    );
    let of = |name| Some(pipeline(name));
    assert_eq!(
        found(ReleaseSearch {
            pipeline: of("ledger"),
            ..Default::default()
        }),
        [other]
    );
    assert_eq!(
        found(ReleaseSearch {
            pipeline: of("ledger"),
            version: version.clone(),
            ..Default::default()
        }),
        []
    );
    assert_eq!(
        found(ReleaseSearch {
            pipeline: of("payment-service"),
            version,
            ..Default::default()
        }),
        [one]
    );
}

pub(super) fn rows_are_paged_without_gaps(store: &mut dyn Store) {
    // Requested at the same moment: then the ids order them, numbers as numbers and names as names.
    let ids = ["a/x/dev/2", "a/x/dev/10", "a/x/prod/1", "a-b/x/dev/1"];
    accept(store, 0, &rows(ids.map(|id| promotion_row(id, 5))));
    accept(
        store,
        0,
        &rows([promotion_row("a/x/dev/11", 9), promotion_row("a/x/dev/1", 1)]),
    );
    let mut seen = vec![];
    let mut search = PromotionSearch {
        limit: 2,
        ..Default::default()
    };
    loop {
        let page = store.promotions(&search).unwrap();
        let Some(last) = page.last() else { break };
        search.after = Some((last.requested_at, last.id.clone()));
        seen.extend(page.iter().map(|row| row.id.to_string()));
    }
    assert_eq!(seen, ["a/x/dev/11", ids[0], ids[1], ids[2], ids[3], "a/x/dev/1"]);

    let releases: Vec<_> = (0..5)
        .map(|number| release_row(&format!("1.{number}"), number / 3))
        .collect();
    accept(
        store,
        0,
        &Append {
            rows: releases.into_iter().map(Row::Release).collect(),
            ..nothing()
        },
    );
    let whole = store
        .releases(&ReleaseSearch {
            limit: 9,
            ..Default::default()
        })
        .unwrap();
    assert_eq!(whole.len(), 5);
    for (index, row) in whole.iter().enumerate() {
        let after = Some((row.registered_at, row.id));
        let rest = store
            .releases(&ReleaseSearch {
                after,
                limit: 9,
                ..Default::default()
            })
            .unwrap();
        assert_eq!(rest, whole[index + 1..]);
    }
}

pub(super) fn a_rebuild_replaces_rows_and_leaves_planned_work_its_lease(store: &mut dyn Store) {
    let row = |id| promotion_row(id, 0);
    let (one, two) = ("payments/ledger/dev/1", "payments/ledger/dev/2");
    let item = Append {
        work_add: vec![work(1, 0), work(2, 0)],
        ..rows([row(one), row(two)])
    };
    accept(store, 0, &item);
    lease(store, 1, 1);
    let leased = store.work().unwrap().remove(0);
    let mut made = row(two);
    made.says = "verified".into();
    let made = vec![
        Row::Promotion(Box::new(made)),
        Row::Release(release_row("1.0.0", 5)),
    ];
    store
        .rebuild(&made, &[work(1, 50), work(3, 7)], &BTreeSet::new())
        .unwrap();
    let found: Vec<Row> = store.rows().unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(found, made);
    let planned = store.work().unwrap();
    assert_eq!(planned[0], leased);
    assert_eq!((planned[1].work.id(), planned[1].work.due), (id(3), at(7)));
    assert_eq!(planned.len(), 2);
    assert_eq!(store.unsound().unwrap(), Vec::<String>::new());

    let afresh = BTreeSet::from([id(1)]);
    store.rebuild(&made, &[work(1, 50), work(3, 7)], &afresh).unwrap();
    let planned = store.work().unwrap();
    assert_eq!((planned[0].work.due, planned[0].attempt), (at(50), 0));
    assert_eq!(planned[0].leased_until, None);
}
