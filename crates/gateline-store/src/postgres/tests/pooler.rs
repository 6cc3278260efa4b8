//! Through pgbouncer, which gives each transaction another server.

use super::*;
use crate::contract::cluster::{as_postgres, programs};
use crate::contract::pooler::Pooler;

#[test]
fn writers_and_readers_share_a_pooler_s_few_connections() {
    let database = Database::new();
    let pooler = Pooler::to(database.port);
    let url = pooler.url(&database.name);
    let write = |writer: u64| {
        let mut store = store(&url);
        assert!(!store.is_direct().unwrap(), "a pooler is seen");
        let reader = store.reader();
        for version in 0..10 {
            let item = Append {
                key: sample::key(&format!("{writer} {version}"), "body"),
                work_add: vec![sample::work(writer, 0)],
                blobs: vec![sample::blob(&[writer as u8])],
                ..sample::one(sample::stream(writer), version)
            };
            append(&mut store, item).unwrap();
            assert_eq!(
                reader
                    .read_stream(&sample::stream(writer), version)
                    .unwrap()
                    .len(),
                1
            );
        }
        reader.at_one_moment(|reader| reader.head()).unwrap();
    };
    std::thread::scope(|scope| {
        for writer in 0..4 {
            scope.spawn(move || write(writer));
        }
    });
    let direct = store(&database.url());
    assert!(direct.is_direct().unwrap(), "nobody is in between");
    let head = direct.head().unwrap();
    assert_eq!(head.size, 40);
    let raw = direct.raw(0, 100).unwrap();
    assert!(raw.iter().all(|raw| raw.differences().is_empty()));
}

#[test]
fn nothing_of_a_transaction_s_settings_stays_with_the_pooler() {
    let database = Database::new();
    let pooler = Pooler::to(database.port);
    let mut store = store(&pooler.url(&database.name));
    append(&mut store, sample::one(sample::stream(1), 0)).unwrap();
    let mut psql = as_postgres(programs().join("psql"));
    psql.args([
        "-X",
        "-t",
        "-A",
        "-h",
        "127.0.0.1",
        "-U",
        "postgres",
        "-p",
        &pooler.port.to_string(),
    ]);
    psql.args([
        "-d",
        &database.name,
        "-c",
        "SHOW lock_timeout",
        "-c",
        "SELECT count(*) FROM pg_prepared_statements",
    ]);
    let output = psql.output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout)
            .split_whitespace()
            .collect::<Vec<_>>(),
        ["0", "0"]
    );
}
