//! What is said over the proxy's control socket: one JSON object per line, one answer per line.
//!
//! Knows no socket. A [`Route`] that passed [`Route::check`] is legal everywhere behind it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use gateline_model::{Arm, Cohort, PodCounts, RequestMark};
use serde::{Deserialize, Serialize};

/// Longest request line, in bytes: a route with all its backends fits ten times.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// Longest answer line, in bytes: the names of [`ROUTES_MAX`] routes fit twice.
pub const REPLY_BYTES_MAX: usize = 1024 * 1024;
/// Most routes of one proxy.
pub const ROUTES_MAX: usize = 1_024;
/// Most backends of one arm.
pub const BACKENDS_MAX: usize = 64;
/// Longest name of a route, release or key, in bytes: a target's name fits.
pub const TEXT_BYTES_MAX: usize = 512;

/// One route: where it listens and which backends get which share of its requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Its name: the target's.
    pub route: String,
    /// Where it takes requests.
    pub listen: SocketAddr,
    /// Who answers them.
    pub arms: Arms,
    /// Idempotency key of this setting: the same key with the same setting changes nothing.
    pub key: String,
}

/// The two sides of a route, and which requests go to which. Their weights make 100 together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arms {
    /// The release that was live before.
    pub stable: ArmSettings,
    /// The release being rolled out.
    pub canary: ArmSettings,
    /// Share of the stable arm's requests that the canary gets a copy of, in per cent.
    #[serde(default, skip_serializing_if = "is_none")]
    pub mirror: u8,
    /// Whose requests always go to the canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cohort: Option<CohortRule>,
    /// By what a user keeps his arm while the canary's weight grows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<RequestMark>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(percent: &u8) -> bool {
    *percent == 0
}

/// People whose requests go to the canary whatever its weight is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CohortRule {
    /// Where a request says its cohort.
    pub by: RequestMark,
    /// The widest cohort that is meant; the ones before it are in it.
    pub upto: Cohort,
}

impl Arms {
    /// One of the two.
    pub fn of(&self, arm: Arm) -> &ArmSettings {
        match arm {
            Arm::Stable => &self.stable,
            Arm::Canary => &self.canary,
        }
    }
}

/// One side of a route.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmSettings {
    /// Which release answers here; the arm's counters begin again when it changes.
    #[serde(default)]
    pub release: Option<String>,
    /// Share of requests, in per cent.
    #[serde(default)]
    pub weight: u8,
    /// Addresses that take turns.
    #[serde(default)]
    pub backends: Vec<SocketAddr>,
}

/// Why a route is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// A name is empty or too long.
    #[error("the {0} of the route is empty or longer than {TEXT_BYTES_MAX} bytes")]
    Text(&'static str),
    /// The shares leave requests over, or share out more than there are.
    #[error("the weights of route `{route}` make {sum}, not 100")]
    Weights {
        /// The route.
        route: String,
        /// What the weights make.
        sum: u16,
    },
    /// An arm would get requests that nobody can answer.
    #[error("an arm of route `{0}` gets requests but has no backend")]
    NoBackend(String),
    /// A copy of more requests than there are.
    #[error("route `{0}` would copy more than 100 % of the requests")]
    Mirror(String),
    /// Too many backends.
    #[error("an arm of route `{0}` has more than {BACKENDS_MAX} backends")]
    Backends(String),
}

impl Route {
    /// Whether the proxy can serve this route.
    ///
    /// # Errors
    /// [`RouteError`] says what is wrong with it.
    pub fn check(&self) -> Result<(), RouteError> {
        let Self {
            route,
            listen: _,
            arms,
            key,
        } = self;
        let legal = |text: &str| (1..=TEXT_BYTES_MAX).contains(&text.len());
        if !legal(route) {
            return Err(RouteError::Text("name"));
        }
        if !legal(key) {
            return Err(RouteError::Text("key"));
        }
        let sum = u16::from(arms.stable.weight) + u16::from(arms.canary.weight);
        if sum != 100 {
            return Err(RouteError::Weights {
                route: route.clone(),
                sum,
            });
        }
        if arms.mirror > 100 {
            return Err(RouteError::Mirror(route.clone()));
        }
        if (arms.mirror > 0 || arms.cohort.is_some()) && arms.canary.backends.is_empty() {
            return Err(RouteError::NoBackend(route.clone()));
        }
        for ArmSettings {
            release,
            weight,
            backends,
        } in [&arms.stable, &arms.canary]
        {
            if release.as_deref().is_some_and(|release| !legal(release)) {
                return Err(RouteError::Text("release"));
            }
            if *weight > 0 && backends.is_empty() {
                return Err(RouteError::NoBackend(route.clone()));
            }
            if backends.len() > BACKENDS_MAX {
                return Err(RouteError::Backends(route.clone()));
            }
        }
        Ok(())
    }
}

/// What can be asked of the proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Make a route like this.
    Set(Box<Route>),
    /// Look at a route.
    Get(RouteName),
    /// Name all routes.
    List {},
    /// Take a route away; its requests in flight finish.
    Remove(RouteName),
}

/// Which route is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteName {
    /// Its name.
    pub route: String,
}

/// What the proxy answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The route is as asked; whether anything had to change for that.
    Set {
        /// False when it was so before.
        changed: bool,
    },
    /// The route as it is.
    View(Box<View>),
    /// The names of all routes.
    Routes(Vec<String>),
    /// The route is gone; whether it was there.
    Removed {
        /// False when it was gone before.
        existed: bool,
    },
    /// Nothing was changed, and why.
    Refused {
        /// What is wrong with the request.
        why: String,
    },
}

/// What the proxy says of one route, and of the requests that it has not answered yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The route; none when there is no such route.
    pub route: Option<RouteView>,
    /// Requests in flight per backend, over all routes: also those of backends that have left their route.
    pub in_flight: BTreeMap<SocketAddr, u64>,
}

/// A route as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteView {
    /// As it was last set, with the key.
    pub set: Route,
    /// Whether it takes requests: false while its address is taken by another program.
    pub listening: bool,
    /// What the stable arm has served.
    pub stable: Counts,
    /// What the canary arm has served.
    pub canary: Counts,
}

/// What one arm has served since its counters began.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Requests.
    pub requests: u64,
    /// Requests answered with a server error or not at all.
    pub errors: u64,
    /// Time to the answer's head: upper bound in seconds and the cumulative count up to it, ascending.
    pub buckets: Vec<(f64, u64)>,
    /// The same of each backend that the arm has now.
    #[serde(default)]
    pub backends: BTreeMap<SocketAddr, PodCounts>,
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn route(stable: u8, canary: u8, backends: usize) -> Route {
        let arm = |weight| ArmSettings {
            release: Some("a".into()),
            weight,
            backends: vec!["127.0.0.1:1".parse().unwrap(); backends],
        };
        let arms = Arms {
            stable: arm(stable),
            canary: arm(canary),
            ..Arms::default()
        };
        Route {
            route: "shop".into(),
            listen: "127.0.0.1:0".parse().unwrap(),
            arms,
            key: "1".into(),
        }
    }

    #[test_case(route(95, 5, 1), ""; "shares of 100 are legal")]
    #[test_case(route(95, 6, 1), "make 101, not 100"; "more than everything cannot be shared out")]
    #[test_case(route(0, 0, 1), "make 0, not 100"; "requests cannot be left over")]
    #[test_case(route(100, 0, 0), "no backend"; "a weight needs a backend")]
    #[test_case(route(100, 0, BACKENDS_MAX + 1), "more than 64"; "backends are bounded")]
    #[test_case(Route { arms: Arms { mirror: 5, ..Arms { stable: route(100, 0, 1).arms.stable, ..Arms::default() } }, ..route(100, 0, 1) }, "no backend"; "a copy needs somebody to go to")]
    #[test_case(Route { arms: Arms { mirror: 101, ..route(100, 0, 1).arms }, ..route(100, 0, 1) }, "more than 100 %"; "copies are no more than all requests")]
    #[test_case(Route { route: String::new(), ..route(100, 0, 1) }, "name"; "a route has a name")]
    #[test_case(Route { key: "k".repeat(TEXT_BYTES_MAX + 1), ..route(100, 0, 1) }, "key"; "keys are bounded")]
    fn a_route_is_checked(route: Route, says: &str) {
        match route.check() {
            Ok(()) => assert_eq!(says, ""),
            Err(err) => assert!(!says.is_empty() && err.to_string().contains(says), "{err}"),
        }
    }

    #[test]
    fn a_largest_route_fits_one_line() {
        let mut largest = route(50, 50, BACKENDS_MAX);
        largest.arms.stable.backends =
            vec!["[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535".parse().unwrap(); BACKENDS_MAX];
        largest.arms.canary.backends = largest.arms.stable.backends.clone();
        assert!(
            serde_json::to_string(&Request::Set(Box::new(largest)))
                .unwrap()
                .len()
                * 5
                < LINE_BYTES_MAX
        );
    }

    #[test]
    fn a_spoilt_route_harms_nobody() {
        let told = serde_json::to_vec(&route(75, 25, 2)).unwrap();
        crate::spoilt::spoilt(&[&told], |bytes| {
            if let Ok(route) = serde_json::from_slice::<Route>(bytes) {
                drop(route.check());
            }
        });
    }
}
