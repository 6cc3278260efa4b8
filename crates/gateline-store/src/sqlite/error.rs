//! What can go wrong with a database file, and what to do about it.

use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::StoreError;

/// Why a database file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SqliteError {
    /// Another server has it.
    #[error("`{path}` is in use by {holder}; stop that server, or start this one on another file")]
    InUse {
        /// The database file.
        path: PathBuf,
        /// Who, as far as the lock file tells.
        holder: String,
    },
    /// The lock file could not be made.
    #[error("could not lock `{path}`: {err}; the server must be able to write in that directory")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        err: std::io::Error,
    },
    /// The file or its directory may not be written.
    #[error("`{0}` is read-only; give the server's account the right to write it and its directory")]
    ReadOnly(PathBuf),
    /// The file is something else.
    #[error("`{0}` is not a Gateline database; name another file")]
    Foreign(PathBuf),
    /// There is nothing in it.
    #[error("`{0}` has no tables of Gateline: name another file, or restore a backup into a new one")]
    Empty(PathBuf),
    /// A newer Gateline made it.
    #[error(
        "`{path}` has tables of version {found}, this Gateline knows up to {known}; start the newer Gateline"
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The version of its tables.
        found: u32,
        /// The newest version that this build knows.
        known: u32,
    },
    /// It has not the tables that this build reads.
    #[error(
        "`{path}` has tables of version {found}, not {known}; start `gateline serve` once to bring it forward"
    )]
    Older {
        /// The database file.
        path: PathBuf,
        /// The version of its tables.
        found: u32,
        /// The version that this build reads.
        known: u32,
    },
    /// The file system cannot share memory between processes.
    #[error("`{0}` is on a file system without write-ahead logging (a network share?); use a local disk")]
    NoWal(PathBuf),
    /// SQLite refused.
    #[error("could not open `{path}`: {why}")]
    Open {
        /// The database file.
        path: PathBuf,
        /// What SQLite said, and what to do.
        why: String,
    },
}

/// What SQLite said, as a sentence that ends in what to do.
pub(super) fn why(err: &rusqlite::Error) -> String {
    let remedy = match err.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "free some space on the disk that holds the database",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            "give the server's account the right to write the database file and its directory"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process holds the database file; close what opened it"
        }
        Some(ErrorCode::SystemIoFailure | ErrorCode::FileLockingProtocolFailed) => {
            "the disk did not do what it was asked, as when its file system turned read-only; look at the system's own logs"
        }
        Some(_) | None => return err.to_string(),
    };
    format!("{err}; {remedy}")
}

/// A failure before a commit was asked for: nothing was kept.
pub(super) fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |err| match err.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged {
            what: "the database file".to_owned(),
            why: err.to_string(),
        },
        Some(_) | None => StoreError::Unavailable {
            doing,
            why: why(&err),
        },
    }
}

/// A failure of the commit itself. Only a few codes say for sure that nothing was kept.
pub(super) fn commit_failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |err| match err.sqlite_error_code() {
        Some(
            ErrorCode::DiskFull | ErrorCode::ReadOnly | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked,
        ) => StoreError::Unavailable {
            doing,
            why: why(&err),
        },
        Some(_) | None => StoreError::Unknown { why: why(&err) },
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn error(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn a_commit_whose_fate_is_unknown_is_not_called_unavailable() {
        for code in [
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_NOMEM,
        ] {
            assert!(
                matches!(commit_failed("append")(error(code)), StoreError::Unknown { .. }),
                "{code}"
            );
            assert!(
                matches!(failed("append")(error(code)), StoreError::Unavailable { .. }),
                "{code}"
            );
        }
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_READONLY] {
            assert!(
                matches!(
                    commit_failed("append")(error(code)),
                    StoreError::Unavailable { .. }
                ),
                "{code}"
            );
        }
        assert!(matches!(
            failed("read")(error(ffi::SQLITE_CORRUPT)),
            StoreError::Damaged { .. }
        ));
    }

    #[test]
    fn each_trouble_names_its_remedy() {
        for (code, remedy) in [
            (ffi::SQLITE_FULL, "free some space"),
            (ffi::SQLITE_READONLY_DBMOVED, "right to write"),
            (ffi::SQLITE_IOERR, "system's own logs"),
            (ffi::SQLITE_BUSY, "another process"),
        ] {
            assert!(why(&error(code)).contains(remedy), "{code}");
        }
    }
}
