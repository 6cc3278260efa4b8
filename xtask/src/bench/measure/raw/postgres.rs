//! PostgreSQL group commit with nothing around it: one connection for each replica, and each transaction in one round trip.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gateline_store::BATCH_APPENDS_MAX;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

use super::{Ask, Committer, Tables};

/// The same rows, as arrays: one statement for each table.
const LOG: &str = "INSERT INTO gateline.log (number, stream_id, version, at_us, type_version, type, actor, leaf, private_hash,
    salt, private, body) SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int4[], $6::text[],
    $7::text[], $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[])";
const KEYS: &str = "INSERT INTO gateline.idempotency (scope, request, first, last, at_us)
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::int8[], $4::int8[], $5::int8[])";
const WRITER: &str = "INSERT INTO gateline.writer (id, batch, at_us) VALUES ($1, $2, 0)
    ON CONFLICT (id) DO UPDATE SET batch = $2";
/// Last, so that its lock is held for the commit alone: whoever needs a gap-free log holds it for longer.
const HEAD: &str = "UPDATE gateline.head SET size = greatest(size, $1), at_us = $2, frontier = $3";
/// The fewest rows, and the table for them.
const FEWEST: &str = "INSERT INTO log (number, body) SELECT * FROM unnest($1::int8[], $2::bytea[])";
const FEWEST_TABLE: &str = "CREATE TABLE IF NOT EXISTS log (number bigint NOT NULL, body bytea NOT NULL)";
/// As long as the frontier of a large log.
const FRONTIER_BYTES: usize = 8 + 32 * 8;

/// What one decision left in the tables: a row of the log, and the row of its idempotency key.
#[derive(Debug, Clone)]
pub(in super::super) struct Rows {
    number: i64,
    stream: i64,
    version: i64,
    at: i64,
    type_version: i32,
    kind: String,
    actor: String,
    leaf: Vec<u8>,
    private_hash: Option<Vec<u8>>,
    salt: Option<Vec<u8>>,
    private: Option<Vec<u8>>,
    body: Vec<u8>,
    scope: String,
    request: Vec<u8>,
    first: Option<i64>,
    last: Option<i64>,
}

impl Rows {
    /// Bytes of the event's body and leaf: what a plain file would have to take.
    pub(in super::super) fn bytes(&self) -> Vec<u8> {
        [self.leaf.as_slice(), self.body.as_slice()].concat()
    }

    fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            number: row.try_get(0)?,
            stream: row.try_get(1)?,
            version: row.try_get(2)?,
            at: row.try_get(3)?,
            type_version: row.try_get(4)?,
            kind: row.try_get(5)?,
            actor: row.try_get(6)?,
            leaf: row.try_get(7)?,
            private_hash: row.try_get(8)?,
            salt: row.try_get(9)?,
            private: row.try_get(10)?,
            body: row.try_get(11)?,
            scope: row.try_get(12)?,
            request: row.try_get(13)?,
            first: row.try_get(14)?,
            last: row.try_get(15)?,
        })
    }
}

/// A connection whose socket this runtime serves.
pub(in super::super) async fn connect(url: &str) -> Result<Client, String> {
    let connected = tokio_postgres::connect(url, NoTls).await;
    let (client, connection) = connected.map_err(|err| format!("bare PostgreSQL: {err}"))?;
    tokio::spawn(connection);
    Ok(client)
}

/// The rows that a store has from this log number on.
pub(in super::super) async fn rows(client: &Client, from: u64) -> Result<Vec<Rows>, String> {
    let select = "SELECT number, stream_id, version, log.at_us, type_version, type, actor, leaf, private_hash, salt, private, body,
        scope, request, first, last FROM gateline.log JOIN gateline.idempotency ON first = number WHERE number >= $1 ORDER BY number";
    let rows = client.query(select, &[&(from as i64)]).await;
    let rows = rows.and_then(|rows| rows.iter().map(Rows::read).collect());
    rows.map_err(|err| format!("could not read what was written: {err}"))
}

/// Starts one that writes into a database of its own, as this replica.
pub(in super::super) async fn committer(
    url: &str,
    replica: usize,
    tables: Tables,
) -> Result<Committer<Rows>, String> {
    let client = connect(url).await?;
    let failed = |err: tokio_postgres::Error| format!("bare PostgreSQL: {err}");
    if let (Tables::Fewest, 0) = (tables, replica) {
        client.batch_execute(FEWEST_TABLE).await.map_err(failed)?;
    }
    let texts: &[&str] = match tables {
        Tables::Same => &[LOG, KEYS, WRITER, HEAD],
        Tables::Fewest => &[FEWEST],
    };
    let mut statements = Vec::new();
    for text in texts {
        statements.push(client.prepare(text).await.map_err(failed)?);
    }
    let (asks, mut asked) = mpsc::unbounded_channel();
    let commits = Arc::new(AtomicU64::new(0));
    let count = commits.clone();
    tokio::spawn(async move {
        let (mut batch, name, mut number) = (Vec::new(), format!("bare-{replica}"), 0);
        while asked.recv_many(&mut batch, BATCH_APPENDS_MAX).await > 0 {
            number += 1;
            let done = match &statements[..] {
                [log, keys, writer, head] => {
                    let statements = [log, keys, writer, head];
                    same(&client, statements, (&name, number), &batch).await
                }
                [fewest] => few(&client, fewest, &batch).await,
                _ => return,
            };
            done.expect("a bare commit was refused");
            count.fetch_add(1, Ordering::Relaxed);
            for (_, done) in batch.drain(..) {
                let _: Result<(), ()> = oneshot::Sender::send(done, ());
            }
        }
    });
    Ok(Committer { asks, commits })
}

/// A parameter of a statement.
type Parameter<'p> = &'p (dyn ToSql + Sync);

/// A column of a batch.
fn column<'b, T>(batch: &'b [Ask<Rows>], of: impl Fn(&'b Rows) -> T) -> Vec<T> {
    batch.iter().map(|(rows, _)| of(rows)).collect()
}

async fn same(
    client: &Client,
    [log, keys, writer, head]: [&Statement; 4],
    (name, number): (&str, i64),
    batch: &[Ask<Rows>],
) -> Result<(), tokio_postgres::Error> {
    let numbers = column(batch, |rows| rows.number);
    let streams = column(batch, |rows| rows.stream);
    let versions = column(batch, |rows| rows.version);
    let ats = column(batch, |rows| rows.at);
    let type_versions = column(batch, |rows| rows.type_version);
    let kinds = column(batch, |rows| rows.kind.as_str());
    let actors = column(batch, |rows| rows.actor.as_str());
    let leaves = column(batch, |rows| rows.leaf.as_slice());
    let private_hashes = column(batch, |rows| rows.private_hash.as_deref());
    let salts = column(batch, |rows| rows.salt.as_deref());
    let privates = column(batch, |rows| rows.private.as_deref());
    let bodies = column(batch, |rows| rows.body.as_slice());
    let scopes = column(batch, |rows| rows.scope.as_str());
    let requests = column(batch, |rows| rows.request.as_slice());
    let firsts = column(batch, |rows| rows.first);
    let lasts = column(batch, |rows| rows.last);
    let size = numbers.iter().max().copied().unwrap_or(0) + 1;
    let frontier = vec![0_u8; FRONTIER_BYTES];
    let logs: [Parameter<'_>; 12] = [
        &numbers,
        &streams,
        &versions,
        &ats,
        &type_versions,
        &kinds,
        &actors,
        &leaves,
        &private_hashes,
        &salts,
        &privates,
        &bodies,
    ];
    let keyed: [Parameter<'_>; 5] = [&scopes, &requests, &firsts, &lasts, &ats];
    let (wrote, moved): ([Parameter<'_>; 2], [Parameter<'_>; 3]) =
        ([&name, &number], [&size, &ats[0], &frontier]);
    // Sent in this order without waiting for any answer.
    let (begun, logged, keyed, wrote, moved, committed) = tokio::join!(
        client.batch_execute("BEGIN"),
        client.execute(log, &logs),
        client.execute(keys, &keyed),
        client.execute(writer, &wrote),
        client.execute(head, &moved),
        client.batch_execute("COMMIT"),
    );
    begun?;
    logged?;
    keyed?;
    wrote?;
    moved?;
    committed
}

async fn few(client: &Client, fewest: &Statement, batch: &[Ask<Rows>]) -> Result<(), tokio_postgres::Error> {
    let numbers = column(batch, |rows| rows.number);
    let bodies = column(batch, |rows| rows.body.as_slice());
    client.execute(fewest, &[&numbers, &bodies]).await.map(drop)
}
