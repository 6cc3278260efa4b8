//! Each planted bug is caught within as many seeds as the test run plays. Run with `--features planted`.
#![cfg(feature = "planted")]

use gateline_core::planted::{Planted, plant};

/// Seeds are played in parts, so that a bug that is caught early costs little.
const PART: u64 = 50;
const SEEDS_MAX: u64 = 2_000;

fn caught(bug: Planted) -> Option<gateline_sim::SeedReport> {
    plant(Some(bug));
    let caught = (0..SEEDS_MAX).step_by(PART as usize).find_map(|from| {
        gateline_sim::simulate(from..from + PART)
            .failed
            .into_iter()
            .next()
    });
    plant(None);
    caught
}

#[track_caller]
fn must_be_caught(bug: Planted, by: &str) {
    let run = caught(bug).unwrap_or_else(|| panic!("{bug:?} went unnoticed in {SEEDS_MAX} seeds"));
    println!("{bug:?} is caught by seed {}: {}", run.seed, run.violations[0]);
    assert!(
        run.violations.iter().any(|violation| violation.contains(by)),
        "{:?}",
        run.violations
    );
}

#[test]
fn a_lost_fence_is_caught() {
    must_be_caught(Planted::LostFence, "who does not hold");
}

#[test]
fn an_admission_on_a_stale_decision_is_caught() {
    must_be_caught(Planted::StaleAdmission, "was admitted although");
}

#[test]
fn an_acknowledgement_before_the_commit_is_caught() {
    must_be_caught(
        Planted::EarlyAcknowledgement,
        "was acknowledged before it was committed",
    );
}

#[test]
fn a_step_that_is_repeated_blindly_is_caught() {
    must_be_caught(Planted::BlindRepeat, "was applied twice");
}

#[test]
fn work_that_is_forgotten_is_caught() {
    must_be_caught(
        Planted::ForgottenWork,
        "is planned by the fold and not by the store",
    );
}

#[test]
fn a_step_that_is_never_tried_again_is_caught() {
    must_be_caught(Planted::NeverAgain, "is stuck at step");
}

#[test]
fn a_lost_event_is_caught() {
    must_be_caught(Planted::LostEvent, "folded up to");
}

#[test]
fn nothing_is_caught_where_nothing_is_planted() {
    plant(None);
    let report = gateline_sim::simulate(0..PART);
    assert_eq!(report.violations(), 0, "{report}");
}
