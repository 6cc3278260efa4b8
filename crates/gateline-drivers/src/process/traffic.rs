//! Traffic: the arms that each step asks for, and the proxy that is told.
//!
//! Knows no processes, only the addresses of their records.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use gateline_model::{Arm, Digest, ProcessTarget, ReleaseBrief, ReleaseId, TargetName, Tick, Weight};
use jiff::Timestamp;

use super::instance::Instance;
use crate::StepError;
use crate::proxy::{ArmSettings, Arms, ClientError, ProxyClient, Route, RouteView, View};

impl From<ClientError> for StepError {
    fn from(err: ClientError) -> Self {
        match err {
            ClientError::Unreachable { .. } | ClientError::Refused { .. } => StepError::failed(err),
            ClientError::NoAnswer { .. } => StepError::unknown(err),
        }
    }
}

/// One release and its processes' records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) release: &'a ReleaseBrief,
    pub(super) instances: &'a [Instance],
}

impl Side<'_> {
    fn arm(self, weight: Weight) -> ArmSettings {
        let backends = self.instances.iter().map(Instance::address).collect();
        ArmSettings {
            release: Some(self.release.id.to_string()),
            weight: weight.as_percent(),
            backends,
        }
    }
}

/// The new release gets this weight, the live one the rest; everything where nothing is live.
pub(super) fn exposed(new: Side<'_>, live: Option<Side<'_>>, weight: Weight) -> Arms {
    match live {
        Some(live) => {
            let rest = Weight::percent(100 - weight.as_percent());
            Arms {
                stable: live.arm(rest),
                canary: new.arm(weight),
            }
        }
        None => Arms {
            stable: ArmSettings::default(),
            canary: new.arm(Weight::ALL),
        },
    }
}

/// One release gets everything.
pub(super) fn settled(release: Side<'_>) -> Arms {
    Arms {
        stable: release.arm(Weight::ALL),
        canary: ArmSettings::default(),
    }
}

/// The live release gets everything; the canary's counters stay readable.
pub(super) fn withdrawn(new: &ReleaseBrief, live: Side<'_>) -> Arms {
    let canary = ArmSettings {
        release: Some(new.id.to_string()),
        ..ArmSettings::default()
    };
    Arms {
        canary,
        ..settled(live)
    }
}

/// What the proxy says of a target's route.
pub(super) async fn view(target: &ProcessTarget, name: &TargetName) -> Result<View, ClientError> {
    ProxyClient::connect(Path::new(&target.proxy))
        .await?
        .get(name.as_str())
        .await
}

/// Whether the route is set so, and takes requests.
pub(super) fn is_set(view: &View, target: &ProcessTarget, arms: &Arms) -> bool {
    let set =
        |route: &RouteView| route.listening && route.set.listen == target.listen && route.set.arms == *arms;
    view.route.as_ref().is_some_and(set)
}

/// Sets the route, if it is not set so.
pub(super) async fn set(
    target: &ProcessTarget,
    name: &TargetName,
    key: &str,
    arms: Arms,
) -> Result<(), ClientError> {
    let mut client = ProxyClient::connect(Path::new(&target.proxy)).await?;
    if is_set(&client.get(name.as_str()).await?, target, &arms) {
        return Ok(());
    }
    // One step may set the route twice, when a process has died in between: other arms are another setting.
    let key = format!(
        "{}/{}",
        Digest::of(key.as_bytes()).short(),
        Digest::of_json(&arms).short()
    );
    let route = Route {
        route: name.to_string(),
        listen: target.listen,
        arms,
        key,
    };
    client.set(&route).await.map(|_changed| ())
}

/// Takes the route away, if it is there.
pub(super) async fn remove(target: &ProcessTarget, name: &TargetName) -> Result<(), ClientError> {
    ProxyClient::connect(Path::new(&target.proxy))
        .await?
        .remove(name.as_str())
        .await
        .map(|_existed| ())
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
    let tick = |arm, counts: &crate::proxy::Counts| Tick {
        weight: route.set.arms.of(arm).weight,
        requests: counts.requests,
        errors: counts.errors,
        buckets: counts.buckets.clone(),
        ..Tick::none(at, arm)
    };
    vec![tick(Arm::Canary, &route.canary), tick(Arm::Stable, &route.stable)]
}
