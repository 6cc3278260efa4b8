//! The steps of every strategy, with real processes behind Gateline's own proxy.

use gateline_drivers::StepErrorKind;
use gateline_drivers::proxy::{COPY_BODY_BYTES_MAX, COPY_HEADER};
use gateline_model::{Arm, Cohort, ProcessTarget, RequestMark, StepAction, Tick, Weight};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use StepAction::{Discard, Finish, Start, Stop, Withdraw};

use crate::scene::{Scene, TESTBED, ask, ask_with, bounded, expose, is_alive, until};

fn people(percent: u8, cohort: Cohort) -> StepAction {
    StepAction::Expose {
        weight: Weight::percent(percent),
        cohort: Some(cohort),
    }
}

fn mirror(percent: u8) -> StepAction {
    StepAction::Mirror {
        share: Weight::percent(percent),
    }
}

/// How many of so many requests each version answered: the old one and the new one.
async fn split(scene: &Scene, requests: usize) -> (usize, usize) {
    let mut new = 0;
    for _ in 0..requests {
        let (status, answer) = ask(scene.listen, "GET /version").await.unwrap();
        assert_eq!(status, 200, "{answer}");
        new += usize::from(answer.ends_with("1.1.0\n"));
    }
    (requests - new, new)
}

async fn version(scene: &Scene, headers: &str) -> String {
    let (_, answer) = ask_with(scene.listen, "GET /version", headers).await.unwrap();
    answer.lines().last().unwrap_or_default().to_owned()
}

async fn ticks(scene: &Scene, target: &ProcessTarget) -> (Tick, Tick) {
    let ticks = scene
        .driver()
        .measure(&scene.view(target, "1.1.0"))
        .await
        .unwrap();
    let [canary, stable] = <[Tick; 2]>::try_from(ticks).unwrap();
    assert_eq!((canary.arm, stable.arm), (Arm::Canary, Arm::Stable));
    (canary, stable)
}

#[tokio::test]
async fn recreate_stops_the_old_release_before_the_new_one_starts() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target();
        scene.make_live(&target, "1.0.0").await;
        let old = scene.pids();
        scene.go(&target, "1.1.0", Some("1.0.0"), &[Stop]).await;
        assert!(!old.into_iter().any(is_alive) && scene.pids().is_empty());
        assert!(ask(scene.listen, "GET /version").await.is_none());
        scene
            .go(&target, "1.1.0", Some("1.0.0"), &[Start, expose(100), Finish])
            .await;
        assert_eq!(split(&scene, 4).await, (0, 4));
    })
    .await;
}

#[tokio::test]
async fn recreate_is_taken_back_by_starting_the_old_release_again() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target();
        scene.make_live(&target, "1.0.0").await;
        scene.go(&target, "1.1.0", Some("1.0.0"), &[Stop, Start]).await;
        scene
            .go(&target, "1.1.0", Some("1.0.0"), &[Withdraw, Discard])
            .await;
        assert_eq!(split(&scene, 4).await, (4, 0));
        assert_eq!(scene.pids().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn rolling_replaces_instances_in_batches_and_no_request_fails() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target_of(&[TESTBED, "payment-service", "{port}", "{version}"], 3);
        scene.make_live(&target, "1.0.0").await;
        let load = scene.load(150);
        for (new, old) in [(1, 3), (1, 2), (2, 2), (2, 1), (3, 1), (3, 0)] {
            let step = StepAction::Replace { new, old };
            scene.go(&target, "1.1.0", Some("1.0.0"), &[step]).await;
            assert_eq!(scene.pids().len() as u32, new + old);
            scene.answered(&load, 20).await;
        }
        scene.go(&target, "1.1.0", Some("1.0.0"), &[Finish]).await;
        let totals = load.stop().await;
        assert_eq!((totals.ok, totals.bad), (totals.sent, 0));
        assert_eq!(split(&scene, 4).await, (0, 4));
    })
    .await;
}

#[tokio::test]
async fn each_instance_of_a_batch_takes_an_equal_share_and_is_counted_by_itself() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target_of(&[TESTBED, "payment-service", "{port}", "{version}"], 4);
        scene.make_live(&target, "1.0.0").await;
        let step = StepAction::Replace { new: 1, old: 3 };
        scene.go(&target, "1.1.0", Some("1.0.0"), &[step]).await;
        let before = ticks(&scene, &target).await;
        assert_eq!(split(&scene, 40).await, (30, 10));
        let (canary, stable) = ticks(&scene, &target).await;
        assert_eq!((canary.weight, stable.weight), (25, 75));
        let grown = |later: &Tick, earlier: &Tick| -> Vec<u64> {
            let had = |pod: &String| earlier.pods.get(pod).map_or(0, |counts| counts.requests);
            let pods = later.pods.iter();
            pods.map(|(pod, counts)| counts.requests - had(pod)).collect()
        };
        assert_eq!(grown(&canary, &before.0), [10]);
        assert_eq!(grown(&stable, &before.1), [10, 10, 10]);
        // Back again: the batch that had ended is started anew.
        scene
            .go(&target, "1.1.0", Some("1.0.0"), &[Withdraw, Discard])
            .await;
        assert_eq!(scene.pids().len(), 4);
    })
    .await;
}

#[tokio::test]
async fn blue_green_is_previewed_switched_and_switched_back_while_the_old_release_is_warm() {
    bounded(async {
        let scene = Scene::new().await;
        let mut target = scene.target();
        target.cohort = Some(RequestMark::Header("x-cohort".parse().unwrap()));
        scene.make_live(&target, "1.0.0").await;
        let old = scene.pids();
        scene
            .go(
                &target,
                "1.1.0",
                Some("1.0.0"),
                &[Start, people(0, Cohort::Internal)],
            )
            .await;
        assert_eq!(split(&scene, 4).await, (4, 0));
        assert_eq!(version(&scene, "X-Cohort: internal\r\n").await, "1.1.0");
        scene.go(&target, "1.1.0", Some("1.0.0"), &[expose(100)]).await;
        assert_eq!(split(&scene, 4).await, (0, 4));
        assert!(old.iter().copied().all(is_alive), "the old release stays warm");
        scene.go(&target, "1.1.0", Some("1.0.0"), &[Withdraw]).await;
        assert_eq!(split(&scene, 4).await, (4, 0));
        assert_eq!(version(&scene, "X-Cohort: internal\r\n").await, "1.0.0");
        assert!(old.into_iter().all(is_alive));
    })
    .await;
}

#[tokio::test]
async fn tiers_show_a_release_to_internal_then_trusted_people_then_everyone() {
    bounded(async {
        let scene = Scene::new().await;
        let mut target = scene.target();
        target.cohort = Some(RequestMark::Cookie("cohort".parse().unwrap()));
        scene.make_live(&target, "1.0.0").await;
        scene.go(&target, "1.1.0", Some("1.0.0"), &[Start]).await;
        for (step, trusted) in [
            (people(0, Cohort::Internal), "1.0.0"),
            (people(0, Cohort::Trusted), "1.1.0"),
            (people(25, Cohort::Trusted), "1.1.0"),
        ] {
            scene.go(&target, "1.1.0", Some("1.0.0"), &[step]).await;
            assert_eq!(version(&scene, "Cookie: a=b; cohort=internal\r\n").await, "1.1.0");
            assert_eq!(version(&scene, "Cookie: cohort=trusted\r\n").await, trusted);
        }
        assert_eq!(split(&scene, 40).await, (30, 10));
    })
    .await;
}

#[tokio::test]
async fn a_cohort_that_nobody_can_tell_is_refused_and_never_ignored() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target();
        scene.make_live(&target, "1.0.0").await;
        scene.go(&target, "1.1.0", Some("1.0.0"), &[Start]).await;
        let err = scene.refused(&target, "1.1.0", people(0, Cohort::Internal)).await;
        assert_eq!(err.kind, StepErrorKind::Failed);
        assert!(err.why.contains("cohort: {header: NAME}"), "{err}");
    })
    .await;
}

#[tokio::test]
async fn a_user_who_has_seen_the_new_release_keeps_it_while_its_weight_grows() {
    bounded(async {
        let scene = Scene::new().await;
        let mut target = scene.target();
        target.sticky = Some(RequestMark::Cookie("shop".parse().unwrap()));
        scene.make_live(&target, "1.0.0").await;
        scene
            .go(&target, "1.1.0", Some("1.0.0"), &[Start, expose(50)])
            .await;
        let mut users = Vec::new();
        for _ in 0..30 {
            let (_, answer) = ask(scene.listen, "GET /version").await.unwrap();
            let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
            let cookie = cookie.unwrap().split(';').next().unwrap().to_owned();
            users.push((cookie, answer.lines().last().unwrap().to_owned()));
        }
        assert!(users.iter().any(|(_, seen)| seen == "1.0.0"));
        for weight in [50, 75, 100] {
            let step = expose(weight);
            if weight > 50 {
                scene.go(&target, "1.1.0", Some("1.0.0"), &[step]).await;
            }
            for (cookie, seen) in &users {
                let now = version(&scene, &format!("Cookie: {cookie}\r\n")).await;
                assert!(
                    now == *seen || (weight > 50 && now == "1.1.0"),
                    "{cookie} saw {seen}, then {now}"
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_mirror_copies_requests_whose_answers_nobody_sees() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target();
        let broken = scene.target_of(
            &[
                TESTBED,
                "payment-service",
                "{port}",
                "{version}",
                "error_percent=100",
                "latency_ms=500",
            ],
            1,
        );
        scene.make_live(&target, "1.0.0").await;
        scene.go(&broken, "1.1.0", Some("1.0.0"), &[Start]).await;
        scene
            .driver()
            .apply(&scene.order(&broken, "1.1.0", Some("1.0.0"), mirror(50)))
            .await
            .unwrap();
        for _ in 0..20 {
            assert_eq!(ask(scene.listen, "GET /pay").await.unwrap().0, 200);
        }
        until(|| async { ticks(&scene, &target).await.0.requests == 10 }).await;
        let (canary, stable) = ticks(&scene, &target).await;
        assert_eq!((canary.weight, canary.errors), (0, 10));
        assert_eq!((stable.weight, stable.requests, stable.errors), (100, 20, 0));
        scene.go(&target, "1.1.0", Some("1.0.0"), &[Withdraw]).await;
        let seen = ticks(&scene, &target).await.0.requests;
        for _ in 0..10 {
            assert_eq!(ask(scene.listen, "GET /pay").await.unwrap().0, 200);
        }
        assert_eq!(
            ticks(&scene, &target).await.0.requests,
            seen,
            "no copies any more"
        );
    })
    .await;
}

/// A backend that answers every request with what it got of it: the length of its body, and whether it is a copy.
async fn echo(told: tokio::sync::mpsc::UnboundedSender<(bool, usize)>) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let told = told.clone();
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                let mut chunk = vec![0; 65_536];
                loop {
                    let text = String::from_utf8_lossy(&bytes).to_lowercase();
                    if let Some((head, body)) = text.split_once("\r\n\r\n") {
                        let length = head
                            .lines()
                            .find_map(|line| line.strip_prefix("content-length: "));
                        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                            told.send((head.contains(COPY_HEADER), body.len())).unwrap();
                            break;
                        }
                    }
                    match stream.read(&mut chunk).await {
                        Ok(read @ 1..) => bytes.extend_from_slice(&chunk[..read]),
                        Ok(0) | Err(_) => return,
                    }
                }
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    .await;
            });
        }
    });
    address
}

#[tokio::test]
async fn a_copy_has_the_whole_body_and_one_that_is_too_large_is_not_made() {
    use gateline_drivers::proxy::{ArmSettings, Arms, ProxyClient, Route};
    bounded(async {
        let scene = Scene::new().await;
        let (to_old, mut at_old) = tokio::sync::mpsc::unbounded_channel();
        let (to_new, mut at_new) = tokio::sync::mpsc::unbounded_channel();
        let arm = |release: &str, weight, backend| ArmSettings {
            release: Some(release.into()),
            weight,
            backends: vec![backend],
        };
        let arms = Arms {
            stable: arm("old", 100, echo(to_old).await),
            canary: arm("new", 0, echo(to_new).await),
            mirror: 100,
            ..Arms::default()
        };
        let route = Route {
            route: "payments/production".into(),
            listen: scene.listen,
            arms,
            key: "1".into(),
        };
        let mut client = ProxyClient::connect(&scene.control()).await.unwrap();
        client.set(&route).await.unwrap();
        for length in [COPY_BODY_BYTES_MAX + 1, COPY_BODY_BYTES_MAX, 5, 0] {
            let mut stream = TcpStream::connect(scene.listen).await.unwrap();
            let head = format!(
                "POST /pay HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&vec![b'x'; length]).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert_eq!(at_old.recv().await, Some((false, length)));
            if length <= COPY_BODY_BYTES_MAX {
                assert_eq!(at_new.recv().await, Some((true, length)));
            }
        }
        assert!(at_new.try_recv().is_err());
    })
    .await;
}

#[tokio::test]
async fn withdrawn_is_true_only_when_the_old_release_really_answers() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target();
        scene.make_live(&target, "1.0.0").await;
        scene
            .go(&target, "1.1.0", Some("1.0.0"), &[Start, expose(50), Withdraw])
            .await;
        // All that the proxy says is as it should be, but the page that tells health is not there.
        let sick = ProcessTarget {
            health: "/nowhere".to_owned(),
            start_timeout: gateline_model::Span::from_secs(1),
            ..target
        };
        let order = scene.order(&sick, "1.1.0", Some("1.0.0"), Withdraw);
        let seen = scene.driver().observe(&order).await;
        assert!(
            matches!(&seen, gateline_drivers::Observed::NotApplied(why) if why.contains("/nowhere` answered 404")),
            "{seen:?}"
        );
        let err = scene.driver().apply(&order).await.unwrap_err();
        assert!(err.why.contains("/nowhere"), "{err}");
    })
    .await;
}

#[tokio::test]
async fn an_instance_that_ends_by_itself_is_a_signal_of_its_arm() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target();
        scene.make_live(&target, "1.0.0").await;
        scene
            .go(&target, "1.1.0", Some("1.0.0"), &[Start, expose(50)])
            .await;
        let (canary, stable) = ticks(&scene, &target).await;
        assert_eq!((canary.signals.len(), stable.signals.len()), (0, 0));
        let new = scene.instances();
        let victim = new
            .iter()
            .find(|instance| instance.version.as_str() == "1.1.0")
            .unwrap();
        let pid = victim.process.unwrap().pid;
        std::process::Command::new("kill")
            .args(["-KILL", &pid.to_string()])
            .status()
            .unwrap();
        until(|| async { !is_alive(pid) }).await;
        until(|| async {
            let (canary, stable) = ticks(&scene, &target).await;
            assert!(stable.signals.is_empty());
            canary
                .signals
                .iter()
                .any(|signal| signal.contains("`1.1.0` ended by signal 9"))
        })
        .await;
    })
    .await;
}
