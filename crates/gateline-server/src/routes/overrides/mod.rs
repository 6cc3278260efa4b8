//! Overrides and their reviews.

pub(super) mod confirm;
pub(super) mod list;
pub(super) mod review;
pub(super) mod withdraw;
