//! Real processes, a real proxy, real requests. Every process that a test starts ends with the test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod bed;
mod liars;
mod oci;
mod payment_service;
mod process;
mod proxy;
mod registry;
mod scene;
mod strategies;
mod traffic;
