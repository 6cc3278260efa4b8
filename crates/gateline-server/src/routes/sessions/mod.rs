//! The sessions of whoever asks.

pub(super) mod end;
pub(super) mod list;
