//! Versions of event bodies: the one place where what an older Gateline wrote is read.
//!
//! A new version of the bodies raises [`EVENT_VERSION`], adds an arm here and a file under `tests/golden/`, which is
//! kept for ever. Bytes in the log are never rewritten: their hashes are proven.

use gateline_model::{EVENT_VERSION, Event};

use crate::StoreError;

/// Reads a body of this version.
pub(crate) fn event(number: u64, version: u16, body: &[u8]) -> Result<Event, StoreError> {
    let what = || format!("event {number}");
    match version {
        1 => serde_json::from_slice(body).map_err(|err| StoreError::Damaged {
            what: what(),
            why: err.to_string(),
        }),
        0 => Err(StoreError::Damaged {
            what: what(),
            why: "there is no version 0".to_owned(),
        }),
        found => Err(StoreError::Newer {
            what: what(),
            found,
            known: EVENT_VERSION,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The golden files, by version. Never edited, never removed.
    const GOLDEN: &[(u16, &str)] = &[(1, include_str!("../tests/golden/event_v1.jsonl"))];

    /// The names that the type has, as its schema lists them.
    fn names() -> BTreeSet<String> {
        let schema = schemars::schema_for!(Event);
        let variants = schema.get("oneOf").unwrap().as_array().unwrap();
        let name = |variant: &serde_json::Value| {
            variant["properties"]["type"]["const"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        variants.iter().map(name).collect()
    }

    #[test]
    fn every_version_that_was_ever_written_is_read() {
        for (version, lines) in GOLDEN {
            for line in lines.lines() {
                event(0, *version, line.as_bytes())
                    .unwrap_or_else(|err| panic!("version {version}: {err}\n{line}"));
            }
        }
        assert_eq!(
            GOLDEN.iter().map(|(version, _)| *version).collect::<Vec<_>>(),
            (1..=EVENT_VERSION).collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_newest_golden_file_is_what_is_written_now() {
        let (version, lines) = GOLDEN.last().unwrap();
        let mut seen = BTreeSet::new();
        for line in lines.lines() {
            let event = event(0, *version, line.as_bytes()).unwrap();
            seen.insert(event.name().to_owned());
            let written = String::from_utf8(crate::leaf::body(&event)).unwrap();
            assert_eq!(
                written,
                line,
                "the form of `{}` changed: raise EVENT_VERSION and upcast",
                event.name()
            );
        }
        assert_eq!(seen, names(), "each event has its line");
    }

    #[test]
    fn an_unknown_newer_version_is_a_clear_error() {
        let err = event(7, EVENT_VERSION + 1, b"{}").unwrap_err().to_string();
        assert_eq!(
            err,
            "event 7 is of version 2, this Gateline reads up to version 1; start the newer Gateline again"
        );
    }

    #[test]
    fn malformed_truncated_and_nested_bodies_are_damage() {
        let nested = "[".repeat(100_000);
        for body in [
            "",
            "{",
            "{}",
            "null",
            r#"{"type":"unheard_of"}"#,
            r#"{"type":"step_applied","step":1"#,
            &nested,
        ] {
            assert!(
                matches!(event(0, 1, body.as_bytes()), Err(StoreError::Damaged { .. })),
                "{body:.20}"
            );
        }
        assert!(matches!(event(0, 0, b"{}"), Err(StoreError::Damaged { .. })));
    }
}
