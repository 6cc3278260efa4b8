//! On call: who is in a team for now, by a rota that is written down or as a source outside says.
//! Knows no clock and no network; callers pass the moment, and what was learnt of a source.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::{
    ON_CALL_AGE, ON_CALL_AGE_MAX, ON_CALL_EVERY, ON_CALL_EVERY_MIN, ON_CALL_TIMEOUT, ON_CALL_TIMEOUT_MAX,
};
use crate::{ActorId, Digest, ProviderName, SecretRef, Span};

/// Longest way to the names in a source's answer, in bytes.
pub const POINTER_BYTES_MAX: usize = 256;

/// Who is in a team for now. Written as one map: a rota has `rotation`, a source has `http`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
#[schemars(with = "Written")]
pub enum OnCall {
    /// A rota that is written down.
    Rota(Rota),
    /// A source that is asked.
    Source(OnCallSource),
}

/// A rota: each has it for the same time, in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rota {
    /// When the first of the rotation begins.
    pub from: Timestamp,
    /// How long each has it.
    pub every: Span,
    /// Who, in turn.
    pub rotation: Vec<ActorId>,
    /// Exceptions: somebody else for a time.
    pub instead: Vec<Instead>,
}

/// A source of who is on call, asked again and again. What it said last counts, for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OnCallSource {
    /// Its address, which answers with JSON.
    pub http: String,
    /// Where the names stand in the answer: a JSON pointer in which `*` stands for each, as in `/oncalls/*/user/email`.
    pub who: String,
    /// How often it is asked.
    pub every: Span,
    /// How old its last answer may be.
    pub max_age: Span,
    /// How long one answer may take.
    pub timeout: Span,
    /// What is shown to it, by reference.
    pub token: Option<SecretRef>,
    /// The provider by which the people sign in whom it names: `ana` is `PROVIDER:ana` then.
    pub provider: Option<ProviderName>,
}

/// Either of them, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "OnCall")]
#[serde(deny_unknown_fields)]
struct Written {
    /// Of a rota: when the first of the rotation begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    /// Of a rota: how long each has it. Of a source: how often it is asked, 5m where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<Span>,
    /// Of a rota: who, in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotation: Option<Vec<ActorId>>,
    /// Of a rota: somebody else for a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instead: Option<Vec<Instead>>,
    /// Of a source: its address, which answers with JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http: Option<String>,
    /// Of a source: where the names stand in the answer. A JSON pointer in which `*` stands for each, as in
    /// `/oncalls/*/user/email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    who: Option<String>,
    /// Of a source: how old its last answer may be, 30m where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_age: Option<Span>,
    /// Of a source: how long one answer may take, 10s where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<Span>,
    /// Of a source: what is shown to it, as `env:NAME` or `file:PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<SecretRef>,
    /// Of a source: the provider by which the people sign in whom it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<ProviderName>,
}

/// Why something is neither a rota nor a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnCallError {
    /// It is both.
    #[error("`{0}` is a rota's and `{1}` a source's: write one of them")]
    Both(&'static str, &'static str),
    /// Something is missing.
    #[error("`{0}` is missing: a rota has `from`, `every` and `rotation`; a source has `http` and `who`")]
    Missing(&'static str),
    /// The way to the names is none.
    #[error(
        "`who` is not a JSON pointer of 1 to {POINTER_BYTES_MAX} bytes: write it as in `/oncalls/*/user/email`"
    )]
    Pointer,
    /// A time is out of its bounds.
    #[error("`{0}` is {1}; it may be {2} to {3}")]
    Bounds(&'static str, Span, Span, Span),
}

impl TryFrom<Written> for OnCall {
    type Error = OnCallError;

    fn try_from(written: Written) -> Result<Self, OnCallError> {
        let Written {
            from,
            every,
            rotation,
            instead,
            http,
            who,
            max_age,
            timeout,
            token,
            provider,
        } = written;
        let of_rota = [
            ("from", from.is_some()),
            ("rotation", rotation.is_some()),
            ("instead", instead.is_some()),
        ];
        let of_source = [
            ("http", http.is_some()),
            ("who", who.is_some()),
            ("max_age", max_age.is_some()),
            ("timeout", timeout.is_some()),
            ("token", token.is_some()),
            ("provider", provider.is_some()),
        ];
        let given =
            |fields: &[(&'static str, bool)]| fields.iter().find(|(_, given)| *given).map(|(name, _)| *name);
        match (given(&of_rota), given(&of_source)) {
            (Some(rota), Some(source)) => Err(OnCallError::Both(rota, source)),
            (_, None) => Ok(OnCall::Rota(Rota {
                from: from.ok_or(OnCallError::Missing("from"))?,
                every: every.ok_or(OnCallError::Missing("every"))?,
                rotation: rotation.ok_or(OnCallError::Missing("rotation"))?,
                instead: instead.unwrap_or_default(),
            })),
            (None, Some(_)) => {
                let source = OnCallSource {
                    http: http.ok_or(OnCallError::Missing("http"))?,
                    who: who.ok_or(OnCallError::Missing("who"))?,
                    every: every.unwrap_or(ON_CALL_EVERY),
                    max_age: max_age.unwrap_or(ON_CALL_AGE),
                    timeout: timeout.unwrap_or(ON_CALL_TIMEOUT),
                    token,
                    provider,
                };
                source.check()?;
                Ok(OnCall::Source(source))
            }
        }
    }
}

impl From<OnCall> for Written {
    fn from(on_call: OnCall) -> Self {
        let nothing = Written {
            from: None,
            every: None,
            rotation: None,
            instead: None,
            http: None,
            who: None,
            max_age: None,
            timeout: None,
            token: None,
            provider: None,
        };
        match on_call {
            OnCall::Rota(rota) => Written {
                from: Some(rota.from),
                every: Some(rota.every),
                rotation: Some(rota.rotation),
                instead: (!rota.instead.is_empty()).then_some(rota.instead),
                ..nothing
            },
            OnCall::Source(source) => Written {
                http: Some(source.http),
                who: Some(source.who),
                every: Some(source.every),
                max_age: Some(source.max_age),
                timeout: Some(source.timeout),
                token: source.token,
                provider: source.provider,
                ..nothing
            },
        }
    }
}

impl OnCallSource {
    /// Which source it is, with all that is declared of it: what was learnt of another one does not count for it.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    fn check(&self) -> Result<(), OnCallError> {
        if !(1..=POINTER_BYTES_MAX).contains(&self.who.len()) || !self.who.starts_with('/') {
            return Err(OnCallError::Pointer);
        }
        let within = |name, span: Span, least: Span, most: Span| match (least..=most).contains(&span) {
            true => Ok(()),
            false => Err(OnCallError::Bounds(name, span, least, most)),
        };
        within(
            "max_age",
            self.max_age,
            ON_CALL_EVERY_MIN.times(2),
            ON_CALL_AGE_MAX,
        )?;
        // One answer may be lost, and the next one still comes in time.
        let half = Span::from_millis(self.max_age.as_millis() / 2);
        within("every", self.every, ON_CALL_EVERY_MIN, half)?;
        within("timeout", self.timeout, ON_CALL_EVERY_MIN, ON_CALL_TIMEOUT_MAX)
    }
}

/// Somebody else has it for a time, half-open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instead {
    /// Who.
    pub who: ActorId,
    /// From then.
    pub from: Timestamp,
    /// Until then.
    pub until: Timestamp,
}

impl Rota {
    /// Who has it at a moment. Nobody before the rota begins.
    pub fn at(&self, now: Timestamp) -> Option<&ActorId> {
        if let Some(instead) = self.instead.iter().find(|one| one.from <= now && now < one.until) {
            return Some(&instead.who);
        }
        self.rotation.get(self.turn(now)? % self.rotation.len().max(1))
    }

    /// When somebody else has it next, by turn or by exception.
    pub fn changes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let turn = self.turn(now).map_or(0, |turn| turn as i64 + 1);
        let next = Span::from_millis(self.every.as_millis().saturating_mul(turn)).after(self.from);
        let exceptions = self.instead.iter().flat_map(|one| [one.from, one.until]);
        exceptions.chain([next]).filter(|at| *at > now).min()
    }

    fn turn(&self, now: Timestamp) -> Option<usize> {
        if now < self.from || self.every == Span::ZERO {
            return None;
        }
        let since = now.as_millisecond() - self.from.as_millisecond();
        usize::try_from(since / self.every.as_millis()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn rota() -> Rota {
        Rota {
            from: at("2026-11-02T09:00:00Z"),
            every: Span::from_secs(7 * 86_400),
            rotation: ["ann", "bo"].map(|who| who.parse().unwrap()).to_vec(),
            instead: vec![Instead {
                who: "cy".parse().unwrap(),
                from: at("2026-11-04T00:00:00Z"),
                until: at("2026-11-05T00:00:00Z"),
            }],
        }
    }

    fn who(now: &str) -> Option<String> {
        rota().at(at(now)).map(ToString::to_string)
    }

    #[test]
    fn each_has_the_rota_in_turn_and_an_exception_goes_first() {
        assert_eq!(who("2026-11-02T08:59:59Z"), None);
        assert_eq!(who("2026-11-02T09:00:00Z").as_deref(), Some("ann"));
        assert_eq!(who("2026-11-04T00:00:00Z").as_deref(), Some("cy"));
        assert_eq!(who("2026-11-05T00:00:00Z").as_deref(), Some("ann"));
        assert_eq!(who("2026-11-09T09:00:00Z").as_deref(), Some("bo"));
        assert_eq!(who("2026-11-16T09:00:00Z").as_deref(), Some("ann"));
    }

    #[test]
    fn a_rota_says_when_it_changes_next() {
        let changes = |now: &str| rota().changes_at(at(now)).unwrap().to_string();
        assert_eq!(changes("2026-11-01T00:00:00Z"), "2026-11-02T09:00:00Z");
        assert_eq!(changes("2026-11-02T09:00:00Z"), "2026-11-04T00:00:00Z");
        assert_eq!(changes("2026-11-05T00:00:00Z"), "2026-11-09T09:00:00Z");
    }

    #[test]
    fn a_rota_that_never_moves_names_nobody_and_does_not_divide_by_nothing() {
        let stuck = Rota {
            every: Span::ZERO,
            instead: Vec::new(),
            ..rota()
        };
        assert_eq!(stuck.at(at("2026-12-01T00:00:00Z")), None);
        let empty = Rota {
            rotation: Vec::new(),
            instead: Vec::new(),
            ..rota()
        };
        assert_eq!(empty.at(at("2026-12-01T00:00:00Z")), None);
    }

    fn read(text: &str) -> Result<OnCall, String> {
        serde_json::from_str(text).map_err(|err| err.to_string())
    }

    #[test]
    fn a_source_is_read_with_what_is_not_given_and_comes_back_the_same() {
        let read =
            read(r#"{"http": "https://pager.example.com/oncalls", "who": "/oncalls/*/user"}"#).unwrap();
        let OnCall::Source(source) = &read else {
            panic!("{read:?}")
        };
        assert_eq!(
            (source.every, source.max_age, source.timeout),
            (ON_CALL_EVERY, ON_CALL_AGE, ON_CALL_TIMEOUT)
        );
        let again = serde_json::from_value(serde_json::to_value(&read).unwrap()).unwrap();
        assert_eq!(read, again);
        let rota = OnCall::Rota(rota());
        assert_eq!(
            rota,
            serde_json::from_value(serde_json::to_value(&rota).unwrap()).unwrap()
        );
    }

    #[test]
    fn what_is_both_or_half_or_out_of_bounds_is_refused_by_name() {
        let source = |more: &str| {
            read(&format!(
                r#"{{"http": "https://p.example.com", "who": "/x"{more}}}"#
            ))
        };
        assert!(source("").is_ok());
        assert!(source(r#", "every": "1s", "max_age": "2s", "timeout": "1m""#).is_ok());
        for (bad, says) in [
            (
                r#", "rotation": ["ann"]"#,
                "`rotation` is a rota's and `http` a source's",
            ),
            (r#", "every": "999ms""#, "`every` is 999ms; it may be 1s to 15m"),
            (r#", "every": "16m""#, "`every` is 16m; it may be 1s to 15m"),
            (r#", "max_age": "25h""#, "`max_age` is 1d 1h; it may be 2s to 1d"),
            (r#", "timeout": "61s""#, "`timeout` is 1m 1s; it may be 1s to 1m"),
            (r#", "token": "hunter2""#, "env:NAME"),
            (r#", "whom": "/x""#, "unknown field `whom`"),
        ] {
            let err = source(bad).unwrap_err();
            assert!(err.contains(says), "{bad}: {err}");
        }
        for (bad, says) in [
            (r#"{"http": "https://p.example.com"}"#, "`who` is missing"),
            (
                r#"{"who": "/x", "http": "https://p.example.com", "from": "2026-01-01T00:00:00Z"}"#,
                "write one of them",
            ),
            (
                r#"{"http": "https://p.example.com", "who": "x/y"}"#,
                "not a JSON pointer",
            ),
            (r#"{"every": "1d"}"#, "`from` is missing"),
        ] {
            let err = read(bad).unwrap_err();
            assert!(err.contains(says), "{bad}: {err}");
        }
        let long = format!("/{}", "x".repeat(POINTER_BYTES_MAX));
        assert!(
            read(&format!(
                r#"{{"http": "https://p.example.com", "who": "{long}"}}"#
            ))
            .is_err()
        );
    }
}
