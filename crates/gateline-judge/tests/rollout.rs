//! The judge of a rollout, by each of its words: from running totals to what is said of a step.
#![expect(clippy::unwrap_used, reason = "a test that cannot make its moment has failed")]

use std::collections::BTreeMap;

use gateline_judge::{Course, Exposure, RolloutJudge, Step};
use gateline_model::ruling::Dropped;
use gateline_model::{Arm, JudgeBy, JudgeSettings, PodCounts, Ruling, RulingKind, Span, Tick};
use jiff::Timestamp;

/// The step began here.
const BEGAN: i64 = 1_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(BEGAN + second).unwrap()
}

/// Running totals at a look: so many requests of each arm in every 15 s, and so many bad of a thousand.
fn look(index: i64, arm: Arm, per_look: u64, bad_per_mille: u64) -> Tick {
    let requests = per_look * u64::try_from(index).unwrap();
    Tick {
        weight: if arm == Arm::Canary { 25 } else { 75 },
        requests,
        errors: requests * bad_per_mille / 1_000,
        buckets: vec![(0.1, requests * 95 / 100), (1.0, requests)],
        ..Tick::none(at(15 * index), arm)
    }
}

fn looks(count: i64, canary_bad: u64, stable_bad: u64) -> Vec<Tick> {
    let both = |index| {
        [
            look(index, Arm::Canary, 500, canary_bad),
            look(index, Arm::Stable, 1_500, stable_bad),
        ]
    };
    (0..count).flat_map(both).collect()
}

fn course() -> Course {
    Course {
        began: at(0),
        exposure: Exposure::Given,
        steps: vec![25.0, 100.0],
        schedule: vec![0.25; 80],
    }
}

fn step() -> Step {
    Step {
        since: at(0),
        until: Some(at(600)),
        stands: None,
    }
}

fn ruled(by: JudgeBy, ticks: &[Tick]) -> Ruling {
    let last = ticks.last().map_or(at(0), |tick| tick.at);
    RolloutJudge::new(&JudgeSettings::by(by), course()).rule(ticks, step(), last)
}

#[test]
fn every_judge_lets_the_same_release_go_on_and_takes_a_worse_one_back() {
    for by in [JudgeBy::Evidence, JudgeBy::Kayenta, JudgeBy::GroupSequential] {
        let good = ruled(by, &looks(80, 5, 5));
        assert_eq!(good.says, RulingKind::Advance, "{by:?}: {}", good.headline);
        let bad = ruled(by, &looks(80, 40, 5));
        assert_eq!(bad.says, RulingKind::RollBack, "{by:?}: {}", bad.headline);
        assert_eq!((bad.requests, bad.errors), (500 * 79, 20 * 79), "{by:?}");
    }
}

#[test]
fn ticks_come_in_any_pieces_and_say_the_same() {
    let ticks = looks(60, 15, 5);
    let whole = ruled(JudgeBy::Evidence, &ticks);
    for piece in [2, 4, 10, 34] {
        let mut judge = RolloutJudge::new(&JudgeSettings::by(JudgeBy::Evidence), course());
        let mut last = None;
        for end in (piece..ticks.len()).step_by(piece).chain([ticks.len()]) {
            last = Some(judge.rule(&ticks[..end], step(), ticks[end - 1].at));
        }
        assert_eq!(last.unwrap(), whole, "pieces of {piece}");
    }
}

#[test]
fn a_step_tells_how_long_its_judge_still_waits() {
    let settings = JudgeSettings {
        patience: Span::from_secs(120),
        ..JudgeSettings::by(JudgeBy::Evidence)
    };
    // Forty requests a tick tell little within the pause of ten minutes and the two that the judge waits beyond it.
    let few = |index| [look(index, Arm::Canary, 40, 5), look(index, Arm::Stable, 120, 5)];
    let ticks: Vec<Tick> = (0..=21).flat_map(few).collect();
    let ruling = RolloutJudge::new(&settings, course()).rule(&ticks, step(), at(315));
    let exposure = ruling.full.unwrap().numbers.exposure;
    assert_eq!(exposure.minutes_left, Some(6.75));
    assert_eq!(exposure.too_few_minutes(), Some(6.75));
}

#[test]
fn an_outage_ends_as_soon_where_steps_are_written_as_at_the_pace_of_the_evidence() {
    let ticks = looks(20, 420, 45);
    let ended = |exposure| {
        let course = Course { exposure, ..course() };
        let mut judge = RolloutJudge::new(&JudgeSettings::by(JudgeBy::Evidence), course);
        let mut rule = |to: usize| judge.rule(&ticks[..to], step(), ticks[to - 1].at).says;
        (2..=ticks.len())
            .step_by(2)
            .find(|to| rule(*to) == RulingKind::RollBack)
    };
    assert_eq!(ended(Exposure::Given), ended(Exposure::Paced));
    assert!(ended(Exposure::Given).is_some_and(|looks| looks <= 2 * 5));
}

#[test]
fn what_is_told_twice_within_a_tick_is_counted_once() {
    let mut often = Vec::new();
    for tick in looks(40, 5, 5) {
        // Seen again a second later, with nothing new.
        let again = Tick {
            at: Timestamp::from_second(tick.at.as_second() + 1).unwrap(),
            ..tick.clone()
        };
        often.extend([tick, again]);
    }
    often.sort_by_key(|tick| (tick.at, tick.arm));
    let (once, twice) = (
        ruled(JudgeBy::Evidence, &looks(40, 5, 5)),
        ruled(JudgeBy::Evidence, &often),
    );
    let counted = |ruling: Ruling| {
        let mut numbers = ruling.full.unwrap().numbers;
        // The second was asked a second later.
        numbers.exposure.minutes_left = None;
        numbers
    };
    assert_eq!(counted(once), counted(twice));
}

#[test]
fn an_instance_that_goes_away_takes_nothing_back() {
    let tick = |index: i64, arm, pods: &[(&str, u64)]| {
        let of = |(name, requests): &(&str, u64)| {
            let counts = PodCounts {
                requests: *requests,
                errors: requests / 200,
                buckets: Vec::new(),
            };
            ((*name).to_owned(), counts)
        };
        let pods: BTreeMap<String, PodCounts> = pods.iter().map(of).collect();
        Tick {
            weight: 25,
            requests: pods.values().map(|pod| pod.requests).sum(),
            errors: pods.values().map(|pod| pod.errors).sum(),
            pods,
            ..Tick::none(at(15 * index), arm)
        }
    };
    let mut ticks = Vec::new();
    for index in 0..20_i64 {
        let served = 400 * u64::try_from(index).unwrap();
        let stable = [
            ("a", served),
            ("b", served),
            ("c", served),
            ("d", served),
            ("e", served),
            ("f", served),
        ];
        // One of the stable arm's six is gone from the tenth look on.
        let stable = if index < 10 { &stable[..] } else { &stable[..5] };
        ticks.push(tick(index, Arm::Canary, &[("x", served), ("y", served)]));
        ticks.push(tick(index, Arm::Stable, stable));
    }
    let numbers = ruled(JudgeBy::Evidence, &ticks).full.unwrap().numbers;
    assert_eq!(numbers.exposure.requests, 2 * 400 * 19);
    assert_eq!(numbers.bad_requests.canary, 2 * 2 * 19);
}

#[test]
fn an_arm_that_is_silent_is_no_pass_and_patience_ends_in_a_question() {
    let canary: Vec<Tick> = looks(80, 5, 5)
        .into_iter()
        .filter(|tick| tick.arm == Arm::Canary)
        .collect();
    let alone = ruled(JudgeBy::Evidence, &canary);
    assert_eq!(alone.says, RulingKind::Wait, "{}", alone.headline);
    assert!(
        alone
            .full
            .unwrap()
            .dropped
            .iter()
            .all(|dropped| dropped.why == Dropped::ArmMissing)
    );

    let ticks = looks(80, 5, 5);
    let mut judge = RolloutJudge::new(&JudgeSettings::by(JudgeBy::Evidence), course());
    let now = at(15 * 80 + 600);
    let silent = judge.rule(&ticks, step(), now);
    assert_eq!(silent.says, RulingKind::Wait, "{}", silent.headline);
    let later = judge.rule(&ticks, step(), at(600 + 3_600));
    assert_eq!(later.says, RulingKind::Inconclusive, "{}", later.headline);
}

#[test]
fn what_was_said_of_the_weight_before_says_nothing_of_the_next() {
    let ticks = looks(80, 5, 5);
    let mut judge = RolloutJudge::new(&JudgeSettings::by(JudgeBy::Evidence), course());
    let last = ticks.last().unwrap().at;
    assert_eq!(judge.rule(&ticks, step(), last).says, RulingKind::Advance);
    let next = Step {
        since: Span::from_secs(1).after(last),
        until: None,
        stands: None,
    };
    let ruling = judge.rule(&ticks, next, Span::from_secs(2).after(last));
    assert_eq!(ruling.says, RulingKind::Wait, "{}", ruling.headline);
}

#[test]
fn the_evidence_sets_the_weights_where_it_sets_the_pace() {
    let paced = Course {
        exposure: Exposure::Paced,
        ..course()
    };
    let settings = JudgeSettings::by(JudgeBy::Evidence);
    let mut judge = RolloutJudge::new(&settings, paced);
    let ticks = looks(240, 5, 5);
    let mut weights = Vec::new();
    for end in (2..=ticks.len()).step_by(2) {
        let ruling = judge.rule(
            &ticks[..end],
            Step {
                since: at(0),
                until: None,
                stands: None,
            },
            ticks[end - 1].at,
        );
        let weight = ruling.weight.unwrap().as_percent();
        if weights.last() != Some(&weight) {
            weights.push(weight);
        }
    }
    assert_eq!(weights.first(), Some(&5));
    assert!(
        weights.windows(2).all(|pair| pair[0] < pair[1]) && weights.contains(&95),
        "{weights:?}"
    );
}

#[test]
fn latency_that_the_stable_release_never_has_does_not_hold_a_good_release() {
    let quick = |tick: Tick| Tick {
        buckets: vec![(0.1, tick.requests), (1.0, tick.requests)],
        ..tick
    };
    let ticks: Vec<Tick> = looks(120, 5, 5).into_iter().map(quick).collect();
    let ruling = ruled(JudgeBy::Evidence, &ticks);
    assert_eq!(ruling.says, RulingKind::Advance, "{}", ruling.headline);
    let slow = |tick: Tick| Tick {
        buckets: vec![
            (0.1, if tick.arm == Arm::Canary { 0 } else { tick.requests }),
            (1.0, tick.requests),
        ],
        ..tick
    };
    let ticks: Vec<Tick> = looks(120, 5, 5).into_iter().map(slow).collect();
    // That all of it is slow is said aloud; how noisy that is nobody knows, so a person must look.
    let ruling = ruled(JudgeBy::Evidence, &ticks);
    assert_eq!(ruling.says, RulingKind::Wait);
    assert!(ruling.headline.contains("64x stable"), "{}", ruling.headline);
}

#[test]
fn a_step_before_everyone_needs_the_whole_proof_and_one_before_a_little_more_does_not() {
    // A little more errors than stable: within the limit, which takes a while to prove.
    let ticks: Vec<Tick> = looks(200, 12, 10)
        .into_iter()
        .map(|tick| Tick { weight: 5, ..tick })
        .collect();
    let first_advance = |steps: &[f64]| {
        let course = Course {
            steps: steps.to_vec(),
            ..course()
        };
        let mut judge = RolloutJudge::new(&JudgeSettings::by(JudgeBy::Evidence), course);
        (2..=ticks.len()).step_by(2).find(|end| {
            let ticks = &ticks[..*end];
            judge.rule(ticks, step(), ticks[end - 1].at).says == RulingKind::Advance
        })
    };
    let (little, everyone) = (first_advance(&[5.0, 10.0, 100.0]), first_advance(&[5.0, 100.0]));
    assert!(
        little.is_some_and(|little| everyone.is_none_or(|all| little < all)),
        "{little:?} {everyone:?}"
    );
    assert_eq!(first_advance(&[]), everyone, "nobody knows what comes next");
}

#[test]
fn who_gives_more_traffic_where_nobody_could_tell_makes_the_judge_patient_again() {
    let paced = Course {
        exposure: Exposure::Paced,
        ..course()
    };
    let settings = JudgeSettings {
        patience: Span::from_secs(300),
        ..JudgeSettings::by(JudgeBy::Evidence)
    };
    let mut judge = RolloutJudge::new(&settings, paced);
    let few = |index: i64, weight: u8| {
        let tick = |arm, requests| Tick {
            weight,
            ..look(index, arm, requests, 0)
        };
        [tick(Arm::Canary, 2), tick(Arm::Stable, 40)]
    };
    let mut ticks: Vec<Tick> = (0..40).flat_map(|index| few(index, 5)).collect();
    let mut rule = |ticks: &[Tick]| {
        let step = Step {
            since: at(0),
            until: None,
            stands: None,
        };
        judge.rule(ticks, step, ticks.last().unwrap().at)
    };
    assert_eq!(rule(&ticks).says, RulingKind::Inconclusive);
    ticks.extend((40..50).flat_map(|index| few(index, 50)));
    let ruling = rule(&ticks);
    assert_eq!(ruling.says, RulingKind::Wait, "{}", ruling.headline);
    assert_eq!(ruling.weight.unwrap().as_percent(), 50, "it is not taken back");
    ticks.extend((50..80).flat_map(|index| few(index, 50)));
    assert_eq!(rule(&ticks).says, RulingKind::Inconclusive);
}
