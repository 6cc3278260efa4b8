//! Traffic: the proxy of a target, whichever it is, looked at and told.
//!
//! One folder for each proxy that is not Gateline's own. They are all told in the same order: backends join, requests are
//! shared out anew, backends leave; and each is looked at before and after. Knows no processes, only the addresses of
//! their records.

mod envoy;
mod haproxy;
mod kept;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use gateline_model::{Arm, Digest, OtherProxy, ProcessTarget, Proxy, ReleaseId, TargetName, Tick};
use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

pub use haproxy::REPLY_BYTES_MAX as HAPROXY_REPLY_BYTES_MAX;

use self::kept::Kept;
use super::health;
use super::instance::{Folder, Instance};
use crate::StepError;
use crate::proxy::{Arms, ClientError, Counts, ProxyClient, Route, RouteView, View};

/// How long a proxy may take until it shows what it was told.
pub const TOLD_WITHIN: Duration = Duration::from_secs(10);
/// Longest time for one answer of a proxy.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Time between two looks.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);

impl From<ClientError> for StepError {
    fn from(err: ClientError) -> Self {
        match err {
            ClientError::Unreachable { .. } | ClientError::Refused { .. } => StepError::failed(err),
            ClientError::NoAnswer { .. } => StepError::unknown(err),
        }
    }
}

/// The traffic of one target.
#[derive(Debug, Clone)]
pub(super) struct Traffic<'a> {
    pub(super) target: &'a ProcessTarget,
    pub(super) name: &'a TargetName,
    pub(super) folder: Folder,
}

/// What a proxy that is not Gateline's own shows of a target's traffic.
#[derive(Debug)]
struct Shown {
    /// None where it serves no release.
    arms: Option<Arms>,
    /// When it began to run, in seconds: what it counted in another run cannot be compared.
    started: i64,
    /// What it has counted in this run, for whomever.
    stable: Counts,
    canary: Counts,
    /// Requests in flight, also at backends that are leaving.
    in_flight: BTreeMap<SocketAddr, u64>,
}

impl Traffic<'_> {
    /// What the proxy says of the target's route.
    pub(super) async fn view(&self) -> Result<View, StepError> {
        match &self.target.proxy {
            Proxy::Own(socket) => Ok(own(socket).await?.get(self.name.as_str()).await?),
            Proxy::Other(proxy) => {
                let shown = self.shown(proxy).await?;
                self.as_view(shown).await
            }
        }
    }

    /// Whether the route is set so, and takes requests.
    pub(super) fn is_set(&self, view: &View, arms: &Arms) -> bool {
        let set = |route: &RouteView| {
            route.listening
                && route.set.listen == self.target.listen
                && self.normal(&route.set.arms) == self.normal(arms)
        };
        view.route.as_ref().is_some_and(set)
    }

    /// Sets the route, if it is not set so.
    pub(super) async fn set(&self, key: &str, arms: Arms) -> Result<(), StepError> {
        let before = self.view().await?;
        if self.is_set(&before, &arms) && !self.is_pending() {
            return Ok(());
        }
        // One step may set the route twice, when a process has died in between: other arms are another setting.
        let key = format!(
            "{}/{}",
            Digest::of(key.as_bytes()).short(),
            Digest::of_json(&arms).short()
        );
        let route = Route {
            route: self.name.to_string(),
            listen: self.target.listen,
            arms,
            key,
        };
        route.check().map_err(StepError::failed)?;
        match &self.target.proxy {
            Proxy::Own(socket) => own(socket).await?.set(&route).await.map(|_changed| ())?,
            Proxy::Other(proxy) => self.tell(proxy, Some(route)).await?,
        }
        Ok(())
    }

    /// Takes the route away, if it is there.
    pub(super) async fn remove(&self) -> Result<(), StepError> {
        match &self.target.proxy {
            Proxy::Own(socket) => {
                own(socket).await?.remove(self.name.as_str()).await?;
                Ok(())
            }
            Proxy::Other(_) if self.view().await?.route.is_none() => Ok(()),
            Proxy::Other(proxy) => self.tell(proxy, None).await,
        }
    }

    /// Whether a request that nobody in particular sends is answered with 200, all the way through the proxy.
    ///
    /// # Errors
    /// What it answered instead.
    pub(super) async fn answers(&self) -> Result<(), String> {
        health::answers(self.listen(), &self.target.health).await
    }

    /// How the proxy was set, where it shows something else by itself now: it was restarted, or somebody changed it.
    /// Gateline's own keeps its routes, and a setting that was not brought to its end is no drift.
    pub(super) fn drift(&self, view: &View) -> Option<Arms> {
        if matches!(self.target.proxy, Proxy::Own(_)) {
            return None;
        }
        let route = Kept::read(&self.folder).filter(|kept| !kept.is_pending)?.route?;
        let shown = view.route.as_ref().map(|shown| self.normal(&shown.set.arms));
        (shown != Some(self.normal(&route.arms))).then_some(route.arms)
    }

    fn is_pending(&self) -> bool {
        matches!(self.target.proxy, Proxy::Other(_))
            && Kept::read(&self.folder).is_none_or(|kept| kept.is_pending)
    }

    async fn shown(&self, proxy: &OtherProxy) -> Result<Shown, StepError> {
        match proxy {
            OtherProxy::Haproxy(settings) => haproxy::shown(settings, self.target.cohort.as_ref()).await,
            OtherProxy::Envoy(settings) => envoy::shown(settings).await,
        }
    }

    /// Tells another proxy a route, or that there is none; looks whether it has heard.
    async fn tell(&self, proxy: &OtherProxy, route: Option<Route>) -> Result<(), StepError> {
        let kept = |err| StepError::failed(format!("could not keep how `{}` is set: {err}", self.name));
        let before = Kept::read(&self.folder).unwrap_or_default();
        before.pending().write(&self.folder).map_err(kept)?;
        let arms = route.as_ref().map(|route| route.arms.clone());
        let told = arms.clone().unwrap_or_default();
        match proxy {
            OtherProxy::Haproxy(settings) => haproxy::join(settings, &told).await?,
            OtherProxy::Envoy(settings) => envoy::join(settings, &told).await?,
        }
        let joined = self.shown(proxy).await?;
        match proxy {
            OtherProxy::Haproxy(settings) => haproxy::share(settings, &told).await?,
            OtherProxy::Envoy(settings) => envoy::share(settings, &told).await?,
        }
        match proxy {
            OtherProxy::Haproxy(settings) => haproxy::leave(settings, &told).await?,
            OtherProxy::Envoy(settings) => envoy::leave(settings, &told).await?,
        }
        let deadline = Instant::now() + TOLD_WITHIN;
        let wanted = arms.as_ref().map(|arms| self.normal(arms));
        loop {
            let shown = self.shown(proxy).await?.arms;
            if shown.as_ref().map(|arms| self.normal(arms)) == wanted {
                break;
            }
            if Instant::now() >= deadline {
                return Err(StepError::unknown(format!(
                    "{} was told, and shows something else: look at its log",
                    self.target.proxy
                )));
            }
            sleep(LOOK_EVERY).await;
        }
        let unkept = |err| StepError::unknown(format!("could not keep how `{}` is set: {err}", self.name));
        before.after(route, &joined).write(&self.folder).map_err(unkept)
    }

    async fn as_view(&self, shown: Shown) -> Result<View, StepError> {
        let kept = Kept::read(&self.folder).unwrap_or_default();
        let (stable, canary) = kept.since(&shown);
        let Shown { arms, in_flight, .. } = shown;
        let Some(arms) = arms else {
            return Ok(View {
                route: None,
                in_flight,
            });
        };
        let connected = timeout(ANSWER_WITHIN, TcpStream::connect(self.listen())).await;
        let set = Route {
            route: self.name.to_string(),
            listen: self.target.listen,
            arms,
            key: kept.route.map_or_else(|| "unknown".to_owned(), |route| route.key),
        };
        let route = RouteView {
            set,
            listening: matches!(connected, Ok(Ok(_))),
            stable,
            canary,
        };
        Ok(View {
            route: Some(route),
            in_flight,
        })
    }

    fn listen(&self) -> SocketAddr {
        let mut at = self.target.listen;
        if at.ip().is_unspecified() {
            at.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        at
    }

    /// Arms as they are compared: what a proxy cannot show is left out, and others know no order of backends.
    fn normal(&self, arms: &Arms) -> Arms {
        let mut arms = arms.clone();
        let Proxy::Other(proxy) = &self.target.proxy else {
            return arms;
        };
        arms.stable.backends.sort_unstable();
        arms.canary.backends.sort_unstable();
        if matches!(proxy, OtherProxy::Haproxy(_)) {
            arms.sticky = None;
        }
        arms
    }
}

async fn own(socket: &str) -> Result<ProxyClient, ClientError> {
    ProxyClient::connect(Path::new(socket)).await
}

/// Requests in flight at these backends.
pub(super) fn in_flight(counts: &BTreeMap<SocketAddr, u64>, instances: &[Instance]) -> u64 {
    instances
        .iter()
        .filter_map(|instance| counts.get(&instance.address()))
        .sum()
}

/// The arm in which the route has the release, if any.
pub(super) fn arm_of(route: &RouteView, release: ReleaseId) -> Option<Arm> {
    let has = |arm: &Arm| route.set.arms.of(*arm).release.as_deref() == Some(release.to_string().as_str());
    [Arm::Canary, Arm::Stable].into_iter().find(has)
}

/// The route's counters, as the judge reads them.
pub(super) fn ticks(route: &RouteView, at: Timestamp) -> Vec<Tick> {
    let tick = |arm, counts: &Counts| {
        let pods = counts.backends.iter();
        Tick {
            weight: route.set.arms.of(arm).weight,
            requests: counts.requests,
            errors: counts.errors,
            buckets: counts.buckets.clone(),
            pods: pods
                .map(|(at, counts)| (at.to_string(), counts.clone()))
                .collect(),
            ..Tick::none(at, arm)
        }
    };
    vec![tick(Arm::Canary, &route.canary), tick(Arm::Stable, &route.stable)]
}
