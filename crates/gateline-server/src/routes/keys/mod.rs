//! Keys that sign answers.

pub(super) mod enrol;
pub(super) mod list;
pub(super) mod revoke;
pub(super) mod statement;
