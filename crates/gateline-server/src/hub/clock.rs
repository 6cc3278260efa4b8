//! The clock: the host's time, which never goes back here even when the host's does.

use jiff::Timestamp;

/// A clock that never goes back.
#[derive(Debug)]
pub(super) struct Clock {
    last: Timestamp,
}

impl Clock {
    /// A clock that is never before this moment: the log's last event.
    pub(super) fn after(last: Timestamp) -> Self {
        Self { last }
    }

    /// Now, in whole microseconds as the log keeps them.
    pub(super) fn now(&mut self) -> Timestamp {
        let now = Timestamp::now();
        let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
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
        let mut clock = Clock::after(future);
        assert_eq!((clock.now(), clock.now()), (future, future));
    }
}
