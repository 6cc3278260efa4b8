//! What the writer remembers between batches: the end of the log and the versions of the streams it met.
//! There is one writer, so this is true as long as every batch that was begun was committed.

use std::collections::HashMap;

use gateline_log::Frontier;
use gateline_model::StreamId;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::error::failed;
use super::{read, sql};
use crate::StoreError;

/// Most streams that are remembered; then all are forgotten and met again.
const STREAMS_CACHED_MAX: usize = 65_536;

/// The end of the log, and the streams that were met.
#[derive(Debug)]
pub(super) struct Tail {
    pub frontier: Frontier,
    pub at: Timestamp,
    pub fence: u64,
    streams: HashMap<StreamId, Stream>,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    /// Its row; none before its first event.
    pub id: Option<i64>,
    /// Its text.
    pub name: String,
    /// Its version.
    pub version: u64,
}

impl Tail {
    /// Reads the end of the log.
    pub(super) fn load(conn: &Connection) -> Result<Self, StoreError> {
        let (frontier, at, fence) = read::end(conn)?;
        Ok(Self {
            frontier,
            at,
            fence,
            streams: HashMap::new(),
        })
    }

    /// Keeps the streams within their limit. Between batches only.
    pub(super) fn trim(&mut self) {
        if self.streams.len() > STREAMS_CACHED_MAX {
            self.streams.clear();
        }
    }

    /// The stream, as it is after what this transaction wrote.
    pub(super) fn stream(&mut self, conn: &Connection, id: &StreamId) -> Result<&mut Stream, StoreError> {
        // Looked up twice because a reference that is returned early cannot be let go again.
        if !self.streams.contains_key(id) {
            let name = id.to_string();
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?));
            let mut select = conn.prepare_cached(sql::STREAM).map_err(failed("append"))?;
            let found: Option<(i64, _)> = select
                .query_row([&name], read)
                .optional()
                .map_err(failed("append"))?;
            let version = found.and_then(|(_, version)| version).map_or(0, read::unsigned);
            let stream = Stream {
                id: found.map(|(id, _)| id),
                name,
                version,
            };
            self.streams.insert(id.clone(), stream);
        }
        Ok(self
            .streams
            .get_mut(id)
            .expect("it was inserted if it was missing"))
    }
}
