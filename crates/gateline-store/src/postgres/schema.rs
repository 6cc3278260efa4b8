//! The tables, brought forward one numbered step at a time. Never back: a newer database is refused.

use super::error::Failure;
use super::link::{Link, READ_WITHIN};
use super::place::Place;
use super::{PostgresError, sql};

/// Migrations by number, from 1. One that was released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_log.sql"),
    include_str!("migrations/0002_statistics.sql"),
];

/// The version of the tables that this build reads and writes.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// `gate` and `line` in ASCII: the advisory lock under which tables are brought forward.
const LOCK: i64 = 0x6761_7465_6c69_6e65;

/// How long the name of a writer who is gone is kept, in microseconds: 30 days.
const WRITERS_KEPT_MICROS: i64 = 30 * 86_400 * 1_000_000;

/// What the migrations make: tables, indexes and sequences.
pub(super) fn names() -> Vec<&'static str> {
    let lines = MIGRATIONS.iter().flat_map(|sql| sql.lines());
    let made = lines.filter_map(|line| {
        let made = line.strip_prefix("CREATE ")?;
        let made = made.strip_prefix("UNIQUE ").unwrap_or(made);
        let named = ["TABLE ", "INDEX ", "SEQUENCE "].into_iter();
        let name = named.filter_map(|kind| made.strip_prefix(kind)).next()?;
        let name = name.strip_prefix("gateline.").unwrap_or(name);
        name.split([' ', ';']).next()
    });
    made.collect()
}

/// What is in the database.
enum Found {
    Nothing,
    Foreign,
    Version(u32),
}

fn find(link: &Link) -> Result<Found, Failure> {
    let found = link.wait(READ_WITHIN, async {
        let text = |sql| link.text(sql);
        if text("SELECT to_regnamespace('gateline')::text").await?.is_none() {
            return Ok(Found::Nothing);
        }
        if text("SELECT to_regclass('gateline.version')::text")
            .await?
            .is_none()
        {
            return Ok(Found::Foreign);
        }
        let version = text("SELECT max(number)::text FROM gateline.version").await?;
        // They are counted from 1.
        let version = version
            .and_then(|version| version.parse().ok())
            .filter(|version| *version > 0);
        Ok(version.map_or(Found::Foreign, Found::Version))
    })?;
    Ok(found)
}

/// Brings the tables forward, one server at a time, and gives this writer a name.
pub(super) fn bring_forward(place: &Place) -> Result<String, PostgresError> {
    place
        .with(|link| {
            // A lock of the transaction: it goes with it, through whatever pooler.
            link.wait(READ_WITHIN, async {
                link.batch("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
                    .await?;
                link.batch(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await
            })?;
            let done = forward_locked(place, link);
            if done.is_err() {
                link.roll_back()?;
            }
            done
        })
        .map_err(|failure| told(place, failure))
}

fn forward_locked(place: &Place, link: &Link) -> Result<String, Failure> {
    let found = match find(link)? {
        Found::Foreign => return Err(Failure::Closed(PostgresError::Foreign(place.address.to_string()))),
        Found::Version(found) if found > VERSION => return Err(newer(place, found)),
        Found::Version(found) => found,
        Found::Nothing => 0,
    };
    link.wait(READ_WITHIN, async {
        if found == 0 {
            link.batch(
                "CREATE SCHEMA gateline; CREATE TABLE gateline.version (number integer PRIMARY KEY, at timestamptz NOT NULL)",
            )
            .await?;
        }
        for number in found..VERSION {
            link.batch(MIGRATIONS[number as usize]).await?;
            let noted = format!("INSERT INTO gateline.version VALUES ({}, clock_timestamp())", number + 1);
            link.batch(&noted).await?;
        }
        let time: i64 = link.query(&sql::TIME, &[]).await?[0].try_get(0)?;
        link.execute(&sql::WRITERS_FORGET, &[&(time - WRITERS_KEPT_MICROS)]).await?;
        let name = link.query(&sql::NAME, &[]).await?[0].try_get(0)?;
        link.batch("COMMIT").await?;
        Ok(name)
    })
}

/// Says whether the tables are those that this build reads.
pub(super) fn is_ours(place: &Place) -> Result<(), PostgresError> {
    let address = || place.address.to_string();
    match place.with(find).map_err(|failure| told(place, failure))? {
        Found::Version(VERSION) => Ok(()),
        Found::Version(found) if found > VERSION => Err(told(place, newer(place, found))),
        Found::Version(found) => Err(older(address(), found)),
        Found::Nothing => Err(PostgresError::Empty(address())),
        Found::Foreign => Err(PostgresError::Foreign(address())),
    }
}

fn older(address: String, found: u32) -> PostgresError {
    PostgresError::Older {
        address,
        found,
        known: VERSION,
    }
}

fn newer(place: &Place, found: u32) -> Failure {
    Failure::Closed(PostgresError::Newer {
        address: place.address.to_string(),
        found,
        known: VERSION,
    })
}

fn told(place: &Place, failure: Failure) -> PostgresError {
    match failure {
        Failure::Closed(err) => err,
        Failure::Said(_) | Failure::Late(_) => PostgresError::Open {
            address: place.address.to_string(),
            why: failure.why(),
        },
    }
}
