//! Traffic from a metric source: what one arm has served so far, now or over the time before a rollout.
//!
//! All queries of one tick are asked for one moment, or of one page. Knows no judge.

use std::collections::BTreeMap;

use gateline_model::{Arm, GAUGES_MAX, MetricSource, PodCounts, Span, Tick, TrafficSource, Weight};
use jiff::Timestamp;

use super::series::{self, Series, SeriesError};
use super::{QUERY_BYTES_MAX, openmetrics, prometheus};
use crate::CheckError;
use crate::fetch::{shown, url};

/// Most looks into the past; a longer history has a longer step between them.
pub const HISTORY_POINTS_MAX: i64 = 2_880;

/// The queries of one arm, filled in.
#[derive(Debug)]
struct Queries {
    requests: String,
    errors: String,
    latency: Option<String>,
    gauges: BTreeMap<String, String>,
}

/// What the queries gave for one moment.
#[derive(Debug, Default)]
struct Seen {
    requests: Vec<Series>,
    errors: Vec<Series>,
    latency: Option<Vec<Series>>,
    gauges: BTreeMap<String, Vec<Series>>,
}

impl Queries {
    fn of(source: &TrafficSource, arm: Arm, version: &str) -> Result<Self, CheckError> {
        let TrafficSource {
            from: _,
            requests,
            errors,
            pod: _,
            latency,
            gauges,
            history: _,
        } = source;
        if gauges.len() > GAUGES_MAX {
            return Err(CheckError::new(format!(
                "the source has more than {GAUGES_MAX} gauges: watch fewer"
            )));
        }
        let arm = match arm {
            Arm::Canary => "canary",
            Arm::Stable => "stable",
        };
        let fill = |query: &String| query.replace("{arm}", arm).replace("{version}", version);
        let queries = Self {
            requests: fill(requests),
            errors: fill(errors),
            latency: latency.as_ref().map(fill),
            gauges: gauges
                .iter()
                .map(|(name, query)| (name.clone(), fill(query)))
                .collect(),
        };
        if queries.all().any(|query| query.len() > QUERY_BYTES_MAX) {
            return Err(CheckError::new(format!(
                "a query is longer than {QUERY_BYTES_MAX} bytes: shorten it"
            )));
        }
        Ok(queries)
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        [&self.requests, &self.errors]
            .into_iter()
            .chain(&self.latency)
            .chain(self.gauges.values())
    }
}

/// What one arm has served so far, from a metric source instead of the target.
///
/// # Errors
/// [`CheckError`] where a query did not give what was asked for, or the counts contradict each other.
pub async fn traffic(
    source: &TrafficSource,
    version: &str,
    arm: Arm,
    weight: Weight,
) -> Result<Tick, CheckError> {
    let queries = Queries::of(source, arm, version)?;
    let at = Timestamp::now();
    let seen = match &source.from {
        MetricSource::Prometheus(from) => {
            // Errors first: what is scraped meanwhile can only make the requests more.
            let errors = prometheus::series(from, &queries.errors, at).await?;
            let mut seen = Seen {
                requests: prometheus::series(from, &queries.requests, at).await?,
                errors,
                ..Seen::default()
            };
            if let Some(query) = &queries.latency {
                seen.latency = Some(prometheus::series(from, query, at).await?);
            }
            for (name, query) in &queries.gauges {
                seen.gauges
                    .insert(name.clone(), prometheus::series(from, query, at).await?);
            }
            seen
        }
        MetricSource::Openmetrics(from) => {
            let page = openmetrics::Scraped::of(from).await?;
            let (by, with_le) = (source.pod.as_deref(), [source.pod.as_deref(), Some("le")]);
            let mut seen = Seen {
                requests: page.series(&queries.requests, &[by])?,
                errors: page.series(&queries.errors, &[by])?,
                ..Seen::default()
            };
            if let Some(query) = &queries.latency {
                seen.latency = Some(page.series(query, &with_le)?);
            }
            for (name, query) in &queries.gauges {
                seen.gauges.insert(name.clone(), page.series(query, &[by])?);
            }
            seen
        }
    };
    let tick = Tick {
        weight: weight.as_percent(),
        ..Tick::none(at, arm)
    };
    read(source, &queries, seen, tick).map_err(|why| told(source, version, &why))
}

/// What the stable release served in the time before, a tick for each look; looks for which the source has nothing are
/// left out. Empty where the source declares no history.
///
/// # Errors
/// As [`traffic`]; an `openmetrics` source has no past.
pub async fn history(
    source: &TrafficSource,
    version: &str,
    every: Span,
    until: Timestamp,
) -> Result<Vec<Tick>, CheckError> {
    let Some(length) = source.history.filter(|length| *length > Span::ZERO) else {
        return Ok(Vec::new());
    };
    let MetricSource::Prometheus(from) = &source.from else {
        return Err(CheckError::new(
            "an `openmetrics` source has no past: leave out `history`, or ask a Prometheus server",
        ));
    };
    let queries = Queries::of(source, Arm::Stable, version)?;
    let step = step(length, every);
    let since = until
        .checked_sub(jiff::SignedDuration::from_millis(length.as_millis()))
        .map_err(|_| CheckError::new("the history begins before time does: shorten it"))?;
    let mut requests = prometheus::range(from, &queries.requests, since, until, step).await?;
    let mut errors = prometheus::range(from, &queries.errors, since, until, step).await?;
    let mut latency = match &queries.latency {
        Some(query) => Some(prometheus::range(from, query, since, until, step).await?),
        None => None,
    };
    let mut gauges = BTreeMap::new();
    for (name, query) in &queries.gauges {
        let range = prometheus::range(from, query, since, until, step).await?;
        gauges.insert(name.clone(), range);
    }
    let mut ticks = Vec::new();
    let moments: Vec<i64> = requests.keys().copied().collect();
    for moment in moments {
        let Some(seen) = seen_at(moment, &mut requests, &mut errors, &mut latency, &mut gauges) else {
            continue;
        };
        let at = Timestamp::from_millisecond(moment)
            .map_err(|_| CheckError::new("the source answered with a time that there is not"))?;
        let tick = Tick {
            weight: Weight::ALL.as_percent(),
            ..Tick::none(at, Arm::Stable)
        };
        let tick = read(source, &queries, seen, tick).map_err(|why| told(source, version, &why))?;
        ticks.push(tick);
    }
    Ok(ticks)
}

/// Time between two looks into the past: the judge's, or longer where there would be too many.
fn step(length: Span, every: Span) -> Span {
    let up = |value: i64, by: i64| (value + by - 1) / by;
    let least = up(length.as_millis(), HISTORY_POINTS_MAX - 1);
    // Whole seconds: people read them.
    Span::from_secs(up(least.max(every.as_millis()), 1_000).max(1))
}

type Range = BTreeMap<i64, Vec<Series>>;

/// What all queries gave for this moment; none where one of them has nothing.
fn seen_at(
    moment: i64,
    requests: &mut Range,
    errors: &mut Range,
    latency: &mut Option<Range>,
    gauges: &mut BTreeMap<String, Range>,
) -> Option<Seen> {
    let latency = match latency {
        Some(latency) => Some(latency.remove(&moment)?),
        None => None,
    };
    let mut found = BTreeMap::new();
    for (name, range) in gauges {
        found.insert(name.clone(), range.remove(&moment)?);
    }
    Some(Seen {
        requests: requests.remove(&moment)?,
        errors: errors.remove(&moment)?,
        latency,
        gauges: found,
    })
}

/// Reads the series of one moment into a tick.
fn read(source: &TrafficSource, queries: &Queries, seen: Seen, mut tick: Tick) -> Result<Tick, String> {
    let pod = source.pod.as_deref();
    let on = |query: &str| {
        let query = query.to_owned();
        move |err: SeriesError| format!("the query `{query}`: {err}")
    };
    let requests = series::counts(&seen.requests, pod).map_err(on(&queries.requests))?;
    let errors = series::counts(&seen.errors, pod).map_err(on(&queries.errors))?;
    if let Some(stray) = series::missing(&requests, &errors).first() {
        return Err(format!(
            "`{stray}` has requests but no series of errors: let it be reported from the start, or write `(errors) or 0 * (requests)`"
        ));
    }
    let mut buckets = match (&seen.latency, &queries.latency) {
        (Some(latency), Some(query)) => series::buckets(latency, pod).map_err(on(query))?,
        (Some(_), None) | (None, _) => BTreeMap::new(),
    };
    for (name, series) in &seen.gauges {
        let value = series::mean(series).map_err(on(&queries.gauges[name]))?;
        tick.gauges.insert(name.clone(), value);
    }
    tick.buckets = series::added(&buckets);
    for (name, requests) in requests {
        let errors = errors.get(&name).copied().unwrap_or_default();
        if errors > requests {
            return Err(format!(
                "the source counts {errors} errors among {requests} requests: correct the two queries, they must count the same traffic"
            ));
        }
        tick.requests += requests;
        tick.errors += errors;
        if pod.is_some() {
            let buckets = buckets.remove(&name).unwrap_or_default();
            let counts = PodCounts {
                requests,
                errors,
                buckets,
            };
            tick.pods.insert(name, counts);
        }
    }
    Ok(tick)
}

fn told(source: &TrafficSource, version: &str, why: &str) -> CheckError {
    let at = match &source.from {
        MetricSource::Openmetrics(from) => url(&from.url),
        MetricSource::Prometheus(from) => url(&from.url),
    };
    match at {
        Ok(at) => CheckError::new(format!("`{}` for `{version}`: {why}", shown(&at))),
        Err(err) => err,
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("24h", "15s", 31; "a day is looked at twice a minute, nearly")]
    #[test_case("1h", "15s", 15; "an hour as often as the judge looks")]
    #[test_case("1h", "1s", 2; "but not more often than there is room for")]
    #[test_case("1s", "100ms", 1; "and never more than once a second")]
    fn the_past_is_looked_at_in_steps(length: &str, every: &str, secs: i64) {
        let step = step(length.parse().unwrap(), every.parse().unwrap());
        assert_eq!(step, Span::from_secs(secs));
        let looks = length.parse::<Span>().unwrap().as_millis() / step.as_millis() + 1;
        assert!(looks <= HISTORY_POINTS_MAX, "{looks}");
    }
}
