//! What only a server can do: be shared, restarted, stand still, and not tell whether it committed.

mod commit;
mod damage;
mod open;
mod pooler;
mod proxy;
mod shared;

use crate::contract::cluster::{Cluster, Database};
use crate::contract::sample;
use crate::{Append, AppendError, Committed, Read as _, Store as _};

use super::*;

/// A store on a database, with the test's time.
fn store(url: &str) -> PostgresStore {
    let store = PostgresStore::open(&url.parse().unwrap()).unwrap();
    store.with_leases_by(LeaseClock::Caller)
}

fn append(store: &mut PostgresStore, item: Append) -> Result<Committed, AppendError> {
    store.append(sample::at(0), &[item]).unwrap().remove(0)
}

#[test]
fn every_statement_prepares_with_its_types() {
    let database = Database::new();
    let store = store(&database.url());
    for sql in sql::ALL {
        let prepared = store
            .place
            .with(|link| link.wait(ANSWER_WITHIN, async { link.check(sql).await }));
        prepared.unwrap_or_else(|failure| panic!("{}\n{}", failure.why(), sql.text));
    }
}

#[test]
fn what_is_planned_once_while_the_tables_are_small_finds_its_rows_by_an_index() {
    let database = Database::new();
    drop(store(&database.url()));
    for sql in sql::ALL.iter().filter(|sql| sql.plan == sql::Plan::Once) {
        let list = |words: Vec<&str>| match words.is_empty() {
            true => String::new(),
            false => format!("({})", words.join(", ")),
        };
        let types = list(sql.types.iter().map(|of| of.name()).collect());
        let values = list(sql.types.iter().map(|_| "NULL").collect());
        let plan = database.psql(&format!(
            "{}; SET plan_cache_mode = force_generic_plan; PREPARE one {types} AS {}; EXPLAIN EXECUTE one {values}",
            link::FOR_ANY_SIZE,
            sql.text
        ));
        assert!(!plan.contains("Seq Scan"), "{}\n{plan}", sql.text);
    }
}
