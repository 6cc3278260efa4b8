//! Several writers on one database: one log without gaps, and no work twice.

use std::collections::BTreeSet;

use gateline_model::Span;

use super::*;

/// How many servers write at once.
const WRITERS: u64 = 3;
/// How many batches each writes.
const BATCHES: u64 = 20;

#[test]
fn writers_at_once_make_one_log_without_gaps_whose_leaves_make_its_root() {
    let database = Database::new();
    let url = database.url();
    let first = store(&url);
    let write = |writer: u64| {
        let mut store = store(&url);
        for version in 0..BATCHES {
            let own = sample::one(sample::stream(writer), version);
            // All of them want this one as well: one wins, the others are told.
            let contended = sample::one(sample::stream(99), version);
            let answers = store.append(sample::at(0), &[own, contended]).unwrap();
            assert!(answers[0].is_ok(), "{answers:?}");
        }
    };
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || write(writer));
        }
    });
    let all = first.read(0, 10_000).unwrap();
    let numbers: Vec<u64> = all.iter().map(|recorded| recorded.number).collect();
    assert_eq!(numbers, (0..all.len() as u64).collect::<Vec<_>>());
    let mut frontier = gateline_log::Frontier::new();
    first
        .leaves(0, 10_000)
        .unwrap()
        .into_iter()
        .for_each(|leaf| frontier.append(leaf));
    assert_eq!(frontier.root(), first.head().unwrap().root);
    let contended = first.read_stream(&sample::stream(99), 0).unwrap();
    let versions: Vec<u64> = contended.iter().map(|recorded| recorded.version).collect();
    assert_eq!(versions, (1..=versions.len() as u64).collect::<Vec<_>>());
    let raw = first.raw(0, 10_000).unwrap();
    assert!(raw.iter().all(|raw| raw.differences().is_empty()));
}

#[test]
fn no_work_is_leased_twice_by_servers_that_ask_at_once() {
    let database = Database::new();
    let url = database.url();
    let mut planner = store(&url);
    let plan = Append {
        work_add: (0..60).map(|number| sample::work(number, 0)).collect(),
        ..sample::nothing()
    };
    append(&mut planner, plan).unwrap();
    let take = |owner: u64| {
        let mut store = PostgresStore::open(&url.parse().unwrap())
            .unwrap()
            .with_leases_by(LeaseClock::Caller);
        let mut leased = Vec::new();
        loop {
            let some = store
                .lease(sample::at(1), &format!("replica-{owner}"), 7, Span::from_secs(30))
                .unwrap();
            if some.is_empty() && store.next_due().unwrap() > Some(sample::at(1)) {
                return leased;
            }
            leased.extend(some);
        }
    };
    let leased: Vec<_> = std::thread::scope(|scope| {
        let takers: Vec<_> = (0..WRITERS)
            .map(|owner| scope.spawn(move || take(owner)))
            .collect();
        takers
            .into_iter()
            .flat_map(|taker| taker.join().unwrap())
            .collect()
    });
    let works: BTreeSet<_> = leased.iter().map(|leased| leased.work.id()).collect();
    let fences: BTreeSet<_> = leased.iter().map(|leased| leased.fence).collect();
    assert_eq!((leased.len(), works.len(), fences.len()), (60, 60, 60));
}

#[test]
fn a_lease_is_counted_by_the_clock_of_the_database_and_not_by_the_caller_s() {
    let database = Database::new();
    let mut store = PostgresStore::open(&database.url().parse().unwrap()).unwrap();
    let now = store.reader().time().unwrap().at;
    let due = |secs: i64| gateline_model::Work {
        due: now + jiff::SignedDuration::from_secs(secs),
        ..sample::work(1, 0)
    };
    let plan = |work| Append {
        work_remove: vec![sample::id(1)],
        work_add: vec![work],
        ..sample::nothing()
    };
    let far = jiff::Timestamp::MAX;
    append(&mut store, plan(due(3_600))).unwrap();
    assert_eq!(
        store.lease(far, "fast", 1, Span::from_secs(30)).unwrap(),
        [],
        "its clock is ahead"
    );
    append(&mut store, plan(due(-1))).unwrap();
    let leased = store
        .lease(jiff::Timestamp::UNIX_EPOCH, "slow", 1, Span::from_secs(30))
        .unwrap();
    assert_eq!(leased.len(), 1, "its clock is behind");
    let until = store.work().unwrap()[0].leased_until.unwrap();
    assert!(
        until > now && until < now + jiff::SignedDuration::from_secs(3_600),
        "{until}"
    );
}

#[test]
fn content_that_no_batch_kept_is_swept() {
    let database = Database::new();
    let mut store = store(&database.url());
    let stale = Append {
        blobs: vec![sample::blob(b"refused")],
        ..sample::one(sample::stream(1), 7)
    };
    assert!(append(&mut store, stale).is_err());
    let count = |table: &str| database.psql(&format!("SELECT count(*) FROM gateline.{table}"));
    assert_eq!(
        (count("blob_coming"), count("blob_piece")),
        ("1".into(), "1".into())
    );
    let kept = Append {
        blobs: vec![sample::blob(b"kept")],
        ..sample::nothing()
    };
    store.append(sample::at(2 * 86_400), &[kept]).unwrap();
    assert_eq!(
        (count("blob_coming"), count("blob_piece"), count("blob")),
        ("0".into(), "1".into(), "1".into())
    );
}

#[test]
fn who_listens_hears_of_others_and_not_of_himself_and_again_after_the_connection_was_lost() {
    let database = Database::new();
    let (first, second) = (store(&database.url()), store(&database.url()));
    let mut listener = PostgresListener::open(first.address(), first.name())
        .unwrap()
        .unwrap();
    // Whatever comes before the one that is waited for has been heard when it has.
    let hears = |listener: &mut PostgresListener| listener.wait(ANSWER_WITHIN).unwrap();
    first.reader().wake_others(first.name()).unwrap();
    assert!(!hears(&mut listener), "of himself");
    second.reader().wake_others(second.name()).unwrap();
    assert!(hears(&mut listener));
    database.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'");
    assert!(hears(&mut listener), "there may be news since");
    assert!(
        hears(&mut listener),
        "it listens again, and there may be news until then"
    );
    second.reader().wake_others(second.name()).unwrap();
    assert!(hears(&mut listener));
}
