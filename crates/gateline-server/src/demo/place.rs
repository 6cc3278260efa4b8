//! The place: folder, server, proxy, load, and the command line in it. Ends everything that it started.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use gateline_drivers::payment_service::{Load, Running, Totals};
use gateline_drivers::process::ProcessDriver;
use tokio::process::{Child, Command};

use super::DemoError;
use super::client::Client;
use crate::serve;

/// How long the server or the proxy may take to answer.
const UP_WITHIN: Duration = Duration::from_secs(20);
/// How long one command line may take.
const COMMAND_WITHIN: Duration = Duration::from_secs(60);

pub(super) struct Place {
    dir: PathBuf,
    gateline: PathBuf,
    listen: SocketAddr,
    stages: [SocketAddr; 3],
    server: Option<Child>,
    proxy: Child,
    customers: Option<Running>,
    /// Whether the folder goes with the end.
    fleeting: bool,
}

impl Place {
    /// Makes the folder, starts the proxy and the server, and stores the pipeline.
    pub(super) async fn open(dir: Option<PathBuf>, once: bool, pipeline: &str) -> Result<Self, DemoError> {
        let fleeting = dir.is_none();
        let dir =
            dir.unwrap_or_else(|| std::env::temp_dir().join(format!("gateline-demo-{}", std::process::id())));
        std::fs::create_dir_all(&dir)
            .map_err(|err| DemoError::place(format!("make {}", dir.display()), err))?;
        let gateline =
            std::env::current_exe().map_err(|err| DemoError::place("find the gateline binary", err))?;
        let [dev, staging, production, free] = free_addresses()?;
        // A person finds the usual address; an unattended run must not depend on it.
        let usual = crate::serve::LISTEN_DEFAULT.parse().unwrap_or(free);
        let listen = if !once && TcpListener::bind(usual).is_ok() {
            usual
        } else {
            free
        };
        let proxy = detached(&gateline, &dir, "proxy")
            .args(["proxy", "--control"])
            .arg(dir.join("proxy.sock"))
            .spawn()
            .map_err(|err| DemoError::place("start the proxy", err))?;
        let mut place = Self {
            dir,
            gateline,
            listen,
            stages: [dev, staging, production],
            server: None,
            proxy,
            customers: None,
            fleeting,
        };
        let socket = place.dir.join("proxy.sock");
        wait_for("the proxy", || socket.exists()).await?;
        place.start_server().await?;
        let pipeline = place.write_pipeline(pipeline)?;
        place
            .gateline(&["apply", "-f", &pipeline.display().to_string()])
            .await?;
        place.make_approver().await?;
        Ok(place)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn token_file(&self) -> PathBuf {
        self.dir.join("admin.token")
    }

    pub(super) fn approver_file(&self) -> PathBuf {
        self.dir.join("bo.token")
    }

    pub(super) fn client(&self) -> Result<Client, DemoError> {
        let token = std::fs::read_to_string(self.token_file());
        Client::new(
            self.url(),
            token.map_err(|err| DemoError::place("read the first token", err))?,
        )
    }

    /// Starts `gateline serve` and waits until it is ready.
    pub(super) async fn start_server(&mut self) -> Result<(), DemoError> {
        let server = detached(&self.gateline, &self.dir, "server")
            .arg("serve")
            .arg("--dir")
            .arg(&self.dir)
            .args(["--listen", &self.listen.to_string()])
            .arg("--admin-token-file")
            .arg(self.token_file())
            .spawn()
            .map_err(|err| DemoError::place("start the server", err))?;
        self.server = Some(server);
        let (url, began) = (format!("{}/readyz", self.url()), Instant::now());
        while began.elapsed() < UP_WITHIN {
            if reqwest::get(&url)
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let log = std::fs::read_to_string(self.dir.join("server.log")).unwrap_or_default();
        Err(DemoError::place(
            "reach the server",
            format!("it is not ready after {UP_WITHIN:?}; it said:\n{log}"),
        ))
    }

    /// Kills the server as a power cut would: no signal that it could handle.
    pub(super) async fn kill_server(&mut self) -> Result<(), DemoError> {
        if let Some(mut server) = self.server.take() {
            server
                .kill()
                .await
                .map_err(|err| DemoError::place("kill the server", err))?;
        }
        Ok(())
    }

    fn write_pipeline(&self, text: &str) -> Result<PathBuf, DemoError> {
        let [dev, staging, production] = self.stages;
        let text = text
            .replace("@GATELINE@", &self.gateline.display().to_string())
            .replace("@DIR@", &self.dir.display().to_string())
            .replace("@DEV@", &dev.to_string())
            .replace("@STAGING@", &staging.to_string())
            .replace("@PRODUCTION@", &production.to_string());
        self.write("pipeline.yaml", text.as_bytes())
    }

    /// Somebody else than the admin, who may approve for the tech leads.
    async fn make_approver(&self) -> Result<(), DemoError> {
        let made = self
            .gateline(&[
                "token",
                "create",
                "bo",
                "--actor",
                "bo",
                "--scope",
                "approve",
                "--group",
                "tech-lead",
                "--json",
            ])
            .await?;
        let made: serde_json::Value =
            serde_json::from_str(&made).map_err(|err| DemoError::place("read the new token", err))?;
        let secret = made["token"].as_str().unwrap_or_default();
        let path = self.approver_file();
        let written = serve::private(&path, serve::Existing::Refuse)
            .and_then(|mut file| std::io::Write::write_all(&mut file, secret.as_bytes()));
        written.map_err(|err| DemoError::place(format!("write {}", path.display()), err))
    }

    /// Writes a file into the folder.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, DemoError> {
        let path = self.dir.join(name);
        let folder = path.parent().unwrap_or(&self.dir);
        let done = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, bytes));
        done.map_err(|err| DemoError::place(format!("write {}", path.display()), err))?;
        Ok(path)
    }

    /// Runs the command line as the admin.
    pub(super) async fn gateline(&self, arguments: &[&str]) -> Result<String, DemoError> {
        self.gateline_as(&self.token_file(), arguments).await
    }

    /// Runs the command line with the token in this file.
    pub(super) async fn gateline_as(&self, token: &Path, arguments: &[&str]) -> Result<String, DemoError> {
        let run = Command::new(&self.gateline)
            .args(arguments)
            .env("GATELINE_SERVER", self.url())
            .arg("--token")
            .arg(format!("file:{}", token.display()))
            .env("GATELINE_PROJECT", "payments")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let command = arguments.join(" ");
        let output = tokio::time::timeout(COMMAND_WITHIN, run)
            .await
            .map_err(|_| DemoError::place(format!("run `gateline {command}`"), "it does not end"))?
            .map_err(|err| DemoError::place(format!("run `gateline {command}`"), err))?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(stdout);
        }
        let said = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
        Err(DemoError::CommandLine {
            command,
            status: output.status.to_string(),
            output: said,
        })
    }

    /// Lets customers in: so many requests a second to production from now on.
    pub(super) fn let_customers_in(&mut self, rps: u32) -> Result<(), DemoError> {
        let load = Load {
            url: format!("http://{}/pay", self.stages[2]),
            rps,
        };
        self.customers = Some(
            load.start()
                .map_err(|err| DemoError::place("send requests", err))?,
        );
        Ok(())
    }

    /// What became of the customers' requests so far.
    pub(super) fn customers(&self) -> Totals {
        self.customers.as_ref().map(Running::totals).unwrap_or_default()
    }

    /// Ends the customers, the server, the services and the proxy; removes a folder of its own.
    pub(super) async fn close(&mut self) {
        if let Some(customers) = self.customers.take() {
            customers.stop().await;
        }
        let _ = self.kill_server().await;
        // The services outlive the server by design; here the whole place is cleared.
        let processes = ProcessDriver {
            state_dir: self.dir.join("processes"),
        };
        if let Err(err) = processes.end_all().await {
            eprintln!("Could not end the services: {err}");
        }
        let _ = self.proxy.kill().await;
        if self.fleeting {
            // What is left in the temporary folder does no harm.
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// A process of its own group, so that Ctrl-C reaches only the supervisor; its output goes to a file.
fn detached(gateline: &Path, dir: &Path, name: &str) -> Command {
    let mut command = Command::new(gateline);
    let log = || {
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(dir.join(format!("{name}.log")))
    };
    let to = |file: std::io::Result<std::fs::File>| file.map_or_else(|_| Stdio::null(), Stdio::from);
    command
        .stdin(Stdio::null())
        .stdout(to(log()))
        .stderr(to(log()))
        .process_group(0)
        .kill_on_drop(true);
    command
}

async fn wait_for(what: &str, is_there: impl Fn() -> bool) -> Result<(), DemoError> {
    let began = Instant::now();
    while began.elapsed() < UP_WITHIN {
        if is_there() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(DemoError::place(
        format!("reach {what}"),
        format!("it is not there after {UP_WITHIN:?}"),
    ))
}

/// Addresses on this host that nobody has now.
fn free_addresses() -> Result<[SocketAddr; 4], DemoError> {
    let fail = |err| DemoError::place("find free ports", err);
    let mut taken = Vec::new();
    for _ in 0..4 {
        taken.push(TcpListener::bind("127.0.0.1:0").map_err(fail)?);
    }
    let mut addresses = Vec::new();
    for listener in &taken {
        addresses.push(listener.local_addr().map_err(fail)?);
    }
    addresses
        .try_into()
        .map_err(|_| DemoError::place("find free ports", "there are too few"))
}
