//! The time of a shared database, as this server estimates it between two questions.
//!
//! Counts from the last good answer by the clock of this host that nobody sets. Knows how wrong it may be, and says so when
//! that is too much: then nothing is decided.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gateline_store::{PostgresReader, StoreError};
use jiff::Timestamp;
use tracing::warn;

use super::lock;

/// How wrong the estimate may be. Beyond it the server is not ready.
pub const UNCERTAIN_MAX: Duration = Duration::from_secs(1);
/// How long the database may say nothing. Beyond it the server is not ready.
pub const SILENT_MAX: Duration = Duration::from_secs(10);
/// How long between two questions.
const EVERY: Duration = Duration::from_secs(1);
/// How many parts in a million a host's clock may run too fast or too slow: a bad one.
const DRIFT_PPM: u32 = 500;

/// A moment of this host, by its two clocks.
#[derive(Debug, Clone, Copy)]
struct Moment {
    /// Since the server started; nobody sets it.
    steady: Duration,
    /// What it shows to people.
    shown: Timestamp,
}

/// What an answer told.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    /// The database's time,
    at: Timestamp,
    /// at this moment,
    moment: Moment,
    /// give or take this.
    half: Duration,
}

impl Anchor {
    fn of(at: Timestamp, asked: Moment, answered: Moment) -> Self {
        let half = answered.steady.saturating_sub(asked.steady) / 2;
        // When within the time of the question its clock was read, nobody knows.
        let moment = Moment {
            steady: asked.steady + half,
            shown: after(asked.shown, half),
        };
        Self { at, moment, half }
    }

    fn now(&self, moment: Moment) -> Timestamp {
        after(self.at, moment.steady.saturating_sub(self.moment.steady))
    }

    /// How wrong it may be: what it was, what the host's clock may have drifted, and what its two clocks disagree by, as
    /// after the host slept or somebody set its time.
    fn uncertainty(&self, moment: Moment) -> Duration {
        let passed = moment.steady.saturating_sub(self.moment.steady);
        let shown = moment.shown.as_microsecond() - self.moment.shown.as_microsecond();
        let apart = shown.abs_diff(i64::try_from(passed.as_micros()).unwrap_or(i64::MAX));
        self.half + passed / 1_000_000 * DRIFT_PPM + Duration::from_micros(apart)
    }

    /// The better one of two, at the moment of the newer one. Where they cannot both be right, the newer one is: the
    /// database moved to another host, or somebody set its clock.
    fn better(self, newer: Self, moment: Moment) -> Self {
        let apart = self
            .now(moment)
            .as_microsecond()
            .abs_diff(newer.now(moment).as_microsecond());
        let (old, new) = (self.uncertainty(moment), newer.uncertainty(moment));
        if new <= old || Duration::from_micros(apart) > old + new {
            newer
        } else {
            self
        }
    }
}

fn after(at: Timestamp, passed: Duration) -> Timestamp {
    at.checked_add(passed).unwrap_or(at)
}

/// The estimate, and how long ago the database answered last.
#[derive(Debug)]
pub(super) struct Estimate {
    started: Instant,
    known: Mutex<(Anchor, Duration)>,
}

impl Estimate {
    /// Asks once, and from then on from a thread of its own, for as long as somebody has this.
    pub(super) fn start(reader: PostgresReader) -> Result<Arc<Self>, super::run::StartError> {
        let started = Instant::now();
        let (anchor, moment) = ask(&reader, started)?;
        let estimate = Arc::new(Self {
            started,
            known: Mutex::new((anchor, moment.steady)),
        });
        let kept = Arc::downgrade(&estimate);
        std::thread::Builder::new()
            .name("gateline-clock".into())
            .spawn(move || {
                loop {
                    std::thread::sleep(EVERY);
                    let Some(estimate) = kept.upgrade() else {
                        return;
                    };
                    match ask(&reader, started) {
                        Ok((newer, moment)) => {
                            let mut known = lock(&estimate.known);
                            *known = (known.0.better(newer, moment), moment.steady);
                        }
                        Err(err) => warn!("Could not ask the database for its time: {err}"),
                    }
                }
            })?;
        Ok(estimate)
    }

    pub(super) fn now(&self) -> Timestamp {
        lock(&self.known).0.now(moment(self.started))
    }

    /// Whether it is good enough to decide by.
    pub(super) fn sure(&self) -> Result<(), String> {
        let (anchor, heard) = *lock(&self.known);
        sure(&anchor, heard, moment(self.started))
    }
}

fn sure(anchor: &Anchor, heard: Duration, moment: Moment) -> Result<(), String> {
    let silent = moment.steady.saturating_sub(heard);
    if silent > SILENT_MAX {
        return Err(format!(
            "the database has not answered for {} s; nothing is decided until it does",
            silent.as_secs()
        ));
    }
    let uncertainty = anchor.uncertainty(moment);
    if uncertainty > UNCERTAIN_MAX {
        return Err(format!(
            "the database's time is known to {:.1} s only, not to {} s; nothing is decided until it is",
            uncertainty.as_secs_f64(),
            UNCERTAIN_MAX.as_secs()
        ));
    }
    Ok(())
}

fn moment(started: Instant) -> Moment {
    Moment {
        steady: started.elapsed(),
        shown: Timestamp::now(),
    }
}

fn ask(reader: &PostgresReader, started: Instant) -> Result<(Anchor, Moment), StoreError> {
    let asked = moment(started);
    let at = reader.time()?.at;
    let answered = moment(started);
    Ok((Anchor::of(at, asked, answered), answered))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
    }

    /// A moment so many milliseconds after the start, where the host shows an hour too much.
    fn moment(millis: u64) -> Moment {
        Moment {
            steady: Duration::from_millis(millis),
            shown: at(3_600_000 + millis as i64),
        }
    }

    #[test]
    fn the_database_s_time_counts_and_not_the_host_s() {
        let anchor = Anchor::of(at(50), moment(0), moment(100));
        assert_eq!(anchor.now(moment(50)), at(50));
        assert_eq!(anchor.now(moment(1_050)), at(1_050));
        assert_eq!(anchor.uncertainty(moment(50)), Duration::from_millis(50));
    }

    #[test]
    fn a_slow_answer_does_not_replace_a_good_one_until_that_has_grown_old() {
        let good = Anchor::of(at(0), moment(0), moment(2));
        let slow = Anchor::of(at(1_500), moment(1_000), moment(2_000));
        assert_eq!(good.better(slow, moment(2_000)).half, good.half);
        let old = moment(3_000_000);
        let slow = Anchor::of(at(2_999_500), moment(2_999_000), old);
        assert_eq!(good.better(slow, old).half, slow.half);
    }

    #[test]
    fn a_database_that_moved_to_another_clock_is_believed() {
        let before = Anchor::of(at(0), moment(0), moment(2));
        let moved = Anchor::of(at(61_000), moment(1_000), moment(1_400));
        assert_eq!(before.better(moved, moment(1_400)).at, moved.at);
    }

    #[test]
    fn what_is_too_uncertain_is_said_and_so_is_silence() {
        let anchor = Anchor::of(at(0), moment(0), moment(2));
        let sure = |millis: u64| {
            sure(
                &anchor,
                Duration::from_millis(millis.saturating_sub(500)),
                moment(millis),
            )
        };
        assert_eq!(sure(10_000), Ok(()));
        assert!(sure(3_600_000).unwrap_err().contains("known to 1.8 s only"));
        // The host slept for a minute: only one of its clocks went on.
        let woken = Moment {
            steady: Duration::from_secs(2),
            ..moment(62_000)
        };
        assert!(
            super::sure(&anchor, Duration::from_secs(1), woken)
                .unwrap_err()
                .contains("known to 60.0 s")
        );
        let silent = super::sure(&anchor, Duration::ZERO, moment(11_000)).unwrap_err();
        assert!(silent.contains("not answered for 11 s"), "{silent}");
        let slow = Anchor::of(at(0), moment(0), moment(2_100));
        assert!(super::sure(&slow, Duration::from_secs(2), moment(2_100)).is_err());
    }
}
