//! Worlds: what both arms of a rollout serve, tick by tick, at whatever weight the judge chose. Ported from the study's
//! `canary_sim.py`: the same processes with the same constants, drawn by another generator.

use gateline_judge::{
    Bad, Baseline, DesignEffect, GroupCounts, KnownMetric, PodRates, by_window, moving_by_window, spread,
};
use gateline_model::ruling::Calibration;

use crate::draw::Draw;

pub const TICK: f64 = 15.0;
/// Ticks of an hour, the horizon of every judge.
pub const HOUR: usize = 240;
/// Six hours of history before a rollout, as groups of pods.
const HISTORY: usize = 1_440;
const GROUPS: usize = 4;
/// Bounds of the histogram, in milliseconds; the last bucket has none.
pub const BOUNDS: [f64; 17] = [
    5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 250.0, 300.0, 400.0, 500.0, 750.0, 1_000.0, 2_500.0,
    5_000.0, 10_000.0,
];
const MIDDLE: f64 = 4.094_344_562_222_1;
const SPREAD: f64 = 0.6;
const TAIL: f64 = 0.005;
const TAIL_FACTOR: f64 = 2.079_441_541_679_835_7;

/// Kinds of noise.
#[derive(Debug, Clone, Copy)]
pub struct Noise {
    pub name: &'static str,
    /// Mean size of a clump of errors.
    pub clump: f64,
    /// Deviation and memory (seconds) of one pod's ln error rate.
    pub pod: f64,
    pub pod_secs: f64,
    /// Deviation of what stays with a pod.
    pub stays: f64,
    /// Deviation and memory of what both arms share.
    pub common: f64,
    /// Brownouts of both arms in an hour.
    pub brownouts: f64,
    /// Pauses of a pod in an hour.
    pub pauses: f64,
    /// Deviations of ln latency: of one pod, and of both arms.
    pub latency: f64,
    pub latency_common: f64,
    /// Swing of the traffic.
    pub swing: f64,
    /// What makes it other than the study's worlds.
    pub other: Other,
}

/// What the canary and its pods do beside what the study's first worlds have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Other {
    /// The study's: cold for 90 s, errors three times, latency up by 65 %.
    No,
    /// Bursts of single pods, and a cold start that fades over `fade` seconds with `errors` more times the errors.
    Bursts { bursts: f64, errors: f64, fade: f64 },
}

pub const IID: Noise = Noise {
    name: "iid",
    clump: 1.0,
    pod: 0.0,
    pod_secs: 180.0,
    stays: 0.0,
    common: 0.0,
    brownouts: 0.0,
    pauses: 0.0,
    latency: 0.0,
    latency_common: 0.0,
    swing: 0.0,
    other: Other::No,
};
pub const MODERATE: Noise = Noise {
    name: "moderate",
    clump: 2.0,
    pod: 0.3,
    pod_secs: 120.0,
    stays: 0.10,
    common: 0.25,
    brownouts: 0.0,
    pauses: 6.0,
    latency: 0.04,
    latency_common: 0.05,
    swing: 0.3,
    other: Other::No,
};
pub const HEAVY: Noise = Noise {
    name: "heavy",
    clump: 4.0,
    pod: 0.5,
    pod_secs: 300.0,
    stays: 0.20,
    common: 0.35,
    brownouts: 1.0,
    pauses: 20.0,
    latency: 0.08,
    latency_common: 0.10,
    swing: 0.5,
    other: Other::No,
};

/// The study's held-out world: bursts of pods, caches that warm over minutes.
pub const BURSTS: Noise = Noise {
    name: "bursts",
    clump: 1.0,
    pod: 0.22,
    pod_secs: 1_800.0,
    stays: 0.0,
    common: 0.3,
    pauses: 8.0,
    latency: 0.06,
    other: Other::Bursts {
        bursts: 4.0,
        errors: 2.0,
        fade: 75.0,
    },
    ..MODERATE
};
/// Made for this benchmark: few errors in big clumps, moody pods, a start that is cold for minutes.
pub const MOODY: Noise = Noise {
    name: "moody",
    clump: 2.5,
    pod: 0.5,
    pod_secs: 900.0,
    stays: 0.15,
    common: 0.4,
    pauses: 4.0,
    latency: 0.05,
    swing: 0.7,
    other: Other::Bursts {
        bursts: 0.0,
        errors: 3.0,
        fade: 100.0,
    },
    ..MODERATE
};
/// Made for this benchmark: clumps and bursts at once.
pub const GUSTS: Noise = Noise {
    name: "gusts",
    clump: 3.0,
    pod: 0.32,
    pod_secs: 600.0,
    stays: 0.1,
    common: 0.3,
    brownouts: 0.5,
    latency: 0.05,
    other: Other::Bursts {
        bursts: 2.0,
        errors: 2.0,
        fade: 45.0,
    },
    ..MODERATE
};

/// Made for this benchmark and never tuned on: traffic and errors that rise and fall together, moods of some minutes.
pub const TIDES: Noise = Noise {
    name: "tides",
    clump: 2.0,
    pod: 0.4,
    pod_secs: 450.0,
    stays: 0.12,
    common: 0.5,
    brownouts: 0.3,
    pauses: 10.0,
    latency: 0.06,
    swing: 0.6,
    other: Other::Bursts {
        bursts: 0.0,
        errors: 2.5,
        fade: 60.0,
    },
    ..MODERATE
};
/// Made for this benchmark and never tuned on: large clumps, long moods, bursts, and a start that is cold for long.
pub const FLOCKS: Noise = Noise {
    name: "flocks",
    clump: 5.0,
    pod: 0.25,
    pod_secs: 1_200.0,
    stays: 0.15,
    common: 0.2,
    pauses: 12.0,
    latency: 0.07,
    swing: 0.2,
    other: Other::Bursts {
        bursts: 1.5,
        errors: 1.5,
        fade: 120.0,
    },
    ..MODERATE
};

/// What a release breaks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub name: &'static str,
    pub times: f64,
    pub more: f64,
    pub latency: f64,
    pub tail: f64,
    pub from: usize,
    pub from_weight: f64,
}

pub const NONE: Fault = Fault {
    name: "none",
    times: 1.0,
    more: 0.0,
    latency: 0.0,
    tail: 0.0,
    from: 0,
    from_weight: 0.0,
};
pub const FAULTS: [Fault; 8] = [
    Fault {
        name: "errors x2",
        times: 2.0,
        ..NONE
    },
    Fault {
        name: "errors x3",
        times: 3.0,
        ..NONE
    },
    Fault {
        name: "errors x10",
        times: 10.0,
        ..NONE
    },
    Fault {
        name: "outage: +50 pp errors",
        more: 0.5,
        ..NONE
    },
    Fault {
        name: "latency +35 %",
        latency: 0.3,
        ..NONE
    },
    Fault {
        name: "tail: 3 % of requests x8",
        tail: 0.03,
        ..NONE
    },
    Fault {
        name: "late: x5 after 12 min",
        times: 5.0,
        from: 48,
        ..NONE
    },
    Fault {
        name: "load: x5 from 25 %",
        times: 5.0,
        from_weight: 0.25,
        ..NONE
    },
];

/// A place to release into.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub noise: Noise,
    /// Noise that the history was recorded in, where that is another.
    pub history: Option<Noise>,
    pub rps: f64,
    pub rate: f64,
    pub fault: Fault,
    /// The canary's traffic is worse by this share, whatever the release.
    pub worse_mix: f64,
}

impl Place {
    pub fn new(noise: Noise, rps: f64, fault: Fault) -> Self {
        Self {
            noise,
            history: None,
            rps,
            rate: 0.005,
            fault,
            worse_mix: 0.0,
        }
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.noise.name, self.rps)
    }
}

/// What both arms served in one tick.
#[derive(Debug, Clone)]
pub struct Seen {
    pub canary: Arm,
    pub stable: Arm,
    /// Bad requests that the fault is expected to have made.
    pub excess: f64,
}

#[derive(Debug, Clone)]
pub struct Arm {
    pub requests: u64,
    pub errors: u64,
    pub latency: [u64; 18],
    pub pods: usize,
}

impl Arm {
    /// Requests beyond a bound of the histogram.
    pub fn slower(&self, bound: usize) -> u64 {
        self.latency[bound + 1..].iter().sum()
    }
}

/// The moods of one arm over time.
struct Moods {
    rate: Vec<f64>,
    latency: Vec<f64>,
    stays: f64,
    latency_stays: f64,
    /// Share of the time that one pod bursts; drawn anew at each tick from where it was.
    bursting: f64,
}

impl Moods {
    fn draw(draw: &mut Draw, ticks: usize, noise: &Noise) -> Self {
        let forget = noise.pod_secs / TICK;
        Self {
            rate: draw.memory(ticks, forget),
            latency: draw.memory(ticks, forget),
            stays: draw.normal(),
            latency_stays: draw.normal(),
            bursting: 0.0,
        }
    }
}

/// What six hours before a rollout tell of the stable version.
pub struct Known {
    /// As the published judges measure it, who do not know of pods that stay apart.
    pub published: Baseline,
    /// As Gateline does.
    pub ours: Baseline,
}

/// One rollout's world.
pub struct World {
    pub place: Place,
    draw: Draw,
    pub pods: f64,
    traffic: Vec<f64>,
    common: Vec<f64>,
    latency_common: Vec<f64>,
    brown: Vec<bool>,
    canary: Moods,
    stable: Moods,
    /// Bounds with about 5 % and 1 % of requests beyond.
    pub watched: [usize; 2],
    base: [f64; 3],
}

impl World {
    pub fn new(place: Place, seed: u64, ticks: usize) -> Self {
        let mut draw = Draw::new(seed);
        let noise = &place.noise;
        let start = draw.share() * std::f64::consts::TAU;
        let wobble = draw.memory(ticks, 300.0 / TICK);
        let traffic = (0..ticks).map(|tick| {
            let day = libm::sin(std::f64::consts::TAU * tick as f64 * TICK / 86_400.0 * 6.0 + start);
            place.rps * (1.0 + noise.swing * day) * libm::exp(0.1 * wobble[tick] - 0.005)
        });
        let traffic = traffic.collect();
        let common = draw.memory(ticks, 40.0);
        let common = common
            .iter()
            .map(|z| noise.common * z - noise.common * noise.common / 2.0)
            .collect();
        let (canary, stable) = (
            Moods::draw(&mut draw, ticks, noise),
            Moods::draw(&mut draw, ticks, noise),
        );
        let latency_common = draw
            .memory(ticks, 40.0)
            .iter()
            .map(|z| noise.latency_common * z)
            .collect();
        let mut brown = vec![false; ticks];
        for tick in 0..ticks {
            if draw.share() < noise.brownouts * TICK / 3_600.0 {
                brown[tick..(tick + 8).min(ticks)].fill(true);
            }
        }
        let beyond = |bound: usize| 1.0 - below(MIDDLE, TAIL, BOUNDS[bound]);
        let nearest = |share: f64| {
            let off = |bound: usize| (beyond(bound) - share).abs();
            (0..BOUNDS.len())
                .min_by(|a, b| off(*a).total_cmp(&off(*b)))
                .unwrap_or(0)
        };
        let watched = [nearest(0.05), nearest(0.01)];
        Self {
            pods: libm::ceil(place.rps / 5.0).clamp(4.0, 50.0),
            base: [place.rate, beyond(watched[0]), beyond(watched[1])],
            place,
            draw,
            traffic,
            common,
            latency_common,
            brown,
            canary,
            stable,
            watched,
        }
    }

    /// One tick at a weight from 0 to 1.
    pub fn step(&mut self, tick: usize, weight: f64) -> Seen {
        let Place {
            noise,
            fault,
            rate,
            worse_mix,
            ..
        } = self.place;
        let requests = self.traffic[tick] * TICK;
        let (n_canary, n_stable) = (
            self.draw.poisson(requests * weight),
            self.draw.poisson(requests * (1.0 - weight)),
        );
        let k_canary = libm::rint(weight * self.pods).max(1.0);
        let k_stable = (self.pods - k_canary).max(1.0);
        let rate_canary = self.rate(tick, k_canary, Side::Canary) * (1.0 + worse_mix);
        let rate_stable = self.rate(tick, k_stable, Side::Stable);
        let on = tick >= fault.from && weight >= fault.from_weight && weight > 0.0;
        let (times, more) = if on { (fault.times, fault.more) } else { (1.0, 0.0) };
        let (slower, tail) = if on {
            (fault.latency, fault.tail)
        } else {
            (0.0, 0.0)
        };
        let (cold_rate, cold_latency) = cold(&noise, tick, rate);
        let errors = self.errors(n_canary, rate_canary * times + cold_rate);
        let errors = errors + self.draw.binomial(n_canary - errors, more);
        let errors_stable = self.errors(n_stable, rate_stable);
        let latency = self.latency(
            tick,
            n_canary,
            k_canary,
            Side::Canary,
            slower + cold_latency,
            tail,
        );
        let latency_stable = self.latency(tick, n_stable, k_stable, Side::Stable, 0.0, 0.0);
        let excess = if on {
            self.excess(tick, requests * weight, rate_canary, slower, tail)
        } else {
            0.0
        };
        Seen {
            canary: Arm {
                requests: n_canary,
                errors,
                latency,
                pods: k_canary as usize,
            },
            stable: Arm {
                requests: n_stable,
                errors: errors_stable,
                latency: latency_stable,
                pods: k_stable as usize,
            },
            excess,
        }
    }

    /// Bad requests that the fault is expected to make: errors, and requests beyond the second bound.
    fn excess(&self, tick: usize, requests: f64, rate: f64, slower: f64, tail: f64) -> f64 {
        let Fault { times, more, .. } = self.place.fault;
        let bound = BOUNDS[self.watched[1]];
        let middle = MIDDLE + self.latency_common[tick];
        let slow = below(middle, TAIL, bound) - below(middle + slower, TAIL + tail, bound);
        let errors = (rate * times + more).clamp(0.0, 1.0) - rate.clamp(0.0, 1.0);
        requests * (errors.max(0.0) + slow.max(0.0))
    }

    fn rate(&mut self, tick: usize, pods: f64, side: Side) -> f64 {
        let noise = self.place.noise;
        let moods = match side {
            Side::Canary => &mut self.canary,
            Side::Stable => &mut self.stable,
        };
        let (moves, stays) = (noise.pod / libm::sqrt(pods), noise.stays / libm::sqrt(pods));
        let off = moves * moods.rate[tick] - moves * moves / 2.0 + stays * moods.stays - stays * stays / 2.0;
        let burst = match noise.other {
            Other::No => 1.0,
            Other::Bursts { bursts, .. } => {
                moods.bursting = burst(&mut self.draw, moods.bursting, pods);
                1.0 + bursts * moods.bursting
            }
        };
        self.place.rate * libm::exp(self.common[tick] + off) * burst
            + if self.brown[tick] { 0.03 } else { 0.0 }
    }

    fn errors(&mut self, requests: u64, rate: f64) -> u64 {
        draw_errors(&mut self.draw, requests, rate, self.place.noise.clump)
    }

    fn latency(
        &mut self,
        tick: usize,
        requests: u64,
        pods: f64,
        side: Side,
        slower: f64,
        more_tail: f64,
    ) -> [u64; 18] {
        let noise = self.place.noise;
        let moods = match side {
            Side::Canary => &self.canary,
            Side::Stable => &self.stable,
        };
        let off = noise.latency / libm::sqrt(pods) * (moods.latency[tick] + 0.5 * moods.latency_stays);
        let off = off + 0.3 * moods.bursting;
        let brown = if self.brown[tick] { 0.5 } else { 0.0 };
        let middle = MIDDLE + self.latency_common[tick] + off + slower + brown;
        let pauses = self.draw.poisson(noise.pauses * pods * TICK / 3_600.0);
        let tail = (TAIL + 0.15 * pauses as f64 / pods + more_tail).min(0.9);
        let (mut left, mut passed, mut buckets) = (requests, 0.0, [0; 18]);
        for (bucket, bound) in buckets.iter_mut().zip(BOUNDS) {
            let up_to = below(middle, tail, bound);
            if left > 0 && passed < 1.0 {
                *bucket = self
                    .draw
                    .binomial(left, ((up_to - passed) / (1.0 - passed)).clamp(0.0, 1.0));
            }
            (left, passed) = (left - *bucket, up_to);
        }
        buckets[17] = left;
        buckets
    }

    /// What is known of the stable version from six hours before, as four groups of its pods.
    pub fn history(&self, seed: u64) -> Known {
        let mut draw = Draw::new(seed ^ 0x5eed_cafe);
        let noise = self.place.history.unwrap_or(self.place.noise);
        let pods = (self.pods / GROUPS as f64).max(0.25);
        let common: Vec<f64> = draw
            .memory(HISTORY, 40.0)
            .iter()
            .map(|z| noise.common * z)
            .collect();
        let latency_common: Vec<f64> = draw
            .memory(HISTORY, 40.0)
            .iter()
            .map(|z| noise.latency_common * z)
            .collect();
        let mut counts: [Vec<Vec<GroupCounts>>; 3] = std::array::from_fn(|_| vec![Vec::new(); HISTORY]);
        for _ in 0..GROUPS {
            let mut moods = Moods::draw(&mut draw, HISTORY, &noise);
            let (moves, stays) = (noise.pod / libm::sqrt(pods), noise.stays / libm::sqrt(pods));
            for tick in 0..HISTORY {
                let requests = draw.poisson(self.place.rps * TICK / GROUPS as f64);
                let burst = match noise.other {
                    Other::No => 1.0,
                    Other::Bursts { bursts, .. } => {
                        moods.bursting = burst(&mut draw, moods.bursting, libm::rint(pods).max(1.0));
                        1.0 + bursts * moods.bursting
                    }
                };
                let off = moves * moods.rate[tick] + stays * moods.stays - moves * moves / 2.0;
                let rate = self.place.rate * libm::exp(common[tick] + off) * burst;
                let mut bad = [draw_errors(&mut draw, requests, rate, noise.clump), 0, 0];
                let slow =
                    noise.latency / libm::sqrt(pods) * (moods.latency[tick] + 0.5 * moods.latency_stays);
                let middle = MIDDLE + latency_common[tick] + slow;
                let pauses = draw.poisson(noise.pauses * pods * TICK / 3_600.0);
                let tail = (TAIL + 0.15 * pauses as f64 / pods).min(0.9);
                for (bad, bound) in bad[1..].iter_mut().zip(self.watched) {
                    *bad = draw.binomial(requests, 1.0 - below(middle, tail, BOUNDS[bound]));
                }
                for (metric, bad) in counts.iter_mut().zip(bad) {
                    metric[tick].push(GroupCounts { requests, bad });
                }
            }
        }
        Known {
            published: self.baseline(&counts, by_window, |_, _| 0.0),
            ours: self.baseline(&counts, moving_by_window, spread),
        }
    }

    fn baseline(
        &self,
        counts: &[Vec<Vec<GroupCounts>>; 3],
        by_window: impl Fn(&[Vec<GroupCounts>]) -> Vec<Option<f64>>,
        spread: impl Fn(&[PodRates], f64) -> f64,
    ) -> Baseline {
        let bad = [
            Bad::Failed,
            Bad::Slower(BOUNDS[self.watched[0]]),
            Bad::Slower(BOUNDS[self.watched[1]]),
        ];
        let tolerance = [(1.0 + 0.002 / self.base[0]).max(2.0), 1.5, 2.0];
        let from = Calibration::History {
            ticks: HISTORY as u32,
        };
        let metrics = (0..3).map(|index| {
            let mut groups = [PodRates { requests: 0, bad: 0 }; GROUPS];
            for (group, counts) in counts[index].iter().flat_map(|tick| groups_of(tick)) {
                groups[group].requests += counts.requests;
                groups[group].bad += counts.bad;
            }
            let (all, found) = groups
                .iter()
                .fold((0, 0), |(all, bad), one| (all + one.requests, bad + one.bad));
            let noise = DesignEffect::from_windows(&by_window(&counts[index]), from)
                .unwrap_or(DesignEffect::UNCALIBRATED);
            let per_group = (self.pods / GROUPS as f64).max(1.0);
            KnownMetric {
                bad: bad[index],
                tolerance: tolerance[index],
                capital: 0.0,
                rate: found.max(1) as f64 / all.max(1) as f64,
                noise,
                spread: spread(&groups, noise.whole) * libm::sqrt(per_group),
            }
        });
        Baseline {
            requests_per_tick: self.place.rps * TICK,
            pods: self.pods as usize,
            metrics: metrics.collect(),
            gauges: Default::default(),
            notes: Vec::new(),
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Canary,
    Stable,
}

fn groups_of(tick: &[GroupCounts]) -> impl Iterator<Item = (usize, GroupCounts)> + '_ {
    tick.iter().copied().enumerate()
}

/// Share of requests up to a bound in milliseconds.
fn below(middle: f64, tail: f64, bound: f64) -> f64 {
    let normal = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
    let z = (libm::log(bound) - middle) / SPREAD;
    (1.0 - tail) * normal(z) + tail * normal(z - TAIL_FACTOR / SPREAD)
}

fn draw_errors(draw: &mut Draw, requests: u64, rate: f64, clump: f64) -> u64 {
    let rate = rate.clamp(0.0, 1.0);
    if clump <= 1.0 {
        return draw.binomial(requests, rate);
    }
    draw.clumps(requests as f64 * rate, clump).min(requests)
}

/// The share of pods that burst: each begins to with 1.3 % and ends with 25 %, a tick.
fn burst(draw: &mut Draw, share: f64, pods: f64) -> f64 {
    let on = libm::rint(share * pods).max(0.0) as u64;
    let (ended, begun) = (
        draw.binomial(on, 0.25),
        draw.binomial(pods as u64 - on.min(pods as u64), 0.013),
    );
    (on - ended + begun) as f64 / pods
}

/// What a cold canary adds: to its error rate, and to its ln latency.
fn cold(noise: &Noise, tick: usize, rate: f64) -> (f64, f64) {
    match noise.other {
        Other::No if tick < 6 => (2.0 * rate, 0.5),
        Other::No => (0.0, 0.0),
        Other::Bursts { errors, fade, .. } => {
            let left = libm::exp(-(tick as f64) * TICK / fade);
            (errors * rate * left, 0.6 * left)
        }
    }
}
