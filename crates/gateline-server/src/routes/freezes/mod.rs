//! Freezes.

pub(super) mod declare;
pub(super) mod lift;
pub(super) mod list;
