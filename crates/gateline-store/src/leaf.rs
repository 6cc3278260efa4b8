//! Leaves: what of a recorded event is hashed into the log. The same for every store.
//! Knows no table: takes bytes, gives bytes and hashes.

use gateline_log::{Envelope, Hash, MAX_EXACT, salted};
use gateline_model::{EVENT_VERSION, Event, Private, Recorded};
use jiff::Timestamp;

use crate::{AppendError, Salt, StoreError, micros};

/// The time of the events of a batch: never before the head's.
pub(crate) fn stamp(now: Timestamp, head: Timestamp) -> Result<Timestamp, StoreError> {
    let at = micros::cut(now).max(head);
    if at.as_microsecond().unsigned_abs() > MAX_EXACT {
        let why = format!("the clock says {now}, which is later than a log entry can tell; set the clock");
        return Err(StoreError::Unavailable { doing: "append", why });
    }
    Ok(at)
}

/// The bytes of an event's body: kept as they are hashed.
pub(crate) fn body(event: &Event) -> Vec<u8> {
    let mut body = Vec::with_capacity(512);
    serde_json::to_writer(&mut body, event)
        .expect("events have only text as keys, and memory takes all bytes");
    body
}

/// Refuses an event whose bytes would not read back: it would stop every later start of the server.
///
/// Two things can be written and not be read: a float that is not finite, which becomes `null`, and the free-form
/// parameters of gates nested deeper than the reader goes. Only events that may have one of them are read back.
pub(crate) fn readable(event: &Event, body: &[u8]) -> Result<(), AppendError> {
    let suspect = matches!(
        event,
        Event::PipelineApplied { .. } | Event::VersionProposed { .. }
    ) || body.windows(4).any(|word| word == b"null");
    if !suspect {
        return Ok(());
    }
    let why = match serde_json::from_slice::<Event>(body) {
        Ok(read) if read == *event => return Ok(()),
        Ok(_) => "another event is read; is a number not finite?".to_owned(),
        Err(err) => err.to_string(),
    };
    Err(AppendError::Unreadable {
        event: event.name(),
        why,
    })
}

/// The bytes of the erasable part, and the hash that stays when it is erased.
pub(crate) fn private(salt: &Salt, private: &Private) -> (Vec<u8>, Hash) {
    let bytes = serde_json::to_vec(private).expect("texts by name always serialise");
    let hash = salted(salt, &bytes);
    (bytes, hash)
}

/// The leaf. `stream` is the text of the event's stream, `private` the hash of its erasable part.
pub(crate) fn leaf(recorded: &Recorded, stream: &str, body: &[u8], private: Option<Hash>) -> Hash {
    let envelope = Envelope {
        actor: recorded.actor.as_str(),
        body: Hash::of(body),
        kind: recorded.event.name(),
        kind_version: EVENT_VERSION,
        private: private.unwrap_or(Hash::ZERO),
        stream,
        stream_version: recorded.version,
        time_micros: recorded.at.as_microsecond(),
    };
    envelope
        .leaf()
        .expect("names are short, and the time was checked when the batch was stamped")
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateline_model::{Ruling, RulingKind};

    fn ruling(latency_ms: Option<f64>, errors_percent: Option<f64>) -> Event {
        Event::RulingChanged {
            step: 1,
            ruling: Ruling {
                says: RulingKind::Wait,
                headline: "null".into(),
                at: jiff::Timestamp::UNIX_EPOCH,
                requests: 0,
                errors: 0,
                errors_percent,
                latency_ms,
                stable_errors_percent: None,
                weight: None,
                unmeasured: None,
                full: None,
            },
            chunks: gateline_model::Digest::of(b""),
            settings: gateline_model::Digest::of(b""),
        }
    }

    #[test]
    fn an_event_with_a_number_that_is_not_finite_is_refused() {
        let check = |event: &Event| readable(event, &body(event));
        assert_eq!(check(&ruling(None, Some(0.1))), Ok(()));
        for number in [f64::NAN, f64::INFINITY] {
            assert!(matches!(
                check(&ruling(Some(number), None)),
                Err(AppendError::Unreadable { .. })
            ));
        }
    }

    #[test]
    fn the_longest_names_fit_an_entry() {
        let label = "a".repeat(63);
        let stream = format!("promotion/{label}/{label}/{label}/{}", u64::MAX);
        let recorded = Recorded {
            number: u64::MAX,
            stream: stream.parse().unwrap(),
            version: MAX_EXACT,
            at: stamp("2255-01-01T00:00:00Z".parse().unwrap(), Timestamp::UNIX_EPOCH).unwrap(),
            actor: "a".repeat(128).parse().unwrap(),
            event: Event::RolloutResumed {},
            private: None,
        };
        assert_ne!(leaf(&recorded, &stream, b"{}", None), Hash::ZERO);
    }

    #[test]
    fn a_clock_beyond_what_an_entry_can_tell_is_refused() {
        let refused = stamp("2300-01-01T00:00:00Z".parse().unwrap(), Timestamp::UNIX_EPOCH);
        assert!(refused.unwrap_err().to_string().contains("set the clock"));
    }
}
