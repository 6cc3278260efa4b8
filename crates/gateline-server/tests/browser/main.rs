//! The pages in a real browser, before a real hub over a real database file.
#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what helps it")]

#[path = "../routes/support.rs"]
#[expect(dead_code, reason = "shared with the tests of the routes, which use the rest")]
mod support;

mod act;
mod keys;
mod look;
mod passkey;
mod plain;
mod scene;
mod sign_in;
mod window;
