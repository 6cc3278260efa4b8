//! The rehearsal: N engines, a virtual clock and a seeded faulty world.
//!
//! [`run_scenario`] plays a readable script and returns its transcript. Knows no real time, network or disk but the
//! scenario's own files. [`simulate`] plays random runs with faults and holds the invariants against them.

mod admission;
mod book;
mod faults;
mod inboxes;
mod outside;
mod protection;
mod random;
mod rng;
mod says;
mod scenario;
mod settled;
mod shrink;
mod sim;
mod simulate;
mod stopping;
mod traffic;

pub use scenario::{ScenarioError, run_scenario};
pub use shrink::Shrunk;
pub use simulate::{Report, SeedReport, run_seed, simulate};
