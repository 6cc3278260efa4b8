//! Promotions.

pub(super) mod abort;
pub(super) mod advance;
pub(super) mod approve;
pub(super) mod ask;
pub(super) mod list;
pub(super) mod override_gate;
pub(super) mod pause;
pub(super) mod refuse;
pub(super) mod replay;
pub(super) mod request;
pub(super) mod resume;
pub(super) mod show;
pub(super) mod signatures;
pub(super) mod statement;
pub(super) mod summary;
pub(super) mod ticks;
pub(super) mod withdraw;
