//! HTTP: one request is answered as it should be.
//!
//! `http: {url: "http://..", status: 200, at_most: 500ms}`. A server that cannot be reached is errored, not failed.

use gateline_model::{Check, Gate, HttpCheck, Reading, SecretRef, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use super::live::{self, Judged, every_default, max_age_default};
use super::{GateKind, GateView, Observes, Place, check_params, schema_of, with_params};

pub(super) const KIND: GateKind = GateKind {
    name: "http",
    summary: "One HTTP request is answered as it should be.",
    place: Place::EntryAndVerify,
    check: check_params::<Http>,
    schema: schema_of::<Http>,
    observes: |params| {
        let http = Http::deserialize(params).ok()?;
        let check = HttpCheck {
            url: http.url,
            contains: http.contains,
            timeout: http.timeout,
            token: http.token,
        };
        Some(Observes {
            check: Check::Http(check),
            every: http.every,
        })
    },
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |http: Http| {
            live::judge(gate, view, http.every, http.max_age, |reading| match reading {
                Reading::Http {
                    status,
                    latency_ms,
                    body_matched,
                    ..
                } => Some(http.judge(*status, *latency_ms, *body_matched)),
                Reading::Metric { .. }
                | Reading::Command { .. }
                | Reading::Attestation { .. }
                | Reading::Policy(_) => None,
            })
        })
    },
};

/// Parameters of the gate kind `http`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Http {
    /// The address. `{version}` is filled in.
    url: String,
    /// The status that the answer must have.
    #[serde(default = "ok")]
    status: u16,
    /// Text that the body must contain.
    #[serde(default)]
    contains: Option<String>,
    /// The slowest that the answer may be.
    #[serde(default)]
    at_most: Option<Span>,
    /// How long to wait for the answer at all.
    #[serde(default = "timeout_default")]
    timeout: Span,
    /// Bearer token, by reference.
    #[serde(default)]
    token: Option<SecretRef>,
    /// Time between two runs while it does not pass.
    #[serde(default = "every_default")]
    every: Span,
    /// How old a passed check may be at admission.
    #[serde(default = "max_age_default")]
    max_age: Span,
}

fn ok() -> u16 {
    200
}

fn timeout_default() -> Span {
    Span::from_secs(10)
}

impl Http {
    fn judge(&self, status: u16, latency_ms: u64, body_matched: Option<bool>) -> Judged {
        let slow = self
            .at_most
            .is_some_and(|limit| latency_ms as i64 > limit.as_millis());
        let foreign = body_matched == Some(false);
        let mut says = format!("answered {status} in {latency_ms} ms");
        if status != self.status {
            says.push_str(&format!(", not {}", self.status));
        }
        if let (true, Some(limit)) = (slow, self.at_most) {
            says.push_str(&format!(", slower than {limit}"));
        }
        if foreign {
            says.push_str(", without the text that it should contain");
        }
        Judged {
            passed: status == self.status && !slow && !foreign,
            failed: match (status == self.status, slow) {
                (false, _) => "check.status",
                (true, true) => "check.slow",
                (true, false) => "check.body",
            },
            says,
            name: "latency",
            value: latency_ms as f64,
            unit: "ms".to_owned(),
            limit: self.at_most.map(|limit| format!("<= {limit}")),
        }
    }
}
