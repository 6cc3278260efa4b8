//! What only a file can do: be read beside its writer, full, damaged.

mod open;

use std::fs;

use gateline_model::{Arm, Digest, EVENT_VERSION, Event, Ruling, RulingKind, Tick};

use super::*;
use crate::contract::{Dir, sample};
use crate::{PromotionSearch, Read as _};

const FILE: &str = "gateline.db";

fn append(store: &mut SqliteStore, item: Append) -> Result<Committed, AppendError> {
    store.append(sample::at(0), &[item]).unwrap().remove(0)
}

#[test]
fn every_statement_prepares() {
    let dir = Dir::new();
    let store = SqliteStore::open(dir.path(FILE)).unwrap();
    for sql in sql::ALL {
        store
            .conn
            .prepare(sql)
            .unwrap_or_else(|err| panic!("{err}\n{sql}"));
    }
    assert!(sql::ALL.len() <= STATEMENTS_CACHED);
}

#[test]
fn looking_for_work_and_pages_walks_an_index() {
    let dir = Dir::new();
    let store = SqliteStore::open(dir.path(FILE)).unwrap();
    let plan = |sql: &str| {
        let mut explain = store.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let count = explain.parameter_count();
        let nulls = rusqlite::params_from_iter(std::iter::repeat_n(rusqlite::types::Null, count));
        let steps = explain.query_map(nulls, |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    for (sql, index) in [
        (sql::WORK_FREE, "work_free"),
        (sql::WORK_NEXT, "work_free"),
        (sql::READ_STREAM, "log_stream"),
        (sql::SEARCH_EVENT, "log_type"),
        (sql::SEARCH_ACTOR, "log_actor"),
        (sql::SEARCH_STREAM, "log_stream"),
        (sql::PROMOTIONS, "promotion_requested"),
        (sql::PROMOTIONS_OF, "promotion_pipeline"),
        (sql::PROMOTIONS_OF_RELEASE, "promotion_release"),
        (sql::RELEASES, "release_registered"),
        (sql::RELEASES_OF, "release_pipeline"),
        (sql::RELEASES_OF_VERSION, "release_version"),
    ] {
        let plan = plan(sql);
        assert!(plan.contains(index), "{plan}\n{sql}");
    }
    for sql in [
        sql::WORK_FREE,
        sql::PROMOTIONS,
        sql::PROMOTIONS_OF,
        sql::RELEASES,
        sql::RELEASES_OF,
        sql::READ,
        sql::SEARCH_RECENT,
    ] {
        assert!(
            !plan(sql).contains("TEMP B-TREE"),
            "a page is sorted already: {}",
            plan(sql)
        );
    }
}

#[test]
fn a_reader_sees_what_was_committed_while_the_writer_writes() {
    let dir = Dir::new();
    let mut store = SqliteStore::open(dir.path(FILE)).unwrap();
    let reader = store.reader().unwrap();
    for version in 0..3 {
        append(&mut store, sample::one(sample::stream(1), version)).unwrap();
        assert_eq!(reader.head().unwrap(), store.head().unwrap());
    }
    let held = store.write("append").unwrap();
    assert_eq!(reader.read(0, 10).unwrap().len(), 3);
    drop(held);
    assert!(SqliteReader::open(dir.path("nowhere.db")).is_err());
}

#[test]
fn what_was_acknowledged_is_there_after_a_store_was_never_closed() {
    let dir = Dir::new();
    let mut store = SqliteStore::open(dir.path(FILE)).unwrap();
    append(&mut store, sample::one(sample::stream(1), 0)).unwrap();
    let head = store.head().unwrap();
    // The files as they are while it runs are what a crash leaves behind.
    for file in [FILE, "gateline.db-wal"] {
        fs::copy(dir.path(file), dir.path(&file.replace("gateline", "crashed"))).unwrap();
    }
    let mut crashed = SqliteStore::open(dir.path("crashed.db")).unwrap();
    assert_eq!(crashed.head().unwrap(), head);
    append(&mut crashed, sample::one(sample::stream(1), 1)).unwrap();
}

/// Lets the file grow by so many pages from now on.
fn room(store: &SqliteStore, pages: i64) {
    let count: i64 = store
        .conn
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    store
        .conn
        .query_row(&format!("PRAGMA max_page_count = {}", count + pages), [], |_| {
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_full_disk_leaves_nothing_half_applied_and_the_store_usable() {
    let dir = Dir::new();
    let mut store = SqliteStore::open(dir.path(FILE)).unwrap();
    append(
        &mut store,
        Append {
            work_add: vec![sample::work(1, 0)],
            ..sample::one(sample::stream(1), 0)
        },
    )
    .unwrap();
    let (head, work) = (store.head().unwrap(), store.work().unwrap());
    room(&store, 3);
    // Digests one after another: nothing that a compressor could make smaller.
    let bytes: Vec<u8> = (0..3_000_u32)
        .flat_map(|n| *Digest::of(&n.to_le_bytes()).as_bytes())
        .collect();
    let huge = Append {
        blobs: vec![sample::blob(&bytes)],
        work_remove: vec![sample::id(1)],
        ..sample::one(sample::stream(2), 0)
    };
    // The first item has room, the second has not: both are taken back, the new stream too.
    let batch = [sample::one(sample::stream(3), 0), huge.clone()];
    let err = store.append(sample::at(1), &batch).unwrap_err();
    assert!(
        matches!(&err, StoreError::Unavailable { why, .. } if why.contains("free some space")),
        "{err}"
    );
    assert_eq!((store.head().unwrap(), store.work().unwrap()), (head, work));
    assert_eq!(store.read_stream(&sample::stream(3), 0).unwrap(), []);
    room(&store, 1_000);
    assert!(
        store
            .append(sample::at(2), &batch)
            .unwrap()
            .iter()
            .all(Result::is_ok)
    );
    assert_eq!(store.leaves(0, 10).unwrap().len(), 3);
}

#[test]
fn a_file_that_became_read_only_says_what_to_do() {
    let dir = Dir::new();
    let mut store = SqliteStore::open(dir.path(FILE)).unwrap();
    store.conn.execute_batch("PRAGMA query_only = ON").unwrap();
    let err = store
        .append(sample::at(0), &[sample::one(sample::stream(1), 0)])
        .unwrap_err();
    assert!(
        matches!(&err, StoreError::Unavailable { why, .. } if why.contains("the right to write")),
        "{err}"
    );
    store.conn.execute_batch("PRAGMA query_only = OFF").unwrap();
    append(&mut store, sample::one(sample::stream(1), 0)).unwrap();
}

#[test]
fn an_event_of_a_newer_version_is_a_clear_error() {
    let dir = Dir::new();
    let mut store = SqliteStore::open(dir.path(FILE)).unwrap();
    append(&mut store, sample::one(sample::stream(1), 0)).unwrap();
    store
        .conn
        .execute("UPDATE log SET type_version = ?1", [EVENT_VERSION + 1])
        .unwrap();
    let err = store.read(0, 1).unwrap_err();
    assert!(matches!(err, StoreError::Newer { .. }), "{err}");
}

#[test]
fn an_event_that_would_not_read_back_is_refused_alone() {
    let dir = Dir::new();
    let mut store = SqliteStore::open(dir.path(FILE)).unwrap();
    let digest = Digest::of(b"");
    let ruling = Ruling {
        says: RulingKind::Wait,
        headline: String::new(),
        at: jiff::Timestamp::UNIX_EPOCH,
        requests: 0,
        errors: 0,
        errors_percent: Some(f64::NAN),
        latency_ms: None,
        stable_errors_percent: None,
        weight: None,
        unmeasured: None,
        full: None,
    };
    let mut bad = sample::one(sample::stream(1), 0);
    bad.events[0].event = Event::RulingChanged {
        step: 0,
        ruling,
        chunks: digest,
        settings: digest,
    };
    let answers = store
        .append(sample::at(0), &[bad, sample::one(sample::stream(2), 0)])
        .unwrap();
    assert!(matches!(
        answers[0],
        Err(AppendError::Unreadable {
            event: "ruling_changed",
            ..
        })
    ));
    assert!(answers[1].is_ok());
    assert_eq!(store.read(0, 10).unwrap().len(), 1);
}

/// Writes one of everything, damages it by this statement, and reads it.
fn damaged(damage: &str, read: impl Fn(&SqliteStore) -> Option<StoreError>) {
    let dir = Dir::new();
    let mut store = SqliteStore::open(dir.path(FILE)).unwrap();
    let tick = Tick {
        requests: 1,
        ..Tick::none(sample::at(0), Arm::Canary)
    };
    store.put_ticks(&sample::promotion(1), &[tick]).unwrap();
    let item = Append {
        blobs: vec![sample::blob(b"content")],
        work_add: vec![sample::work(1, 0)],
        rows: sample::rows([sample::promotion_row("payments/payment-service/dev/1", 0)]).rows,
        ..sample::one(sample::stream(1), 0)
    };
    append(&mut store, item).unwrap();
    assert!(read(&store).is_none(), "{damage}");
    assert!(store.conn.execute(damage, []).unwrap() > 0, "{damage}");
    assert!(
        matches!(read(&store), Some(StoreError::Damaged { .. })),
        "{damage}"
    );
}

#[test]
fn damage_is_told_from_absence() {
    let promotions = PromotionSearch {
        limit: 1,
        ..Default::default()
    };
    damaged("UPDATE log SET body = x'7b'", |store| store.read(0, 1).err());
    damaged("UPDATE log SET private = x'5b'", |store| store.read(0, 1).err());
    damaged("UPDATE log SET at_us = 9223372036854775807", |store| {
        store.read(0, 1).err()
    });
    damaged("UPDATE stream SET name = 'nonsense'", |store| {
        store.read(0, 1).err()
    });
    damaged(
        "UPDATE tick SET line = CAST(replace(line, '5', '6') AS BLOB)",
        |store| store.ticks(&sample::promotion(1)).err(),
    );
    for edit in [
        "UPDATE blob_piece SET bytes = x'00'",
        "UPDATE blob_piece SET bytes = CAST('CONTENT' AS BLOB)",
        "UPDATE blob_piece SET bytes = zeroblob(100000000)",
        "UPDATE blob_piece SET form = 1",
        "UPDATE blob_piece SET form = 9",
        "UPDATE blob_piece SET number = 1",
        "DELETE FROM blob_piece",
        "UPDATE blob SET size = 0",
        "UPDATE blob SET size = -1",
        "UPDATE blob SET size = 6",
        "UPDATE blob SET size = 9000000000",
        "UPDATE blob SET digest = zeroblob(32)",
    ] {
        let digests = [Digest::of(b"content"), Digest::from_bytes([0; 32])];
        damaged(edit, |store| {
            digests.iter().find_map(|digest| store.blob(digest).err())
        });
    }
    damaged("UPDATE work SET kind = '{}'", |store| store.work().err());
    damaged("UPDATE head SET size = 9", |store| store.head().err());
    damaged("UPDATE head SET frontier = x'00'", |store| store.head().err());
    damaged("UPDATE promotion SET doc = x'5b'", |store| {
        store.promotions(&promotions).err()
    });
}

/// A name that is to be forgotten.
const NAME: &str = "Anastasia-Unforgettable";

/// In how many of the files it stands.
fn holders(dir: &Dir) -> usize {
    let files = fs::read_dir(dir.path("")).unwrap();
    let holds = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(NAME.len()).any(|text| text == NAME.as_bytes())
    };
    files.map(|file| file.unwrap().path()).filter(holds).count()
}

#[test]
fn an_erased_name_is_nowhere_in_the_files() {
    let dir = Dir::new();
    let mut store = SqliteStore::open(dir.path(FILE)).unwrap();
    // Short and long: the long one has pages of its own.
    for (version, times) in [(0, 1), (1, 2_000)] {
        let mut item = sample::one(sample::stream(1), version);
        item.events[0].private = Some(([1; 16], sample::private(&NAME.repeat(times))));
        append(&mut store, item).unwrap();
    }
    assert!(holders(&dir) > 0);
    assert_eq!(store.erase(&[0, 1]).unwrap(), 2);
    assert_eq!(holders(&dir), 0);
}

#[test]
fn a_name_that_a_long_read_kept_in_the_files_is_gone_after_the_next_batch() {
    let dir = Dir::new();
    let mut store = SqliteStore::open(dir.path(FILE)).unwrap();
    let mut item = sample::one(sample::stream(1), 0);
    item.events[0].private = Some(([1; 16], sample::private(NAME)));
    append(&mut store, item).unwrap();
    let reader = SqliteReader::open(dir.path(FILE)).unwrap();
    reader.conn.execute_batch("BEGIN").unwrap();
    reader
        .conn
        .query_row("SELECT count(*) FROM log", [], |_| Ok(()))
        .unwrap();
    store.conn.busy_timeout(std::time::Duration::ZERO).unwrap();
    let mut erase = sample::one(sample::named("project/gateline"), 0);
    erase.events[0].event = Event::TextErased { events: vec![0] };
    append(&mut store, erase).unwrap();
    assert!(holders(&dir) > 0, "the reader still sees it as it was");
    reader.conn.execute_batch("COMMIT").unwrap();
    append(&mut store, sample::one(sample::stream(1), 1)).unwrap();
    assert_eq!(holders(&dir), 0);
}

#[test]
fn keys_that_are_forgotten_do_not_pile_up() {
    let dir = Dir::new();
    let mut store = SqliteStore::open(dir.path(FILE)).unwrap();
    let keyed = |scope: String| Append {
        key: sample::key(&scope, "body"),
        ..sample::nothing()
    };
    let batch: Vec<_> = (0..200).map(|number| keyed(format!("ana {number}"))).collect();
    for days in [0, 6, 8] {
        let now = sample::at(days * 86_400);
        store
            .append(
                now,
                &batch
                    .iter()
                    .map(|item| keyed(format!("{days} {}", item.key.as_ref().unwrap().scope)))
                    .collect::<Vec<_>>(),
            )
            .unwrap();
    }
    let kept: i64 = store
        .conn
        .query_row("SELECT count(*) FROM idempotency", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 400);
}
