//! Timetables.

pub(super) mod list;
