//! Copies of requests for the canary: nobody waits for them, their answers are thrown away, they are never sent twice.
//!
//! A copy is sent when the request itself has been sent whole. One that would be too large, or that there is no room
//! for, is not made; the request goes its way all the same.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::counters::Outcome;
use super::forward::{ANSWER_HEAD_WITHIN, AnyBody, BODY_IDLE_WITHIN, BoxError, Client, NoAnswer, send};
use super::route::Lease;

/// Largest body of a request that is copied, in bytes.
pub const COPY_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Most copies of one route on their way; further ones are not made.
pub const COPIES_IN_FLIGHT_MAX: usize = 64;
/// How much of the answer to a copy is read before its connection is closed, in bytes.
pub const COPY_ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// The header by which a service knows a copy.
pub const COPY_HEADER: &str = "x-gateline-copy";

/// The right to send one copy to one backend.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) lease: Lease,
    pub(super) room: OwnedSemaphorePermit,
}

impl Copy {
    /// Sends the copy as soon as its body is whole; none of it where it never is.
    pub(super) fn begin(self, client: &Client, parts: &Parts) -> oneshot::Sender<Bytes> {
        let (whole, body) = oneshot::channel::<Bytes>();
        let (client, mut parts) = (client.clone(), parts.clone());
        parts.headers.insert(COPY_HEADER, HeaderValue::from_static("1"));
        tokio::spawn(async move {
            let Self { lease, room } = self;
            if let Ok(Ok(body)) = tokio::time::timeout(ANSWER_HEAD_WITHIN, body).await {
                deliver(&client, &parts, &lease, body).await;
            }
            drop(room);
        });
        whole
    }
}

async fn deliver(client: &Client, parts: &Parts, lease: &Lease, body: Bytes) {
    let started = Instant::now();
    let body = Full::new(body).map_err(|never| match never {}).boxed();
    match send(client, parts, lease, body).await {
        Ok(response) => {
            let outcome = if response.status().is_server_error() {
                Outcome::Error
            } else {
                Outcome::Answered
            };
            lease.tally.count(outcome, started.elapsed());
            throw_away(response.into_body()).await;
        }
        Err(NoAnswer::Late | NoAnswer::Broken(_)) => lease.tally.count(Outcome::Error, started.elapsed()),
        // The request itself makes no sense, which its sender has been told.
        Err(NoAnswer::Sender(..)) => {}
    }
}

/// Reads an answer to its end, so that its connection can be used again, unless that takes too long.
async fn throw_away(mut body: hyper::body::Incoming) {
    let mut read = 0;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(BODY_IDLE_WITHIN, body.frame()).await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > COPY_ANSWER_BYTES_MAX {
            return;
        }
    }
}

/// A body on its way to the stable arm, from which a copy is taken.
pub(super) struct Copied {
    body: AnyBody,
    copy: Option<(Vec<u8>, oneshot::Sender<Bytes>)>,
}

impl Copied {
    pub(super) fn new(body: AnyBody, whole: oneshot::Sender<Bytes>) -> Self {
        let mut copied = Self {
            body,
            copy: Some((Vec::new(), whole)),
        };
        if copied.body.is_end_stream() {
            copied.end();
        }
        copied
    }

    fn end(&mut self) {
        if let Some((bytes, whole)) = self.copy.take() {
            // Whoever would send it has given up.
            let _ = whole.send(bytes.into());
        }
    }
}

impl Body for Copied {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(data), Some((bytes, _))) = (frame.data_ref(), &mut self.copy) {
                    bytes.extend_from_slice(data);
                    if bytes.len() > COPY_BODY_BYTES_MAX {
                        self.copy = None;
                    }
                }
                if self.body.is_end_stream() {
                    self.end();
                }
            }
            Poll::Ready(None) => self.end(),
            Poll::Ready(Some(Err(_))) => self.copy = None,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    fn body(chunks: &[usize]) -> AnyBody {
        let frames = chunks.iter().map(|length| Ok(Bytes::from(vec![b'x'; *length])));
        Chunks(frames.collect()).boxed()
    }

    /// A body that comes in these pieces.
    struct Chunks(VecDeque<Result<Bytes, BoxError>>);

    impl Body for Chunks {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Poll::Ready(self.0.pop_front().map(|chunk| chunk.map(Frame::data)))
        }
    }

    #[tokio::test]
    async fn a_copy_is_the_whole_body_or_nothing() {
        for (chunks, is_copied) in [
            (&[][..], true),
            (&[1, 2, 3], true),
            (&[COPY_BODY_BYTES_MAX], true),
            (&[COPY_BODY_BYTES_MAX, 1], false),
        ] {
            let (whole, copy) = oneshot::channel();
            let length = Copied::new(body(chunks), whole)
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .len();
            assert_eq!(
                length,
                chunks.iter().sum::<usize>(),
                "the request itself goes its way"
            );
            assert_eq!(
                copy.await.ok().map(|copy| copy.len()),
                is_copied.then_some(length)
            );
        }
    }

    #[tokio::test]
    async fn a_request_that_breaks_off_is_not_copied() {
        let half = Chunks([Ok(Bytes::from("half")), Err("gone".into())].into()).boxed();
        let (whole, copy) = oneshot::channel();
        assert!(Copied::new(half, whole).collect().await.is_err());
        assert!(copy.await.is_err());
    }
}
