//! Releases.

pub(super) mod list;
pub(super) mod register;
pub(super) mod show;
