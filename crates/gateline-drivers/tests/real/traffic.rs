//! The contract of all traffic drivers, against the real programs: what is claimed of one is claimed of each.

use std::time::Duration;

use gateline_drivers::{Observed, StepErrorKind};
use gateline_model::{Cohort, Health, StepAction, Weight};
use test_case::test_case;

use StepAction::{Discard, Finish, Start, Stop, Withdraw};

use crate::bed::{Bed, Kind};
use crate::scene::{ask, bounded, expose, is_alive, until};

fn people(percent: u8, cohort: Cohort) -> StepAction {
    StepAction::Expose {
        weight: Weight::percent(percent),
        cohort: Some(cohort),
    }
}

/// A share of chance, five standard deviations wide.
fn about(share: f64, of: usize) -> std::ops::RangeInclusive<usize> {
    let (mean, wide) = (
        share * of as f64,
        5.0 * (share * (1.0 - share) * of as f64).sqrt(),
    );
    (mean - wide).floor().max(0.0) as usize..=(mean + wide).ceil() as usize
}

#[test_case(Kind::Own; "own")]
#[test_case(Kind::Haproxy; "haproxy")]
#[test_case(Kind::Envoy; "envoy")]
#[tokio::test]
async fn a_weight_is_set_read_back_and_taken_back(kind: Kind) {
    bounded(async {
        let bed = Bed::new(kind).await;
        bed.make_live().await;
        bed.go("1.1.0", &[Start, expose(25)]).await;
        let (canary, stable) = bed.ticks().await;
        assert_eq!((canary.weight, stable.weight), (25, 75));
        let new = bed.new_of(200, "").await;
        assert!(about(0.25, 200).contains(&new), "{new} of 200 at 25 %");
        bed.go("1.1.0", &[expose(100)]).await;
        assert_eq!(bed.new_of(20, "").await, 20);
        bed.go("1.1.0", &[Withdraw]).await;
        assert_eq!(bed.new_of(20, "").await, 0);
        bed.go("1.1.0", &[Discard]).await;
        assert_eq!(bed.scene.pids().len(), 2);
    })
    .await;
}

#[test_case(Kind::Own; "own")]
#[test_case(Kind::Haproxy; "haproxy")]
#[test_case(Kind::Envoy; "envoy")]
#[tokio::test]
async fn no_request_fails_while_a_release_takes_over(kind: Kind) {
    bounded(async {
        let bed = Bed::new(kind).await;
        bed.make_live().await;
        let old = bed.scene.pids();
        let load = bed.scene.load(100);
        let batches = [
            StepAction::Replace { new: 1, old: 2 },
            StepAction::Replace { new: 1, old: 1 },
        ];
        for step in [Start, expose(10), expose(60)]
            .into_iter()
            .chain(batches)
            .chain([Finish])
        {
            bed.go("1.1.0", &[step]).await;
            bed.scene.answered(&load, 20).await;
        }
        let totals = load.stop().await;
        assert_eq!((totals.ok, totals.bad), (totals.sent, 0));
        assert!(!old.into_iter().any(is_alive));
        assert_eq!(bed.new_of(10, "").await, 10);
    })
    .await;
}

#[test_case(Kind::Own; "own")]
#[test_case(Kind::Haproxy; "haproxy")]
#[test_case(Kind::Envoy; "envoy")]
#[tokio::test]
async fn a_request_in_flight_ends_before_its_instance(kind: Kind) {
    bounded(async {
        let mut bed = Bed::new(kind).await;
        bed.behave(&["latency_ms=1500"]);
        bed.make_live().await;
        let listen = bed.listen();
        let slow = tokio::spawn(async move { ask(listen, "GET /pay").await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        bed.go("1.1.0", &[Start, expose(100), Finish]).await;
        let (status, answer) = slow.await.unwrap().unwrap();
        assert!(status == 200 && answer.contains("1.0.0"), "{answer}");
    })
    .await;
}

#[test_case(Kind::Own; "own")]
#[test_case(Kind::Haproxy; "haproxy")]
#[test_case(Kind::Envoy; "envoy")]
#[tokio::test]
async fn drift_is_found_and_made_good(kind: Kind) {
    bounded(async {
        let bed = Bed::new(kind).await;
        bed.make_live().await;
        bed.go("1.1.0", &[Start, expose(25)]).await;
        bed.meddle(90).await;
        if kind == Kind::Own {
            assert!(matches!(bed.observe(expose(25)).await, Observed::NotApplied(_)));
            bed.apply(expose(25)).await.unwrap();
        } else {
            // Whoever measures finds it, says so, and sets it again.
            let told = bed.ticks_of(&bed.driver()).await;
            assert!(
                told.as_ref().is_err_and(|err| err.why.contains("is set again")) || kind == Kind::Envoy,
                "{told:?}"
            );
        }
        assert_eq!(bed.observe(expose(25)).await, Observed::Applied);
        assert_eq!(bed.ticks().await.0.weight, 25);
    })
    .await;
}

#[test_case(Kind::Own; "own")]
#[test_case(Kind::Haproxy; "haproxy")]
#[test_case(Kind::Envoy; "envoy")]
#[tokio::test]
async fn a_proxy_that_is_restarted_in_the_middle_goes_on(kind: Kind) {
    bounded(async {
        let mut bed = Bed::new(kind).await;
        bed.make_live().await;
        bed.go("1.1.0", &[Start, people(50, Cohort::Internal)]).await;
        bed.kill();
        let unseen = bed.observe(expose(50)).await;
        assert!(matches!(unseen, Observed::Unknown(_)), "{unseen:?}");
        bed.restart().await;
        until(|| async { bed.observe(people(50, Cohort::Internal)).await == Observed::Applied }).await;
        assert!(about(0.5, 100).contains(&bed.new_of(100, "").await));
        assert_eq!(bed.new_of(5, "X-Cohort: internal\r\n").await, 5);
        let (canary, stable) = bed.ticks().await;
        assert_eq!(canary.requests + stable.requests, 105, "counted anew");
        bed.go("1.1.0", &[Finish]).await;
    })
    .await;
}

#[test_case(Kind::Haproxy; "haproxy")]
#[test_case(Kind::Envoy; "envoy")]
#[tokio::test]
async fn a_proxy_that_forgot_everything_is_set_again_by_the_next_look_at_health(kind: Kind) {
    bounded(async {
        let mut bed = Bed::new(kind).await;
        bed.make_live().await;
        bed.go("1.1.0", &[Start, expose(50)]).await;
        bed.forget().await;
        assert!(matches!(bed.observe(expose(50)).await, Observed::NotApplied(_)));
        assert_ne!(
            ask(bed.listen(), "GET /version").await.map(|answer| answer.0),
            Some(200)
        );
        let seen = bed.driver().health(&bed.scene.view(&bed.target, "1.0.0")).await;
        assert_eq!(seen.health, Health::Healthy, "{seen:?}");
        assert_eq!(bed.observe(expose(50)).await, Observed::Applied);
        assert!(about(0.5, 100).contains(&bed.new_of(100, "").await));
    })
    .await;
}

#[test_case(Kind::Own; "own")]
#[test_case(Kind::Haproxy; "haproxy")]
#[test_case(Kind::Envoy; "envoy")]
#[tokio::test]
async fn a_death_between_intention_and_effect_does_no_harm(kind: Kind) {
    bounded(async {
        let bed = Bed::new(kind).await;
        bed.make_live().await;
        bed.go("1.1.0", &[Start]).await;
        for (turn, millis) in [0, 1, 2, 4, 8, 16, 32, 64].into_iter().enumerate() {
            let step = expose(10 + turn as u8);
            let (driver, order) = (bed.driver(), bed.order("1.1.0", step));
            // Dropped wherever it is: as a server that dies.
            let _ = tokio::time::timeout(Duration::from_millis(millis), driver.apply(&order)).await;
            // Everything is answered meanwhile.
            let _ = bed.new_of(3, "").await;
            let other = bed.driver();
            let seen = other.observe(&order).await;
            assert!(!matches!(seen, Observed::Unknown(_)), "{seen:?}");
            if matches!(seen, Observed::NotApplied(_)) {
                other.apply(&order).await.unwrap();
            }
            assert_eq!(other.observe(&order).await, Observed::Applied);
        }
        assert_eq!(bed.scene.pids().len(), 4);
        bed.go("1.1.0", &[Withdraw, Discard]).await;
    })
    .await;
}

#[test_case(Kind::Own; "own")]
#[test_case(Kind::Haproxy; "haproxy")]
#[test_case(Kind::Envoy; "envoy")]
#[tokio::test]
async fn requests_errors_and_latency_are_counted_for_each_arm_and_instance(kind: Kind) {
    bounded(async {
        let mut bed = Bed::new(kind).await;
        bed.make_live().await;
        assert_eq!(bed.new_of(10, "").await, 0);
        bed.behave(&["error_percent=100", "latency_ms=120"]);
        bed.go("1.1.0", &[Start, expose(50)]).await;
        let (canary, _) = bed.ticks().await;
        assert_eq!(
            (canary.requests, canary.errors),
            (0, 0),
            "a new canary begins at zero"
        );
        let mut failed = 0;
        for _ in 0..60 {
            failed += u64::from(ask(bed.listen(), "GET /pay").await.unwrap().0 == 500);
        }
        if kind == Kind::Envoy {
            // It counts latency twice a second.
            tokio::time::sleep(Duration::from_millis(1_200)).await;
        }
        let (canary, stable) = bed.ticks().await;
        assert_eq!((canary.requests, canary.errors), (failed, failed));
        assert!(stable.requests >= 60 - failed && stable.errors == 0, "{stable:?}");
        assert!(about(0.5, 60).contains(&(failed as usize)));
        assert_eq!(canary.pods.len(), 2);
        let pods: u64 = canary.pods.values().map(|pod| pod.requests).sum();
        let bad: u64 = canary.pods.values().map(|pod| pod.errors).sum();
        assert_eq!((pods, bad), (failed, failed));
        if kind == Kind::Haproxy {
            assert!(canary.buckets.is_empty(), "it counts none");
        } else {
            let within = |bound: f64| canary.buckets.iter().find(|bucket| bucket.0 == bound).unwrap().1;
            assert_eq!((within(0.1), within(5.0)), (0, failed));
        }
        // What it did is not forgotten when it is taken back, and the next one begins at zero.
        bed.apply(Withdraw).await.unwrap();
        assert_eq!(bed.ticks().await.0.errors, failed);
        bed.apply(Discard).await.unwrap();
        bed.behave(&[]);
        bed.go("1.1.0", &[Start, expose(50)]).await;
        assert_eq!(bed.ticks().await.0.requests, 0);
    })
    .await;
}

#[test_case(Kind::Own; "own")]
#[test_case(Kind::Haproxy; "haproxy")]
#[test_case(Kind::Envoy; "envoy")]
#[tokio::test]
async fn cohorts_see_a_release_first_and_users_keep_it(kind: Kind) {
    bounded(async {
        let bed = Bed::new(kind).await;
        bed.make_live().await;
        let (internal, trusted) = ("X-Cohort: internal\r\n", "X-Cohort: trusted\r\n");
        for (step, of_trusted) in [
            (people(0, Cohort::Internal), 0),
            (people(0, Cohort::Trusted), 5),
            (people(20, Cohort::Trusted), 5),
        ] {
            let steps = if of_trusted == 0 {
                vec![Start, step]
            } else {
                vec![step]
            };
            bed.go("1.1.0", &steps).await;
            assert_eq!(bed.new_of(5, internal).await, 5);
            assert_eq!(bed.new_of(5, trusted).await, of_trusted);
        }
        let user = |user: usize| format!("X-User: user-{user}\r\n");
        let mut is_at_new = [false; 60];
        for weight in [20, 50, 90] {
            if weight > 20 {
                bed.go("1.1.0", &[expose(weight)]).await;
            }
            for (number, was) in is_at_new.iter_mut().enumerate() {
                let new = bed.new_of(2, &user(number)).await;
                assert!(
                    new == 2 || (new == 0 && !*was),
                    "user {number} at {weight} %: {new} of 2, before {was}"
                );
                *was = new == 2;
            }
            let at_new = is_at_new.iter().filter(|is| **is).count();
            assert!(
                about(f64::from(weight) / 100.0, 60).contains(&at_new),
                "{at_new} of 60 at {weight} %"
            );
        }
        bed.go("1.1.0", &[Withdraw]).await;
        assert_eq!(bed.new_of(5, internal).await, 0, "cohorts are withdrawn as well");
    })
    .await;
}

#[test_case(Kind::Own; "own")]
#[test_case(Kind::Envoy; "envoy")]
#[tokio::test]
async fn a_mirror_copies_requests_and_nobody_waits_for_it(kind: Kind) {
    bounded(async {
        let mut bed = Bed::new(kind).await;
        bed.make_live().await;
        bed.behave(&["error_percent=100"]);
        let step = StepAction::Mirror {
            share: Weight::percent(50),
        };
        bed.go("1.1.0", &[Start, step]).await;
        for _ in 0..100 {
            assert_eq!(ask(bed.listen(), "GET /pay").await.unwrap().0, 200);
        }
        until(|| async { about(0.5, 100).contains(&(bed.ticks().await.0.errors as usize)) }).await;
        let (canary, stable) = bed.ticks().await;
        assert_eq!((canary.weight, stable.weight, stable.errors), (0, 100, 0));
        bed.go("1.1.0", &[Withdraw]).await;
        let seen = bed.ticks().await.0.requests;
        assert_eq!(bed.new_of(20, "").await, 0);
        assert_eq!(bed.ticks().await.0.requests, seen, "no copies any more");
    })
    .await;
}

#[tokio::test]
async fn a_mirror_that_haproxy_cannot_make_is_refused() {
    bounded(async {
        let bed = Bed::new(Kind::Haproxy).await;
        bed.make_live().await;
        bed.go("1.1.0", &[Start]).await;
        let step = StepAction::Mirror {
            share: Weight::percent(10),
        };
        assert!(matches!(bed.observe(step).await, Observed::NotApplied(_)));
        let err = bed.apply(step).await.unwrap_err();
        assert_eq!(err.kind, StepErrorKind::Failed);
        assert!(err.why.contains("HAProxy copies no requests"), "{err}");
    })
    .await;
}

#[test_case(Kind::Own; "own")]
#[test_case(Kind::Haproxy; "haproxy")]
#[test_case(Kind::Envoy; "envoy")]
#[tokio::test]
async fn recreate_leaves_nobody_to_answer_until_the_new_release_does(kind: Kind) {
    bounded(async {
        let bed = Bed::new(kind).await;
        bed.make_live().await;
        bed.go("1.1.0", &[Stop]).await;
        assert!(bed.scene.pids().is_empty());
        let answer = ask(bed.listen(), "GET /version").await;
        assert!(answer.is_none_or(|(status, _)| status == 503));
        bed.go("1.1.0", &[Start, expose(100), Finish]).await;
        assert_eq!(bed.new_of(5, "").await, 5);
    })
    .await;
}
