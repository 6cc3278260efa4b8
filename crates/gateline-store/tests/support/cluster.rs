//! PostgreSQL servers of the tests: real ones, in temporary folders, run by somebody who is not root.
//!
//! [`Database::new`] is a database of its own on a server that all tests share: the first test that needs it starts it, and
//! it ends by itself when nobody has used it for a while. [`Cluster`] is a server of one test, to be stopped and killed.

#![expect(dead_code, reason = "each crate that includes this uses its part of it")]

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Settings of every server here. Crashes of a server are tested with those that override `fsync`.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("shared_buffers", "32MB"),
    ("max_connections", "200"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
];

/// Where PostgreSQL's own programs are, if it is installed.
pub fn find_programs() -> Option<PathBuf> {
    // All of them: a folder may have a link to one.
    let has = |dir: &PathBuf| {
        ["initdb", "pg_ctl", "psql", "pg_isready"]
            .iter()
            .all(|name| dir.join(name).is_file())
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut debian: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| {
            versions
                .flatten()
                .map(|version| version.path().join("bin"))
                .collect()
        })
        .unwrap_or_default();
    debian.sort();
    places.extend(debian.into_iter().rev());
    places.into_iter().find(has)
}

/// Where PostgreSQL's own programs are.
pub fn programs() -> PathBuf {
    find_programs().unwrap_or_else(|| {
        panic!(
            "these tests start a PostgreSQL server, and there is no `initdb` in PATH or /usr/lib/postgresql/*/bin; \
             run `cargo xtask test --only install`, or install the package `postgresql-15`"
        )
    })
}

fn is_root() -> bool {
    fs::metadata("/proc/self").expect("this is Linux").uid() == 0
}

/// A command by somebody whom `initdb` takes.
pub fn as_postgres(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = if is_root() {
        let mut setpriv = Command::new("setpriv");
        setpriv
            .args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"])
            .arg(program);
        setpriv
    } else {
        Command::new(program)
    };
    command
        .stdin(Stdio::null())
        .current_dir("/")
        .env_remove("PGUSER")
        .env("LC_ALL", "C");
    command
}

fn must(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|err| panic!("{command:?}: {err}"));
    assert!(
        output.status.success(),
        "{command:?} ended with {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A port that nobody has at this moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("this host has a port");
    listener.local_addr().expect("it is bound").port()
}

/// Makes a folder that the one who runs the server owns.
fn own(dir: &Path) {
    fs::create_dir_all(dir).expect("there is room for a folder");
    if is_root() {
        must(Command::new("chown").arg("postgres:postgres").arg(dir));
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).expect("it is ours");
}

fn init(data: &Path, port: u16, settings: &[(&str, &str)]) {
    let mut initdb = as_postgres(programs().join("initdb"));
    initdb.args([
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
        "-D",
    ]);
    must(initdb.arg(data));
    let mut text = format!("port = {port}\n");
    for (name, value) in SETTINGS.iter().chain(settings) {
        text.push_str(&format!("{name} = '{value}'\n"));
    }
    let path = data.join("postgresql.conf");
    let kept = fs::read_to_string(&path).expect("initdb made it");
    fs::write(&path, kept + &text).expect("it can be written");
}

fn pg_ctl(data: &Path, args: &[&str]) -> Command {
    let mut command = as_postgres(programs().join("pg_ctl"));
    command
        .arg("-D")
        .arg(data)
        .arg("-l")
        .arg(data.join("server.log"))
        .args(args);
    // What it starts must not keep a test's own output open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn start(data: &Path) {
    let status = pg_ctl(data, &["-w", "-t", "60", "start"])
        .status()
        .expect("pg_ctl runs");
    let log = fs::read_to_string(data.join("server.log")).unwrap_or_default();
    assert!(
        status.success(),
        "the server in `{}` does not start:\n{log}",
        data.display()
    );
}

/// Runs SQL as the superuser; the unaligned answer.
pub fn psql(port: u16, database: &str, sql: &str) -> String {
    let mut psql = as_postgres(programs().join("psql"));
    psql.args([
        "-X",
        "-q",
        "-t",
        "-A",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        "127.0.0.1",
        "-U",
        "postgres",
        "-p",
    ]);
    let output = must(psql.arg(port.to_string()).args(["-d", database, "-c", sql]));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A server of one test. Gone when it is dropped.
pub struct Cluster {
    dir: PathBuf,
    pub port: u16,
}

impl Cluster {
    /// Starts one with these settings besides the usual ones.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let cluster = Self::place(free_port());
        init(&cluster.data(), cluster.port, settings);
        start(&cluster.data());
        cluster
    }

    /// A folder for one.
    fn place(port: u16) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("gateline-cluster-{}-{count}", std::process::id()));
        own(&dir);
        Self { dir, port }
    }

    /// A standby of this server, streaming from it under this name.
    pub fn standby(&self, name: &str) -> Self {
        let standby = Self::place(free_port());
        let mut backup = as_postgres(programs().join("pg_basebackup"));
        backup.args([
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-R",
            "-X",
            "stream",
            "--checkpoint=fast",
            "-p",
        ]);
        must(backup.arg(self.port.to_string()).arg("-D").arg(standby.data()));
        let append = |file: &str, text: String| {
            let path = standby.data().join(file);
            let kept = fs::read_to_string(&path).expect("the backup has it");
            fs::write(&path, kept + &text).expect("it can be written");
        };
        append("postgresql.conf", format!("port = {}\n", standby.port));
        append(
            "postgresql.auto.conf",
            format!(
                "primary_conninfo = 'host=127.0.0.1 port={} user=postgres application_name={name}'\n",
                self.port
            ),
        );
        start(&standby.data());
        standby
    }

    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        let status = pg_ctl(&self.data(), &["-w", "promote"])
            .status()
            .expect("pg_ctl runs");
        assert!(status.success(), "the standby cannot be promoted");
    }

    /// Ends the server at once, as a power failure does.
    pub fn crash(&self) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).expect("it runs");
        let pid = pid
            .lines()
            .next()
            .expect("its first line is the process")
            .to_owned();
        must(Command::new("kill").args(["-KILL", &pid]));
        // Its children end when they see it; nothing is left of it when its lock file can be taken over.
        while Path::new("/proc").join(&pid).exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// Starts it again.
    pub fn start_again(&self) {
        start(&self.data());
    }

    pub fn psql(&self, sql: &str) -> String {
        psql(self.port, "postgres", sql)
    }

    /// The address of its first database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = pg_ctl(&self.data(), &["-w", "-m", "immediate", "stop"]).status();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A database of one test. Gone when it is dropped.
pub struct Database {
    pub name: String,
    pub port: u16,
    /// Tells the shared server's guard that somebody uses it.
    _using: File,
}

impl Database {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (port, using) = shared();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        psql(
            port,
            "postgres",
            &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        );
        psql(port, "postgres", &format!("CREATE DATABASE {name}"));
        Self {
            name,
            port,
            _using: using,
        }
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{}", self.port, self.name)
    }

    pub fn psql(&self, sql: &str) -> String {
        psql(self.port, &self.name, sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A test that fails tells its own reason.
        if !std::thread::panicking() {
            psql(self.port, "postgres", &drop);
        }
    }
}

/// What ends the shared server: it takes both locks, so nobody uses it and nobody is about to.
const GUARD: &str = r#"
while sleep 10; do
    flock -x "$LOCK" flock -n -x "$USERS" sh -c '
        "$PG_CTL" -D "$DATA" -w -m immediate stop >/dev/null 2>&1; rm -rf "$DIR"'
    [ -d "$DIR" ] || exit 0
done
"#;

/// The port of the server that all tests share, and the lock that keeps it.
fn shared() -> (u16, File) {
    let temp = std::env::temp_dir();
    let name = format!(
        "gateline-postgres-{}",
        env!("CARGO_MANIFEST_DIR").replace(['/', '.'], "-")
    );
    let path = |suffix: &str| temp.join(format!("{name}{suffix}"));
    let open = |suffix: &str| {
        let file = File::options().create(true).append(true).open(path(suffix));
        let file = file.unwrap_or_else(|err| panic!("`{}`: {err}", path(suffix).display()));
        if is_root() {
            fs::set_permissions(path(suffix), fs::Permissions::from_mode(0o666)).expect("it is ours");
        }
        file
    };
    let (lock, using) = (open(".lock"), open(".users"));
    lock.lock().expect("locks work here");
    using.lock_shared().expect("locks work here");
    let (dir, data) = (path(""), path("").join("data"));
    let port = match fs::read_to_string(dir.join("port")) {
        Ok(port) if answers(&port) => port.parse().expect("it was written here"),
        Ok(_) => begin(&dir, &data, &path),
        Err(err) if err.kind() == ErrorKind::NotFound => begin(&dir, &data, &path),
        Err(err) => panic!("`{}`: {err}", dir.display()),
    };
    (port, using)
}

fn answers(port: &str) -> bool {
    let mut ready = as_postgres(programs().join("pg_isready"));
    ready.args(["-q", "-h", "127.0.0.1", "-p", port]);
    ready.status().is_ok_and(|status| status.success())
}

fn begin(dir: &Path, data: &Path, path: &dyn Fn(&str) -> PathBuf) -> u16 {
    let _ = pg_ctl(data, &["-w", "-m", "immediate", "stop"]).status();
    let _ = fs::remove_dir_all(dir);
    own(dir);
    let port = free_port();
    init(data, port, &[]);
    start(data);
    fs::write(dir.join("port"), port.to_string()).expect("it can be written");
    let mut guard = as_postgres("setsid");
    guard.arg("--fork");
    guard
        .args(["sh", "-c", GUARD])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    guard
        .env("LOCK", path(".lock"))
        .env("USERS", path(".users"))
        .env("DIR", dir)
        .env("DATA", data);
    guard.env("PG_CTL", programs().join("pg_ctl"));
    guard.status().expect("a shell runs");
    port
}
