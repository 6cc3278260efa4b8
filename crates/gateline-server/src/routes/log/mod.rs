//! The log.

pub(super) mod checkpoint;
pub(super) mod erase;
pub(super) mod search;
pub(super) mod watch;

pub use watch::{WATCH_BEAT_SECS, WATCHERS_MAX};
