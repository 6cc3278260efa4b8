//! Local accounts.

pub(super) mod disable;
pub(super) mod list;
pub(super) mod make;
pub(super) mod password;
