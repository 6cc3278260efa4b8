//! The board.

pub(super) mod show;
