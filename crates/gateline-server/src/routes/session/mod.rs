//! A browser's session.

pub(super) mod log_in;
pub(super) mod log_out;
