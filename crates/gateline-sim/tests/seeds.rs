//! Random runs with faults: 100 seeds hold every invariant, and a seed plays the same every time. `cargo xtask test` plays 5,000 with the release build.

#[test]
fn a_hundred_seeds_violate_nothing() {
    let report = gateline_sim::simulate(0..100);
    println!("{report}: {} events, {} admitted", report.events, report.admitted);
    assert_eq!(report.violations(), 0, "{report}");
    assert_eq!(report.to_string(), "100 seeds, 0 violations");
    // A simulation in which nothing happens holds every invariant.
    assert!(
        report.admitted > 500,
        "only {} promotions were admitted",
        report.admitted
    );
}

#[test]
fn a_seed_plays_the_same_every_time() {
    let run = |seed| gateline_sim::run_seed(seed, true);
    assert_eq!(run(7), run(7));
    assert_ne!(run(7).transcript, run(8).transcript);
}
