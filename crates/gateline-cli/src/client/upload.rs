//! Uploads: a file that is sent as a stream, and gone on with where the server has it when the connection breaks.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gateline_api::{
    EvidenceQuery, EvidenceView, GetUpload, REPR_DIGEST_HEADER, ReleasePath, SubmitEvidence,
    UPLOAD_OFFSET_HEADER, UploadPath, UploadView, entry, repr_digest,
};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Body, Request};

use super::{ATTEMPTS_MAX, Client, Content, RETRY_AFTER_MAX, answer};
use crate::failure::Failure;
use crate::files::Steady;

/// Files up to this length are sent at once; the server keeps nothing of one that breaks off.
const ASKED_FROM_BYTES: u64 = 1024 * 1024;
/// How long one body may take: longer than the server gives it.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(660);
/// Bytes that are read from the file at a time.
const PIECE_BYTES: u64 = 256 * 1024;
/// How often the caller is told how far it has come.
const TELL_EVERY: Duration = Duration::from_millis(200);

impl Client {
    /// Submits a file as evidence, however often the connection breaks, as long as each attempt brings it further.
    /// `tell` is told how many bytes have been sent.
    pub async fn upload(
        &self,
        path: &ReleasePath,
        query: &EvidenceQuery,
        file: &Steady,
        tell: &mut dyn FnMut(u64),
    ) -> Result<EvidenceView, Failure> {
        let upload = Upload {
            client: self,
            path,
            query,
            file,
            key: self.next_key(),
        };
        let mut offset = upload.stands().await?;
        let (mut furthest, mut attempt, mut wait) = (offset, 1, self.wait_first);
        loop {
            let again = match upload.send(offset, tell).await {
                Ok(view) => return Ok(view),
                Err(again) => again,
            };
            let moved = [entry::UPLOAD_OFFSET.code, entry::BODY_SLOW.code];
            let may_go_on = again.may_ask_again || moved.contains(&again.failure.code.as_str());
            if !may_go_on || attempt == ATTEMPTS_MAX {
                return Err(again.failure);
            }
            tokio::time::sleep(again.after.unwrap_or(wait).min(RETRY_AFTER_MAX)).await;
            offset = upload.stands().await?;
            // As long as it comes further, it goes on.
            (attempt, wait) = match offset > furthest {
                true => (1, self.wait_first),
                false => (attempt + 1, wait * 2),
            };
            furthest = furthest.max(offset);
        }
    }
}

/// One file on its way.
struct Upload<'u> {
    client: &'u Client,
    path: &'u ReleasePath,
    query: &'u EvidenceQuery,
    file: &'u Steady,
    key: String,
}

impl Upload<'_> {
    /// The byte to go on from; its end where it was accepted before.
    async fn stands(&self) -> Result<u64, Failure> {
        if self.file.bytes <= ASKED_FROM_BYTES {
            return Ok(0);
        }
        let path = UploadPath {
            release: self.path.release.clone(),
            key: self.key.clone(),
        };
        let mut request = self
            .client
            .request::<GetUpload>(&path, self.query, Content::Nothing)?;
        self.name_digest(&mut request)?;
        let view: UploadView = self.client.execute::<GetUpload>(&request).await?;
        match view.complete {
            true => Ok(self.file.bytes),
            false => Ok(view.offset.min(self.file.bytes)),
        }
    }

    /// Sends what is left from this byte on.
    async fn send(&self, offset: u64, tell: &mut dyn FnMut(u64)) -> Result<EvidenceView, answer::Unanswered> {
        let sent = Arc::new(AtomicU64::new(offset));
        let request = self.request(offset, &sent).map_err(answer::Unanswered::finally)?;
        let answered = async {
            let response = self.client.http.execute(request).await;
            let response =
                response.map_err(|err| answer::Unanswered::of_upload(&self.client.server, &err))?;
            let bytes = answer::read(response).await?;
            answer::decode::<SubmitEvidence>(&bytes).map_err(answer::Unanswered::finally)
        };
        tokio::pin!(answered);
        let mut beat = tokio::time::interval(TELL_EVERY);
        loop {
            tokio::select! {
                answer = &mut answered => return answer,
                _ = beat.tick() => tell(sent.load(Ordering::Relaxed)),
            }
        }
    }

    fn request(&self, offset: u64, sent: &Arc<AtomicU64>) -> Result<Request, Failure> {
        let mut request =
            self.client
                .keyed::<SubmitEvidence>(self.path, self.query, Content::Nothing, Some(&self.key))?;
        self.name_digest(&mut request)?;
        let left = self.file.bytes - offset;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(CONTENT_LENGTH, left.into());
        if offset > 0 {
            headers.insert(HeaderName::from_static(UPLOAD_OFFSET_HEADER), offset.into());
        }
        let file = self.file.file.try_clone();
        let file = file.map_err(|err| Failure::unknown("could not read the file", err))?;
        *request.body_mut() = Some(body(file, offset, self.file.bytes, Arc::clone(sent)));
        *request.timeout_mut() = Some(UPLOAD_TIMEOUT);
        Ok(request)
    }

    fn name_digest(&self, request: &mut Request) -> Result<(), Failure> {
        let digest = repr_digest(&self.file.digest).parse().map_err(Failure::bug)?;
        request
            .headers_mut()
            .insert(HeaderName::from_static(REPR_DIGEST_HEADER), digest);
        Ok(())
    }
}

/// The bytes of a file from one to another, read as they are wanted.
fn body(file: File, from: u64, to: u64, sent: Arc<AtomicU64>) -> Body {
    let file = Arc::new(file);
    let pieces = futures::stream::try_unfold(from, move |at| {
        let (file, sent) = (Arc::clone(&file), Arc::clone(&sent));
        async move {
            sent.store(at, Ordering::Relaxed);
            if at == to {
                return Ok::<_, io::Error>(None);
            }
            let piece = tokio::task::spawn_blocking(move || {
                let mut piece = vec![0; PIECE_BYTES.min(to - at) as usize];
                file.read_exact_at(&mut piece, at).map(|()| piece)
            });
            let piece = piece.await.map_err(io::Error::other)??;
            let next = at + piece.len() as u64;
            Ok(Some((piece, next)))
        }
    });
    Body::wrap_stream(pieces)
}
