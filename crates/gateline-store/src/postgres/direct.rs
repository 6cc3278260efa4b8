//! Tells a direct connection from one through a pooler, without a setting for it.
//!
//! A server tells each client a process number, to be named when a query is to be cancelled. A pooler makes one up, because
//! the processes behind it change. So a connection is direct when the number that we were told is the one of the process
//! that answers. The library shows the number only in the message that cancels, so that message is written to ourselves.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf};
use tokio_postgres::Client;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// Length, code, process and key, four bytes each.
const CANCEL_BYTES: usize = 16;
/// The message that asks whether the server speaks TLS.
const TLS_ASKED_BYTES: usize = 8;
/// Room for both.
const ROOM: usize = 64;

/// The process that this connection was told; none where it cannot be learnt.
pub(super) async fn told_process(client: &Client, encrypted: bool) -> Option<i32> {
    let (ours, mut theirs) = tokio::io::duplex(ROOM);
    let token = client.cancel_token();
    let write = token.cancel_query_raw(ours, Pretend);
    let read = async {
        if encrypted {
            theirs.read_exact(&mut [0; TLS_ASKED_BYTES]).await?;
            theirs.write_all(b"S").await?;
        }
        let mut message = [0; CANCEL_BYTES];
        theirs.read_exact(&mut message).await?;
        io::Result::Ok(message)
    };
    let (written, message) = futures::future::join(write, read).await;
    written.ok()?;
    let message = message.ok()?;
    Some(i32::from_be_bytes(message[8..12].try_into().ok()?))
}

/// No encryption where none leaves the process.
struct Pretend;

struct Plain(DuplexStream);

impl TlsConnect<DuplexStream> for Pretend {
    type Stream = Plain;
    type Error = io::Error;
    type Future = Ready<io::Result<Plain>>;

    fn connect(self, stream: DuplexStream) -> Self::Future {
        ready(Ok(Plain(stream)))
    }
}

impl TlsStream for Plain {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Plain {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
