//! Faults made on purpose, against the real binary: what is promised holds, and `cargo xtask faults` writes down what was
//! seen. Those of SQLite that need no other program are in `whole.rs`, the failover is in `replicas`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "../../../gateline-store/tests/support/cluster.rs"]
mod cluster;
mod cut;
mod disk;
mod killed;
mod names;
#[path = "../replicas/place.rs"]
mod place;
mod stopped;
mod target;
#[path = "../told/mod.rs"]
mod told;
mod torn;
mod trickle;
