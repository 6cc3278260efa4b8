//! Several servers on one PostgreSQL database, from outside: the real binary, a real balancer, a real failover.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "../../gateline-store/tests/support/cluster.rs"]
mod cluster;
#[path = "../../gateline-store/tests/support/pooler.rs"]
mod pooler;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cluster::{Cluster, Database, free_port};

const GATELINE: &str = env!("CARGO_BIN_EXE_gateline");
/// How long anything here may take. Generous: a test machine may be busy, and a lease must run out.
const WITHIN: Duration = Duration::from_secs(120);

fn eventually<T>(what: &str, mut holds: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = holds() {
            return value;
        }
        assert!(began.elapsed() < WITHIN, "it never happened that {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn all(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// A server with a folder of its own.
struct Replica {
    port: u16,
    child: Child,
    dir: PathBuf,
}

impl Replica {
    fn start(dir: &Path, name: &str, store: &str) -> Self {
        let dir = dir.join(name);
        std::fs::create_dir_all(&dir).unwrap();
        let port = free_port();
        let log = |name: &str| std::fs::File::create(dir.join(name)).unwrap();
        let child = Command::new(GATELINE)
            .args([
                "serve",
                "--listen",
                &format!("127.0.0.1:{port}"),
                "--store",
                store,
                "--dir",
            ])
            .arg(dir.join("data"))
            .arg("--admin-token-file")
            .arg(dir.join("admin"))
            .env("GATELINE_TEST_PASSWORD", PASSWORD)
            .stdout(log("stdout"))
            .stderr(log("stderr"))
            .spawn()
            .unwrap();
        let replica = Self { port, child, dir };
        eventually(&format!("server {name} is ready: {}", replica.log()), || {
            replica.get("/readyz").starts_with("HTTP/1.1 200").then_some(())
        });
        replica
    }

    fn log(&self) -> String {
        let text = |name: &str| std::fs::read_to_string(self.dir.join(name)).unwrap_or_default();
        text("stdout") + &text("stderr")
    }

    /// The whole answer to a request without a body.
    fn get(&self, path: &str) -> String {
        get(self.port, path)
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(port: u16, path: &str) -> String {
    let ask = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )?;
        std::io::read_to_string(stream)
    };
    ask().unwrap_or_default()
}

/// Several servers on one store, and somebody with the first token.
struct Place {
    dir: tempfile::TempDir,
    token: PathBuf,
    replicas: Vec<Replica>,
}

impl Place {
    fn start(stores: &[String]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let replicas: Vec<Replica> = stores
            .iter()
            .enumerate()
            .map(|(number, store)| Replica::start(dir.path(), &format!("r{number}"), store))
            .collect();
        let token = dir.path().join("r0/admin");
        Self { dir, token, replicas }
    }

    fn gateline(&self, port: u16, arguments: &[&str]) -> Output {
        Command::new(GATELINE)
            .args(arguments)
            .arg("--token")
            .arg(format!("file:{}", self.token.display()))
            .env("GATELINE_SERVER", format!("http://127.0.0.1:{port}"))
            .env("GATELINE_PROJECT", "shop")
            .output()
            .unwrap()
    }

    /// Runs a verb until it succeeds: a server may not have heard yet what another one did.
    fn ok(&self, port: u16, arguments: &[&str]) -> String {
        let last = std::cell::RefCell::new(String::new());
        let began = Instant::now();
        loop {
            let output = self.gateline(port, arguments);
            if output.status.success() {
                return String::from_utf8(output.stdout).unwrap();
            }
            *last.borrow_mut() = all(&output);
            assert!(began.elapsed() < WITHIN, "{arguments:?}: {}", last.borrow());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn apply(&self, port: u16, target: &str) {
        let text = format!(
            "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {{name: app, project: shop}}\nspec:\n  \
             artifacts: [{{name: app, kind: file}}]\n  stages:\n    - name: live\n      target: {target}\n"
        );
        let file = self.dir.path().join("pipeline.yaml");
        std::fs::write(&file, text).unwrap();
        self.ok(port, &["apply", "-f", file.to_str().unwrap()]);
    }

    fn release(&self, port: u16, version: &str) {
        let file = self.dir.path().join(format!("app-{version}"));
        std::fs::write(&file, version).unwrap();
        let artifact = format!("app=file:{}", file.display());
        self.ok(
            port,
            &[
                "release",
                "create",
                &format!("app@{version}"),
                "--artifact",
                &artifact,
            ],
        );
    }

    fn becomes(&self, port: u16, version: &str, state: &str) {
        eventually(&format!("{version} is {state}"), || {
            let release = format!("app@{version}");
            let output = self.gateline(port, &["explain", &release, "--to", "live", "--json"]);
            let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            (found["state"] == state).then_some(())
        });
    }

    fn doctor(&self, store: &str) -> String {
        let output = Command::new(GATELINE)
            .args(["doctor", "--store", store])
            .env("GATELINE_TEST_PASSWORD", PASSWORD)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", all(&output));
        all(&output)
    }
}

/// HAProxy in front of some servers: asks each whether it is ready, and says which one answered.
struct Balancer {
    port: u16,
    child: Child,
}

impl Balancer {
    fn before(dir: &Path, replicas: &[Replica]) -> Self {
        let port = free_port();
        let mut text = format!(
            "defaults\n  mode http\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\n  retries 3\n  \
             option redispatch\n  retry-on conn-failure empty-response\nlisten gateline\n  bind 127.0.0.1:{port}\n  \
             balance roundrobin\n  option httpchk GET /readyz\n  http-response set-header x-served-by %s\n"
        );
        for (number, replica) in replicas.iter().enumerate() {
            text.push_str(&format!(
                "  server r{number} 127.0.0.1:{} check inter 200ms fall 1 rise 1\n",
                replica.port
            ));
        }
        let file = dir.join("haproxy.cfg");
        std::fs::write(&file, text).unwrap();
        let child = Command::new("haproxy")
            .arg("-f")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`haproxy` is there after `cargo xtask test --only install`");
        let balancer = Self { port, child };
        eventually("the balancer answers", || {
            get(port, "/readyz").starts_with("HTTP/1.1 200").then_some(())
        });
        balancer
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who watches the log through a balancer, and comes back with what he heard last.
#[derive(Default)]
struct Watch {
    numbers: Mutex<Vec<u64>>,
    served_by: Mutex<Vec<String>>,
    done: AtomicBool,
}

impl Watch {
    fn begin(port: u16, token: &str) -> Arc<Self> {
        let watch = Arc::new(Self::default());
        let (watching, token) = (watch.clone(), token.to_owned());
        std::thread::spawn(move || {
            while !watching.done.load(Ordering::SeqCst) {
                let _ = watching.once(port, &token);
            }
        });
        watch
    }

    /// One connection, until it ends.
    fn once(&self, port: u16, token: &str) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        let from = match self.numbers.lock().unwrap().last() {
            Some(last) => format!("Last-Event-ID: {last}\r\n"),
            None => String::new(),
        };
        write!(
            stream,
            "GET /api/events?from=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{from}\r\n"
        )?;
        for line in BufReader::new(stream).lines() {
            let line = line?;
            if let Some(server) = line.strip_prefix("x-served-by: ") {
                self.served_by.lock().unwrap().push(server.to_owned());
            }
            if let Some(number) = line.strip_prefix("id:") {
                self.numbers.lock().unwrap().push(number.trim().parse().unwrap());
            }
        }
        Ok(())
    }

    fn server(&self) -> Option<String> {
        self.served_by.lock().unwrap().last().cloned()
    }

    fn heard(&self) -> Vec<u64> {
        self.numbers.lock().unwrap().clone()
    }
}

const SIMPLE: &str = "{command: {apply: [/bin/true], health: [/bin/true]}}";

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

/// The password of the tests below: it may be nowhere but where it is named.
const PASSWORD: &str = "canary-7f3a-password";

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
    let answer = eventually("it is not ready", || {
        let answer = replica.get("/readyz");
        answer.starts_with("HTTP/1.1 503").then_some(answer)
    });
    assert!(answer.contains("the database has not answered for"), "{answer}");
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
        eventually("decisions go on", || enough(before + 10));
        done.store(true, Ordering::SeqCst);
    });
    let found = place.ok(place.replicas[0].port, &["token", "list", "--json"]);
    for name in acknowledged.lock().unwrap().iter() {
        assert!(
            found.contains(&format!("\"{name}\"")),
            "{name} was acknowledged and is lost"
        );
    }
    assert!(place.doctor(&store).contains("events hash and fold"));
}
