//! A client of the control socket. Every call is bounded in time.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::wire::{REPLY_BYTES_MAX, Reply, Request, Route, RouteName, View};

/// Longest time for one answer of the proxy.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A connection to a proxy's control socket.
#[derive(Debug)]
pub struct ProxyClient {
    stream: BufReader<UnixStream>,
    path: PathBuf,
}

/// Why the proxy did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is nobody at the socket: nothing was asked.
    #[error("no proxy answers at `{}`: {err}; start it with `gateline proxy --control {}`", path.display(), path.display())]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        #[source]
        err: io::Error,
    },
    /// The proxy said no and changed nothing.
    #[error("the proxy at `{}` refused: {why}", path.display())]
    Refused {
        /// The socket.
        path: PathBuf,
        /// What the proxy says.
        why: String,
    },
    /// The proxy was asked, but what it did is not known.
    #[error("the proxy at `{}` gave no answer: {err}; look whether it runs, then try again", path.display())]
    NoAnswer {
        /// The socket.
        path: PathBuf,
        /// What went wrong.
        #[source]
        err: io::Error,
    },
}

impl ProxyClient {
    /// Connects to the proxy at this socket.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when nobody is there.
    pub async fn connect(path: &Path) -> Result<Self, ClientError> {
        let unreachable = |err| ClientError::Unreachable {
            path: path.to_owned(),
            err,
        };
        let stream = tokio::time::timeout(ANSWER_WITHIN, UnixStream::connect(path))
            .await
            .map_err(|_| unreachable(io::ErrorKind::TimedOut.into()))?
            .map_err(unreachable)?;
        Ok(Self {
            stream: BufReader::new(stream),
            path: path.to_owned(),
        })
    }

    /// Makes a route as given; false when it was so before.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn set(&mut self, route: &Route) -> Result<bool, ClientError> {
        match self.ask(&Request::Set(Box::new(route.clone()))).await? {
            Reply::Set { changed } => Ok(changed),
            other => Err(self.garbled(&other)),
        }
    }

    /// What the proxy says of a route.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn get(&mut self, route: &str) -> Result<View, ClientError> {
        match self
            .ask(&Request::Get(RouteName {
                route: route.to_owned(),
            }))
            .await?
        {
            Reply::View(view) => Ok(*view),
            other => Err(self.garbled(&other)),
        }
    }

    /// The names of all routes.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn list(&mut self) -> Result<Vec<String>, ClientError> {
        match self.ask(&Request::List {}).await? {
            Reply::Routes(names) => Ok(names),
            other => Err(self.garbled(&other)),
        }
    }

    /// Takes a route away; false when there was none.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn remove(&mut self, route: &str) -> Result<bool, ClientError> {
        match self
            .ask(&Request::Remove(RouteName {
                route: route.to_owned(),
            }))
            .await?
        {
            Reply::Removed { existed } => Ok(existed),
            other => Err(self.garbled(&other)),
        }
    }

    async fn ask(&mut self, request: &Request) -> Result<Reply, ClientError> {
        let reply = match tokio::time::timeout(ANSWER_WITHIN, exchange(&mut self.stream, request)).await {
            Ok(reply) => reply,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        match reply {
            Ok(Reply::Refused { why }) => Err(ClientError::Refused {
                path: self.path.clone(),
                why,
            }),
            Ok(reply) => Ok(reply),
            Err(err) => Err(ClientError::NoAnswer {
                path: self.path.clone(),
                err,
            }),
        }
    }

    fn garbled(&self, reply: &Reply) -> ClientError {
        let err = io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it answered something else: {reply:?}"),
        );
        ClientError::NoAnswer {
            path: self.path.clone(),
            err,
        }
    }
}

async fn exchange(stream: &mut BufReader<UnixStream>, request: &Request) -> io::Result<Reply> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    line.clear();
    stream
        .take(REPLY_BYTES_MAX as u64)
        .read_until(b'\n', &mut line)
        .await?;
    if line.last() != Some(&b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&line)?)
}
