//! A live route: whose turn it is, and who still has requests to finish.
//!
//! Knows no HTTP. A choice and a change exclude each other, so a backend that has left its route gets no request after.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use gateline_model::{Arm, PodCounts};
use tokio::sync::{Semaphore, watch};

use super::copy::{COPIES_IN_FLIGHT_MAX, Copy};
use super::counters::{Counters, Tally};
use super::whose::Placing;
use super::wire::{Arms, Counts, Route};

/// Requests in flight per backend, over all routes of the proxy.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<BTreeMap<SocketAddr, u64>>);

impl InFlight {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, u64>> {
        self.0.lock().expect("nothing panics while it counts")
    }

    fn begin(&self, backend: SocketAddr) {
        *self.lock().entry(backend).or_default() += 1;
    }

    fn end(&self, backend: SocketAddr) {
        let mut map = self.lock();
        if let Some(count) = map.get_mut(&backend) {
            *count -= 1;
            if *count == 0 {
                map.remove(&backend);
            }
        }
    }

    /// Backends with requests in flight, and how many.
    pub(super) fn counts(&self) -> BTreeMap<SocketAddr, u64> {
        self.lock().clone()
    }
}

/// Shares requests out between the arms exactly, by carrying the remainder from request to request.
///
/// After any number of requests the canary has had its share, rounded to the nearest whole request. A new weight
/// goes on with the old remainder, which is less than one request.
#[derive(Debug)]
struct Share {
    /// Hundredths of a request that the canary is owed. Begins at one half, so that shares are rounded, not cut.
    owed: u8,
}

impl Share {
    fn next(&mut self, canary_weight: u8) -> Arm {
        self.owed += canary_weight.min(100);
        if self.owed < 100 {
            return Arm::Stable;
        }
        self.owed -= 100;
        Arm::Canary
    }
}

/// A route that takes requests.
#[derive(Debug)]
pub(super) struct LiveRoute {
    state: Mutex<State>,
    in_flight: Arc<InFlight>,
    /// Room for copies of requests.
    copies: Arc<Semaphore>,
    /// Becomes true when the route ends: connections close after the request that they are at.
    pub(super) ending: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    set: Route,
    share: Share,
    /// Shares out the copies as `share` does the requests.
    copied: Share,
    stable: ArmState,
    canary: ArmState,
}

#[derive(Debug, Default)]
struct ArmState {
    counters: Arc<Counters>,
    /// Of the backends that the arm has now.
    backends: BTreeMap<SocketAddr, Arc<Counters>>,
    /// Choices so far; the backends take turns by it.
    turn: usize,
}

impl ArmState {
    fn counts(&self) -> Counts {
        let PodCounts {
            requests,
            errors,
            buckets,
        } = self.counters.counts();
        Counts {
            requests,
            errors,
            buckets,
            backends: self
                .backends
                .iter()
                .map(|(backend, counters)| (*backend, counters.counts()))
                .collect(),
        }
    }
}

impl State {
    fn arm(&mut self, arm: Arm) -> &mut ArmState {
        match arm {
            Arm::Stable => &mut self.stable,
            Arm::Canary => &mut self.canary,
        }
    }
}

/// The right to send one request to one backend. The request is in flight until this is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) arm: Arm,
    pub(super) backend: SocketAddr,
    pub(super) tally: Tally,
    in_flight: Arc<InFlight>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.in_flight.end(self.backend);
    }
}

impl LiveRoute {
    pub(super) fn new(set: Route, in_flight: Arc<InFlight>) -> Self {
        let (stable, canary) = Default::default();
        let state = State {
            set,
            share: Share { owed: 50 },
            copied: Share { owed: 50 },
            stable,
            canary,
        };
        Self {
            state: Mutex::new(state),
            in_flight,
            copies: Arc::new(Semaphore::new(COPIES_IN_FLIGHT_MAX)),
            ending: watch::Sender::new(false),
        }
    }

    /// The backend whose turn it is at the arm where the request is placed, and the right to a copy where one is due;
    /// none when the route has no backends (any more).
    pub(super) fn choose(&self, place: impl FnOnce(&Arms) -> Placing) -> Option<(Lease, Option<Copy>)> {
        let mut state = self.lock();
        let weight = state.set.arms.canary.weight;
        let arm = match place(&state.set.arms) {
            Placing::InTurn => state.share.next(weight),
            Placing::At(arm) => arm,
        };
        let lease = self.next(&mut state, arm)?;
        let mirror = state.set.arms.mirror;
        let is_due = arm == Arm::Stable && mirror > 0 && state.copied.next(mirror) == Arm::Canary;
        let copy = match self.copies.clone().try_acquire_owned() {
            Ok(room) if is_due => self
                .next(&mut state, Arm::Canary)
                .map(|lease| Copy { lease, room }),
            Ok(_) | Err(_) => None,
        };
        Some((lease, copy))
    }

    fn next(&self, state: &mut State, arm: Arm) -> Option<Lease> {
        let turn = state.arm(arm).turn;
        let backends = &state.set.arms.of(arm).backends;
        let backend = backends[turn.checked_rem(backends.len())?];
        state.arm(arm).turn = turn.wrapping_add(1);
        Some(self.lease(state, arm, backend))
    }

    /// Another backend for a request that got no answer at the first one: of the same arm, or else of the other arm
    /// if that has a weight, or else the first one again (it may just have closed an idle connection).
    pub(super) fn choose_again(&self, first: &Lease) -> Option<Lease> {
        let mut state = self.lock();
        let arms = &state.set.arms;
        let other = match first.arm {
            Arm::Stable => Arm::Canary,
            Arm::Canary => Arm::Stable,
        };
        // From the next in turn, so that the requests of a dead backend spread over all others.
        let of = |arm: Arm, turn: usize| {
            let backends = &arms.of(arm).backends;
            let next = turn.checked_rem(backends.len()).unwrap_or(0);
            backends[next..]
                .iter()
                .chain(&backends[..next])
                .map(move |backend| (arm, *backend))
        };
        let turn = match first.arm {
            Arm::Stable => state.stable.turn,
            Arm::Canary => state.canary.turn,
        };
        let elsewhere = of(first.arm, turn).find(|(_, backend)| *backend != first.backend);
        let across =
            || of(other, 0).find(|(arm, backend)| arms.of(*arm).weight > 0 && *backend != first.backend);
        let (arm, backend) = elsewhere.or_else(across).or_else(|| of(first.arm, 0).next())?;
        Some(self.lease(&mut state, arm, backend))
    }

    /// Changes the route between two requests. The counters of an arm whose release changes begin again.
    pub(super) fn change(&self, set: Route) {
        let mut state = self.lock();
        if state.set.arms.stable.release != set.arms.stable.release {
            state.stable = ArmState::default();
        }
        if state.set.arms.canary.release != set.arms.canary.release {
            state.canary = ArmState::default();
        }
        for arm in [Arm::Stable, Arm::Canary] {
            let has = &set.arms.of(arm).backends;
            state.arm(arm).backends.retain(|backend, _| has.contains(backend));
        }
        state.set = set;
    }

    /// Ends the route: nothing is chosen any more, connections close after the request that they are at.
    pub(super) fn end(&self) {
        self.lock().set.arms = Arms::default();
        self.ending.send_replace(true);
    }

    /// The setting, and what the stable and the canary arm have served.
    pub(super) fn view(&self) -> (Route, Counts, Counts) {
        let state = self.lock();
        (state.set.clone(), state.stable.counts(), state.canary.counts())
    }

    fn lease(&self, state: &mut State, arm: Arm, backend: SocketAddr) -> Lease {
        let counted = state.arm(arm);
        let tally = Tally {
            arm: counted.counters.clone(),
            backend: counted.backends.entry(backend).or_default().clone(),
        };
        self.in_flight.begin(backend);
        Lease {
            arm,
            backend,
            tally,
            in_flight: self.in_flight.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it chooses")
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::super::wire::ArmSettings;
    use super::*;

    fn arm(release: &str, weight: u8, ports: &[u16]) -> ArmSettings {
        let backends = ports
            .iter()
            .map(|port| SocketAddr::from(([127, 0, 0, 1], *port)))
            .collect();
        ArmSettings {
            release: Some(release.into()),
            weight,
            backends,
        }
    }

    fn set(stable: ArmSettings, canary: ArmSettings) -> Route {
        let listen = "127.0.0.1:0".parse().unwrap();
        Route {
            route: "shop".into(),
            listen,
            arms: Arms {
                stable,
                canary,
                ..Arms::default()
            },
            key: "1".into(),
        }
    }

    fn in_turn(_: &Arms) -> Placing {
        Placing::InTurn
    }

    fn lease(route: &LiveRoute) -> Lease {
        route.choose(in_turn).unwrap().0
    }

    fn live(stable: ArmSettings, canary: ArmSettings) -> LiveRoute {
        LiveRoute::new(set(stable, canary), Arc::default())
    }

    #[test_case(0, 0; "no weight, no request")]
    #[test_case(1, 10; "one per cent")]
    #[test_case(5, 50; "five per cent")]
    #[test_case(33, 330; "a share that does not divide 100")]
    #[test_case(100, 1_000; "everything")]
    fn of_1000_requests_the_canary_gets_exactly_its_share(weight: u8, expected: usize) {
        let route = live(arm("old", 100 - weight, &[1]), arm("new", weight, &[2]));
        let canary = (0..1_000).filter(|_| lease(&route).arm == Arm::Canary).count();
        assert_eq!(canary, expected);
    }

    #[test]
    fn backends_of_each_arm_take_turns_whatever_the_other_arm_gets() {
        let route = live(arm("old", 50, &[1, 2]), arm("new", 50, &[3, 4]));
        let mut ports: Vec<u16> = (0..8).map(|_| lease(&route).backend.port()).collect();
        ports.sort_unstable();
        assert_eq!(ports, [1, 1, 2, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn a_request_without_answer_goes_to_another_backend_of_its_arm_first() {
        let route = live(arm("old", 50, &[1, 2]), arm("new", 50, &[3]));
        let leases: Vec<Lease> = (0..4).map(|_| lease(&route)).collect();
        for first in &leases {
            let again = route.choose_again(first).unwrap();
            assert_ne!(again.backend, first.backend);
            assert_eq!(again.arm, Arm::Stable);
        }
    }

    #[test]
    fn a_request_is_never_moved_to_an_arm_without_weight() {
        let route = live(arm("old", 100, &[1]), arm("new", 0, &[3]));
        let first = lease(&route);
        assert_eq!(route.choose_again(&first).unwrap().backend.port(), 1);
    }

    #[test]
    fn counters_begin_again_only_when_the_release_of_their_arm_changes() {
        use super::super::counters::Outcome;
        let route = live(arm("old", 50, &[1]), arm("new", 50, &[2]));
        for lease in [lease(&route), lease(&route)] {
            lease.tally.count(Outcome::Answered, std::time::Duration::ZERO);
        }
        route.change(set(arm("old", 75, &[1, 4]), arm("newer", 25, &[3])));
        let (_, stable, canary) = route.view();
        assert_eq!((stable.requests, canary.requests), (1, 0));
    }

    #[test]
    fn a_backend_is_in_flight_until_its_last_request_ends_even_off_the_route() {
        let route = live(arm("old", 100, &[1]), ArmSettings::default());
        let (a, b) = (lease(&route), lease(&route));
        route.change(set(arm("new", 100, &[2]), ArmSettings::default()));
        let old = a.backend;
        assert_eq!(route.in_flight.counts().get(&old), Some(&2));
        drop(a);
        assert_eq!(route.in_flight.counts().get(&old), Some(&1));
        drop(b);
        assert_eq!(route.in_flight.counts().get(&old), None);
    }

    #[test]
    fn a_route_that_ended_chooses_nothing() {
        let route = live(arm("old", 100, &[1]), ArmSettings::default());
        route.end();
        assert!(route.choose(in_turn).is_none());
    }

    #[test]
    fn a_request_that_is_placed_takes_no_turn_of_the_others() {
        let route = live(arm("old", 50, &[1]), arm("new", 50, &[2]));
        for _ in 0..10 {
            let (lease, _) = route.choose(|_| Placing::At(Arm::Canary)).unwrap();
            assert_eq!(lease.arm, Arm::Canary);
        }
        let canary = (0..10).filter(|_| lease(&route).arm == Arm::Canary).count();
        assert_eq!(canary, 5);
    }

    #[test]
    fn copies_are_a_share_of_the_requests_and_never_more_than_there_is_room_for() {
        let set = |mirror| {
            let set = set(arm("old", 100, &[1]), arm("new", 0, &[2]));
            let arms = Arms { mirror, ..set.arms };
            Route { arms, ..set }
        };
        let route = LiveRoute::new(set(25), Arc::default());
        let copies = |count: usize| -> Vec<Copy> {
            let chosen = (0..count).filter_map(|_| route.choose(in_turn).unwrap().1);
            chosen.collect()
        };
        let first = copies(40);
        assert_eq!(first.len(), 10);
        assert!(first.iter().all(|copy| copy.lease.arm == Arm::Canary));
        route.change(set(100));
        assert_eq!(copies(1_000).len(), COPIES_IN_FLIGHT_MAX - 10);
        drop(first);
        assert_eq!(copies(1).len(), 1);
    }

    #[test]
    fn backends_are_counted_one_by_one_while_they_are_on_the_route() {
        use super::super::counters::Outcome;
        let route = live(arm("old", 100, &[1, 2]), ArmSettings::default());
        for _ in 0..3 {
            lease(&route)
                .tally
                .count(Outcome::Error, std::time::Duration::ZERO);
        }
        let each = |route: &LiveRoute| -> Vec<(u16, u64)> {
            let counts = route.view().1.backends;
            counts
                .iter()
                .map(|(at, counts)| (at.port(), counts.errors))
                .collect()
        };
        assert_eq!(each(&route), [(1, 2), (2, 1)]);
        route.change(set(arm("old", 100, &[2]), ArmSettings::default()));
        assert_eq!(each(&route), [(2, 1)]);
        assert_eq!(route.view().1.errors, 3, "what the arm did is not forgotten");
    }
}
