//! The judges: looks at a rollout's traffic in, a ruling with its numbers out.
//!
//! Pure, deterministic and replayable: the same looks and settings give the same ruling, bit for bit on every platform.
//! Knows no rollout, no step order and no clock: time is the ticks' own.

mod counts;
mod forecast;
mod fuse;
mod gauge;
mod guard;
mod histogram;
mod judge;
pub mod kayenta;
mod look;
mod noise;
mod numeric;
mod obf;
mod pods;
mod ratio;
pub mod recipe;
mod rollout;
mod ruling;
mod saturation;
mod threshold;
mod trace;

pub use counts::{Counts, count};
pub use forecast::{Forecast, Traffic, forecast};
pub use fuse::Fuses;
pub use gauge::{Gauge, GaugeNoise};
pub use guard::{Burn, Guards, Slo};
pub use histogram::{Chosen, NATIVE_BOUNDS_MAX, bound_for, native};
pub use judge::{
    BASELINE_REQUESTS_MIN, Baseline, Exposure, Judge, KnownMetric, Settings, SettingsError, tolerated,
};
pub use look::{ArmLook, Bad, GaugeLook, Look};
pub use noise::{DesignEffect, GroupCounts, PodRates, WINDOWS, by_window, moving_by_window, spread};
pub use obf::{GroupSequential, Planned};
pub use ratio::{Band, Expected, Harm, Pair, Rate, Ratio, Tempering};
pub use recipe::Recipe;
pub use rollout::{Course, KAYENTA_POINTS_MIN, RolloutJudge, Step};
pub use ruling::{BAND_POINTS_MAX, DROPPED_MAX, Record, Said};
pub use saturation::{Carried, saturation};
pub use threshold::judge;
pub use trace::{
    BUCKETS_MAX, COUNT_MAX, LINE_BYTES_MAX, LINES_MAX, POD_BYTES_MAX, TRACE_TICKS_MAX, Trace, TraceError,
    replay,
};
