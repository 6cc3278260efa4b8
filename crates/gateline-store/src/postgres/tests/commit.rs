//! A commit whose answer is lost: what is said of it is what is true of it.

use std::sync::atomic::{AtomicBool, Ordering};

use super::proxy::{Next, Proxy};
use super::*;
use crate::{Fence, IdempotencyKey, StoreError};

fn through(proxy: &Proxy, database: &Database) -> PostgresStore {
    store(&proxy.url(&database.name))
}

fn keyed(version: u64) -> Append {
    Append {
        key: sample::key(&format!("ana promote {version}"), "body"),
        work_add: vec![sample::work(version, 0)],
        ..sample::one(sample::stream(1), version)
    }
}

#[test]
fn a_commit_whose_acknowledgement_is_lost_is_found_and_acknowledged() {
    let database = Database::new();
    let proxy = Proxy::to(database.port);
    let mut store = through(&proxy, &database);
    append(&mut store, keyed(0)).unwrap();
    proxy.next(Next::Unanswered);
    let committed = append(&mut store, keyed(1)).unwrap();
    assert!(matches!(committed, Committed::Appended(recorded) if recorded[0].number == 1));
    assert_eq!(store.head().unwrap().size, 2);
    // A batch without events is found as well: the log does not tell of it.
    proxy.next(Next::Unanswered);
    let only = Append {
        key: sample::key("ana nothing", "body"),
        ..sample::nothing()
    };
    assert_eq!(append(&mut store, only.clone()), Ok(Committed::Appended(vec![])));
    assert_eq!(append(&mut store, only), Ok(Committed::Before(None)));
}

#[test]
fn a_commit_that_never_arrived_is_called_that_and_leaves_nothing() {
    let database = Database::new();
    let proxy = Proxy::to(database.port);
    let mut store = through(&proxy, &database);
    append(&mut store, keyed(0)).unwrap();
    let (head, work) = (store.head().unwrap(), store.work().unwrap());
    proxy.next(Next::Swallowed);
    let err = store.append(sample::at(0), &[keyed(1)]).unwrap_err();
    assert!(
        matches!(&err, StoreError::Unavailable { why, .. } if why.contains("nothing of it was kept")),
        "{err}"
    );
    assert_eq!((store.head().unwrap(), store.work().unwrap()), (head, work));
    // The same command again is a new one: its key was not taken.
    assert!(matches!(append(&mut store, keyed(1)), Ok(Committed::Appended(_))));
}

#[test]
fn a_writer_that_stalls_in_its_commit_does_not_keep_the_log_from_others() {
    let database = Database::new();
    let proxy = Proxy::to(database.port);
    let mut stalled = through(&proxy, &database);
    let mut other = store(&database.url());
    proxy.next(Next::Stalled);
    let stalling = std::thread::spawn(move || (stalled.append(sample::at(0), &[keyed(0)]), stalled));
    // The server ends the one who says nothing; whoever waits for the lock tries until then.
    let committed = loop {
        match other.append(sample::at(0), &[sample::one(sample::stream(2), 0)]) {
            Ok(mut answers) => break answers.remove(0),
            Err(StoreError::Unavailable { .. }) => {}
            Err(err) => panic!("{err}"),
        }
    };
    assert!(committed.is_ok());
    let (answer, mut stalled) = stalling.join().unwrap();
    // Either it was first, or it is told that nothing was kept: never anything between.
    match answer {
        Err(StoreError::Unavailable { .. }) => assert_eq!(other.head().unwrap().size, 1),
        answer => panic!("{answer:?}"),
    }
    assert!(matches!(
        append(&mut stalled, keyed(0)),
        Ok(Committed::Appended(_))
    ));
}

#[test]
fn a_server_that_is_gone_takes_nothing_along_that_was_acknowledged() {
    let cluster = Cluster::start(&[("fsync", "on")]);
    let proxy = Proxy::to(cluster.port);
    let mut store = store(&proxy.url("postgres"));
    append(&mut store, keyed(0)).unwrap();
    let head = store.head().unwrap();
    cluster.crash();
    let err = store.append(sample::at(0), &[keyed(1)]).unwrap_err();
    assert!(
        matches!(err, StoreError::Unavailable { .. }),
        "it was not begun: {err}"
    );
    cluster.start_again();
    assert_eq!(store.head().unwrap(), head, "what was acknowledged is there");
    assert!(matches!(append(&mut store, keyed(1)), Ok(Committed::Appended(_))));
}

#[test]
fn a_server_that_was_started_again_is_used_again_without_a_word() {
    let cluster = Cluster::start(&[]);
    let mut store = store(&cluster.url());
    append(&mut store, keyed(0)).unwrap();
    let reader = store.reader();
    cluster
        .psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gateline'");
    assert_eq!(reader.head().unwrap().size, 1);
    assert!(matches!(append(&mut store, keyed(1)), Ok(Committed::Appended(_))));
    let leased = sample::lease(&mut store, 10, 1).remove(0);
    let fence = Fence {
        work: leased.work.id(),
        fence: leased.fence,
    };
    assert!(store.renew(&fence, sample::at(90)).unwrap());
}

#[test]
fn a_commit_that_its_standby_did_not_get_is_not_acknowledged() {
    // A standby that is named and not there: every commit waits for it.
    let cluster = Cluster::start(&[]);
    let mut store = store(&cluster.url());
    append(&mut store, keyed(0)).unwrap();
    cluster.psql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    cluster.psql("SELECT pg_reload_conf()");
    // The server takes a moment to see its settings: whoever writes goes on until one waits.
    let done = AtomicBool::new(false);
    let acknowledged = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut version = 1;
            while !done.load(Ordering::SeqCst) {
                append(&mut store, keyed(version)).unwrap();
                version += 1;
            }
            version
        });
        // An administrator loses patience and cancels the wait: the server commits locally and says so.
        let cancel =
            "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        while cluster.psql(cancel) == "0" {
            std::thread::yield_now();
        }
        done.store(true, Ordering::SeqCst);
        // Only when the standby is not asked for any more is it settled.
        cluster.psql("ALTER SYSTEM SET synchronous_standby_names = ''");
        cluster.psql("SELECT pg_reload_conf()");
        writing.join().unwrap()
    });
    assert_eq!(store.head().unwrap().size, acknowledged);
    let settled = cluster.psql("SELECT settled FROM gateline.head");
    assert_ne!(settled, "0", "it was asked for before it was acknowledged");
}

#[test]
fn a_key_of_any_text_is_kept() {
    let database = Database::new();
    let mut store = store(&database.url());
    let key = IdempotencyKey {
        scope: "ana\0promote 'x' \\ \u{10ffff}".into(),
        request: gateline_model::Digest::of(b"body"),
    };
    let item = Append {
        key: Some(key.clone()),
        ..sample::nothing()
    };
    assert_eq!(append(&mut store, item.clone()), Ok(Committed::Appended(vec![])));
    assert_eq!(append(&mut store, item), Ok(Committed::Before(None)));
    assert!(store.accepted(&key.scope).unwrap().is_some());
}
