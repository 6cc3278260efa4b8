//! What can go wrong with a database server, and what to do about it. No text here has a password in it.

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::StoreError;

/// Why a PostgreSQL database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The address cannot be used.
    #[error("could not use the address of the database: {0}")]
    Address(String),
    /// Nobody answers, or not to us.
    #[error("could not open `{address}`: {why}")]
    Open {
        /// The database.
        address: String,
        /// What was said, and what to do.
        why: String,
    },
    /// It has a schema of our name that is not ours.
    #[error("`{0}` has a schema `gateline` that Gateline did not make; name another database")]
    Foreign(String),
    /// There is nothing in it.
    #[error("`{0}` has no tables of Gateline: name another database, or restore a backup into it")]
    Empty(String),
    /// A newer Gateline made it.
    #[error(
        "`{address}` has tables of version {found}, this Gateline knows up to {known}; start the newer Gateline"
    )]
    Newer {
        /// The database.
        address: String,
        /// The version of its tables.
        found: u32,
        /// The newest version that this build knows.
        known: u32,
    },
    /// It has not the tables that this build reads.
    #[error(
        "`{address}` has tables of version {found}, not {known}; start `gateline serve` once to bring it forward"
    )]
    Older {
        /// The database.
        address: String,
        /// The version of its tables.
        found: u32,
        /// The version that this build reads.
        known: u32,
    },
}

/// Why a call to the server did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server, or the way to it, said so.
    Said(Error),
    /// Nothing was said in time.
    Late(std::time::Duration),
    /// It could not even be reached.
    Closed(PostgresError),
}

impl From<Error> for Failure {
    fn from(err: Error) -> Self {
        Self::Said(err)
    }
}

impl Failure {
    /// What was said, as a sentence that ends in what to do.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Said(err) => why(err),
            Self::Late(within) => format!(
                "the database did not answer within {} s; look at its load and at the network",
                within.as_secs()
            ),
            Self::Closed(err) => err.to_string(),
        }
    }

    /// The connection can be used no more.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Said(err) => Self::is_lost_to(err),
            Self::Late(_) | Self::Closed(_) => true,
        }
    }

    /// Whether this says that the connection is gone.
    pub(super) fn is_lost_to(err: &Error) -> bool {
        err.as_db_error().is_none_or(is_fatal)
    }

    /// A failure that leaves no doubt: nothing was kept.
    pub(super) fn unavailable(&self, doing: &'static str) -> StoreError {
        let why = self.why();
        match self {
            Self::Said(err) if err.code().is_some_and(is_damage) => StoreError::Damaged {
                what: "the database".to_owned(),
                why,
            },
            Self::Said(_) | Self::Late(_) | Self::Closed(_) => StoreError::Unavailable { doing, why },
        }
    }

    /// A failure of a commit, or of what was sent together with one.
    pub(super) fn of_commit(&self, doing: &'static str) -> StoreError {
        match self {
            Self::Said(err) if err.as_db_error().is_some_and(|said| !is_fatal(said)) => {
                self.unavailable(doing)
            }
            Self::Closed(_) => self.unavailable(doing),
            Self::Said(_) | Self::Late(_) => StoreError::Unknown { why: self.why() },
        }
    }
}

/// An error ends a transaction; what is worse ends the connection, and tells nothing of the transaction.
fn is_fatal(said: &DbError) -> bool {
    !matches!(said.parsed_severity(), Some(Severity::Error))
}

fn is_damage(code: &SqlState) -> bool {
    *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED
}

/// What the server said, as a sentence that ends in what to do.
pub(super) fn why(err: &Error) -> String {
    let Some(said) = err.as_db_error() else {
        let mut text = err.to_string();
        let mut cause = std::error::Error::source(err);
        while let Some(err) = cause {
            text.push_str(&format!(": {err}"));
            cause = err.source();
        }
        let remedy = remedy_of_transport(&text);
        return format!("{text}; {remedy}");
    };
    let text = said.message();
    match remedy(said.code()) {
        Some(remedy) => format!("{text}; {remedy}"),
        None => format!("{text} (SQLSTATE {})", said.code().code()),
    }
}

/// What to do where no server's word was heard. The library tells these apart by their text only.
fn remedy_of_transport(text: &str) -> &'static str {
    const REMEDIES: &[(&str, &str)] = &[
        ("does not allow writes", READ_ONLY),
        (
            "server does not support TLS",
            "turn on `ssl` in its `postgresql.conf`, or write `sslmode=disable` where nobody else is on the way",
        ),
    ];
    let found = REMEDIES.iter().find(|(part, _)| text.contains(part));
    found.map_or(
        "see that the database server runs and can be reached from here",
        |(_, remedy)| remedy,
    )
}

/// What to do where tables are not there.
const NOT_OURS: &str =
    "the database was made anew, or edited: stop all servers, and restore a backup into an empty one";

/// What to do where only reading is allowed.
const READ_ONLY: &str = "this is a standby, or `default_transaction_read_only` is on: name the primary, promote this one, or turn that off";

fn remedy(code: &SqlState) -> Option<&'static str> {
    const REMEDIES: &[(&SqlState, &str)] = &[
        (
            &SqlState::INVALID_PASSWORD,
            "see that `password=` or `passfile=` of the address names the right password",
        ),
        (
            &SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            "let the user in by `pg_hba.conf`",
        ),
        (
            &SqlState::INVALID_CATALOG_NAME,
            "make the database with `createdb`",
        ),
        (
            &SqlState::INSUFFICIENT_PRIVILEGE,
            "make the user the owner of the database, or grant it CREATE there",
        ),
        (
            &SqlState::TOO_MANY_CONNECTIONS,
            "raise `max_connections`, or put pgbouncer in front",
        ),
        (&SqlState::CANNOT_CONNECT_NOW, "it starts or stops; wait for it"),
        (
            &SqlState::ADMIN_SHUTDOWN,
            "it was stopped or taken over; wait for it",
        ),
        (&SqlState::READ_ONLY_SQL_TRANSACTION, READ_ONLY),
        (&SqlState::UNDEFINED_TABLE, NOT_OURS),
        (&SqlState::INVALID_SCHEMA_NAME, NOT_OURS),
        (
            &SqlState::LOCK_NOT_AVAILABLE,
            "another replica held the log for too long; see that none of them stands still",
        ),
        (
            &SqlState::DISK_FULL,
            "free some space on the disk that holds the database",
        ),
        (
            &SqlState::INVALID_SQL_STATEMENT_NAME,
            "a pooler took prepared statements apart; let it pool by transactions with `max_prepared_statements`, or by sessions",
        ),
    ];
    REMEDIES
        .iter()
        .find(|(of, _)| *of == code)
        .map(|(_, remedy)| *remedy)
}
