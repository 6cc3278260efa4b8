//! Calendars.

pub(super) mod apply;
pub(super) mod list;
pub(super) mod show;
