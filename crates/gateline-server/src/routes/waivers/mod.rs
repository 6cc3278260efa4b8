//! Waivers.

pub(super) mod grant;
pub(super) mod lift;
pub(super) mod list;
