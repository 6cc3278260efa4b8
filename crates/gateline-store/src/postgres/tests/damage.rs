//! Damage is told from absence.

use gateline_model::{Arm, Digest, Tick};

use super::*;
use crate::{PromotionSearch, StoreError};

/// Writes one of everything, damages it by this statement, and reads it.
fn damaged(database: &Database, damage: &str, read: impl Fn(&PostgresStore) -> Option<StoreError>) {
    database.psql("DROP SCHEMA IF EXISTS gateline CASCADE");
    let mut store = store(&database.url());
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
    database.psql(damage);
    let found = read(&store);
    assert!(
        matches!(found, Some(StoreError::Damaged { .. })),
        "{damage}: {found:?}"
    );
}

#[test]
fn damage_is_told_from_absence() {
    let database = Database::new();
    let promotions = PromotionSearch {
        limit: 1,
        ..Default::default()
    };
    let log = |store: &PostgresStore| store.read(0, 1).err();
    damaged(&database, "UPDATE gateline.log SET body = '{'", log);
    damaged(&database, "UPDATE gateline.log SET private = '['", log);
    damaged(
        &database,
        "UPDATE gateline.log SET at_us = 9223372036854775807",
        log,
    );
    damaged(&database, "UPDATE gateline.stream SET name = 'nonsense'", log);
    damaged(&database, "UPDATE gateline.tick SET line = '{}'", |store| {
        store.ticks(&sample::promotion(1)).err()
    });
    for edit in [
        "UPDATE gateline.blob_piece SET bytes = '\\x00'",
        "UPDATE gateline.blob_piece SET form = 9",
        "UPDATE gateline.blob_piece SET number = 1",
        "DELETE FROM gateline.blob_piece",
        "UPDATE gateline.blob SET size = 0",
        "UPDATE gateline.blob SET size = -1",
        "UPDATE gateline.blob SET size = 9000000000",
    ] {
        damaged(&database, edit, |store| store.blob(&Digest::of(b"content")).err());
    }
    damaged(&database, "UPDATE gateline.work SET kind = '{}'", |store| {
        store.work().err()
    });
    damaged(&database, "UPDATE gateline.head SET size = 9", |store| {
        store.head().err()
    });
    damaged(
        &database,
        "UPDATE gateline.head SET frontier = '\\x00'",
        |store| store.head().err(),
    );
    damaged(&database, "UPDATE gateline.promotion SET doc = '['", |store| {
        store.promotions(&promotions).err()
    });
}

#[test]
fn a_batch_that_its_head_does_not_fit_is_refused_and_the_store_stays_usable() {
    let database = Database::new();
    let mut store = store(&database.url());
    append(&mut store, sample::one(sample::stream(1), 0)).unwrap();
    database.psql("UPDATE gateline.head SET size = 9");
    let err = store
        .append(sample::at(0), &[sample::one(sample::stream(1), 1)])
        .unwrap_err();
    assert!(matches!(err, StoreError::Damaged { .. }), "{err}");
    database.psql("UPDATE gateline.head SET size = 1");
    append(&mut store, sample::one(sample::stream(1), 1)).unwrap();
    // A row of a number that is there already: the server refuses the batch whole.
    database.psql("UPDATE gateline.log SET number = 2 WHERE number = 1");
    let err = store
        .append(sample::at(0), &[sample::one(sample::stream(3), 0)])
        .unwrap_err();
    assert!(matches!(err, StoreError::Unavailable { .. }), "{err}");
    database.psql("UPDATE gateline.log SET number = 1 WHERE number = 2");
    append(&mut store, sample::one(sample::stream(3), 0)).unwrap();
}
