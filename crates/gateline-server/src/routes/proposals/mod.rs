//! Proposals of new versions of what is protected.

pub(super) mod approve;
pub(super) mod list;
pub(super) mod preview;
pub(super) mod reject;
pub(super) mod show;
pub(super) mod signatures;
pub(super) mod statement;
pub(super) mod withdraw;
