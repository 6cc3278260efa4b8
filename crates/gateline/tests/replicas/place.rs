//! Servers on one store, and who asks them.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use super::cluster::free_port;

/// A target that takes everything at once.
pub const SIMPLE: &str = "{command: {apply: [/bin/true], health: [/bin/true]}}";

pub const GATELINE: &str = env!("CARGO_BIN_EXE_gateline");
/// How long anything here may take. Generous: a test machine may be busy, and a lease must run out.
pub const WITHIN: Duration = Duration::from_secs(120);

pub fn eventually<T>(what: &str, mut holds: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = holds() {
            return value;
        }
        assert!(began.elapsed() < WITHIN, "it never happened that {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn all(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// A server with a folder of its own.
pub struct Replica {
    pub port: u16,
    pub child: Child,
    dir: PathBuf,
    store: String,
    /// What it is started by, where it is not started directly.
    by: Vec<String>,
}

/// Starts a server's process.
fn serve(by: &[String], dir: &Path, port: u16, store: &str) -> Child {
    let log = |name: &str| {
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(dir.join(name));
        file.unwrap()
    };
    let mut command = match by.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(GATELINE);
            command
        }
        None => Command::new(GATELINE),
    };
    command
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
        .unwrap()
}

impl Replica {
    pub fn start(by: &[String], dir: &Path, name: &str, store: &str) -> Self {
        let dir = dir.join(name);
        std::fs::create_dir_all(&dir).unwrap();
        let port = free_port();
        let child = serve(by, &dir, port, store);
        let replica = Self {
            port,
            child,
            dir,
            store: store.to_owned(),
            by: by.to_vec(),
        };
        replica.is_up();
        replica
    }

    /// Starts it again where it was.
    pub fn start_again(&mut self) {
        self.child = serve(&self.by, &self.dir, self.port, &self.store);
        self.is_up();
    }

    fn is_up(&self) {
        eventually("the server is ready", || {
            self.get("/readyz").starts_with("HTTP/1.1 200").then_some(())
        });
    }

    pub fn log(&self) -> String {
        let text = |name: &str| std::fs::read_to_string(self.dir.join(name)).unwrap_or_default();
        text("stdout") + &text("stderr")
    }

    /// The whole answer to a request without a body.
    pub fn get(&self, path: &str) -> String {
        get(self.port, path)
    }

    /// Sends it a signal, by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.unwrap().success(), "SIG{name}");
    }

    pub fn kill(&mut self) {
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

pub fn get(port: u16, path: &str) -> String {
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
pub struct Place {
    pub dir: tempfile::TempDir,
    pub token: PathBuf,
    pub replicas: Vec<Replica>,
}

impl Place {
    pub fn start(stores: &[String]) -> Self {
        Self::start_as(&[], stores)
    }

    /// The same, with a program in front that starts them.
    pub fn start_as(by: &[String], stores: &[String]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let replicas: Vec<Replica> = stores
            .iter()
            .enumerate()
            .map(|(number, store)| Replica::start(by, dir.path(), &format!("r{number}"), store))
            .collect();
        let token = dir.path().join("r0/admin");
        Self { dir, token, replicas }
    }

    pub fn gateline(&self, port: u16, arguments: &[&str]) -> Output {
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
    pub fn ok(&self, port: u16, arguments: &[&str]) -> String {
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

    pub fn apply(&self, port: u16, target: &str) {
        let text = format!(
            "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {{name: app, project: shop}}\nspec:\n  \
             artifacts: [{{name: app, kind: file}}]\n  stages:\n    - name: live\n      target: {target}\n"
        );
        let file = self.dir.path().join("pipeline.yaml");
        std::fs::write(&file, text).unwrap();
        self.ok(port, &["apply", "-f", file.to_str().unwrap()]);
    }

    pub fn release(&self, port: u16, version: &str) {
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

    pub fn becomes(&self, port: u16, version: &str, state: &str) {
        eventually(&format!("{version} is {state}"), || {
            let release = format!("app@{version}");
            let output = self.gateline(port, &["explain", &release, "--to", "live", "--json"]);
            let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            (found["state"] == state).then_some(())
        });
    }

    pub fn doctor(&self, store: &str) -> String {
        let output = Command::new(GATELINE)
            .args(["doctor", "--store", store])
            .env("GATELINE_TEST_PASSWORD", PASSWORD)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", all(&output));
        all(&output)
    }
}

/// The password of the tests below: it may be nowhere but where it is named.
pub const PASSWORD: &str = "canary-7f3a-password";
