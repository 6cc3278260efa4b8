//! The process driver with real processes, a real proxy and real requests.

use std::process::{Command, Stdio};

use crate::scene::{Guard, Scene, TESTBED, ask, bounded, brief, expose, is_alive, until};
use gateline_drivers::payment_service::Totals;
use gateline_drivers::process::{Instance, ProcessDriver, ProcessId};
use gateline_drivers::{Observed, StepErrorKind};
use gateline_model::{
    Arm, Artifact, ArtifactAt, Digest, Health, ProcessTarget, Span, StepAction, Target, Tick,
};

use StepAction::{Discard, Finish, Start, Withdraw};

#[tokio::test]
async fn a_release_takes_over_step_by_step_and_no_request_fails() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target();
        scene.make_live(&target, "1.0.0").await;
        let old = scene.pids();
        let load = scene.load(150);
        for action in [Start, expose(5), expose(50), expose(100), Finish] {
            scene.answered(&load, 30).await;
            scene.go(&target, "1.1.0", Some("1.0.0"), &[action]).await;
        }
        scene.answered(&load, 30).await;
        let Totals { sent, ok, bad } = load.stop().await;
        assert_eq!((ok, bad), (sent, 0));
        assert!(!old.into_iter().any(is_alive));
        assert_eq!(scene.pids().len(), 2);
        assert!(
            ask(scene.listen, "GET /version")
                .await
                .unwrap()
                .1
                .ends_with("1.1.0\n")
        );
    })
    .await;
}

#[tokio::test]
async fn a_release_is_withdrawn_and_discarded_and_no_request_fails() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target();
        scene.make_live(&target, "1.0.0").await;
        let live = scene.pids();
        let load = scene.load(150);
        for action in [Start, expose(25), Withdraw, Discard] {
            scene.answered(&load, 30).await;
            scene.go(&target, "1.2.0", Some("1.0.0"), &[action]).await;
        }
        scene.answered(&load, 30).await;
        let Totals { sent, ok, bad } = load.stop().await;
        assert_eq!((ok, bad), (sent, 0));
        assert_eq!(scene.pids(), live);
    })
    .await;
}

#[tokio::test]
async fn a_first_release_that_is_withdrawn_leaves_nothing_behind() {
    bounded(async {
        let scene = Scene::new().await;
        scene
            .go(&scene.target(), "1.0.0", None, &[Start, expose(5)])
            .await;
        assert_eq!(ask(scene.listen, "GET /pay").await.unwrap().0, 200);
        let pids = scene.pids();
        scene
            .go(&scene.target(), "1.0.0", None, &[Withdraw, Discard])
            .await;
        assert!(ask(scene.listen, "GET /pay").await.is_none());
        assert!(scene.pids().is_empty() && !pids.into_iter().any(is_alive));
    })
    .await;
}

#[tokio::test]
async fn discarding_a_release_that_is_live_ends_nothing() {
    bounded(async {
        let scene = Scene::new().await;
        scene.make_live(&scene.target(), "1.0.0").await;
        let pids = scene.pids();
        let order = scene.order(&scene.target(), "1.0.0", Some("1.0.0"), Discard);
        scene.driver().apply(&order).await.unwrap();
        let unforeseen = scene.refused(&scene.target(), "1.0.0", Discard).await;
        assert!(unforeseen.why.contains("withdraw it first"), "{}", unforeseen.why);
        assert_eq!(scene.pids(), pids);
        assert_eq!(ask(scene.listen, "GET /pay").await.unwrap().0, 200);
    })
    .await;
}

#[tokio::test]
async fn the_two_arms_are_measured_and_a_new_canary_begins_at_zero() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target();
        let bad = scene.target_of(
            &[
                TESTBED,
                "payment-service",
                "{port}",
                "{version}",
                "error_percent=50",
            ],
            1,
        );
        scene.make_live(&target, "1.0.0").await;
        let driver = scene.driver();
        let counts = async |release: &str| {
            let ticks = driver.measure(&scene.view(&target, release)).await.unwrap();
            let count = |tick: Tick| (tick.arm, tick.weight, tick.requests, tick.errors);
            ticks.into_iter().map(count).collect::<Vec<_>>()
        };
        scene.go(&bad, "1.2.0", Some("1.0.0"), &[Start]).await;
        driver
            .apply(&scene.order(&bad, "1.2.0", Some("1.0.0"), expose(50)))
            .await
            .unwrap();
        for _ in 0..40 {
            ask(scene.listen, "GET /pay").await.unwrap();
        }
        let after = [(Arm::Canary, 50, 20, 10), (Arm::Stable, 50, 20, 0)];
        assert_eq!(counts("1.2.0").await, after);
        driver
            .apply(&scene.order(&target, "1.2.0", Some("1.0.0"), Withdraw))
            .await
            .unwrap();
        assert_eq!(
            counts("1.2.0").await[0],
            (Arm::Canary, 0, 20, 10),
            "what it did is not forgotten"
        );
        driver
            .apply(&scene.order(&target, "1.2.0", Some("1.0.0"), Discard))
            .await
            .unwrap();
        let gone = driver.measure(&scene.view(&target, "1.2.0")).await.unwrap_err();
        assert!(gone.why.contains("does not serve `1.2.0`"), "{}", gone.why);
        scene
            .go(&target, "1.3.0", Some("1.0.0"), &[Start, expose(25)])
            .await;
        assert_eq!(counts("1.3.0").await[0], (Arm::Canary, 25, 0, 0));
    })
    .await;
}

#[tokio::test]
async fn requests_in_flight_finish_before_their_process_is_asked_to_end() {
    bounded(async {
        let scene = Scene::new().await;
        let slow = scene.target_of(&[TESTBED, "abrupt", "{port}", "{version}", "2000"], 1);
        scene.make_live(&slow, "1.0.0").await;
        let listen = scene.listen;
        let request = tokio::spawn(async move { ask(listen, "GET /pay").await });
        until(|| async { !scene.proxy_view().await.in_flight.is_empty() }).await;
        scene
            .go(
                &scene.target(),
                "1.1.0",
                Some("1.0.0"),
                &[Start, expose(100), Finish],
            )
            .await;
        let (status, answer) = request.await.unwrap().unwrap();
        assert!(status == 200 && answer.contains("1.0.0"), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn a_request_that_never_ends_holds_its_process_no_longer_than_the_drain() {
    bounded(async {
        let scene = Scene::new().await;
        let endless = scene.target_of(&[TESTBED, "abrupt", "{port}", "{version}", "3600000"], 1);
        scene.make_live(&endless, "1.0.0").await;
        let old = scene.pids();
        let listen = scene.listen;
        let request = tokio::spawn(async move { ask(listen, "GET /pay").await });
        until(|| async { !scene.proxy_view().await.in_flight.is_empty() }).await;
        let target = ProcessTarget {
            drain: Span::from_millis(300),
            ..scene.target()
        };
        scene
            .go(&target, "1.1.0", Some("1.0.0"), &[Start, expose(100), Finish])
            .await;
        assert!(!old.into_iter().any(is_alive));
        // Asked again at the new release, as a request of its kind may be.
        assert!(request.await.unwrap().unwrap().1.contains("1.1.0"));
    })
    .await;
}

#[tokio::test]
async fn a_process_that_never_gets_healthy_is_a_failed_start_with_its_last_words() {
    bounded(async {
        let scene = Scene::new().await;
        let command = [
            "sh",
            "-c",
            "echo waiting for a database that is not there; sleep 600",
        ];
        let target = ProcessTarget {
            start_timeout: Span::from_millis(500),
            ..scene.target_of(&command, 1)
        };
        let err = scene.refused(&target, "1.0.0", Start).await;
        assert_eq!(err.kind, StepErrorKind::Failed);
        assert!(
            err.why.contains("did not answer 200") && err.why.contains("waiting for a database"),
            "{}",
            err.why
        );
        let order = scene.order(&target, "1.0.0", None, Start);
        assert!(matches!(
            scene.driver().observe(&order).await,
            Observed::NotApplied(_)
        ));
        let pids = scene.pids();
        scene
            .driver()
            .apply(&scene.order(&target, "1.0.0", None, Discard))
            .await
            .unwrap();
        assert!(pids.len() == 1 && !pids.into_iter().any(is_alive));
    })
    .await;
}

#[tokio::test]
async fn a_process_that_crashes_at_once_is_a_failed_start_long_before_its_timeout() {
    bounded(async {
        let scene = Scene::new().await;
        let crash = ["sh", "-c", "echo the licence has run out >&2; exit 3"];
        let target = ProcessTarget {
            start_timeout: Span::from_secs(3_600),
            ..scene.target_of(&crash, 2)
        };
        let err = scene.refused(&target, "1.0.0", Start).await;
        assert_eq!(err.kind, StepErrorKind::Failed);
        assert!(
            err.why.contains("again and again") && err.why.contains("the licence has run out"),
            "{}",
            err.why
        );
    })
    .await;
}

#[tokio::test]
async fn a_process_that_ignores_sigterm_is_killed() {
    bounded(async {
        let scene = Scene::new().await;
        let stubborn = scene.target_of(&[TESTBED, "stubborn", "{port}"], 1);
        scene.go(&stubborn, "1.0.0", None, &[Start]).await;
        let pids = scene.pids();
        assert!(pids.iter().copied().all(is_alive));
        scene
            .driver()
            .apply(&scene.order(&stubborn, "1.0.0", None, Discard))
            .await
            .unwrap();
        assert!(pids.len() == 1 && !pids.into_iter().any(is_alive));
        assert!(scene.instances().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_a_wrapper_script_started_ends_with_it() {
    bounded(async {
        let scene = Scene::new().await;
        let script = format!("{TESTBED} payment-service $0 $1 & echo $! >&2; wait");
        let wrapped = scene.target_of(&["sh", "-c", &script, "{port}", "{version}"], 1);
        scene.go(&wrapped, "1.0.0", None, &[Start]).await;
        let log = std::fs::read_to_string(
            scene
                .folder()
                .join(format!("{}-0.log", brief("1.0.0").id.short())),
        )
        .unwrap();
        let inner: i32 = log.trim().parse().unwrap();
        assert!(is_alive(inner));
        scene
            .driver()
            .apply(&scene.order(&wrapped, "1.0.0", None, Discard))
            .await
            .unwrap();
        until(|| async { !is_alive(inner) }).await;
    })
    .await;
}

#[tokio::test]
async fn another_driver_adopts_the_processes_also_where_the_record_was_not_finished() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target();
        scene.go(&target, "1.0.0", None, &[Start]).await;
        let pids = scene.pids();
        // The server died between the start of the process and the end of its record.
        let unfinished = Instance {
            process: None,
            ..scene.instances().remove(0)
        };
        let file = format!("{}-{}.json", unfinished.release.short(), unfinished.n);
        let whole = std::fs::read(scene.folder().join(&file)).unwrap();
        std::fs::write(
            scene.folder().join(&file),
            serde_json::to_vec(&unfinished).unwrap(),
        )
        .unwrap();

        let other = ProcessDriver {
            state_dir: scene.state_dir(),
        };
        let order = scene.order(&target, "1.0.0", None, Start);
        assert_eq!(other.observe(&order).await, Observed::Applied);
        other.apply(&order).await.unwrap();
        std::fs::write(scene.folder().join(&file), whole).unwrap();
        assert_eq!(scene.pids(), pids);
        assert!(pids.into_iter().all(is_alive));
    })
    .await;
}

#[tokio::test]
async fn two_drivers_at_once_start_one_set_of_processes() {
    bounded(async {
        let scene = Scene::new().await;
        let order = scene.order(&scene.target(), "1.0.0", None, Start);
        let (one, other) = (scene.driver(), scene.driver());
        let (a, b) = tokio::join!(one.apply(&order), other.apply(&order));
        assert_eq!(a.unwrap(), b.unwrap());
        assert_eq!(scene.pids().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_pid_that_another_process_has_now_is_never_signalled() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target_of(&[TESTBED, "payment-service", "{port}", "{version}"], 1);
        scene.go(&target, "1.0.0", None, &[Start]).await;
        let [instance] = &scene.instances()[..] else {
            panic!("one instance")
        };
        let ours = instance.process.unwrap();
        let innocent = Command::new("sleep")
            .arg("600")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let pid = innocent.id() as i32;
        let innocent = Guard(innocent);
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let start_time = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .nth(19)
            .unwrap()
            .parse()
            .unwrap();
        let file = scene
            .folder()
            .join(format!("{}-0.json", instance.release.short()));
        // Another start time, and (after a reboot, say) the same start time with another nonce.
        for id in [
            ProcessId {
                pid,
                start_time: ours.start_time,
            },
            ProcessId { pid, start_time },
        ] {
            let reused = Instance {
                process: Some(id),
                ..instance.clone()
            };
            std::fs::write(&file, serde_json::to_vec(&reused).unwrap()).unwrap();
            scene
                .driver()
                .apply(&scene.order(&target, "1.0.0", None, Discard))
                .await
                .unwrap();
            assert!(!file.exists());
            assert!(is_alive(pid));
        }
        // For the end of the test, which goes by the records.
        std::fs::write(&file, serde_json::to_vec(instance).unwrap()).unwrap();
        drop(innocent);
    })
    .await;
}

#[tokio::test]
async fn a_dead_process_of_the_live_release_is_started_again_and_no_request_fails() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target();
        scene.make_live(&target, "1.0.0").await;
        let driver = scene.driver();
        let view = scene.view(&target, "1.0.0");
        assert_eq!(driver.health(&view).await.health, Health::Healthy);
        let load = scene.load(100);
        scene.answered(&load, 20).await;
        let dead = scene.pids()[0];
        assert!(
            Command::new("kill")
                .args(["-KILL", &dead.to_string()])
                .status()
                .unwrap()
                .success()
        );
        until(|| async { !is_alive(dead) }).await;
        until(|| async { driver.health(&view).await.health == Health::Healthy }).await;
        scene.answered(&load, 20).await;
        let Totals { sent, ok, bad } = load.stop().await;
        assert_eq!((ok, bad), (sent, 0));
        assert!(scene.pids().len() == 2 && !scene.pids().contains(&dead));
        assert_eq!(
            scene
                .instances()
                .iter()
                .map(|instance| instance.restarts)
                .sum::<u32>(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn a_process_that_moved_to_another_port_is_found_by_the_proxy() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target_of(&[TESTBED, "payment-service", "{port}", "{version}"], 1);
        scene.make_live(&target, "1.0.0").await;
        let [
            Instance {
                port,
                process: Some(process),
                ..
            },
        ] = scene.instances()[..]
        else {
            panic!("one instance")
        };
        assert!(
            Command::new("kill")
                .args(["-KILL", &process.pid.to_string()])
                .status()
                .unwrap()
                .success()
        );
        until(|| async { !is_alive(process.pid) }).await;
        // Where this fails, another program was faster: as good.
        let _thief = std::net::TcpListener::bind(("127.0.0.1", port));
        let view = scene.view(&target, "1.0.0");
        until(|| async { scene.driver().health(&view).await.health == Health::Healthy }).await;
        assert!(
            ask(scene.listen, "GET /version")
                .await
                .unwrap()
                .1
                .ends_with("1.0.0\n")
        );
    })
    .await;
}

#[tokio::test]
async fn health_of_what_serves_nothing_is_not_healthy_and_starts_nothing() {
    bounded(async {
        let mut scene = Scene::new().await;
        let target = scene.target();
        assert_eq!(
            scene.driver().health(&scene.view(&target, "1.0.0")).await.health,
            Health::Unhealthy
        );
        scene.make_live(&target, "1.1.0").await;
        assert_eq!(
            scene.driver().health(&scene.view(&target, "1.0.0")).await.health,
            Health::Unhealthy
        );
        assert_eq!(scene.pids().len(), 2);
        scene.proxy.0.kill().unwrap();
        scene.proxy.0.wait().unwrap();
        assert_eq!(
            scene.driver().health(&scene.view(&target, "1.1.0")).await.health,
            Health::Unknown
        );
    })
    .await;
}

#[tokio::test]
async fn without_its_proxy_a_step_is_unknown_and_the_error_says_how_to_start_it() {
    bounded(async {
        let mut scene = Scene::new().await;
        let target = scene.target();
        scene.make_live(&target, "1.0.0").await;
        scene.go(&target, "1.1.0", Some("1.0.0"), &[Start]).await;
        scene.proxy.0.kill().unwrap();
        scene.proxy.0.wait().unwrap();
        for action in [expose(5), Finish, Withdraw, Discard] {
            let order = scene.order(&target, "1.1.0", Some("1.0.0"), action);
            let seen = scene.driver().observe(&order).await;
            assert!(
                matches!(&seen, Observed::Unknown(why) if why.contains("gateline proxy --control")),
                "{seen:?}"
            );
            let err = scene.driver().apply(&order).await.unwrap_err();
            assert_eq!(err.kind, StepErrorKind::Failed);
            assert!(err.why.contains("gateline proxy --control"), "{}", err.why);
        }
        assert_eq!(
            scene.pids().len(),
            4,
            "nothing was ended without knowing its requests"
        );
    })
    .await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_leaves_every_step_unknown() {
    bounded(async {
        let scene = Scene::new().await;
        std::fs::create_dir_all(scene.folder()).unwrap();
        std::fs::write(scene.folder().join("abc-0.json"), "{\"release\":").unwrap();
        let order = scene.order(&scene.target(), "1.0.0", None, Start);
        let seen = scene.driver().observe(&order).await;
        assert!(
            matches!(&seen, Observed::Unknown(why) if why.contains("move it away")),
            "{seen:?}"
        );
        assert_eq!(
            scene.driver().apply(&order).await.unwrap_err().kind,
            StepErrorKind::Unknown
        );
    })
    .await;
}

#[tokio::test]
async fn a_process_inherits_path_and_what_its_target_says_and_nothing_else() {
    bounded(async {
        let scene = Scene::new().await;
        let mut target = scene.target_of(&["sh", "-c", "env >&2; exec sleep 600"], 1);
        target.start_timeout = Span::from_millis(500);
        target.env.insert("COLOUR".into(), "blue".into());
        scene.refused(&target, "1.0.0", Start).await;
        let log = std::fs::read_to_string(
            scene
                .folder()
                .join(format!("{}-0.log", brief("1.0.0").id.short())),
        )
        .unwrap();
        let mut names: Vec<&str> = log
            .lines()
            .filter_map(|line| Some(line.split_once('=')?.0))
            .collect();
        names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name)); // the shell's own
        names.sort_unstable();
        assert_eq!(names, ["COLOUR", "GATELINE_NONCE", "PATH"]);
    })
    .await;
}

#[tokio::test]
async fn a_command_that_cannot_be_run_is_a_failed_start_and_leaves_no_record() {
    bounded(async {
        let scene = Scene::new().await;
        for (command, says) in [
            (&["{prot}"][..], "`{prot}`"),
            (&["/no/such/program"][..], "could not start `/no/such/program`"),
            (&[][..], "is empty"),
        ] {
            let err = scene.refused(&scene.target_of(command, 1), "1.0.0", Start).await;
            assert_eq!(err.kind, StepErrorKind::Failed);
            assert!(err.why.contains(says), "{}", err.why);
            assert!(scene.instances().is_empty());
        }
        for instances in [0, 65] {
            let err = scene
                .refused(&scene.target_of(&["true"], instances), "1.0.0", Start)
                .await;
            assert!(err.why.contains("must be 1 to 64"), "{}", err.why);
        }
    })
    .await;
}

#[tokio::test]
async fn an_artifact_is_run_only_while_it_is_the_one_that_was_registered() {
    bounded(async {
        let scene = Scene::new().await;
        let program = scene.dir.path().join("program");
        std::fs::copy(TESTBED, &program).unwrap();
        let digest = Digest::of(&std::fs::read(&program).unwrap());
        let at = ArtifactAt::File {
            path: program.display().to_string(),
            digest,
        };
        let target = scene.target_of(
            &["{artifact.program}", "payment-service", "{port}", "{version}"],
            1,
        );
        let mut order = scene.order(&target, "1.0.0", None, Start);
        order.release.artifacts = vec![Artifact {
            name: "program".parse().unwrap(),
            at,
        }];
        scene.driver().apply(&order).await.unwrap();

        order.release.id = Digest::of(b"another release");
        let mut bytes = std::fs::read(&program).unwrap();
        bytes.push(0);
        std::fs::remove_file(&program).unwrap();
        std::fs::write(&program, bytes).unwrap();
        let err = scene.driver().apply(&order).await.unwrap_err();
        assert!(
            err.why.contains("is not the file that was registered"),
            "{}",
            err.why
        );
        assert_eq!(scene.pids().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn two_releases_of_one_version_are_two_releases() {
    bounded(async {
        let scene = Scene::new().await;
        let target = scene.target_of(&[TESTBED, "payment-service", "{port}", "{version}"], 1);
        scene.make_live(&target, "1.0.0").await;
        let mut order = scene.order(&target, "1.0.0", Some("1.0.0"), Start);
        order.release.id = Digest::of(b"the same label, other content");
        assert!(matches!(order.target, Target::Process(_)));
        assert!(matches!(
            scene.driver().observe(&order).await,
            Observed::NotApplied(_)
        ));
        scene.driver().apply(&order).await.unwrap();
        assert_eq!(scene.pids().len(), 2);
    })
    .await;
}
