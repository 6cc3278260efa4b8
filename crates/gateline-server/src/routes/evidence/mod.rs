//! Evidence.

pub(super) mod fetch;
pub(super) mod raw;
pub(super) mod submit;
pub(super) mod upload;
