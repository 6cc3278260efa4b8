//! Readers: a few connections for reading, beside the writer.

use std::path::PathBuf;
use std::sync::Mutex;

use gateline_store::{Read, SqliteError};

use super::kept::Source;
use super::lock;

/// Connections that are kept open when nobody reads.
const READERS_KEPT_MAX: usize = 8;

pub(super) struct Readers {
    source: Source,
    path: PathBuf,
    idle: Mutex<Vec<Box<dyn Read>>>,
}

impl Readers {
    /// Opens the first one, so that a file that cannot be read is found now.
    pub(super) fn open(source: Source, path: PathBuf) -> Result<Self, SqliteError> {
        let first = source.reader()?;
        Ok(Self {
            source,
            path,
            idle: Mutex::new(vec![first]),
        })
    }

    /// A path beside the database, called after it.
    pub(super) fn beside(&self, what: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!("-{what}"));
        self.path.with_file_name(name)
    }

    /// Reads with an idle connection, or with a new one.
    pub(super) fn with<T>(&self, read: impl FnOnce(&dyn Read) -> T) -> T {
        let idle = lock(&self.idle).pop();
        // Opening fails only when the file is gone or the process is out of files; a panic becomes a 500 for one caller.
        let reader = idle.unwrap_or_else(|| self.source.reader().expect("a reader was opened before"));
        let value = read(&*reader);
        let mut idle = lock(&self.idle);
        if idle.len() < READERS_KEPT_MAX {
            idle.push(reader);
        }
        value
    }
}
