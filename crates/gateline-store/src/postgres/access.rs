//! Passwords and sessions: rows that are replaced and deleted.

use std::collections::BTreeMap;

use gateline_model::{ActorId, Digest};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::place::Place;
use super::read::{column, damaged, digest, micros, plain, time};
use super::{PostgresStore, sql};
use crate::{Append, EndSessions, SESSIONS_PER_ACTOR_MAX, Session, StoreError};

/// The passwords that a batch changes, the last change of each account.
#[derive(Debug, Default)]
pub(super) struct Passwords<'b> {
    changes: BTreeMap<&'b str, Option<&'b str>>,
}

impl<'b> Passwords<'b> {
    pub(super) fn take(&mut self, append: &'b Append) {
        for change in &append.passwords {
            self.changes
                .insert(change.account.as_str(), change.hash.as_deref());
        }
    }

    /// Every account whose sessions end.
    pub(super) fn accounts(&self) -> Vec<&'b str> {
        self.changes.keys().copied().collect()
    }

    /// Accounts without a password from now on.
    pub(super) fn without(&self) -> Vec<&'b str> {
        let without = self.changes.iter().filter(|(_, hash)| hash.is_none());
        without.map(|(account, _)| *account).collect()
    }

    /// Accounts and the hashes that they have from now on.
    pub(super) fn with(&self) -> (Vec<&'b str>, Vec<&'b str>) {
        self.changes
            .iter()
            .filter_map(|(account, hash)| Some((*account, (*hash)?)))
            .unzip()
    }
}

pub(super) fn password(place: &Place, account: &ActorId) -> Result<Option<String>, StoreError> {
    let rows = place.read("read a password's hash", &sql::PASSWORD, &[&account.as_str()])?;
    rows.first().map(|row| column(row, 0)).transpose()
}

fn session(row: &Row) -> Result<Session, StoreError> {
    let legal = |err: &dyn std::fmt::Display| damaged("a session", err);
    let actor: String = column(row, 1)?;
    let token: Option<String> = column(row, 4)?;
    Ok(Session {
        id: digest(row, 0)?,
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

pub(super) fn one(place: &Place, id: &Digest) -> Result<Option<Session>, StoreError> {
    let rows = place.read("read a session", &sql::SESSION, &[&id.as_bytes().as_slice()])?;
    rows.first().map(session).transpose()
}

pub(super) fn of(place: &Place, actor: &ActorId) -> Result<Vec<Session>, StoreError> {
    let rows = place.read("read sessions", &sql::SESSIONS_OF, &[&actor.as_str()])?;
    rows.iter().map(session).collect()
}

pub(super) fn put(store: &mut PostgresStore, session: &Session) -> Result<(), StoreError> {
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
    // What a browser or a provider says may have a character that no text column takes.
    let (name, agent) = (name.as_deref().map(plain), plain(agent));
    let token = token.as_ref().map(|token| token.as_str());
    store.place.write(
        "keep a session",
        &[
            (
                &sql::SESSION_PUT,
                &[
                    &id.as_bytes().as_slice(),
                    &actor.as_str(),
                    &name,
                    provider,
                    &token,
                    &agent,
                    &micros(*began),
                    &micros(*used),
                    &micros(*ends),
                ],
            ),
            (
                &sql::SESSIONS_TRIM,
                &[&actor.as_str(), &(SESSIONS_PER_ACTOR_MAX as i64)],
            ),
        ],
    )?;
    Ok(())
}

pub(super) fn used(store: &mut PostgresStore, id: &Digest, at: Timestamp) -> Result<(), StoreError> {
    let used: (&sql::Sql, _) = (
        &sql::SESSION_USE,
        &[&id.as_bytes().as_slice() as _, &micros(at) as _],
    );
    store
        .place
        .write("note the use of a session", &[(used.0, used.1)])?;
    Ok(())
}

pub(super) fn end(store: &mut PostgresStore, which: &EndSessions) -> Result<usize, StoreError> {
    let doing = "end sessions";
    let place = &store.place;
    let ended = match which {
        EndSessions::One(id) => place.write(doing, &[(&sql::SESSION_END, &[&id.as_bytes().as_slice()])]),
        EndSessions::Of(actor, kept) => {
            let kept = kept.as_ref().map(|kept| kept.as_bytes().as_slice());
            place.write(doing, &[(&sql::SESSIONS_END_OF, &[&actor.as_str(), &kept])])
        }
        EndSessions::Stale { now, unused_since } => {
            let (now, since) = (micros(*now), micros(*unused_since));
            place.write(doing, &[(&sql::SESSIONS_END_STALE, &[&now, &since])])
        }
    };
    Ok(ended?[0] as usize)
}
