//! The server itself.

pub(super) mod liveness;
pub(super) mod metrics;
pub(super) mod openapi;
pub(super) mod readiness;
