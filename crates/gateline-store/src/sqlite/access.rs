//! Passwords and sessions: rows that are replaced and deleted.

use gateline_model::{ActorId, Digest};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::error::{commit_failed, failed};
use super::read::{all, column, damaged, micros, time};
use super::{SqliteStore, sql};
use crate::{EndSessions, PasswordChange, SESSIONS_PER_ACTOR_MAX, Session, StoreError};

/// Part of an append's transaction.
pub(super) fn put_passwords(conn: &Connection, changes: &[PasswordChange]) -> rusqlite::Result<()> {
    for PasswordChange { account, hash } in changes {
        match hash {
            Some(hash) => conn
                .prepare_cached(sql::PASSWORD_PUT)?
                .execute(params![account.as_str(), hash])?,
            None => conn
                .prepare_cached(sql::PASSWORD_DELETE)?
                .execute([account.as_str()])?,
        };
        conn.prepare_cached(sql::SESSIONS_END_OF)?
            .execute(params![account.as_str(), None::<&[u8]>])?;
    }
    Ok(())
}

pub(super) fn password(conn: &Connection, account: &ActorId) -> Result<Option<String>, StoreError> {
    let mut select = conn
        .prepare_cached(sql::PASSWORD)
        .map_err(failed("read a password's hash"))?;
    select
        .query_row([account.as_str()], |row| row.get(0))
        .optional()
        .map_err(failed("read a password's hash"))
}

fn session(row: &Row<'_>) -> Result<Session, StoreError> {
    let legal = |err: &dyn std::fmt::Display| damaged("a session", err);
    let actor: String = column(row, 1)?;
    let token: Option<String> = column(row, 4)?;
    Ok(Session {
        id: Digest::from_bytes(column(row, 0)?),
        actor: actor.parse().map_err(|err| legal(&err))?,
        name: column(row, 2)?,
        provider: column(row, 3)?,
        token: token
            .map(|token| token.parse())
            .transpose()
            .map_err(|err| legal(&err))?,
        agent: column(row, 5)?,
        began: time(column(row, 6)?)?,
        used: time(column(row, 7)?)?,
        ends: time(column(row, 8)?)?,
    })
}

pub(super) fn one(conn: &Connection, id: &Digest) -> Result<Option<Session>, StoreError> {
    Ok(all(conn, sql::SESSION, [id.as_bytes()], session)?.pop())
}

pub(super) fn of(conn: &Connection, actor: &ActorId) -> Result<Vec<Session>, StoreError> {
    all(conn, sql::SESSIONS_OF, [actor.as_str()], session)
}

pub(super) fn put(store: &mut SqliteStore, session: &Session) -> Result<(), StoreError> {
    let doing = "keep a session";
    let tx = store.write(doing)?;
    let Session {
        id,
        actor,
        name,
        provider,
        token,
        agent,
        began,
        used,
        ends,
    } = session;
    tx.execute(
        sql::SESSION_PUT,
        params![
            id.as_bytes(),
            actor.as_str(),
            name,
            provider,
            token.as_ref().map(|token| token.as_str()),
            agent,
            micros(*began),
            micros(*used),
            micros(*ends),
        ],
    )
    .map_err(failed(doing))?;
    tx.execute(
        sql::SESSIONS_TRIM,
        params![actor.as_str(), SESSIONS_PER_ACTOR_MAX as i64],
    )
    .map_err(failed(doing))?;
    tx.commit().map_err(commit_failed(doing))
}

pub(super) fn used(store: &mut SqliteStore, id: &Digest, at: Timestamp) -> Result<(), StoreError> {
    let doing = "note the use of a session";
    let tx = store.write(doing)?;
    tx.execute(sql::SESSION_USE, params![id.as_bytes(), micros(at)])
        .map_err(failed(doing))?;
    tx.commit().map_err(commit_failed(doing))
}

pub(super) fn end(store: &mut SqliteStore, which: &EndSessions) -> Result<usize, StoreError> {
    let doing = "end sessions";
    let tx = store.write(doing)?;
    let ended = match which {
        EndSessions::One(id) => tx.execute(sql::SESSION_END, [id.as_bytes()]),
        EndSessions::Of(actor, kept) => {
            let kept = kept.as_ref().map(Digest::as_bytes);
            tx.execute(sql::SESSIONS_END_OF, params![actor.as_str(), kept])
        }
        EndSessions::Stale { now, unused_since } => tx.execute(
            sql::SESSIONS_END_STALE,
            params![micros(*now), micros(*unused_since)],
        ),
    };
    let ended = ended.map_err(failed(doing))?;
    tx.commit().map_err(commit_failed(doing))?;
    Ok(ended)
}
