//! Traffic: the proxy of a target, whichever it is, looked at and told.
//!
//! Knows no processes, only the addresses of their records.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use gateline_model::{Arm, Digest, ProcessTarget, Proxy, ReleaseId, TargetName, Tick};
use jiff::Timestamp;

use super::health;
use super::instance::Instance;
use crate::StepError;
use crate::proxy::{Arms, ClientError, ProxyClient, Route, RouteView, View};

impl From<ClientError> for StepError {
    fn from(err: ClientError) -> Self {
        match err {
            ClientError::Unreachable { .. } | ClientError::Refused { .. } => StepError::failed(err),
            ClientError::NoAnswer { .. } => StepError::unknown(err),
        }
    }
}

/// The traffic of one target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traffic<'a> {
    pub(super) target: &'a ProcessTarget,
    pub(super) name: &'a TargetName,
}

impl Traffic<'_> {
    /// What the proxy says of the target's route.
    pub(super) async fn view(&self) -> Result<View, StepError> {
        Ok(self.own().await?.get(self.name.as_str()).await?)
    }

    /// Whether the route is set so, and takes requests.
    pub(super) fn is_set(&self, view: &View, arms: &Arms) -> bool {
        let set = |route: &RouteView| {
            route.listening && route.set.listen == self.target.listen && route.set.arms == *arms
        };
        view.route.as_ref().is_some_and(set)
    }

    /// Sets the route, if it is not set so.
    pub(super) async fn set(&self, key: &str, arms: Arms) -> Result<(), StepError> {
        if self.is_set(&self.view().await?, &arms) {
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
        self.own().await?.set(&route).await?;
        Ok(())
    }

    /// Takes the route away, if it is there.
    pub(super) async fn remove(&self) -> Result<(), StepError> {
        self.own().await?.remove(self.name.as_str()).await?;
        Ok(())
    }

    /// Whether a request that nobody in particular sends is answered with 200, all the way through the proxy.
    pub(super) async fn answers(&self) -> bool {
        let mut at = self.target.listen;
        if at.ip().is_unspecified() {
            at.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        health::answers(at, &self.target.health).await
    }

    async fn own(&self) -> Result<ProxyClient, StepError> {
        match &self.target.proxy {
            Proxy::Own(socket) => Ok(ProxyClient::connect(Path::new(socket)).await?),
            Proxy::Other(_) => Err(StepError::failed(format!(
                "{} is not known to this version",
                self.target.proxy
            ))),
        }
    }
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
    let tick = |arm, counts: &crate::proxy::Counts| {
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
