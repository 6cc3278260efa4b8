//! What an append costs: appends per second and CPU time through the store, against the same rows written by bare
//! SQLite group commit (no hashes, no checks, no serialising), and against fdatasync of the same bytes.
//!
//! `cargo run --release -p gateline-store --example append_speed [DIRECTORY]`; the directory says which disk.

use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gateline_model::{
    Digest, Event, Private, PromotionKind, Served, StepAction, StreamId, Weight, Work, WorkKind,
};
use gateline_store::{Append, IdempotencyKey, NewEvent, PromotionRow, Row, SqliteStore, Store as _};
use jiff::Timestamp;
use rusqlite::{Connection, params};

const APPENDS: u64 = 20_000;
const PROMOTIONS: u64 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let at = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = at.join(format!("append_speed-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let measured = measure(&dir);
    std::fs::remove_dir_all(&dir)?;
    measured
}

fn measure(dir: &Path) -> Result<(), Box<dyn Error>> {
    println!("one append: 1 event with an erasable part, 1 work replaced, 1 row, 1 idempotency key");
    println!("batch   store/s  us CPU   bare/s  us CPU  of bare  fdatasync/s");
    for batch in [1, 8, 64] {
        let count = if batch == 1 { APPENDS / 10 } else { APPENDS };
        let appends = appends(count)?;
        let (store, store_cpu) = through_the_store(&dir.join(format!("store-{batch}.db")), &appends, batch)?;
        let (bare, bare_cpu) = bare(&dir.join(format!("bare-{batch}.db")), &appends, batch)?;
        let sync = synced(&dir.join(format!("sync-{batch}")), count, batch)?;
        println!(
            "{batch:>5} {store:>9.0} {store_cpu:>7.1} {bare:>8.0} {bare_cpu:>7.1} {:>7.0}% {sync:>12.0}",
            store / bare * 100.0
        );
    }
    Ok(())
}

/// Steps of many promotions, one after the other.
fn appends(count: u64) -> Result<Vec<Append>, Box<dyn Error>> {
    let start = Timestamp::from_second(1_800_000_000)?;
    let append = |number: u64| -> Result<Append, Box<dyn Error>> {
        let (promotion, version) = (number % PROMOTIONS + 1, number / PROMOTIONS);
        let id: gateline_model::PromotionId =
            format!("payments/payment-service/production/{promotion}").parse()?;
        let stream = StreamId::Promotion(id.clone());
        let action = StepAction::Expose {
            cohort: None,
            weight: Weight::percent(25),
        };
        let work = |step| Work {
            stream: stream.clone(),
            kind: WorkKind::Step { step, attempt: 1 },
            due: start,
        };
        let private = Private {
            actor_name: Some("Ana Example".into()),
            ..Private::default()
        };
        let row = PromotionRow {
            id,
            release: Digest::of(b"release"),
            version: "1.4.0".parse()?,
            kind: PromotionKind::Forward,
            requested_at: start,
            admitted_at: Some(start),
            ended_at: None,
            outcome: None,
            says: "25% of traffic, 240 requests, none failed".into(),
            steps: vec![StepAction::Start, action],
            served: Served::default(),
        };
        Ok(Append {
            key: Some(IdempotencyKey {
                scope: format!("ana@payments POST /api/promotions {number}"),
                request: Digest::of(&number.to_be_bytes()),
            }),
            expects: vec![(stream.clone(), version)],
            by: None,
            fence: None,
            actor: "ana@payments".parse()?,
            events: vec![NewEvent {
                stream: stream.clone(),
                event: Event::StepIntended {
                    step: version as u32,
                    attempt: 1,
                    action,
                },
                private: Some(([7; 16], private)),
            }],
            work_remove: if version == 0 {
                vec![]
            } else {
                vec![work(version as u32 - 1).id()]
            },
            work_add: vec![work(version as u32)],
            rows: vec![Row::Promotion(Box::new(row))],
            blobs: vec![],
            passwords: vec![],
        })
    };
    (0..count).map(append).collect()
}

/// Appends per second, and microseconds of CPU for each.
fn rate(
    count: usize,
    run: impl FnOnce() -> Result<(), Box<dyn Error>>,
) -> Result<(f64, f64), Box<dyn Error>> {
    let (start, cpu) = (Instant::now(), cpu_time()?);
    run()?;
    let used = cpu_time()?.saturating_sub(cpu);
    Ok((
        count as f64 / start.elapsed().as_secs_f64(),
        used.as_secs_f64() * 1e6 / count as f64,
    ))
}

/// CPU time of this thread so far, from the scheduler.
fn cpu_time() -> Result<Duration, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split(' ').next().ok_or("no CPU time")?.parse()?;
    Ok(Duration::from_nanos(nanos))
}

fn through_the_store(path: &Path, appends: &[Append], batch: usize) -> Result<(f64, f64), Box<dyn Error>> {
    let mut store = SqliteStore::open(path)?;
    rate(appends.len(), || {
        for batch in appends.chunks(batch) {
            let answers = store.append(Timestamp::now(), batch)?;
            assert!(answers.iter().all(Result::is_ok), "nothing is stale here");
        }
        Ok(())
    })
}

/// One append's rows, serialised before the clock starts.
struct Bare<'a> {
    append: &'a Append,
    promotion: i64,
    body: Vec<u8>,
    private: Option<Vec<u8>>,
    kind: String,
    doc: Vec<u8>,
}

impl<'a> Bare<'a> {
    fn new(append: &'a Append) -> Result<Self, Box<dyn Error>> {
        let new = &append.events[0];
        let Row::Promotion(row) = &append.rows[0] else {
            return Err("every row is a promotion's".into());
        };
        Ok(Self {
            append,
            promotion: row.id.number as i64,
            body: serde_json::to_vec(&new.event)?,
            private: new
                .private
                .as_ref()
                .map(|(_, private)| serde_json::to_vec(private))
                .transpose()?,
            kind: serde_json::to_string(&append.work_add[0].kind)?,
            doc: serde_json::to_vec(row)?,
        })
    }

    /// The statements of the store, without what it looks up, hashes and serialises.
    fn write(&self, conn: &Connection, number: i64) -> rusqlite::Result<()> {
        let Self {
            append,
            promotion,
            body,
            private,
            kind,
            doc,
        } = self;
        let (version, salt, hash) = (append.expects[0].1 as i64 + 1, [7_u8; 16], [9_u8; 32]);
        let (name, actor) = (append.events[0].event.name(), append.actor.as_str());
        conn.prepare_cached("INSERT INTO log VALUES (?1, ?2, ?3, ?4, 1, ?1, ?5, ?6, ?6, ?7, ?8, ?9)")?
            .execute(params![
                number, promotion, version, name, actor, hash, salt, private, body
            ])?;
        for id in &append.work_remove {
            conn.prepare_cached("DELETE FROM work WHERE id = ?1")?
                .execute([&id.0])?;
        }
        conn.prepare_cached("INSERT INTO work VALUES (?1, ?2, 0, 0, 0, 0, NULL, NULL)")?
            .execute(params![append.work_add[0].id().0, kind])?;
        let moved = conn
            .prepare_cached(
                "UPDATE promotion SET doc = ?2 WHERE project = 'payments' AND pipeline = 'payment-service'
                    AND stage = 'production' AND number = ?1",
            )?
            .execute(params![promotion, doc])?;
        if moved == 0 {
            conn.prepare_cached(
                "INSERT INTO promotion VALUES ('payments', 'payment-service', 'production', ?1, ?2, 0, 0, ?3)",
            )?
            .execute(params![promotion, hash, doc])?;
        }
        let scope = append.key.as_ref().map(|key| key.scope.as_str());
        conn.prepare_cached("INSERT INTO idempotency VALUES (NULL, ?1, ?2, ?3, ?3, ?3)")?
            .execute(params![scope, hash, number])?;
        Ok(())
    }
}

/// The same rows into the same tables.
fn bare(path: &Path, appends: &[Append], batch: usize) -> Result<(f64, f64), Box<dyn Error>> {
    drop(SqliteStore::open(path)?);
    let conn = Connection::open(path)?;
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;")?;
    conn.set_prepared_statement_cache_capacity(64);
    for promotion in 1..=PROMOTIONS {
        let name = format!("promotion/payments/payment-service/production/{promotion}");
        conn.execute("INSERT INTO stream (name) VALUES (?1)", [name])?;
    }
    let rows = appends.iter().map(Bare::new).collect::<Result<Vec<_>, _>>()?;
    let mut number = 0;
    rate(appends.len(), || {
        for batch in rows.chunks(batch) {
            conn.execute_batch("BEGIN IMMEDIATE")?;
            for row in batch {
                row.write(&conn, number)?;
                number += 1;
            }
            conn.prepare_cached("UPDATE head SET size = ?1")?
                .execute([number])?;
            conn.execute_batch("COMMIT")?;
        }
        Ok(())
    })
}

/// As many appends per second as the disk lets through when each batch is written to a plain file and synced.
fn synced(path: &Path, count: u64, batch: usize) -> Result<f64, Box<dyn Error>> {
    // What an append leaves in the tables, about.
    let bytes = vec![7; 1_024 * batch];
    let mut file = File::create(path)?;
    let (rate, _) = rate(count as usize, || {
        for _ in 0..count as usize / batch {
            file.write_all(&bytes)?;
            file.sync_data()?;
        }
        Ok(())
    })?;
    Ok(rate)
}
