//! Claims about planned work, leases and fences.

use gateline_model::Span;

use super::sample::{accept, append, at, fence, id, lease, nothing, one, stream, work};
use crate::{Append, AppendError, Committed, Fence, Row, Store};

/// Plans the judging of promotions at these times: (promotion, due).
fn plan(store: &mut dyn Store, works: &[(u64, i64)]) {
    let work_add = works.iter().map(|(number, due)| work(*number, *due)).collect();
    accept(
        store,
        0,
        &Append {
            work_add,
            ..nothing()
        },
    );
}

pub(super) fn due_work_is_leased_the_longest_free_first(store: &mut dyn Store) {
    plan(store, &[(1, 30), (2, 10), (3, 20), (4, 10), (5, 41)]);
    assert_eq!(store.next_due().unwrap(), Some(at(10)));
    assert_eq!(lease(store, 9, 10), []);
    let two = lease(store, 40, 2);
    assert_eq!(
        two.iter().map(|it| it.work.clone()).collect::<Vec<_>>(),
        [work(2, 10), work(4, 10)]
    );
    let rest = lease(store, 40, 10);
    assert_eq!(
        rest.iter().map(|it| it.work.clone()).collect::<Vec<_>>(),
        [work(3, 20), work(1, 30)]
    );
    assert_eq!(store.next_due().unwrap(), Some(at(41)));
}

pub(super) fn work_that_is_leased_is_not_leased_again(store: &mut dyn Store) {
    plan(store, &[(1, 10)]);
    let leased = lease(store, 10, 10);
    assert_eq!((leased.len(), leased[0].attempt), (1, 1));
    assert_eq!(lease(store, 39, 10), []);
    assert_eq!(store.next_due().unwrap(), Some(at(40)), "when the lease expires");
    assert_eq!(store.work().unwrap()[0].leased_until, Some(at(40)));
}

pub(super) fn an_expired_lease_can_be_taken_over(store: &mut dyn Store) {
    plan(store, &[(1, 10)]);
    let first = lease(store, 10, 1).remove(0);
    let second = lease(store, 40, 1).remove(0);
    assert_eq!((second.work.clone(), second.attempt), (first.work, 2));
    assert!(second.fence > first.fence);
}

pub(super) fn a_lost_fence_is_refused_and_nothing_of_it_is_kept(store: &mut dyn Store) {
    plan(store, &[(1, 10), (2, 500)]);
    let before = store.work().unwrap();
    let report = |fence| Append {
        fence: Some(fence),
        work_add: vec![work(3, 10)],
        work_remove: vec![id(2)],
        rows: vec![Row::Release(super::sample::release_row("1.0.0", 0))],
        key: super::sample::key("engine", "report"),
        ..one(stream(1), 0)
    };
    for (number, raised) in [(1, 0), (1, 1), (7, 1)] {
        let lost = Fence {
            work: id(number),
            fence: raised,
        };
        assert_eq!(
            append(store, 1, &report(lost)),
            Err(AppendError::Fenced(id(number)))
        );
    }
    assert_eq!(store.work().unwrap(), before);
    assert_eq!(store.head().unwrap().size, 0);
    assert_eq!(
        store
            .releases(&crate::ReleaseSearch {
                limit: 9,
                ..Default::default()
            })
            .unwrap(),
        []
    );
    let held = fence(&lease(store, 10, 1)[0]);
    accept(store, 11, &report(held));
}

pub(super) fn a_zombie_with_the_old_fence_is_refused(store: &mut dyn Store) {
    plan(store, &[(1, 10)]);
    let zombie = fence(&lease(store, 10, 1)[0]);
    let heir = fence(&lease(store, 100, 1)[0]);
    let report = |fence: &Fence| Append {
        fence: Some(fence.clone()),
        ..one(stream(1), 0)
    };
    assert_eq!(
        append(store, 101, &report(&zombie)),
        Err(AppendError::Fenced(id(1)))
    );
    accept(store, 101, &report(&heir));
}

pub(super) fn a_fence_is_never_given_twice(store: &mut dyn Store) {
    plan(store, &[(1, 10)]);
    let zombie = fence(&lease(store, 10, 1)[0]);
    accept(
        store,
        20,
        &Append {
            work_remove: vec![id(1)],
            work_add: vec![work(1, 20)],
            ..nothing()
        },
    );
    let fresh = lease(store, 20, 1).remove(0);
    assert_eq!(fresh.attempt, 1);
    let report = Append {
        fence: Some(zombie),
        ..one(stream(1), 0)
    };
    assert_eq!(
        append(store, 21, &report),
        Err(AppendError::Fenced(id(1))),
        "the work is another one now"
    );
}

pub(super) fn a_fence_is_good_for_one_append(store: &mut dyn Store) {
    plan(store, &[(1, 10)]);
    let held = fence(&lease(store, 10, 1)[0]);
    let report = |version| Append {
        fence: Some(held.clone()),
        ..one(stream(1), version)
    };
    let answers = store.append(at(11), &[report(0), report(1)]).unwrap();
    assert!(answers[0].is_ok());
    assert_eq!(answers[1], Err(AppendError::Fenced(id(1))));
}

pub(super) fn work_that_is_still_planned_is_left_alone(store: &mut dyn Store) {
    plan(store, &[(1, 10)]);
    lease(store, 10, 1);
    let before = store.work().unwrap();
    plan(store, &[(1, 77)]);
    assert_eq!(
        store.work().unwrap(),
        before,
        "lease, fence, attempt and retry time"
    );
}

pub(super) fn work_that_is_not_planned_any_more_is_gone(store: &mut dyn Store) {
    plan(store, &[(1, 10), (2, 10)]);
    accept(
        store,
        1,
        &Append {
            work_remove: vec![id(1), id(9)],
            ..nothing()
        },
    );
    assert_eq!(
        store
            .work()
            .unwrap()
            .iter()
            .map(|row| row.work.clone())
            .collect::<Vec<_>>(),
        [work(2, 10)]
    );
}

pub(super) fn work_that_is_removed_and_added_starts_afresh(store: &mut dyn Store) {
    plan(store, &[(1, 10)]);
    let held = fence(&lease(store, 10, 1)[0]);
    let again = Append {
        fence: Some(held),
        work_remove: vec![id(1)],
        work_add: vec![work(1, 15)],
        ..nothing()
    };
    accept(store, 11, &again);
    let row = store.work().unwrap().remove(0);
    assert_eq!(
        (row.work, row.fence, row.attempt, row.leased_until),
        (work(1, 15), 0, 0, None)
    );
}

pub(super) fn an_append_ends_the_lease_that_it_was_made_under(store: &mut dyn Store) {
    plan(store, &[(1, 10), (2, 10)]);
    let leased = lease(store, 10, 2);
    accept(
        store,
        11,
        &Append {
            fence: Some(fence(&leased[0])),
            ..one(stream(1), 0)
        },
    );
    let done = Append {
        fence: Some(fence(&leased[1])),
        work_remove: vec![id(2)],
        ..one(stream(2), 0)
    };
    accept(store, 11, &done);
    let rows = store.work().unwrap();
    assert_eq!(rows.len(), 1, "what is not removed stays");
    assert_eq!(
        (rows[0].leased_until, rows[0].fence, rows[0].attempt),
        (None, leased[0].fence, 1)
    );
    assert_eq!(store.next_due().unwrap(), Some(at(10)));
}

pub(super) fn a_lease_is_given_back_and_extended(store: &mut dyn Store) {
    plan(store, &[(1, 10)]);
    let held = fence(&lease(store, 10, 1)[0]);
    assert!(store.renew(&held, at(90)).unwrap());
    assert_eq!(lease(store, 89, 1), []);
    assert!(store.release(&held, at(60)).unwrap());
    assert_eq!(lease(store, 59, 1), []);
    let again = lease(store, 60, 1).remove(0);
    assert_eq!((again.attempt, again.work), (2, work(1, 60)));
}

pub(super) fn a_lost_lease_is_neither_given_back_nor_extended(store: &mut dyn Store) {
    plan(store, &[(1, 10)]);
    let lost = fence(&lease(store, 10, 1)[0]);
    let held = fence(&lease(store, 40, 1)[0]);
    let before = store.work().unwrap();
    assert!(!store.release(&lost, at(0)).unwrap());
    assert!(!store.renew(&lost, at(900)).unwrap());
    assert!(
        !store
            .renew(
                &Fence {
                    work: id(9),
                    fence: 1
                },
                at(900)
            )
            .unwrap()
    );
    assert_eq!(store.work().unwrap(), before);
    assert!(store.release(&held, at(10)).unwrap());
    assert!(
        !store.release(&held, at(10)).unwrap(),
        "it was given back already"
    );
}

pub(super) fn work_never_starts_early(store: &mut dyn Store) {
    let mut late = work(1, 0);
    late.due = "2027-01-15T08:00:00.0000011Z".parse().unwrap();
    accept(
        store,
        0,
        &Append {
            work_add: vec![late],
            ..nothing()
        },
    );
    let just_before = "2027-01-15T08:00:00.0000019Z".parse().unwrap();
    assert_eq!(store.lease(just_before, "replica-1", 1, Span::ZERO).unwrap(), []);
    let due = "2027-01-15T08:00:00.000002Z".parse().unwrap();
    assert_eq!(
        store.lease(due, "replica-1", 1, Span::ZERO).unwrap()[0].work.due,
        due
    );
    assert!(matches!(append(store, 0, &nothing()), Ok(Committed::Appended(_))));
}
