//! The store that a hub is started on: in one file for one server, or in a database for several.

use std::path::PathBuf;

use gateline_store::{PostgresReader, PostgresStore, Read, SqliteError, SqliteReader, SqliteStore, Store};

/// An open store.
#[derive(Debug)]
pub enum Kept {
    /// In one file: this server is alone.
    File(Box<SqliteStore>),
    /// In a database that others may share.
    Database {
        /// The store.
        store: Box<PostgresStore>,
        /// The folder of what this server has for itself.
        dir: PathBuf,
    },
}

impl From<SqliteStore> for Kept {
    fn from(store: SqliteStore) -> Self {
        Self::File(Box::new(store))
    }
}

impl Kept {
    /// Where readers of the same store come from.
    pub(super) fn source(&self) -> Source {
        match self {
            Self::File(store) => Source::File(store.path().to_owned()),
            Self::Database { store, .. } => Source::Database(Box::new(store.address().clone())),
        }
    }

    /// The path that what lies beside is called after.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::File(store) => store.path().to_owned(),
            Self::Database { dir, .. } => dir.join("gateline"),
        }
    }

    /// For the thread that writes.
    pub(super) fn into_store(self) -> Box<dyn Store> {
        match self {
            Self::File(store) => store,
            Self::Database { store, .. } => store,
        }
    }
}

/// Where readers come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    File(PathBuf),
    Database(Box<gateline_store::PostgresAddress>),
}

impl Source {
    /// A new reader. One of a database connects when it is used.
    pub(super) fn reader(&self) -> Result<Box<dyn Read>, SqliteError> {
        Ok(match self {
            Self::File(path) => Box::new(SqliteReader::open(path)?),
            Self::Database(address) => Box::new(PostgresReader::at(address)),
        })
    }
}
