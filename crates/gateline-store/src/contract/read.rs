//! Claims about reading and searching the log.

use gateline_model::{Digest, Event, StreamId};

use super::sample::{accept, at, named, one, private, stream};
use crate::kept::RECENT_EVENTS;
use crate::{Append, NewEvent, Search, Store};

fn numbers(store: &dyn Store, search: Search) -> Vec<u64> {
    let limit = if search.limit == 0 { 100 } else { search.limit };
    store
        .search(&Search { limit, ..search })
        .unwrap()
        .iter()
        .map(|recorded| recorded.number)
        .collect()
}

/// Ten events: 0 to 4 by ana in promotion 1 at 0 to 4 s, 5 to 9 by bob in 11 (even) and a release (odd) at 10 s.
fn ten(store: &mut dyn Store) {
    for version in 0..5 {
        accept(store, version as i64, &one(stream(1), version));
    }
    let bob = |name, version| Append {
        actor: "bob".parse().unwrap(),
        ..one(name, version)
    };
    let release = named(&format!("release/{}", Digest::of(b"x")));
    let mut odd = bob(release.clone(), 0);
    odd.events[0].event = Event::RolloutResumed {};
    accept(store, 10, &odd);
    accept(store, 10, &bob(stream(11), 0));
    odd.expects = vec![(release, 1)];
    accept(store, 10, &odd);
    accept(store, 10, &bob(stream(11), 1));
    odd.expects[0].1 = 2;
    accept(store, 10, &odd);
}

pub(super) fn the_log_is_read_in_pages(store: &mut dyn Store) {
    ten(store);
    let page = |from, limit| {
        store
            .read(from, limit)
            .unwrap()
            .iter()
            .map(|it| it.number)
            .collect::<Vec<_>>()
    };
    assert_eq!(page(0, 3), [0, 1, 2]);
    assert_eq!(page(8, 3), [8, 9]);
    assert_eq!(page(10, 3), [] as [u64; 0]);
    assert_eq!(page(0, usize::MAX).len(), 10);
    assert_eq!(page(0, 0), [] as [u64; 0]);
}

pub(super) fn a_stream_is_read_after_a_version(store: &mut dyn Store) {
    ten(store);
    let read = |name, after| {
        let events = store.read_stream(&name, after).unwrap();
        events
            .iter()
            .map(|it| (it.number, it.version))
            .collect::<Vec<_>>()
    };
    assert_eq!(read(stream(11), 0), [(6, 1), (8, 2)]);
    assert_eq!(read(stream(1), 3), [(3, 4), (4, 5)]);
    assert_eq!(read(stream(1), 5), []);
    assert_eq!(read(stream(2), 0), []);
}

pub(super) fn search_filters(store: &mut dyn Store) {
    ten(store);
    let found = |search| numbers(store, search);
    assert_eq!(found(Search::default()), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(
        found(Search {
            stream: Some(stream(11)),
            ..Search::default()
        }),
        [8, 6]
    );
    assert_eq!(
        found(Search {
            stream: Some(stream(2)),
            ..Search::default()
        }),
        [] as [u64; 0]
    );
    assert_eq!(
        found(Search {
            event: Some("rollout_resumed".into()),
            ..Search::default()
        }),
        [9, 7, 5]
    );
    let bob = Search {
        actor: Some("bob".parse().unwrap()),
        ..Search::default()
    };
    assert_eq!(found(bob.clone()), [9, 8, 7, 6, 5]);
    assert_eq!(
        found(Search {
            event: Some("step_intended".into()),
            ..bob.clone()
        }),
        [8, 6]
    );
    assert_eq!(
        found(Search {
            stream: Some(stream(1)),
            ..bob
        }),
        [] as [u64; 0]
    );
    let since = Search {
        from: Some(at(3)),
        ..Search::default()
    };
    assert_eq!(
        found(Search {
            until: Some(at(10)),
            ..since.clone()
        }),
        [4, 3]
    );
    assert_eq!(
        found(Search {
            stream: Some(stream(1)),
            ..since
        }),
        [4, 3]
    );
    assert_eq!(
        found(Search {
            until: Some(at(0)),
            ..Search::default()
        }),
        [] as [u64; 0]
    );
    assert_eq!(
        found(Search {
            from: Some(at(11)),
            ..Search::default()
        }),
        [] as [u64; 0]
    );
    assert_eq!(
        found(Search {
            event: Some("' OR 1 --".into()),
            ..Search::default()
        }),
        [] as [u64; 0]
    );
}

pub(super) fn search_pages_newest_first(store: &mut dyn Store) {
    ten(store);
    let filter = Search {
        actor: Some("bob".parse().unwrap()),
        limit: 2,
        ..Search::default()
    };
    assert_eq!(numbers(store, filter.clone()), [9, 8]);
    assert_eq!(
        numbers(
            store,
            Search {
                before: Some(8),
                ..filter.clone()
            }
        ),
        [7, 6]
    );
    assert_eq!(
        numbers(
            store,
            Search {
                before: Some(6),
                ..filter.clone()
            }
        ),
        [5]
    );
    assert_eq!(
        numbers(
            store,
            Search {
                before: Some(u64::MAX),
                ..filter
            }
        ),
        [9, 8]
    );
    assert_eq!(
        store.search(&Search::default()).unwrap(),
        [],
        "a limit of none finds none"
    );
}

pub(super) fn a_prefix_takes_only_what_begins_so(store: &mut dyn Store) {
    ten(store);
    let prefix = |text: &str| {
        numbers(
            store,
            Search {
                stream_prefix: Some(text.into()),
                ..Search::default()
            },
        )
    };
    assert_eq!(
        prefix("promotion/payments/payment-service/production/1"),
        [8, 6, 4, 3, 2, 1, 0]
    );
    assert_eq!(prefix("promotion/payments/payment-service/production/11"), [8, 6]);
    assert_eq!(prefix("release/"), [9, 7, 5]);
    assert_eq!(prefix("").len(), 10);
    assert_eq!(prefix("%"), [] as [u64; 0]);
    assert_eq!(prefix("promotion_"), [] as [u64; 0]);
    let both = Search {
        stream: Some(stream(1)),
        stream_prefix: Some("release/".into()),
        ..Search::default()
    };
    assert_eq!(numbers(store, both), [] as [u64; 0]);
}

pub(super) fn a_prefix_finds_the_newest_and_what_is_long_past(store: &mut dyn Store) {
    // 0 to 2 are what is searched for, then come as many others as are looked at first, then one more of them.
    let many = |name: StreamId, version, count: usize| {
        let append = one(name, version);
        let events = vec![append.events[0].clone(); count];
        Append { events, ..append }
    };
    let last = 3 + RECENT_EVENTS as u64;
    accept(store, 0, &many(stream(1), 0, 3));
    let others = named("stage/payments/payment-service/production");
    accept(store, 1, &many(others, 0, RECENT_EVENTS as usize));
    let mut bob = one(stream(1), 3);
    bob.actor = "bob".parse().unwrap();
    accept(store, 2, &bob);
    let promotions = Search {
        stream_prefix: Some("promotion/".into()),
        ..Search::default()
    };
    let found = |search| numbers(store, search);
    let limited = |limit, before| Search {
        limit,
        before,
        ..promotions.clone()
    };
    assert_eq!(found(limited(10, None)), [last, 2, 1, 0]);
    assert_eq!(found(limited(1, None)), [last]);
    assert_eq!(found(limited(2, None)), [last, 2]);
    // The border between the newest and the rest lies behind number 2, before it, and before the beginning.
    assert_eq!(found(limited(2, Some(last))), [2, 1]);
    assert_eq!(found(limited(10, Some(last - 1))), [2, 1, 0]);
    assert_eq!(found(limited(10, Some(2))), [1, 0]);
    assert_eq!(found(limited(10, Some(0))), [] as [u64; 0]);
    let since = |secs| Search {
        from: Some(at(secs)),
        ..promotions.clone()
    };
    assert_eq!(found(since(0)), [last, 2, 1, 0]);
    assert_eq!(found(since(2)), [last]);
    let by = |actor: &str| Search {
        actor: Some(actor.parse().unwrap()),
        ..promotions.clone()
    };
    assert_eq!((found(by("ana")), found(by("bob"))), (vec![2, 1, 0], vec![last]));
}

pub(super) fn numbers_beyond_the_end_find_nothing(store: &mut dyn Store) {
    let twice = one(stream(1), 0);
    let events = vec![
        twice.events[0].clone(),
        NewEvent {
            stream: stream(1),
            ..twice.events[0].clone()
        },
    ];
    accept(store, 0, &Append { events, ..twice });
    for number in [2, 3, i64::MAX as u64, u64::MAX] {
        assert_eq!(store.read(number, 10).unwrap(), []);
        assert_eq!(store.leaves(number, 10).unwrap(), []);
        assert_eq!(store.raw(number, 10).unwrap(), []);
        assert_eq!(store.read_stream(&stream(1), number).unwrap(), []);
        assert_eq!(store.erase(&[number]).unwrap(), 0);
    }
}

pub(super) fn raw_events_read_and_hash_as_what_was_recorded(store: &mut dyn Store) {
    ten(store);
    let mut told = one(stream(3), 0);
    told.events[0].private = Some(([7; 16], private("Ana")));
    accept(store, 10, &told);
    told.expects[0].1 = 1;
    accept(store, 10, &told);
    store.erase(&[10]).unwrap();
    let raw = store.raw(0, 100).unwrap();
    let read: Vec<_> = raw.iter().map(|raw| raw.recorded().unwrap()).collect();
    assert_eq!(read, store.read(0, 100).unwrap());
    for (raw, leaf) in raw.iter().zip(store.leaves(0, 100).unwrap()) {
        assert_eq!(raw.differences(), []);
        assert_eq!(raw.leaf, leaf.as_bytes());
    }
    assert!(raw[10].private.is_none() && raw[10].private_hash == raw[11].private_hash);
    assert_eq!(store.raw(9, 2).unwrap(), raw[9..11]);
}
