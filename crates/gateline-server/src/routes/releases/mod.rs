//! Releases.

pub(super) mod list;
pub(super) mod register;
pub(super) mod risk;
pub(super) mod show;
