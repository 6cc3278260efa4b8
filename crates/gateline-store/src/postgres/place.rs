//! A place: an address, and the link to it that is made again when it is lost.

use std::cell::{Cell, RefCell};

use tokio_postgres::Row;

use super::error::Failure;
use super::link::{ANSWER_WITHIN, Answer, Link, Params, READ_WITHIN};
use super::sql::Sql;
use super::{PostgresAddress, PostgresError};
use crate::StoreError;

/// An address, and the link to it.
#[derive(Debug)]
pub(super) struct Place {
    pub address: PostgresAddress,
    link: RefCell<Option<Link>>,
    prepares: Cell<bool>,
    /// A transaction is open: a lost link may not be replaced within it.
    at_one_moment: Cell<bool>,
}

impl Place {
    /// Connects at once.
    pub(super) fn open(address: &PostgresAddress) -> Result<Self, PostgresError> {
        let place = Self::at(address);
        *place.link.borrow_mut() = Some(Link::open(address)?);
        Ok(place)
    }

    /// Connects when something is asked of it.
    pub(super) fn at(address: &PostgresAddress) -> Self {
        Self {
            address: address.clone(),
            link: RefCell::new(None),
            prepares: Cell::new(false),
            at_one_moment: Cell::new(false),
        }
    }

    /// Plans what every batch runs, now and on every link to come.
    pub(super) fn prepare(&self) -> Result<(), PostgresError> {
        self.prepares.set(true);
        self.with(Link::prepare).map_err(|failure| PostgresError::Open {
            address: self.address.to_string(),
            why: failure.why(),
        })
    }

    /// Uses the link, or a new one where the last was lost. After a failure that leaves a doubt about it, it is lost.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Link) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut kept = self.link.borrow_mut();
        let link = match kept.take().filter(|link| !link.is_closed()) {
            Some(link) => link,
            None if self.at_one_moment.get() => {
                return Err(Failure::Closed(PostgresError::Open {
                    address: self.address.to_string(),
                    why: "the connection was lost while the database was looked at; try again".to_owned(),
                }));
            }
            None => {
                let link = Link::open(&self.address).map_err(Failure::Closed)?;
                if self.prepares.get() {
                    link.prepare()?;
                }
                link
            }
        };
        let done = work(&link);
        if !matches!(&done, Err(failure) if failure.is_lost()) {
            *kept = Some(link);
        }
        done
    }

    /// The same for what may be done twice: once more where the link turned out to be lost, as after the server was started
    /// again.
    pub(super) fn with_again<T>(&self, work: impl Fn(&Link) -> Result<T, Failure>) -> Result<T, Failure> {
        match self.with(&work) {
            Err(Failure::Said(err)) if Failure::is_lost_to(&err) && !self.at_one_moment.get() => {
                self.with(work)
            }
            done => done,
        }
    }

    /// Reads with one statement.
    pub(super) fn read(
        &self,
        doing: &'static str,
        sql: &Sql,
        params: Params<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        self.with_again(|link| link.wait(READ_WITHIN, link.query(sql, params)))
            .map_err(|failure| failure.unavailable(doing))
    }

    /// Writes with a few statements in one transaction and one round trip. Tells how many rows each changed.
    pub(super) fn write<'a>(
        &self,
        doing: &'static str,
        statements: &[(&'a Sql, Params<'a>)],
    ) -> Result<Vec<u64>, StoreError> {
        self.with(|link| {
            let begin: Answer<'_, u64> = Box::pin(async { link.begin().await.map(|()| 0) });
            let write = |(sql, params): &(&'a Sql, Params<'a>)| -> Answer<'_, u64> {
                let (sql, params) = (*sql, *params);
                Box::pin(link.execute(sql, params))
            };
            let all = std::iter::once(begin)
                .chain(statements.iter().map(write))
                .collect();
            let done = link.commit(all);
            match done {
                Ok(changed) => Ok(changed[1..].to_vec()),
                Err(failure) => Err(failure),
            }
        })
        .map_err(|failure| failure.of_commit(doing))
    }

    pub(super) fn is_direct(&self) -> Result<bool, StoreError> {
        self.with_again(|link| Ok(link.is_direct()))
            .map_err(|failure| failure.unavailable("reach the database"))
    }

    pub(super) fn begin_moment(&self) -> Result<(), StoreError> {
        // Not limited in what it waits for: the doctor hashes between two reads.
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
            SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0";
        self.with_again(|link| link.wait(ANSWER_WITHIN, link.batch(begin)))
            .map_err(|failure| failure.unavailable("look at one moment"))?;
        self.at_one_moment.set(true);
        Ok(())
    }

    pub(super) fn end_moment(&self) {
        // A link that cannot leave the transaction is not used again.
        let left = self.with(Link::roll_back);
        self.at_one_moment.set(false);
        if left.is_err() {
            self.lose();
        }
    }

    /// Lets the link go.
    pub(super) fn lose(&self) {
        self.link.take();
    }
}
