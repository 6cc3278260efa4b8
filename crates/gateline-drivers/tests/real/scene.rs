//! What the tests of processes and proxy share: a proxy of their own, a state folder, and the certainty that every
//! process that was started is gone at the end.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gateline_drivers::payment_service::{Load, Running};
use gateline_drivers::process::{Instance, ProcessDriver};
use gateline_drivers::proxy::{ProxyClient, View};
use gateline_drivers::{Observed, StepError};
use gateline_model::{
    Digest, ProcessTarget, Proxy, ReleaseBrief, Span, StageRef, StepAction, StepOrder, Target, TargetName,
    TargetView, Weight,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub const TESTBED: &str = env!("CARGO_BIN_EXE_gateline-drivers-testbed");

/// A child process that does not outlive its test.
pub struct Guard(pub Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ends a test that hangs.
pub async fn bounded<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(90), test)
        .await
        .expect("the test hangs")
}

/// Waits until something is true.
pub async fn until<F: Future<Output = bool>>(mut is_so: impl FnMut() -> F) {
    while !is_so().await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An address that nobody listens on. Each test process has a host of its own, so that tests that run at once cannot
/// take each other's ports.
pub fn free_address() -> SocketAddr {
    let [.., a, b] = std::process::id().to_be_bytes();
    let listener = std::net::TcpListener::bind((Ipv4Addr::new(127, 1 + a / 2, b, 1 + a % 2), 0));
    listener.unwrap().local_addr().unwrap()
}

pub fn testbed(args: &[&str]) -> Guard {
    let child = Command::new(TESTBED)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    Guard(child)
}

/// One request on a connection of its own: the status and the whole answer, or none.
pub async fn ask(address: SocketAddr, request: &str) -> Option<(u16, String)> {
    ask_with(address, request, "").await
}

/// The same with headers, each with its line end.
pub async fn ask_with(address: SocketAddr, request: &str, headers: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!(
        "{request} HTTP/1.1\r\nHost: shop\r\n{headers}Connection: close\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer))
}

/// A payment service that is up.
pub async fn payment_service(version: &str, more: &[&str]) -> (Guard, SocketAddr) {
    loop {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
            .to_string();
        let address = format!("127.0.0.1:{port}").parse().unwrap();
        let mut guard = testbed(&[&["payment-service", &port, version], more].concat());
        // It ends by itself when another program was faster to take the port.
        while guard.0.try_wait().unwrap().is_none() {
            if ask(address, "GET /version")
                .await
                .is_some_and(|(_, answer)| answer.ends_with(&format!("{version}\n")))
            {
                return (guard, address);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

pub async fn proxy_at(control: &Path) -> Guard {
    let guard = testbed(&["proxy", control.to_str().unwrap()]);
    until(|| async { ProxyClient::connect(control).await.is_ok() }).await;
    guard
}

/// A proxy, a driver and one target.
pub struct Scene {
    pub dir: tempfile::TempDir,
    pub proxy: Guard,
    pub listen: SocketAddr,
}

impl Drop for Scene {
    fn drop(&mut self) {
        for Instance { process, .. } in self.instances() {
            if let Some(process) = process {
                let group = format!("-{}", process.pid);
                let _ = Command::new("kill")
                    .args(["-KILL", "--", &group])
                    .stderr(Stdio::null())
                    .status();
            }
        }
    }
}

impl Scene {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let proxy = proxy_at(&dir.path().join("control")).await;
        Self {
            dir,
            proxy,
            listen: free_address(),
        }
    }

    pub fn control(&self) -> PathBuf {
        self.dir.path().join("control")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub fn folder(&self) -> PathBuf {
        self.state_dir().join("payments~production")
    }

    pub fn driver(&self) -> ProcessDriver {
        ProcessDriver {
            state_dir: self.state_dir(),
        }
    }

    /// The records, as any other program would read them.
    pub fn instances(&self) -> Vec<Instance> {
        let Ok(entries) = std::fs::read_dir(self.folder()) else {
            return Vec::new();
        };
        let paths = entries.map(|entry| entry.unwrap().path());
        let records = paths.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
        records
            .filter_map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).ok())
            .collect()
    }

    pub fn pids(&self) -> Vec<i32> {
        let mut pids: Vec<i32> = self
            .instances()
            .iter()
            .filter_map(|instance| Some(instance.process.as_ref()?.pid))
            .collect();
        pids.sort_unstable();
        pids
    }

    /// A target of two payment services per release.
    pub fn target(&self) -> ProcessTarget {
        self.target_of(&[TESTBED, "payment-service", "{port}", "{version}"], 2)
    }

    pub fn target_of(&self, command: &[&str], instances: u32) -> ProcessTarget {
        ProcessTarget {
            command: command.iter().map(|text| (*text).to_owned()).collect(),
            instances,
            env: Default::default(),
            listen: self.listen,
            proxy: Proxy::Own(self.control().display().to_string()),
            cohort: None,
            sticky: None,
            health: "/healthz".to_owned(),
            start_timeout: Span::from_secs(30),
            drain: Span::from_secs(20),
        }
    }

    pub fn order(
        &self,
        target: &ProcessTarget,
        release: &str,
        live: Option<&str>,
        action: StepAction,
    ) -> StepOrder {
        StepOrder {
            key: format!("{release}/{action}"),
            stage: stage(),
            target_name: name(),
            target: Target::Process(target.clone()),
            release: brief(release),
            live: live.map(brief),
            action,
            degrade: None,
        }
    }

    pub fn view(&self, target: &ProcessTarget, release: &str) -> TargetView {
        TargetView {
            target_name: name(),
            target: Target::Process(target.clone()),
            release: brief(release),
        }
    }

    /// Makes each step true, looking before and after, and does it once more: nothing may change by that.
    pub async fn go(
        &self,
        target: &ProcessTarget,
        release: &str,
        live: Option<&str>,
        actions: &[StepAction],
    ) {
        let driver = self.driver();
        for action in actions {
            let order = self.order(target, release, live, *action);
            assert!(
                matches!(driver.observe(&order).await, Observed::NotApplied(_)),
                "before {action}"
            );
            driver.apply(&order).await.unwrap();
            assert_eq!(driver.observe(&order).await, Observed::Applied, "after {action}");
            let before = (self.pids(), self.proxy_view().await.route.map(|route| route.set));
            driver.apply(&order).await.unwrap();
            let after = (self.pids(), self.proxy_view().await.route.map(|route| route.set));
            assert_eq!(before, after, "{action} twice");
        }
    }

    pub async fn refused(&self, target: &ProcessTarget, release: &str, action: StepAction) -> StepError {
        self.driver()
            .apply(&self.order(target, release, None, action))
            .await
            .unwrap_err()
    }

    /// The release is live with all traffic.
    pub async fn make_live(&self, target: &ProcessTarget, release: &str) {
        self.go(
            target,
            release,
            None,
            &[StepAction::Start, expose(100), StepAction::Finish],
        )
        .await;
    }

    pub async fn proxy_view(&self) -> View {
        ProxyClient::connect(&self.control())
            .await
            .unwrap()
            .get(name().as_str())
            .await
            .unwrap()
    }

    pub fn load(&self, rps: u32) -> Running {
        Load {
            url: format!("http://{}/pay", self.listen),
            rps,
        }
        .start()
        .unwrap()
    }

    /// Waits until so many more requests were answered.
    pub async fn answered(&self, load: &Running, more: u64) {
        let begin = load.totals();
        until(|| async { load.totals().ok + load.totals().bad >= begin.ok + begin.bad + more }).await;
    }
}

pub fn expose(percent: u8) -> StepAction {
    StepAction::expose(Weight::percent(percent))
}

pub fn brief(version: &str) -> ReleaseBrief {
    ReleaseBrief {
        id: Digest::of(version.as_bytes()),
        version: version.parse().unwrap(),
        artifacts: Vec::new(),
    }
}

pub fn name() -> TargetName {
    "payments/production".parse().unwrap()
}

fn stage() -> StageRef {
    StageRef {
        project: "payments".parse().unwrap(),
        pipeline: "payment-service".parse().unwrap(),
        stage: "production".parse().unwrap(),
    }
}

pub fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z"))
}
