//! Claims about appends.

use gateline_log::{Frontier, Hash};
use gateline_model::{Recorded, Span};
use jiff::Timestamp;

use super::sample::{accept, append, at, key, named, nothing, one, private, stream};
use crate::{
    Append, AppendError, BATCH_APPENDS_MAX, Committed, IDEMPOTENCY_KEPT, NewEvent, Store, StoreError, leaf,
};

fn appended(answer: Result<Committed, AppendError>) -> Vec<Recorded> {
    match answer {
        Ok(Committed::Appended(recorded)) => recorded,
        Ok(Committed::Before(_)) | Err(_) => panic!("appended, not {answer:?}"),
    }
}

pub(super) fn a_new_store_is_empty(store: &mut dyn Store) {
    let head = store.head().unwrap();
    assert_eq!(
        (head.size, head.at, head.root),
        (0, Timestamp::UNIX_EPOCH, gateline_log::empty_root())
    );
    assert_eq!(store.read(0, 10).unwrap(), []);
    assert_eq!(store.work().unwrap(), []);
    assert_eq!(store.next_due().unwrap(), None);
}

pub(super) fn events_get_gap_free_numbers_and_versions(store: &mut dyn Store) {
    let batch = [
        one(stream(1), 0),
        one(stream(2), 0),
        one(stream(9), 5),
        one(stream(1), 1),
    ];
    store.append(at(0), &batch).unwrap();
    accept(store, 1, &one(stream(2), 1));
    let all = store.read(0, 10).unwrap();
    let found: Vec<_> = all
        .iter()
        .map(|it| (it.number, it.stream.clone(), it.version, it.at))
        .collect();
    let expected = [(0, 1, 1, 0), (1, 2, 1, 0), (2, 1, 2, 0), (3, 2, 2, 1)];
    assert_eq!(
        found,
        expected.map(|(number, name, version, now)| (number, stream(name), version, at(now)))
    );
    assert_eq!((store.head().unwrap().size, store.head().unwrap().at), (4, at(1)));
}

pub(super) fn an_append_of_several_streams_is_one(store: &mut dyn Store) {
    let mut both = one(stream(1), 0);
    both.expects.push((named("project/payments"), 0));
    both.events.push(NewEvent {
        stream: named("project/payments"),
        ..both.events[0].clone()
    });
    both.events.push(both.events[0].clone());
    let recorded = appended(append(store, 0, &both));
    assert_eq!(
        recorded.iter().map(|it| it.version).collect::<Vec<_>>(),
        [1, 1, 2]
    );
    assert_eq!(recorded, store.read(0, 10).unwrap());
}

pub(super) fn a_stale_item_does_not_fail_its_neighbours(store: &mut dyn Store) {
    accept(store, 0, &one(stream(2), 0));
    let answers = store
        .append(at(1), &[one(stream(1), 0), one(stream(2), 0), one(stream(3), 0)])
        .unwrap();
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert_eq!(
        answers[1],
        Err(AppendError::Conflict {
            stream: stream(2),
            expected: 0,
            found: 1
        })
    );
    assert_eq!(store.head().unwrap().size, 3);
}

pub(super) fn an_append_sees_what_its_batch_did_before(store: &mut dyn Store) {
    let keyed = Append {
        key: key("ana promote 1", "body"),
        ..one(stream(2), 0)
    };
    let batch = [
        one(stream(1), 0),
        one(stream(1), 0),
        one(stream(1), 1),
        keyed.clone(),
        keyed,
    ];
    let answers = store.append(at(0), &batch).unwrap();
    assert_eq!(
        answers[1],
        Err(AppendError::Conflict {
            stream: stream(1),
            expected: 0,
            found: 1
        })
    );
    assert!(answers[2].is_ok() && answers[3].is_ok());
    assert_eq!(answers[4], Ok(Committed::Before(Some((2, 2)))));
}

pub(super) fn streams_that_were_only_read_are_checked(store: &mut dyn Store) {
    accept(store, 0, &one(stream(1), 0));
    let mut reads = one(stream(2), 0);
    reads.expects.push((stream(1), 0));
    let stale = Err(AppendError::Conflict {
        stream: stream(1),
        expected: 0,
        found: 1,
    });
    assert_eq!(append(store, 1, &reads), stale);
    reads.expects[1].1 = 1;
    accept(store, 1, &reads);
}

pub(super) fn the_same_key_twice_returns_the_first_range(store: &mut dyn Store) {
    accept(store, 0, &one(stream(9), 0));
    let mut two = Append {
        key: key("ana promote 1", "body"),
        ..one(stream(1), 0)
    };
    two.events.push(two.events[0].clone());
    accept(store, 1, &two);
    assert_eq!(append(store, 2, &two), Ok(Committed::Before(Some((1, 2)))));
    assert_eq!(store.head().unwrap().size, 3);
}

pub(super) fn an_append_without_events_takes_its_key_too(store: &mut dyn Store) {
    let empty = Append {
        key: key("ana promote 1", "body"),
        ..nothing()
    };
    assert_eq!(append(store, 0, &empty), Ok(Committed::Appended(vec![])));
    assert_eq!(append(store, 0, &empty), Ok(Committed::Before(None)));
}

pub(super) fn a_key_with_another_request_is_refused(store: &mut dyn Store) {
    accept(
        store,
        0,
        &Append {
            key: key("ana promote 1", "body"),
            ..one(stream(1), 0)
        },
    );
    let other = Append {
        key: key("ana promote 1", "other body"),
        ..one(stream(1), 1)
    };
    assert_eq!(append(store, 1, &other), Err(AppendError::KeyReused));
    accept(
        store,
        1,
        &Append {
            key: key("bob promote 1", "other body"),
            ..other
        },
    );
}

pub(super) fn what_comes_after_its_last_moment_is_not_recorded(store: &mut dyn Store) {
    let timed = |by| Append {
        by: Some(at(by)),
        key: key("ana promote 1", "body"),
        ..one(stream(1), 0)
    };
    let late = append(store, 5, &timed(4)).unwrap_err();
    assert_eq!(late, AppendError::Late { by: at(4), at: at(5) });
    accept(store, 5, &timed(5));
    // What was recorded in time stays, whenever it is asked for again.
    assert!(matches!(
        append(store, 9, &timed(5)),
        Ok(Committed::Before(Some(_)))
    ));
}

pub(super) fn a_refused_append_leaves_its_key_free(store: &mut dyn Store) {
    let stale = Append {
        key: key("ana promote 1", "body"),
        ..one(stream(1), 3)
    };
    assert!(append(store, 0, &stale).is_err());
    accept(
        store,
        1,
        &Append {
            key: key("ana promote 1", "another body"),
            ..one(stream(1), 0)
        },
    );
}

pub(super) fn a_key_is_forgotten_after_seven_days(store: &mut dyn Store) {
    let keyed = |request| Append {
        key: key("ana promote 1", request),
        ..nothing()
    };
    accept(store, 0, &keyed("body"));
    let last = IDEMPOTENCY_KEPT.after(at(0));
    assert_eq!(
        store.append(last, &[keyed("body")]).unwrap(),
        [Ok(Committed::Before(None))]
    );
    // What is not asked for by its key goes too, and takes nothing with it that is younger.
    store
        .append(
            last,
            &[Append {
                key: key("bob promote 1", "body"),
                ..nothing()
            }],
        )
        .unwrap();
    let later = Span::from_millis(1).after(last);
    assert_eq!(
        store.append(later, &[keyed("other body")]).unwrap(),
        [Ok(Committed::Appended(vec![]))]
    );
    assert_eq!(
        store.append(later, &[keyed("other body")]).unwrap(),
        [Ok(Committed::Before(None))]
    );
    let bob = Append {
        key: key("bob promote 1", "body"),
        ..nothing()
    };
    assert_eq!(
        store.append(later, &[bob]).unwrap(),
        [Ok(Committed::Before(None))]
    );
}

pub(super) fn time_never_goes_backwards(store: &mut dyn Store) {
    accept(store, 100, &one(stream(1), 0));
    accept(store, 50, &one(stream(1), 1));
    accept(store, 101, &one(stream(1), 2));
    let times: Vec<_> = store.read(0, 10).unwrap().iter().map(|it| it.at).collect();
    assert_eq!(times, [at(100), at(100), at(101)]);
}

pub(super) fn times_are_whole_microseconds(store: &mut dyn Store) {
    let now = "2026-11-21T09:00:00.123456789Z".parse().unwrap();
    let answers = store.append(now, &[one(stream(1), 0)]).unwrap();
    let cut: Timestamp = "2026-11-21T09:00:00.123456Z".parse().unwrap();
    assert_eq!(appended(answers[0].clone())[0].at, cut);
    assert_eq!(store.read(0, 1).unwrap()[0].at, cut);
}

pub(super) fn a_clock_beyond_what_the_log_can_tell_is_refused(store: &mut dyn Store) {
    let refused = store.append(Timestamp::MAX, &[one(stream(1), 0)]);
    assert!(
        matches!(refused, Err(StoreError::Unavailable { .. })),
        "{refused:?}"
    );
    accept(store, 0, &one(stream(1), 0));
}

pub(super) fn a_batch_over_its_limit_is_refused_whole(store: &mut dyn Store) {
    let batch: Vec<_> = (0..=BATCH_APPENDS_MAX as u64)
        .map(|number| one(stream(number), 0))
        .collect();
    assert!(matches!(
        store.append(at(0), &batch),
        Err(StoreError::Unavailable { .. })
    ));
    assert_eq!(store.head().unwrap().size, 0);
    assert!(
        store
            .append(at(0), &batch[1..])
            .unwrap()
            .iter()
            .all(Result::is_ok)
    );
}

pub(super) fn leaves_cover_what_was_recorded(store: &mut dyn Store) {
    let salt = [7; 16];
    for version in 0..5 {
        let mut item = one(stream(1), version);
        if version % 2 == 0 {
            item.events[0].private = Some((salt, private("Ana")));
        }
        accept(store, 0, &item);
    }
    let mut frontier = Frontier::new();
    let leaves: Vec<Hash> = store
        .read(0, 10)
        .unwrap()
        .iter()
        .map(|recorded| {
            let private = recorded
                .private
                .as_ref()
                .map(|private| leaf::private(&salt, private).1);
            let body = serde_json::to_vec(&recorded.event).unwrap();
            leaf::leaf(recorded, &recorded.stream.to_string(), &body, private)
        })
        .collect();
    leaves.iter().for_each(|leaf| frontier.append(*leaf));
    assert_eq!(store.leaves(0, 10).unwrap(), leaves);
    assert_eq!(store.leaves(3, 1).unwrap(), leaves[3..4]);
    assert_eq!(store.head().unwrap().root, frontier.root());
}
