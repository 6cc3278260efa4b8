//! Metric sources: one query, one number that can be trusted, or the reason why there is none.
//!
//! Effect class: none, they only observe. Whatever is missing, ambiguous, partial, late or no finite number is an
//! error with its own words; it never becomes a number. Knows no threshold.

mod openmetrics;
mod prometheus;

use gateline_model::{Arm, MetricCheck, MetricSource, Reading, Tick, TrafficSource, Weight};
use jiff::Timestamp;

pub use openmetrics::{LINE_BYTES_MAX, SCRAPE_BYTES_MAX, SERIES_MAX};
pub use prometheus::ANSWER_BYTES_MAX;

use crate::CheckError;
use crate::fetch::{shown, url};

/// Longest query, in bytes, placeholders filled in.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;
/// Series that an error lists when a query matched several.
const SERIES_SHOWN: usize = 3;
/// The highest count that a source's floating point numbers hold exactly.
const COUNT_MAX: f64 = 9_007_199_254_740_992.0;

/// Asks a metric source once. An `openmetrics` rate, ratio or quantile takes the source's `over` for its two scrapes.
///
/// # Errors
/// [`CheckError`] where the source did not give exactly one finite number.
pub async fn metric(check: &MetricCheck) -> Result<Reading, CheckError> {
    let MetricCheck { source, query } = check;
    let value = number(source, query).await?;
    let source = match source {
        MetricSource::Openmetrics(source) => format!("openmetrics {}", shown(&url(&source.url)?)),
        MetricSource::Prometheus(source) => format!("prometheus {}", shown(&url(&source.url)?)),
    };
    Ok(Reading::Metric {
        value,
        query: query.clone(),
        source,
    })
}

/// What one arm has served so far, from a metric source instead of the target. The tick has no latency buckets.
///
/// # Errors
/// [`CheckError`] where one of the two queries did not give a count, or the counts contradict each other.
pub async fn traffic(
    source: &TrafficSource,
    version: &str,
    arm: Arm,
    weight: Weight,
) -> Result<Tick, CheckError> {
    let TrafficSource {
        from,
        requests,
        errors,
    } = source;
    let arm_word = match arm {
        Arm::Canary => "canary",
        Arm::Stable => "stable",
    };
    let fill = |query: &str| query.replace("{arm}", arm_word).replace("{version}", version);
    let at = Timestamp::now();
    // Errors first: while traffic flows, the requests asked for afterwards can only be more.
    let errors = count(from, &fill(errors)).await?;
    let requests = count(from, &fill(requests)).await?;
    if errors > requests {
        return Err(CheckError::new(format!(
            "the source counts {errors} errors among {requests} requests for `{version}`: correct the two queries, they must count the same traffic"
        )));
    }
    Ok(Tick {
        weight: weight.as_percent(),
        requests,
        errors,
        ..Tick::none(at, arm)
    })
}

async fn count(source: &MetricSource, query: &str) -> Result<u64, CheckError> {
    let value = number(source, query).await?;
    if value < 0.0 || value.fract() != 0.0 || value > COUNT_MAX {
        return Err(CheckError::new(format!(
            "the query `{query}` gave {value}, which is no count: ask for the counter itself, without rate or increase"
        )));
    }
    Ok(value as u64)
}

async fn number(source: &MetricSource, query: &str) -> Result<f64, CheckError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(CheckError::new(format!(
            "a query is longer than {QUERY_BYTES_MAX} bytes: shorten it"
        )));
    }
    match source {
        MetricSource::Openmetrics(source) => openmetrics::number(source, query).await,
        MetricSource::Prometheus(source) => prometheus::number(source, query).await,
    }
}

/// A few of the series that a query matched, for an error.
fn listed<T: std::fmt::Display>(series: impl ExactSizeIterator<Item = T>) -> String {
    let more = series.len().saturating_sub(SERIES_SHOWN);
    let shown: Vec<String> = series
        .take(SERIES_SHOWN)
        .map(|labels| labels.to_string().chars().take(200).collect())
        .collect();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests;
