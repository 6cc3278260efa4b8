//! Incidents.

pub(super) mod alerts;
pub(super) mod close;
pub(super) mod lift;
pub(super) mod list;
pub(super) mod open;
pub(super) mod show;
