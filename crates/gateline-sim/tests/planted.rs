//! Each planted bug is caught within as many seeds as the test run plays. Run with `--features planted`.
#![cfg(feature = "planted")]

use gateline_core::planted::{Planted, plant};

/// Seeds are played in parts, so that a bug that is caught early costs little.
const PART: u64 = 50;
const SEEDS_MAX: u64 = 2_000;

/// What a bug breaks: a seed in which this is said of it. The same bug may break something else first.
#[track_caller]
fn must_be_caught(bug: Planted, by: &str) {
    plant(Some(bug));
    let caught = (0..SEEDS_MAX).step_by(PART as usize).find_map(|from| {
        let failed = gateline_sim::simulate(from..from + PART).failed.into_iter();
        let said = |violation: &&String| violation.contains(by);
        let mut told = failed.filter_map(|run| Some((run.seed, run.violations.iter().find(said)?.clone())));
        told.next()
    });
    plant(None);
    let (seed, violation) =
        caught.unwrap_or_else(|| panic!("`{by}` was not said of {bug:?} in {SEEDS_MAX} seeds"));
    println!("{bug:?} is caught by seed {seed}: {violation}");
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
fn a_target_that_lied_and_was_believed_is_caught() {
    must_be_caught(Planted::BelievedTarget, "was recorded as applied and is not true");
}

#[test]
fn a_record_that_could_not_be_kept_and_was_dropped_is_caught() {
    must_be_caught(Planted::DroppedRecord, "was never answered");
}

#[test]
fn a_record_that_could_not_be_read_and_was_passed_over_is_caught() {
    must_be_caught(Planted::SkippedRecord, "which it cannot read");
}

#[test]
fn readers_that_go_back_in_time_are_caught() {
    must_be_caught(Planted::OldNews, "readers of replica");
}

#[test]
fn a_lost_answer_that_was_taken_for_a_no_is_caught() {
    must_be_caught(Planted::LostAnswer, "was told that nothing was done");
}

#[test]
fn an_outcome_that_comes_behind_a_later_lease_is_caught() {
    must_be_caught(Planted::NewestLease, "which nobody saw of");
}

#[test]
fn a_replica_that_decides_by_its_own_clock_is_caught() {
    must_be_caught(Planted::OwnClock, "which is later");
}

#[test]
fn leases_that_a_stopping_replica_keeps_are_caught() {
    must_be_caught(Planted::KeptLease, "which handed everything over");
}

#[test]
fn what_is_caught_is_shrunk_and_still_caught() {
    plant(Some(Planted::EarlyAcknowledgement));
    let first = gateline_sim::simulate(0..PART).failed.into_iter().next();
    let run = first.expect("one of the first seeds catches it");
    let shrunk = run.shrunk.clone().expect("what fails is shrunk");
    assert!(!shrunk.violations.is_empty());
    assert!(shrunk.requests < 60 && shrunk.faults.len() < 12, "{shrunk}");
    assert_eq!(
        gateline_sim::run_seed(run.seed, false),
        run,
        "a seed is shrunk the same every time"
    );
    plant(None);
}

#[test]
fn nothing_is_caught_where_nothing_is_planted() {
    plant(None);
    let report = gateline_sim::simulate(0..PART);
    assert_eq!(report.violations(), 0, "{report}");
}
