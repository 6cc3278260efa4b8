//! The lock that keeps a second server off a database file. It goes with the process, however that ends.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::SqliteError;

/// Longest text that is read from a lock file: a process id and more than enough.
const HOLDER_BYTES_MAX: u64 = 40;

/// Locks the file beside the database until what is returned is dropped.
pub(super) fn lock(database: &Path) -> Result<File, SqliteError> {
    let path = beside(database);
    let failed = |err| SqliteError::Lock {
        path: path.clone(),
        err,
    };
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(SqliteError::InUse {
                path: database.to_owned(),
                holder: holder(file),
            });
        }
        Err(TryLockError::Error(err)) => return Err(failed(err)),
    }
    let pid = format!("{}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(pid.as_bytes()))
        .map_err(failed)?;
    Ok(file)
}

fn beside(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

fn holder(file: File) -> String {
    let mut text = String::new();
    match file
        .take(HOLDER_BYTES_MAX)
        .read_to_string(&mut text)
        .map(|_| text.trim().parse::<u32>())
    {
        Ok(Ok(pid)) => format!("process {pid}"),
        Ok(Err(_)) | Err(_) => "another process".to_owned(),
    }
}
