//! A body on its way in: into memory while it is short, else into its upload's file.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use gateline_api::entry;
use gateline_model::Digest;
use gateline_model::limits::EVIDENCE_BYTES_MAX;
use http_body_util::BodyExt as _;
use tokio::fs::File;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use super::folder::{Seat, Uploads};
use super::{Content, Purpose, Told, UPLOAD_IDLE_SECS_MAX, UPLOAD_MEMORY_BYTES_MAX, UPLOAD_SECS_MAX};
use crate::nonce::nonce;
use crate::refused::Refused;

/// Takes a body that begins at the byte of its upload that it tells.
///
/// # Errors
/// Why it did not arrive: broken off, too slow, too large, not at that byte, taken over, or no room for it.
pub(crate) async fn receive(
    uploads: &Arc<Uploads>,
    purpose: &Purpose,
    told: &Told,
    body: Body,
) -> Result<Content, Refused> {
    // Only who names key and digest may go on: nobody else could say that what goes on is the same.
    let (name, may_go_on) = match (&told.key, told.digest) {
        (Some(key), Some(digest)) => (purpose.name(key, digest), true),
        (Some(_), None) | (None, _) => (purpose.name(&nonce::<16>()?, Digest::of(b"")), false),
    };
    if may_go_on {
        uploads.standing(&name, true)?;
    }
    let offset = told.offset;
    let mut arriving = Arriving {
        body,
        ends: Instant::now() + Duration::from_secs(UPLOAD_SECS_MAX),
        bytes: offset,
    };
    let begins = match offset {
        0 => match arriving.begin().await? {
            Begins::Ends(bytes) => return Ok(Content::Memory(bytes)),
            Begins::GoesOn(bytes) => bytes,
        },
        _ => Vec::new(),
    };
    let mut seat = uploads.take(name).await?;
    if !may_go_on {
        seat.forget();
    }
    let stands = seat.bytes();
    if offset > 0 && offset != stands {
        let detail = format!("the body begins at byte {offset}, the upload stands at byte {stands}");
        return Err(Refused::new(&entry::UPLOAD_OFFSET, detail));
    }
    let arrived = arriving.into_file(&seat, offset, &begins).await;
    if let Err(refused) = arrived {
        // What is too large now is too large when it goes on.
        if refused.problem().code == entry::BODY_TOO_LARGE.code {
            seat.forget();
        }
        return Err(refused);
    }
    Ok(Content::File(seat))
}

/// A body, and how far it has come.
struct Arriving {
    body: Body,
    ends: Instant,
    /// Bytes of the whole, with those that came before this body.
    bytes: u64,
}

/// The first bytes of a body.
enum Begins {
    /// They are all.
    Ends(Bytes),
    /// More come.
    GoesOn(Vec<u8>),
}

impl Arriving {
    /// Takes what is held in memory.
    async fn begin(&mut self) -> Result<Begins, Refused> {
        let mut bytes = Vec::new();
        while bytes.len() <= UPLOAD_MEMORY_BYTES_MAX {
            match self.next().await? {
                Some(piece) => bytes.extend_from_slice(&piece),
                None => return Ok(Begins::Ends(bytes.into())),
            }
        }
        Ok(Begins::GoesOn(bytes))
    }

    /// Puts the rest into the file. However it ends, what arrived is in it.
    async fn into_file(mut self, seat: &Seat, offset: u64, begins: &[u8]) -> Result<(), Refused> {
        let file = seat.file().map_err(|err| not_written(&err))?;
        file.set_len(offset).map_err(|err| not_written(&err))?;
        let mut file = File::from_std(file);
        file.seek(io::SeekFrom::Start(offset))
            .await
            .map_err(|err| not_written(&err))?;
        let arrived = self.write(&mut file, seat, begins).await;
        let flushed = file.flush().await.map_err(|err| not_written(&err));
        arrived.and(flushed)
    }

    async fn write(&mut self, file: &mut File, seat: &Seat, begins: &[u8]) -> Result<(), Refused> {
        seat.grow(self.bytes)?;
        file.write_all(begins).await.map_err(|err| not_written(&err))?;
        loop {
            let piece = tokio::select! {
                piece = self.next() => piece?,
                () = seat.wanted() => {
                    let detail = format!("another request goes on with it from byte {}", self.bytes);
                    return Err(Refused::new(&entry::UPLOAD_TAKEN_OVER, detail));
                }
            };
            let Some(piece) = piece else {
                return Ok(());
            };
            seat.grow(self.bytes)?;
            file.write_all(&piece).await.map_err(|err| not_written(&err))?;
        }
    }

    /// The next bytes; none at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Refused> {
        loop {
            let idle = Instant::now() + Duration::from_secs(UPLOAD_IDLE_SECS_MAX);
            let frame = timeout_at(idle.min(self.ends), self.body.frame()).await;
            let frame = frame.map_err(|_| {
                let limit = match idle < self.ends {
                    true => format!("nothing came for {UPLOAD_IDLE_SECS_MAX} s (UPLOAD_IDLE_SECS_MAX)"),
                    false => format!("it took {UPLOAD_SECS_MAX} s, the most for one body (UPLOAD_SECS_MAX)"),
                };
                let detail = format!("{limit}, after {} bytes", self.bytes);
                Refused::new(&entry::BODY_SLOW, detail)
            })?;
            let Some(frame) = frame else {
                return Ok(None);
            };
            let frame = frame.map_err(|err| {
                let detail = format!(
                    "the body did not arrive whole, but {} bytes of it: {err}",
                    self.bytes
                );
                Refused::new(&entry::BODY, detail)
            })?;
            // Trailers are not asked for.
            let Ok(piece) = frame.into_data() else {
                continue;
            };
            self.bytes += piece.len() as u64;
            if self.bytes > EVIDENCE_BYTES_MAX as u64 {
                let detail =
                    format!("it has more than {EVIDENCE_BYTES_MAX} bytes, the limit (EVIDENCE_BYTES_MAX)");
                return Err(Refused::new(&entry::BODY_TOO_LARGE, detail));
            }
            return Ok(Some(piece));
        }
    }
}

/// The upload's file does not take more.
fn not_written(err: &io::Error) -> Refused {
    match err.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refused::new(
            &entry::DISK_FULL,
            format!("the upload could not be written: {err}"),
        ),
        _ => Refused::new(
            &entry::UNAVAILABLE,
            format!("the upload could not be written: {err}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_disk_is_told_as_such() {
        let mut full = File::options().write(true).open("/dev/full").await.unwrap();
        let wrote = full.write_all(b"report").await;
        let err = wrote.and(full.flush().await).unwrap_err();
        let refused = not_written(&err);
        assert_eq!(
            (refused.problem().status, refused.problem().code.as_str()),
            (507, "server.disk_full")
        );
    }
}
