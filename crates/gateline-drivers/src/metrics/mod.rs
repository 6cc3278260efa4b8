//! Metric sources: one query, one number that can be trusted, or the reason why there is none.
//!
//! Effect class: none, they only observe. Whatever is missing, ambiguous, partial, late or no finite number is an
//! error with its own words; it never becomes a number. Knows no threshold.

mod openmetrics;
mod past;
mod prometheus;
mod series;
mod traffic;

use gateline_model::{MetricCheck, MetricSource, Reading};

pub use openmetrics::{LINE_BYTES_MAX, SCRAPE_BYTES_MAX, SERIES_MAX};
pub use past::past;
pub use prometheus::{ANSWER_BYTES_MAX, RANGE_BYTES_MAX};
pub use series::{BUCKETS_MAX, PODS_MAX};
pub use traffic::{HISTORY_POINTS_MAX, history, traffic};

use crate::CheckError;
use crate::fetch::{shown, url};

/// Longest query, in bytes, placeholders filled in.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;
/// Series that an error lists when a query matched several.
const SERIES_SHOWN: usize = 3;

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

/// The count of one series of a page, 0 where the page has none that matches: for pages of programs that are known.
pub(crate) fn count_of(body: &[u8], name: &str, labels: &[(&str, &str)]) -> Result<u64, CheckError> {
    let series = openmetrics::of_body(body, name, labels)?;
    let counts =
        series::counts(&series, Some(labels[0].0)).map_err(|err| CheckError::new(err.to_string()))?;
    Ok(counts.values().sum())
}

/// The buckets of one histogram of a page, none where the page has none that matches.
pub(crate) fn latency_of(
    body: &[u8],
    name: &str,
    labels: &[(&str, &str)],
) -> Result<Vec<(f64, u64)>, CheckError> {
    let series = openmetrics::of_body(body, name, labels)?;
    let mut buckets = series::buckets(&series, None).map_err(|err| CheckError::new(err.to_string()))?;
    Ok(buckets.remove("").unwrap_or_default())
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
