//! The clock: the host's time, or that of the database that servers share, which never goes back here even when the other
//! does.

use std::sync::Arc;

use gateline_model::Span;
use jiff::Timestamp;

use super::estimate::Estimate;

/// How far the clock may be behind the log's last event without a word.
const BEHIND_TOLD: Span = Span::from_secs(60);

/// By how much the log's last event is ahead of the clock, where that is worth a word.
pub(crate) fn ahead(log: Timestamp, clock: Timestamp) -> Option<Span> {
    Some(Span::between(clock, log)).filter(|ahead| *ahead > BEHIND_TOLD)
}

/// A clock that never goes back.
#[derive(Debug)]
pub(super) struct Clock {
    last: Timestamp,
    /// The database's time, where servers share one.
    shared: Option<Arc<Estimate>>,
}

impl Clock {
    /// A clock that is never before this moment: the log's last event.
    pub(super) fn after(last: Timestamp, shared: Option<Arc<Estimate>>) -> Self {
        Self { last, shared }
    }

    /// Now, in whole microseconds as the log keeps them.
    pub(super) fn now(&mut self) -> Timestamp {
        self.shown(self.host())
    }

    /// Whether it is good enough to decide by, or why not.
    pub(super) fn sure(&self) -> Result<(), String> {
        self.shared.as_ref().map_or(Ok(()), |shared| shared.sure())
    }

    /// What the clock behind it shows, which may go back.
    pub(super) fn host(&self) -> Timestamp {
        let shared = self.shared.as_ref();
        shared.map_or_else(Timestamp::now, |shared| shared.now())
    }

    /// Now, where the clock behind it shows this.
    fn shown(&mut self, host: Timestamp) -> Timestamp {
        let now = Timestamp::from_microsecond(host.as_microsecond()).unwrap_or(host);
        self.last = self.last.max(now);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_from_the_future_holds_the_clock_until_the_host_catches_up() {
        let future = Timestamp::from_second(32_503_680_000).unwrap();
        let mut clock = Clock::after(future, None);
        assert_eq!((clock.now(), clock.now()), (future, future));
        assert!(ahead(future, clock.host()).is_some());
        assert_eq!(ahead(Timestamp::UNIX_EPOCH, clock.host()), None);
    }

    #[test]
    fn a_host_whose_clock_jumps_back_reopens_no_window_and_lengthens_nothing_that_ends() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let window: gateline_model::Window = serde_json::from_value(serde_json::json!({
            "zone": "Europe/Berlin", "days": ["mon"], "from": "09:00", "to": "17:00",
        }))
        .unwrap();
        let is_open = |now| {
            let next = window.next(now, &gateline_model::Calendars::new()).unwrap();
            next.is_some_and(|open| open.contains(now))
        };
        let ends = at("2026-11-23T16:00:00Z");
        let mut clock = Clock::after(at("2026-11-23T12:00:00Z"), None);
        assert!(is_open(clock.shown(at("2026-11-23T15:59:59Z"))));
        let closed = clock.shown(at("2026-11-23T16:00:01Z"));
        assert!(!is_open(closed) && ends <= closed);
        // Back by an hour, and back by a day: neither is open, and what has ended has.
        for host in ["2026-11-23T15:00:01Z", "2026-11-22T16:00:01Z"] {
            let now = clock.shown(at(host));
            assert!(!is_open(now), "{host}");
            assert!(ends <= now, "{host}");
        }
        // A new process begins where the log ends, whatever its host's clock shows.
        let now = Clock::after(closed, None).shown(at("2026-11-23T15:00:00Z"));
        assert!(!is_open(now) && ends <= now);
    }
}
