//! What is kept beside another proxy: how it was set last, and what it had counted when each arm began.
//!
//! A proxy that is restarted forgets both, and one that counts for ever knows no releases.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use gateline_model::PodCounts;
use serde::{Deserialize, Serialize};

use super::Shown;
use crate::process::instance::Folder;
use crate::proxy::{Counts, Route};

const FILE: &str = "traffic.kept";
/// Two starts of a proxy are the same one where they lie no further apart than this: some tell only how long they run.
const STARTS_APART_SECS: i64 = 2;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// The route as it was set last, and seen to be set.
    pub(super) route: Option<Route>,
    /// Whether another setting was begun since, and perhaps not brought to its end.
    pub(super) is_pending: bool,
    started: i64,
    stable: Counts,
    canary: Counts,
}

impl Kept {
    pub(super) fn read(folder: &Folder) -> Option<Self> {
        serde_json::from_slice(&folder.read(FILE)?).ok()
    }

    pub(super) fn write(&self, folder: &Folder) -> io::Result<()> {
        folder.write(FILE, &serde_json::to_vec(self).expect("it is plain data"))
    }

    /// The same, with another setting begun.
    pub(super) fn pending(&self) -> Self {
        Self {
            is_pending: true,
            ..self.clone()
        }
    }

    /// What is kept once the route is set; `joined` is what the proxy showed when the backends were there and requests
    /// were not yet shared out anew.
    pub(super) fn after(&self, route: Option<Route>, joined: &Shown) -> Self {
        let release = |route: &Option<Route>, is_canary: bool| {
            let arms = &route.as_ref()?.arms;
            let arm = if is_canary { &arms.canary } else { &arms.stable };
            arm.release.clone()
        };
        let begin = |is_canary: bool, before: &Counts, now: &Counts| {
            let same_run = (self.started - joined.started).abs() <= STARTS_APART_SECS;
            if !same_run {
                // What it has counted in this run is all of this arm, if that arm was there before.
                return if release(&self.route, is_canary) == release(&route, is_canary) {
                    Counts::default()
                } else {
                    now.clone()
                };
            }
            if release(&self.route, is_canary) != release(&route, is_canary) {
                return now.clone();
            }
            let mut begin = before.clone();
            begin
                .backends
                .retain(|backend, _| now.backends.contains_key(backend));
            for (backend, counts) in &now.backends {
                let is_new = !self.has(is_canary, backend);
                if is_new {
                    begin.backends.insert(*backend, counts.clone());
                }
            }
            begin
        };
        let stable = begin(false, &self.stable, &joined.stable);
        let canary = begin(true, &self.canary, &joined.canary);
        Self {
            route,
            is_pending: false,
            started: joined.started,
            stable,
            canary,
        }
    }

    fn has(&self, is_canary: bool, backend: &SocketAddr) -> bool {
        let Some(route) = &self.route else { return false };
        let arm = if is_canary {
            &route.arms.canary
        } else {
            &route.arms.stable
        };
        arm.backends.contains(backend)
    }

    /// What was counted since the arms began.
    pub(super) fn since(&self, shown: &Shown) -> (Counts, Counts) {
        if (self.started - shown.started).abs() > STARTS_APART_SECS {
            return (shown.stable.clone(), shown.canary.clone());
        }
        (
            less(&shown.stable, &self.stable),
            less(&shown.canary, &self.canary),
        )
    }
}

/// The difference; what has fallen began again.
fn less(now: &Counts, begin: &Counts) -> Counts {
    let whole = |counts: &Counts| PodCounts {
        requests: counts.requests,
        errors: counts.errors,
        buckets: counts.buckets.clone(),
    };
    let PodCounts {
        requests,
        errors,
        buckets,
    } = grown(&whole(now), &whole(begin));
    let each = now.backends.iter().map(|(backend, counts)| {
        let before = begin.backends.get(backend).cloned().unwrap_or_default();
        (*backend, grown(counts, &before))
    });
    let backends: BTreeMap<SocketAddr, PodCounts> = each.collect();
    Counts {
        requests,
        errors,
        buckets,
        backends,
    }
}

fn grown(now: &PodCounts, begin: &PodCounts) -> PodCounts {
    if now.requests < begin.requests || now.errors < begin.errors {
        return now.clone();
    }
    let before = |bound: f64| {
        begin
            .buckets
            .iter()
            .find(|(other, _)| *other == bound)
            .map_or(0, |(_, count)| *count)
    };
    let buckets = now
        .buckets
        .iter()
        .map(|(bound, count)| (*bound, count.saturating_sub(before(*bound))));
    PodCounts {
        requests: now.requests - begin.requests,
        errors: now.errors - begin.errors,
        buckets: buckets.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::{ArmSettings, Arms};

    fn at(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn counts(requests: u64, backends: &[(u16, u64)]) -> Counts {
        let one = |requests| PodCounts {
            requests,
            errors: requests / 10,
            buckets: vec![(0.1, requests / 2)],
        };
        let PodCounts { errors, buckets, .. } = one(requests);
        Counts {
            requests,
            errors,
            buckets,
            backends: backends
                .iter()
                .map(|(port, requests)| (at(*port), one(*requests)))
                .collect(),
        }
    }

    fn shown(started: i64, canary: Counts) -> Shown {
        Shown {
            arms: None,
            started,
            stable: Counts::default(),
            canary,
            in_flight: BTreeMap::new(),
        }
    }

    fn route(release: &str, ports: &[u16]) -> Route {
        let canary = ArmSettings {
            release: Some(release.to_owned()),
            weight: 100,
            backends: ports.iter().map(|port| at(*port)).collect(),
        };
        Route {
            route: "shop".into(),
            listen: at(1),
            arms: Arms {
                canary,
                ..Arms::default()
            },
            key: "1".into(),
        }
    }

    #[test]
    fn an_arm_is_counted_from_where_its_release_began() {
        let kept = Kept::default().after(Some(route("a", &[2])), &shown(100, counts(500, &[(2, 500)])));
        let (_, canary) = kept.since(&shown(101, counts(600, &[(2, 600)])));
        assert_eq!(
            (canary.requests, canary.errors, canary.buckets),
            (100, 10, vec![(0.1, 50)])
        );
        assert_eq!(canary.backends[&at(2)].requests, 100);

        // Another weight of the same release goes on; an instance more begins at zero.
        let kept = kept.after(
            Some(route("a", &[2, 3])),
            &shown(100, counts(620, &[(2, 620), (3, 7)])),
        );
        let (_, canary) = kept.since(&shown(100, counts(640, &[(2, 625), (3, 22)])));
        assert_eq!(
            (
                canary.requests,
                canary.backends[&at(2)].requests,
                canary.backends[&at(3)].requests
            ),
            (140, 125, 15)
        );

        let kept = kept.after(Some(route("b", &[2])), &shown(100, counts(700, &[(2, 700)])));
        assert_eq!(kept.since(&shown(100, counts(700, &[(2, 700)]))).1.requests, 0);
    }

    #[test]
    fn a_proxy_that_was_restarted_begins_again() {
        let kept = Kept::default().after(Some(route("a", &[2])), &shown(100, counts(500, &[])));
        assert_eq!(kept.since(&shown(900, counts(40, &[]))).1.requests, 40);
        let again = kept.after(Some(route("a", &[2])), &shown(900, counts(40, &[])));
        assert_eq!(again.since(&shown(900, counts(90, &[]))).1.requests, 90);
        // Its counters were cleared by hand.
        assert_eq!(kept.since(&shown(100, counts(3, &[]))).1.requests, 3);
    }
}
