//! Stages.

pub(super) mod rollback;
pub(super) mod show;
pub(super) mod unbar;
