//! Numbers from pages: values of one page, increases between two, and quantiles of histograms.
//!
//! Whatever the pages do not say beyond doubt is an error. Knows no HTTP and no time.

use std::collections::BTreeMap;

use super::page::{Labels, Page, Series};
use super::query::Selector;
use crate::metrics::listed;

/// Why pages do not give a number.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum MetricError {
    #[error("there is no metric `{0}`; look at the page for its name (a counter's ends in `_total`)")]
    NoMetric(String),
    #[error(
        "no series of the metric matches `{selector}`; it has {has}; correct the labels, or let the service report the series from its start"
    )]
    NoSeries { selector: Selector, has: String },
    #[error("`{selector}` matches {count} series: {first}; name more labels, or ask for `sum({selector})`")]
    ManySeries {
        selector: Selector,
        count: usize,
        first: String,
    },
    #[error("the page has the series `{selector}` {labels} twice; look at what serves it")]
    Twice { selector: Selector, labels: Labels },
    #[error("`{selector}` is {value}, which is no number to judge by")]
    NotFinite { selector: Selector, value: f64 },
    #[error("`{name}` is a {kind}; only a counter increases")]
    NotACounter { name: String, kind: String },
    #[error("`{name}` is a {kind}; a quantile needs a histogram")]
    NotAHistogram { name: String, kind: String },
    #[error("the counter `{selector}` is {value}; a counter is never negative")]
    Negative { selector: Selector, value: f64 },
    #[error(
        "`{0}` did not increase between the two scrapes: no traffic, no answer; let traffic flow or raise `over`"
    )]
    NoIncrease(Selector),
    #[error(
        "the histogram `{0}` has no bucket `+Inf`, or a bucket without a number in `le`; look at what serves it"
    )]
    BadBuckets(Selector),
    #[error("the series of `{0}` have different buckets, which cannot be added; name more labels")]
    OtherBuckets(Selector),
    #[error(
        "the buckets of `{0}` do not add up: a larger one grew less than a smaller one; look at what serves it"
    )]
    NotCumulative(Selector),
    #[error(
        "that quantile of `{selector}` lies above its highest bucket, {highest}; give the histogram larger buckets"
    )]
    AboveBuckets { selector: Selector, highest: f64 },
}

impl Page {
    /// The value of the one series that matches.
    pub(super) fn value(&self, selector: &Selector) -> Result<f64, MetricError> {
        match self.select(selector)?.as_slice() {
            [only] => finite(only.value, selector),
            many => Err(MetricError::ManySeries {
                selector: selector.clone(),
                count: many.len(),
                first: listed(many.iter().map(|series| &series.labels)),
            }),
        }
    }

    /// The sum of all series that match.
    pub(super) fn sum(&self, selector: &Selector) -> Result<f64, MetricError> {
        finite(
            self.select(selector)?.iter().map(|series| series.value).sum(),
            selector,
        )
    }

    /// Each series that matches.
    pub(super) fn each(&self, selector: &Selector) -> Result<Vec<super::Series>, MetricError> {
        let each = self.select(selector)?.into_iter().map(|series| {
            Ok(super::Series {
                labels: series.labels.0.clone(),
                value: super::Value::Number(finite(series.value, selector)?),
            })
        });
        each.collect()
    }

    /// The series that match; at least one, each once.
    fn select(&self, selector: &Selector) -> Result<Vec<&Series>, MetricError> {
        let named = || self.series.iter().filter(|series| series.name == selector.name);
        let mut found: Vec<&Series> = named().filter(|series| selector.takes(&series.labels)).collect();
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        if let Some(pair) = found.windows(2).find(|pair| pair[0].labels == pair[1].labels) {
            return Err(MetricError::Twice {
                selector: selector.clone(),
                labels: pair[0].labels.clone(),
            });
        }
        if !found.is_empty() {
            return Ok(found);
        }
        let has: Vec<&Labels> = named().map(|series| &series.labels).collect();
        if has.is_empty() {
            return Err(MetricError::NoMetric(selector.name.clone()));
        }
        Err(MetricError::NoSeries {
            selector: selector.clone(),
            has: listed(has.into_iter()),
        })
    }

    /// The counters that match, by their labels.
    fn counters(&self, selector: &Selector) -> Result<BTreeMap<Labels, f64>, MetricError> {
        let mut counters = BTreeMap::new();
        for series in self.select(selector)? {
            let value = finite(series.value, selector)?;
            if value < 0.0 {
                return Err(MetricError::Negative {
                    selector: selector.clone(),
                    value,
                });
            }
            counters.insert(series.labels.clone(), value);
        }
        Ok(counters)
    }
}

/// The increase of all counters that match, together.
pub(super) fn counter(earlier: &Page, later: &Page, selector: &Selector) -> Result<f64, MetricError> {
    match later.kind(&selector.name) {
        None | Some("counter" | "unknown" | "untyped") => {}
        // The parts of these count; the family's own name does not.
        Some("histogram" | "summary")
            if ["_bucket", "_count", "_sum"]
                .iter()
                .any(|s| selector.name.ends_with(s)) => {}
        Some(kind) => {
            return Err(MetricError::NotACounter {
                name: selector.name.clone(),
                kind: kind.to_owned(),
            });
        }
    }
    let later = later.counters(selector)?;
    let earlier = earlier.counters(selector)?;
    let increase = later
        .iter()
        .map(|(labels, value)| grown(earlier.get(labels).copied(), *value))
        .sum();
    finite(increase, selector)
}

/// The increase of one selection by that of another.
pub(super) fn ratio(
    earlier: &Page,
    later: &Page,
    part: &Selector,
    whole: &Selector,
) -> Result<f64, MetricError> {
    let part = counter(earlier, later, part)?;
    match counter(earlier, later, whole)? {
        0.0 => Err(MetricError::NoIncrease(whole.clone())),
        increase => finite(part / increase, whole),
    }
}

/// A quantile of what a histogram took in between two pages, linear within its bucket.
pub(super) fn quantile(
    earlier: &Page,
    later: &Page,
    quantile: f64,
    of: &Selector,
) -> Result<f64, MetricError> {
    if let Some(kind) = later
        .kind(&of.name)
        .filter(|kind| !matches!(*kind, "histogram" | "unknown" | "untyped"))
    {
        return Err(MetricError::NotAHistogram {
            name: of.name.clone(),
            kind: kind.to_owned(),
        });
    }
    let selector = Selector {
        name: format!("{}_bucket", of.name),
        labels: of.labels.clone(),
    };
    let later = histograms(later.counters(&selector)?, of)?;
    let earlier = histograms(earlier.counters(&selector)?, of)?;

    let mut total: Vec<Bucket> = Vec::new();
    for (labels, buckets) in &later {
        let grown = bucket_increases(earlier.get(labels), buckets);
        if total.is_empty() {
            total = grown;
        } else if total
            .iter()
            .map(|bucket| bucket.bound)
            .eq(grown.iter().map(|bucket| bucket.bound))
        {
            total
                .iter_mut()
                .zip(grown)
                .for_each(|(sum, more)| sum.count += more.count);
        } else {
            return Err(MetricError::OtherBuckets(of.clone()));
        }
    }
    if total.windows(2).any(|pair| pair[0].count > pair[1].count) {
        return Err(MetricError::NotCumulative(of.clone()));
    }
    let all = total.last().map_or(0.0, |bucket| bucket.count);
    if all == 0.0 {
        return Err(MetricError::NoIncrease(of.clone()));
    }
    within(&total, quantile * all, of)
}

/// The upper bound of a histogram's bucket and the cumulative count up to it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    bound: f64,
    count: f64,
}

/// The buckets of each histogram, ascending, the last one `+Inf`.
fn histograms(
    series: BTreeMap<Labels, f64>,
    of: &Selector,
) -> Result<BTreeMap<Labels, Vec<Bucket>>, MetricError> {
    let mut histograms: BTreeMap<Labels, Vec<Bucket>> = BTreeMap::new();
    for (mut labels, count) in series {
        let bound = labels
            .0
            .remove("le")
            .and_then(|bound| bound.parse::<f64>().ok())
            .filter(|bound| !bound.is_nan());
        let bound = bound.ok_or_else(|| MetricError::BadBuckets(of.clone()))?;
        histograms
            .entry(labels)
            .or_default()
            .push(Bucket { bound, count });
    }
    for buckets in histograms.values_mut() {
        buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
        if buckets.last().is_none_or(|last| last.bound != f64::INFINITY) {
            return Err(MetricError::BadBuckets(of.clone()));
        }
    }
    Ok(histograms)
}

/// A histogram begins again as a whole: where one bucket fell, all counts are new.
fn bucket_increases(earlier: Option<&Vec<Bucket>>, later: &[Bucket]) -> Vec<Bucket> {
    let before = |bound: f64| {
        earlier?
            .iter()
            .find(|bucket| bucket.bound == bound)
            .map(|bucket| bucket.count)
    };
    let fell = later
        .iter()
        .any(|bucket| before(bucket.bound).is_some_and(|count| bucket.count < count));
    let increase = |bucket: &Bucket| {
        let before = if fell {
            0.0
        } else {
            before(bucket.bound).unwrap_or(0.0)
        };
        Bucket {
            bound: bucket.bound,
            count: bucket.count - before,
        }
    };
    later.iter().map(increase).collect()
}

fn within(buckets: &[Bucket], rank: f64, of: &Selector) -> Result<f64, MetricError> {
    let mut below = Bucket {
        bound: 0.0,
        count: 0.0,
    };
    for bucket in buckets {
        if bucket.count >= rank && bucket.bound.is_finite() {
            // Nothing is known within a bucket that begins below zero; its upper bound is the safe answer.
            if bucket.bound <= below.bound {
                return Ok(bucket.bound);
            }
            let share = (rank - below.count) / (bucket.count - below.count);
            return finite(below.bound + (bucket.bound - below.bound) * share, of);
        }
        if bucket.bound.is_finite() {
            below = *bucket;
        }
    }
    Err(MetricError::AboveBuckets {
        selector: of.clone(),
        highest: below.bound,
    })
}

/// A counter that fell began again from zero; one that was not there yet began from zero, too.
fn grown(earlier: Option<f64>, later: f64) -> f64 {
    match earlier {
        Some(earlier) if later >= earlier => later - earlier,
        Some(_) | None => later,
    }
}

fn finite(value: f64, selector: &Selector) -> Result<f64, MetricError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(MetricError::NotFinite {
            selector: selector.clone(),
            value,
        })
    }
}

#[cfg(test)]
mod tests;
