//! Content by digest, in its pieces.

use gateline_model::Digest;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::failed;
use super::read::{signed, unsigned};
use super::sql;
use crate::StoreError;
use crate::blob::{self, Blob};

/// Keeps content that is not kept yet.
pub(super) fn put(conn: &Connection, blob: &Blob) -> Result<(), StoreError> {
    let failed = failed("append");
    let mut add = conn.prepare_cached(sql::BLOB_ADD).map_err(&failed)?;
    let digest = blob.digest();
    let added = add.execute(params![digest.as_bytes(), signed(blob.bytes())]);
    if added.map_err(&failed)? == 0 {
        return Ok(());
    }
    let id = conn.last_insert_rowid();
    let mut add = conn.prepare_cached(sql::BLOB_PIECE_ADD).map_err(&failed)?;
    for number in 0..blob.pieces() {
        let (form, bytes) = blob.piece(number).map_err(|err| StoreError::Unavailable {
            doing: "append",
            why: format!("the compressed content `{digest}` cannot be read back: {err}; send it again"),
        })?;
        add.execute(params![id, number as i64, form as i64, bytes])
            .map_err(&failed)?;
    }
    Ok(())
}

/// How long it is.
pub(super) fn bytes(conn: &Connection, digest: &Digest) -> Result<Option<u64>, StoreError> {
    let mut select = conn.prepare_cached(sql::BLOB).map_err(failed("read"))?;
    let size = select.query_row([digest.as_bytes()], |row| row.get(0)).optional();
    // A length below 0 is no length, and too large for any reader.
    Ok(size
        .map_err(failed("read"))?
        .map(|size: i64| size.cast_unsigned()))
}

/// One piece of it.
pub(super) fn piece(conn: &Connection, digest: &Digest, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let mut select = conn.prepare_cached(sql::BLOB_PIECE).map_err(failed("read"))?;
    let found = select
        .query_row(params![digest.as_bytes(), signed(number)], |row| {
            let length = blob::piece_length(unsigned(row.get(0)?), number);
            let packed = row.get_ref(2)?.as_blob()?;
            Ok(blob::unpack(row.get(1)?, packed, length))
        })
        .optional();
    let piece = found.map_err(failed("read"))?.transpose();
    piece.map_err(|why| blob::damaged(digest, format!("its piece {number}: {why}")))
}
