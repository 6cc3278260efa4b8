//! Notifications: their rules and letters.

pub(super) mod apply;
pub(super) mod letters;
pub(super) mod resend;
pub(super) mod show;
