//! Checks: one live observation each, from the order to a reading or the reason why there is none.
//!
//! Knows no threshold and no retry: a reading may be good or bad, that is for a gate to say.

use gateline_model::{Check, CheckOrder, MetricCheck, Reading};

/// Why a check could not find out: evidence becomes `errored`, never `passed` and never `failed`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct CheckError {
    /// What went wrong, where, and what to do.
    pub why: String,
}

impl CheckError {
    /// An error that says this, without the secrets that somebody outside said again.
    pub(crate) fn new(why: impl Into<String>) -> Self {
        let why = crate::secret::hide(&why.into()).into_owned();
        Self { why }
    }
}

/// Makes the ordered observation once.
///
/// # Errors
/// [`CheckError`] whenever there is no trustworthy reading: unreachable, too slow, malformed, ambiguous, no data.
pub(crate) async fn check(order: &CheckOrder) -> Result<Reading, CheckError> {
    match &order.check {
        Check::Metric(MetricCheck { source, query }) => {
            let query = query.replace("{version}", &order.version);
            crate::metrics::metric(&MetricCheck {
                source: source.clone(),
                query,
            })
            .await
        }
        Check::Http(check) => crate::http_check::check(check, &order.version).await,
        Check::Command(check) => Ok(crate::command::check(check, order).await?.0),
        // Nothing outside is asked: whoever has the reports holds them against the keys.
        Check::Policy(_) => Err(CheckError::new("no driver runs policy modules")),
        Check::Attestation(_) => Err(CheckError::new("no driver holds attestations against keys")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_case::test_case;

    use super::*;
    use crate::fake::{Fake, ok};

    fn order(check: serde_json::Value) -> CheckOrder {
        let stage = json!({"project": "payments", "pipeline": "payment-service", "stage": "production"});
        let order = json!({"check": check, "release": gateline_model::Digest::of(b"1.4.0"), "stage": stage, "version": "1.4.0", "artifacts": []});
        serde_json::from_value(order).unwrap()
    }

    #[test_case("metric"; "a metric gets the version into its query")]
    #[test_case("http"; "an http check gets the version into its address")]
    #[test_case("command"; "a command gets the version into its arguments")]
    #[tokio::test]
    async fn every_kind_of_check_reaches_its_driver(kind: &str) {
        let page = "live{version=\"1.3.0\"} 1\nlive{version=\"1.4.0\"} 2\n";
        let fake = Fake::always(ok("text/plain; version=0.0.4", page)).await;
        let check = match kind {
            "metric" => {
                json!({"source": {"openmetrics": {"url": fake.url("/")}}, "query": "live{version=\"{version}\"}"})
            }
            "http" => json!({"url": fake.url("/{version}"), "contains": "1.4.0"}),
            _ => json!({"run": ["/bin/echo", "{version}"]}),
        };
        match check_of(kind, check).await.unwrap() {
            Reading::Metric { value, .. } => assert_eq!(value, 2.0),
            Reading::Http {
                status,
                body_matched,
                url,
                ..
            } => {
                assert_eq!((status, body_matched, url), (200, Some(true), fake.url("/1.4.0")));
            }
            Reading::Command { output_tail, .. } => assert_eq!(output_tail, "1.4.0"),
            Reading::Attestation { .. } | Reading::Policy(_) => panic!("no driver looks at these"),
        }
    }

    async fn check_of(kind: &str, settings: serde_json::Value) -> Result<Reading, CheckError> {
        super::check(&order(json!({ kind: settings }))).await
    }
}
