//! HAProxy's runtime API: one command for each connection, an answer until the connection closes. Bounded in time and size.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::StepError;
use crate::process::traffic::ANSWER_WITHIN;

/// Largest answer that is read, in bytes: the statistics of thousands of servers.
pub const REPLY_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Gives one command and takes the whole answer.
pub(super) async fn ask(socket: &str, command: &str) -> Result<String, StepError> {
    let unreachable = |err: io::Error| {
        StepError::failed(format!(
            "no HAProxy answers at `{socket}`: {err}; look whether it runs and has `stats socket {socket} level admin`"
        ))
    };
    let stream = match timeout(ANSWER_WITHIN, UnixStream::connect(socket)).await {
        Ok(stream) => stream.map_err(unreachable)?,
        Err(_) => return Err(unreachable(io::ErrorKind::TimedOut.into())),
    };
    let reply = match timeout(ANSWER_WITHIN, exchange(stream, command)).await {
        Ok(reply) => reply,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    let reply = reply.map_err(|err| {
        StepError::unknown(format!(
            "HAProxy at `{socket}` gave no answer that can be read: {err}"
        ))
    })?;
    if reply.starts_with("Permission denied") {
        return Err(StepError::failed(format!(
            "HAProxy at `{socket}` lets nobody change it there: give the stats socket `level admin`"
        )));
    }
    Ok(reply)
}

async fn exchange(mut stream: UnixStream, command: &str) -> io::Result<String> {
    stream.write_all(command.as_bytes()).await?;
    stream.write_all(b"\n").await?;
    let mut reply = Vec::new();
    (&mut stream)
        .take(REPLY_BYTES_MAX + 1)
        .read_to_end(&mut reply)
        .await?;
    if reply.len() as u64 > REPLY_BYTES_MAX {
        return Err(io::Error::other(format!(
            "it is longer than {REPLY_BYTES_MAX} bytes"
        )));
    }
    // Every answer ends with an empty line: one that does not was cut off.
    if reply.last() != Some(&b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    String::from_utf8(reply).map_err(io::Error::other)
}
