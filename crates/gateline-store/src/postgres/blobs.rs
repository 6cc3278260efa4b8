//! Content by digest, in its pieces. The pieces come before the batch that keeps them, in transactions of their own:
//! however long they take, nobody waits for them.

use std::collections::{BTreeMap, BTreeSet};

use gateline_model::Digest;
use jiff::Timestamp;

use super::error::Failure;
use super::link::{ANSWER_WITHIN, Link};
use super::place::Place;
use super::read::{column, digest, micros, signed, unsigned};
use super::{PostgresStore, sql};
use crate::blob::{self, Blob};
use crate::{Append, StoreError};

/// How long content may be on its way before it is swept, in microseconds: a day, which no batch takes.
const COMING_MICROS_MAX: i64 = 86_400 * 1_000_000;

/// Content that is on its way, by digest: the number of its pieces.
pub(super) type Coming = BTreeMap<Digest, i64>;

/// Sends the content of a batch ahead, as far as the database has not got it.
pub(super) fn send_ahead(
    store: &PostgresStore,
    now: Timestamp,
    batch: &[Append],
) -> Result<Coming, StoreError> {
    let blobs: BTreeMap<Digest, &Blob> = batch
        .iter()
        .flat_map(|append| &append.blobs)
        .map(|blob| (blob.digest(), &**blob))
        .collect();
    let mut coming = Coming::new();
    if blobs.is_empty() {
        return Ok(coming);
    }
    let digests: Vec<&[u8]> = blobs.keys().map(|digest| digest.as_bytes().as_slice()).collect();
    let rows = store.place.read("append", &sql::BLOBS_KNOWN, &[&digests])?;
    let known: BTreeSet<Digest> = rows.iter().map(|row| digest(row, 0)).collect::<Result<_, _>>()?;
    for (digest, blob) in blobs {
        if !known.contains(&digest) {
            coming.insert(digest, send(store, now, blob)?);
        }
    }
    Ok(coming)
}

fn send(store: &PostgresStore, now: Timestamp, blob: &Blob) -> Result<i64, StoreError> {
    let sent = store.place.with(|link| {
        let sent = send_on(link, micros(now), blob);
        if !matches!(sent, Ok(Ok(_))) {
            link.roll_back()?;
        }
        sent
    });
    // Nothing was kept: what was sent belongs to nothing yet.
    sent.map_err(|failure| failure.unavailable("append"))?
}

fn send_on(link: &Link, now: i64, blob: &Blob) -> Result<Result<i64, StoreError>, Failure> {
    let id: i64 = link.wait(ANSWER_WITHIN, async {
        link.begin().await?;
        // The batch that keeps it is durable only where all before it is.
        link.batch("SET LOCAL synchronous_commit = off").await?;
        link.execute(&sql::BLOBS_SWEEP, &[&(now - COMING_MICROS_MAX)])
            .await?;
        link.query(&sql::BLOB_COMING, &[&now]).await?[0].try_get(0)
    })?;
    for number in 0..blob.pieces() {
        let (form, bytes) = match blob.piece(number) {
            Ok(piece) => piece,
            Err(err) => {
                let digest = blob.digest();
                return Ok(Err(StoreError::Unavailable {
                    doing: "append",
                    why: format!(
                        "the compressed content `{digest}` cannot be read back: {err}; send it again"
                    ),
                }));
            }
        };
        link.wait(
            ANSWER_WITHIN,
            link.execute(
                &sql::BLOB_PIECE_ADD,
                &[&id, &(number as i64), &(form as i64), &bytes],
            ),
        )?;
    }
    link.wait(ANSWER_WITHIN, link.batch("COMMIT"))?;
    Ok(Ok(id))
}

/// What a batch keeps of the content that was sent ahead, as arrays.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub digests: Vec<Vec<u8>>,
    pub ids: Vec<i64>,
    pub sizes: Vec<i64>,
}

impl Kept {
    pub(super) fn take(&mut self, coming: &mut Coming, append: &Append) {
        for blob in &append.blobs {
            // Kept once, however many appends bring it.
            if let Some(id) = coming.remove(&blob.digest()) {
                self.digests.push(blob.digest().as_bytes().to_vec());
                self.ids.push(id);
                self.sizes.push(signed(blob.bytes()));
            }
        }
    }
}

/// How long it is.
pub(super) fn bytes(place: &Place, digest: &Digest) -> Result<Option<u64>, StoreError> {
    let rows = place.read("read content", &sql::BLOB, &[&digest.as_bytes().as_slice()])?;
    // A length below 0 is no length, and too large for any reader.
    let size = |row| column::<i64>(row, 0).map(i64::cast_unsigned);
    rows.first().map(size).transpose()
}

/// One piece of it.
pub(super) fn piece(place: &Place, digest: &Digest, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let rows = place.read(
        "read content",
        &sql::BLOB_PIECE,
        &[&digest.as_bytes().as_slice(), &signed(number)],
    )?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let length = blob::piece_length(unsigned(column(row, 0)?), number);
    blob::unpack(column(row, 1)?, column(row, 2)?, length)
        .map(Some)
        .map_err(|why| blob::damaged(digest, format!("its piece {number}: {why}")))
}
