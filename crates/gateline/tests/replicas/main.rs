//! Several servers on one PostgreSQL database, from outside: the real binary, a real balancer, a real failover.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod balancer;
#[path = "../../../gateline-store/tests/support/cluster.rs"]
mod cluster;
mod leaving;
mod moving;
mod place;
#[path = "../../../gateline-store/tests/support/pooler.rs"]
mod pooler;
#[path = "../told/mod.rs"]
mod told;

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use balancer::{Balancer, Watch};
use cluster::{Cluster, Database};
use place::{GATELINE, PASSWORD, Place, SIMPLE, all, eventually};
use told::{Told, line};

#[test]
fn three_servers_are_one_and_a_watch_outlives_the_one_that_it_was_on() {
    let database = Database::new();
    let pooler = pooler::Pooler::to(database.port);
    let (direct, pooled) = (database.url(), pooler.url(&database.name));
    // One of them comes through a pooler: it is told of nothing, and looks.
    let mut place = Place::start(&[direct.clone(), direct.clone(), pooled]);
    let balancer = Balancer::before(place.dir.path(), &place.replicas);
    let token = std::fs::read_to_string(&place.token).unwrap();
    let watch = Watch::begin(balancer.port, &token);
    place.apply(balancer.port, SIMPLE);
    place.release(balancer.port, "1.0.0");
    place.becomes(balancer.port, "1.0.0", "verified");
    let server = eventually("the watch is on a server", || watch.server());
    let victim: usize = server.strip_prefix('r').unwrap().parse().unwrap();
    place.replicas[victim].kill();
    for version in ["1.1.0", "1.2.0"] {
        place.release(balancer.port, version);
        place.becomes(balancer.port, version, "verified");
    }
    let survivor = place
        .replicas
        .iter()
        .enumerate()
        .find(|(number, _)| *number != victim)
        .unwrap()
        .1;
    let log = place.ok(survivor.port, &["log", "--json", "--limit", "1"]);
    let log: serde_json::Value = serde_json::from_str(&log).unwrap();
    let last = log["events"][0]["number"].as_u64().unwrap();
    eventually("the watch has heard everything", || {
        (watch.heard().last() == Some(&last)).then_some(())
    });
    watch.done.store(true, Ordering::SeqCst);
    assert_eq!(
        watch.heard(),
        (0..=last).collect::<Vec<_>>(),
        "each once, in order"
    );
    let servers: BTreeSet<String> = watch.served_by.lock().unwrap().iter().cloned().collect();
    assert!(servers.len() > 1, "it went on at another server: {servers:?}");
    assert!(place.doctor(&direct).contains("events hash and fold"));
}

#[test]
fn a_promotion_is_finished_by_another_server_when_the_one_that_had_it_is_killed() {
    let database = Database::new();
    let mut place = Place::start(&[database.url(), database.url()]);
    let dir = place.dir.path().join("target");
    std::fs::create_dir_all(&dir).unwrap();
    let at = dir.display();
    // The first to apply says whose child it is, and stands still for longer than any lease.
    let apply = format!(
        "if mkdir {at}/first; then echo $PPID > {at}/tmp; mv {at}/tmp {at}/holder; sleep 600; fi 2> /dev/null; \
         echo $GATELINE_VERSION-$GATELINE_ACTION >> {at}/applied"
    );
    let observe = format!("grep -qx $GATELINE_VERSION-$GATELINE_ACTION {at}/applied 2> /dev/null || exit 1");
    let sh = |script: &str| format!("[/bin/sh, -c, {script:?}]");
    let target = format!(
        "{{command: {{apply: {}, observe: {}, health: [/bin/true]}}}}",
        sh(&apply),
        sh(&observe)
    );
    let port = place.replicas[0].port;
    place.apply(port, &target);
    place.release(port, "1.0.0");
    let holder = eventually("a server applies the first step", || {
        std::fs::read_to_string(dir.join("holder"))
            .ok()?
            .trim()
            .parse::<u32>()
            .ok()
    });
    let victim = place
        .replicas
        .iter()
        .position(|replica| replica.child.id() == holder);
    let victim = victim.expect("the command is the server's own child");
    place.replicas[victim].kill();
    let survivor = place.replicas[1 - victim].port;
    place.becomes(survivor, "1.0.0", "verified");
    let applied = std::fs::read_to_string(dir.join("applied")).unwrap();
    let lines: Vec<&str> = applied.lines().collect();
    let once: BTreeSet<&str> = lines.iter().copied().collect();
    assert_eq!(lines.len(), once.len(), "no step is applied twice: {applied}");
    assert!(place.doctor(&database.url()).contains("events hash and fold"));
}

#[test]
fn a_server_whose_database_is_gone_says_so_and_comes_back_and_tells_no_password() {
    let cluster = Cluster::start(&[("fsync", "on")]);
    cluster.psql(&format!("CREATE ROLE ana LOGIN PASSWORD '{PASSWORD}'"));
    cluster.psql("CREATE DATABASE gateline OWNER ana");
    let hba = cluster.data().join("pg_hba.conf");
    std::fs::write(
        hba,
        "host all postgres all trust\nhost all all all scram-sha-256\n",
    )
    .unwrap();
    cluster.psql("SELECT pg_reload_conf()");
    let store = format!(
        "postgres://ana@127.0.0.1:{}/gateline?password=env:GATELINE_TEST_PASSWORD",
        cluster.port
    );
    let place = Place::start(std::slice::from_ref(&store));
    let replica = &place.replicas[0];
    place.apply(replica.port, SIMPLE);
    let before = place.ok(replica.port, &["log", "--json"]);
    cluster.crash();
    eventually("it is not ready, and says since when", || {
        let answer = replica.get("/readyz");
        let silent = answer.contains("the database has not answered for");
        (answer.starts_with("HTTP/1.1 503") && silent).then_some(())
    });
    let refused = place.gateline(
        replica.port,
        &["token", "create", "bo", "--actor", "bo", "--scope", "read"],
    );
    assert!(!refused.status.success(), "nothing is decided meanwhile");
    assert!(
        all(&refused).contains("has not answered for"),
        "{}",
        all(&refused)
    );
    cluster.start_again();
    eventually("it is ready again", || {
        replica.get("/readyz").starts_with("HTTP/1.1 200").then_some(())
    });
    assert_eq!(
        place.ok(replica.port, &["log", "--json"]),
        before,
        "what was acknowledged is there"
    );
    place.release(replica.port, "1.0.0");
    place.becomes(replica.port, "1.0.0", "verified");

    let command_line = std::fs::read_to_string(format!("/proc/{}/cmdline", replica.child.id())).unwrap();
    let wrong = Command::new(GATELINE)
        .args(["serve", "--store", &store, "--dir"])
        .arg(place.dir.path().join("other"))
        .env("GATELINE_TEST_PASSWORD", format!("{PASSWORD}-wrong"))
        .output()
        .unwrap();
    assert!(!wrong.status.success());
    assert!(
        all(&wrong).contains("names the right password"),
        "{}",
        all(&wrong)
    );
    let typed = Command::new(GATELINE)
        .args([
            "serve",
            "--store",
            &format!("postgres://ana:{PASSWORD}@127.0.0.1/gateline"),
        ])
        .output()
        .unwrap();
    assert!(!typed.status.success());
    let told = [
        replica.log(),
        command_line,
        all(&wrong),
        all(&typed),
        place.doctor(&store),
        replica.get("/metrics"),
    ];
    for text in told {
        assert!(!text.contains(PASSWORD), "{text}");
    }
}

#[test]
fn what_was_acknowledged_outlives_the_primary() {
    let mut told = Told::of(
        "failover",
        "Two servers on PostgreSQL with a synchronous standby, and somebody who makes tokens at each. The primary gets SIGKILL, the standby is \
         promoted, and the old primary comes back fenced, as a standby.",
        "What was acknowledged is there at every server, and the servers find the new primary by themselves.",
    );
    let primary = Cluster::start(&[
        ("fsync", "on"),
        ("wal_level", "replica"),
        ("wal_log_hints", "on"),
        ("max_wal_senders", "5"),
    ]);
    let standby = primary.standby("second");
    primary.psql("ALTER SYSTEM SET synchronous_standby_names = 'second'");
    primary.psql("SELECT pg_reload_conf()");
    let store = format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/postgres",
        primary.port, standby.port
    );
    eventually("the standby is waited for", || {
        (primary.psql("SELECT sync_state FROM pg_stat_replication") == "sync").then_some(())
    });
    let place = Place::start(&[store.clone(), store.clone()]);
    let acknowledged: Mutex<Vec<String>> = Mutex::default();
    let done = AtomicBool::new(false);
    let declare = |writer: usize, port: u16| {
        let mut number = 0;
        while !done.load(Ordering::SeqCst) {
            number += 1;
            let name = format!("w{writer}-{number}");
            let made = place.gateline(
                port,
                &["token", "create", &name, "--actor", &name, "--scope", "read"],
            );
            if made.status.success() {
                acknowledged.lock().unwrap().push(name);
            }
        }
    };
    std::thread::scope(|scope| {
        for (writer, replica) in place.replicas.iter().enumerate() {
            scope.spawn(move || declare(writer, replica.port));
        }
        let enough = |count: usize| (acknowledged.lock().unwrap().len() >= count).then_some(());
        eventually("there is something to lose", || enough(10));
        primary.crash();
        standby.promote();
        standby.psql("ALTER SYSTEM SET synchronous_standby_names = ''");
        standby.psql("SELECT pg_reload_conf()");
        // The old primary comes back, fenced: as a standby it takes no write.
        std::fs::write(primary.data().join("standby.signal"), "").unwrap();
        primary.start_again();
        let before = acknowledged.lock().unwrap().len();
        let began = std::time::Instant::now();
        eventually("decisions go on", || enough(before + 10));
        told.saw(format!(
            "{before} tokens were acknowledged before, and ten more within {} s after the old primary was back.",
            began.elapsed().as_secs()
        ));
        done.store(true, Ordering::SeqCst);
    });
    // A server may hear of what another one acknowledged a moment later.
    for replica in &place.replicas {
        let missing = || {
            let found = place.ok(replica.port, &["token", "list", "--json"]);
            let acknowledged = acknowledged.lock().unwrap();
            acknowledged
                .iter()
                .filter(|name| !found.contains(&format!("\"{name}\"")))
                .count()
        };
        eventually("every server lists what was acknowledged", || {
            (missing() == 0).then_some(())
        });
    }
    let count = acknowledged.lock().unwrap().len();
    told.saw(format!(
        "{count} were acknowledged in all, and every server lists them."
    ));
    let examined = place.doctor(&store);
    assert!(examined.contains("events hash and fold"));
    told.saw(format!("`gateline doctor`: {}", line(&examined, "events hash")));
}
