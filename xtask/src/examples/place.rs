//! A server with its proxy, and copies of the services, in a folder that goes with them.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::tools::{self, Tools};
use crate::shell;

/// How long server and proxy may take to answer.
const UP_WITHIN: Duration = Duration::from_secs(60);
/// How long one script may take, with what it installs.
const SCRIPT_WITHIN: Duration = Duration::from_secs(15 * 60);
/// How a place on this host begins in the pipeline files.
const LOOPBACK: &str = "127.0.0.1:";

/// Everything that runs; it ends with the value.
pub struct Place {
    dir: PathBuf,
    gateline: PathBuf,
    path: std::ffi::OsString,
    url: String,
    running: Vec<Child>,
    token: String,
}

/// How a script ended.
pub struct Ended {
    pub code: Option<i32>,
    /// What it wrote, both ways.
    pub said: String,
}

impl Place {
    /// Starts a server and a proxy in a fresh folder.
    ///
    /// # Errors
    /// What could not be started.
    pub fn open(tools: &Tools) -> Result<Self, String> {
        let gateline = shell::target().join("release/gateline");
        if !gateline.is_file() {
            return Err(format!("there is no `{}`: build it first", gateline.display()));
        }
        // The control socket's path must be short, and git must find no repository around.
        let dir = std::env::temp_dir().join(format!("gateline-examples-{}", std::process::id()));
        fs::create_dir_all(&dir).map_err(|err| format!("could not make `{}`: {err}", dir.display()))?;
        let listen = format!("{LOOPBACK}{}", free_port()?);
        let mut place = Self {
            path: tools.path(&gateline)?,
            url: format!("http://{listen}"),
            running: Vec::new(),
            token: String::new(),
            dir,
            gateline,
        };
        place.start("proxy", &["proxy", "--control", "proxy.sock"])?;
        place.start(
            "serve",
            &[
                "serve",
                "--listen",
                &listen,
                "--dir",
                "data",
                "--admin-token-file",
                "admin",
            ],
        )?;
        let began = Instant::now();
        while !(place.dir.join("proxy.sock").exists() && place.gateline(&["status"])?.status.success()) {
            if began.elapsed() > UP_WITHIN {
                return Err(format!(
                    "no server came up; its words are in `{}`",
                    place.dir.display()
                ));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let scopes = ["--scope", "register", "--scope", "submit-evidence"];
        let token = place.must(&[&["token", "create", "ci", "--actor", "ci"], &scopes[..]].concat())?;
        place.token = token.trim().to_owned();
        Ok(place)
    }

    /// Brings a service's pipeline into force, with free ports in place of its own.
    ///
    /// # Errors
    /// What the command line said against it.
    pub fn apply(&self, service: &str) -> Result<(), String> {
        let file = crate::root().join("examples").join(service).join("pipeline.yaml");
        let text =
            fs::read_to_string(&file).map_err(|err| format!("could not read `{}`: {err}", file.display()))?;
        let mut parts = text.split(LOOPBACK);
        let mut written = parts.next().unwrap_or_default().to_owned();
        let mut ports: Vec<(&str, u16)> = Vec::new();
        for part in parts {
            let digits = part
                .find(|sign: char| !sign.is_ascii_digit())
                .unwrap_or(part.len());
            let (port, rest) = part.split_at(digits);
            let known = ports.iter().find(|(own, _)| *own == port).map(|(_, free)| *free);
            let free = known.map_or_else(free_port, Ok)?;
            ports.push((port, free));
            written.push_str(&format!("{LOOPBACK}{free}{rest}"));
        }
        let copy = self.dir.join(format!("{service}.yaml"));
        fs::write(&copy, written).map_err(|err| format!("could not write `{}`: {err}", copy.display()))?;
        if let Some((_, dev)) = ports.first() {
            let told = format!("http://{LOOPBACK}{dev}");
            fs::write(self.dir.join(format!("{service}.dev")), told).map_err(|err| err.to_string())?;
        }
        let copy = copy.display().to_string();
        self.must(&["lint", &copy])?;
        self.must(&["apply", "-f", &copy]).map(drop)
    }

    /// Copies a service's files for one release and plants what is wrong with it; does nothing where that was done before.
    ///
    /// # Errors
    /// What could not be copied or planted.
    pub fn bring(&self, service: &str, version: &str, planted: Option<&str>) -> Result<(), String> {
        let from = crate::root().join("examples").join(service);
        let to = self.of(service, version);
        if to.exists() {
            return Ok(());
        }
        println!(
            "\n-- {service} {version}{}",
            planted.map_or(String::new(), |patch| format!(" with {patch}"))
        );
        copy(&from, &to).map_err(|err| format!("could not copy `{}`: {err}", from.display()))?;
        let Some(patch) = planted else {
            return Ok(());
        };
        let mut apply = Command::new("git");
        apply
            .arg("-C")
            .arg(&to)
            .arg("apply")
            .arg(from.join("planted").join(patch));
        shell::must(&mut apply).map(drop)
    }

    /// Runs the script of a stage.
    ///
    /// # Errors
    /// When it does not end in time. What it ends with is for its reader to judge.
    pub fn look(&self, service: &str, version: &str, stage: &str) -> Result<Ended, String> {
        let dev = fs::read_to_string(self.dir.join(format!("{service}.dev"))).unwrap_or_default();
        let mut script = Command::new(self.of(service, version).join(format!("ci/{stage}.sh")));
        script
            .arg(version)
            .env("PATH", &self.path)
            .env("GATELINE_SERVER", &self.url)
            .env("GATELINE_TOKEN", &self.token)
            .env("DEV_URL", dev)
            .env("CARGO_TARGET_DIR", tools::folder().join("rust"))
            .env("npm_config_cache", tools::folder().join("npm"))
            .env("NO_COLOR", "1");
        let ran = shell::run(&mut script, Some(SCRIPT_WITHIN))?;
        Ok(Ended {
            code: ran.status.code(),
            said: [ran.out, ran.err].concat().join("\n"),
        })
    }

    /// The copy of a service for one release.
    fn of(&self, service: &str, version: &str) -> PathBuf {
        self.dir.join(format!("{service}-{version}"))
    }

    fn start(&mut self, name: &str, args: &[&str]) -> Result<(), String> {
        let log = fs::File::create(self.dir.join(format!("{name}.log")));
        let log = log.map_err(|err| format!("could not write in `{}`: {err}", self.dir.display()))?;
        let mut command = Command::new(&self.gateline);
        command.current_dir(&self.dir).args(args).env("PATH", &self.path);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command
            .spawn()
            .map_err(|err| format!("could not start `gateline {name}`: {err}"))?;
        self.running.push(child);
        Ok(())
    }

    /// The command line, as an administrator.
    fn gateline(&self, args: &[&str]) -> Result<Output, String> {
        let mut command = Command::new(&self.gateline);
        command
            .current_dir(&self.dir)
            .args(args)
            .args(["--server", &self.url, "--token", "file:admin"]);
        command.env_remove("GATELINE_TOKEN").stdin(Stdio::null());
        command
            .output()
            .map_err(|err| format!("could not start `gateline`: {err}"))
    }

    fn must(&self, args: &[&str]) -> Result<String, String> {
        let output = self.gateline(args)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!(
            "`gateline {}` ended with {}: {said}",
            args.join(" "),
            output.status
        ))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for child in self.running.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // The services outlive the server by design; here the whole place is cleared.
        let mut records = Vec::new();
        let _ = walk(&self.dir.join("data"), &mut |path| records.push(path.to_owned()));
        for record in records.iter().filter_map(|path| fs::read(path).ok()) {
            if let Ok(record) = serde_json::from_slice::<Value>(&record) {
                end_service(&record);
            }
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Ends the process of a record, if it is still the one that was started.
fn end_service(record: &Value) {
    let (Some(pid), Some(nonce)) = (record["process"]["pid"].as_u64(), record["nonce"].as_str()) else {
        return;
    };
    let is_it = fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environ| String::from_utf8_lossy(&environ).contains(&format!("GATELINE_NONCE={nonce}")));
    if is_it {
        let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    }
}

fn free_port() -> Result<u16, String> {
    let bound = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).and_then(|bound| bound.local_addr());
    bound
        .map(|address| address.port())
        .map_err(|err| format!("no port is free: {err}"))
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn walk(folder: &Path, each: &mut impl FnMut(&Path)) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), each)?;
        } else if entry.path().extension().is_some_and(|ending| ending == "json") {
            each(&entry.path());
        }
    }
    Ok(())
}
