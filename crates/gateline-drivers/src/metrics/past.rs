//! The past of a metric: what one query would have answered at each look of a stretch of time.
//!
//! Effect class: none, it only observes. A moment for which the source has no number is left out; a moment for which it has
//! several is an error, as it would have been then.

use gateline_model::{Check, CheckOrder, MetricSource, Span};
use jiff::Timestamp;

use super::{QUERY_BYTES_MAX, prometheus};
use crate::CheckError;

/// What a metric's query would have answered, oldest first.
///
/// # Errors
/// [`CheckError`] where the source cannot be asked for its past, or where a query answers several series.
pub async fn past(
    order: &CheckOrder,
    from: Timestamp,
    until: Timestamp,
    every: Span,
) -> Result<Vec<(Timestamp, f64)>, CheckError> {
    let Check::Metric(check) = &order.check else {
        return Err(CheckError::new("only a metric has a past"));
    };
    let MetricSource::Prometheus(source) = &check.source else {
        return Err(CheckError::new(
            "a page of metrics has no past: ask a `prometheus` server",
        ));
    };
    if check.query.len() > QUERY_BYTES_MAX {
        return Err(CheckError::new(format!(
            "a query is longer than {QUERY_BYTES_MAX} bytes: shorten it"
        )));
    }
    let query = check.query.replace("{version}", &order.version);
    let numbers_of = prometheus::past(source, &query, from, until, every).await?;
    let mut numbers = Vec::with_capacity(numbers_of.len());
    for (moment, series) in numbers_of {
        let [value] = series[..] else {
            return Err(CheckError::new(format!(
                "the query answered {} series for one moment: let it answer one, as with `sum(..)`",
                series.len()
            )));
        };
        let at = Timestamp::from_millisecond(moment)
            .map_err(|_| CheckError::new("the source answered with a time that there is not"))?;
        numbers.push((at, value));
    }
    Ok(numbers)
}
