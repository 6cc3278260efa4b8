//! The rehearsal: N engines, a virtual clock and a seeded faulty world.
//!
//! [`run_scenario`] plays a readable script and returns its transcript. Knows no real time, network or disk but the
//! scenario's own files.

mod admission;
mod book;
mod faults;
mod outside;
mod rng;
mod says;
mod scenario;
mod sim;
mod traffic;

pub use scenario::{ScenarioError, run_scenario};
