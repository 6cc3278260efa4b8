//! Listening: hears that another server has written, so that reading on need not wait for the next look. Tells nothing that
//! the log does not; whoever hears nothing looks all the same.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::error::Failure;
use super::link::{ANSWER_WITHIN, Link};
use super::{PostgresAddress, PostgresError};
use crate::StoreError;

/// A connection that listens.
#[derive(Debug)]
pub struct PostgresListener {
    address: PostgresAddress,
    name: String,
    /// None after it was lost.
    link: Option<(Link, Receiver<String>)>,
}

impl PostgresListener {
    /// Listens for what others than `name` tell. None behind a pooler, which does not pass it on.
    ///
    /// # Errors
    /// [`PostgresError`]: nobody answers.
    pub fn open(address: &PostgresAddress, name: &str) -> Result<Option<Self>, PostgresError> {
        let link = connect(address)?;
        Ok(link.0.is_direct().then(|| Self {
            address: address.clone(),
            name: name.to_owned(),
            link: Some(link),
        }))
    }

    /// Waits until somebody else tells of news, at most so long. Tells whether there may be any; after the connection was
    /// lost there may be.
    ///
    /// # Errors
    /// [`StoreError`]: the connection was lost and nobody answers now. Wait before asking again.
    pub fn wait(&mut self, within: Duration) -> Result<bool, StoreError> {
        let Some((_, heard)) = &self.link else {
            let link = connect(&self.address).map_err(|err| Failure::Closed(err).unavailable("listen"))?;
            self.link = Some(link);
            return Ok(true);
        };
        match heard.recv_timeout(within) {
            Ok(first) => Ok(std::iter::once(first)
                .chain(heard.try_iter())
                .any(|from| from != self.name)),
            Err(RecvTimeoutError::Timeout) => Ok(false),
            Err(RecvTimeoutError::Disconnected) => {
                self.link = None;
                Ok(true)
            }
        }
    }
}

fn connect(address: &PostgresAddress) -> Result<(Link, Receiver<String>), PostgresError> {
    let (tell, heard) = channel();
    let link = Link::hearing(address, Some(tell))?;
    let listening = link.wait(ANSWER_WITHIN, link.batch("LISTEN gateline"));
    listening.map_err(|failure| PostgresError::Open {
        address: address.to_string(),
        why: failure.why(),
    })?;
    Ok((link, heard))
}
