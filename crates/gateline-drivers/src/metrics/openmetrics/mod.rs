//! Source `openmetrics`: direct scrapes of a `/metrics` page, OpenMetrics 1.0 or the Prometheus text format 0.0.4.
//!
//! The queries, where NAME is a metric as the page writes it (a counter with its `_total`) and `=` the only comparison:
//! ```text
//! NAME{label="v", ..}            the value of one series; several are an error
//! sum(NAME{..})                  the sum of all that match
//! rate(NAME{..})                 increase per second of all that match, over two scrapes
//! ratio(NAME{..}, NAME{..})      increase of the first by increase of the second, over two scrapes
//! quantile(0.95, NAME{..})       of a histogram's increase over two scrapes; NAME without `_bucket`
//! ```
//! A counter that fell began again from zero. So did a series that was not there at the first scrape;
//! but at least one that matches must have been, or nothing is known of the time before.

mod increase;
mod page;
mod query;

use std::collections::BTreeMap;

use gateline_model::OpenmetricsSource;
use tokio::time::{Instant, sleep};

use self::page::Page;
use self::query::Query;
use crate::CheckError;
use crate::fetch::{Ask, get, shown, url};
use crate::metrics::series::{Series, Value};

pub use page::{LINE_BYTES_MAX, SERIES_MAX};

/// Most bytes of one `/metrics` page. Large exporters reach a tenth of it.
pub const SCRAPE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// OpenMetrics first: its end is marked, so a page that was cut off is seen.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

/// Asks once, or twice where the query needs an increase.
pub(super) async fn number(source: &OpenmetricsSource, text: &str) -> Result<f64, CheckError> {
    let query: Query = text.parse().map_err(|err| CheckError::new(format!("{err}")))?;
    let at = shown(&url(&source.url)?);
    let unreadable = |err: increase::MetricError| CheckError::new(format!("`{at}`: {err}"));
    match &query {
        Query::Value(selector) => scrape(source).await?.value(selector).map_err(unreadable),
        Query::Sum(selector) => scrape(source).await?.sum(selector).map_err(unreadable),
        Query::Rate(_) | Query::Ratio(..) | Query::Quantile(..) if source.over.as_millis() == 0 => {
            Err(CheckError::new(format!(
                "`{text}` needs two scrapes some time apart: give the source an `over` above zero"
            )))
        }
        Query::Rate(selector) => {
            let (earlier, later, seconds) = scrape_twice(source).await?;
            Ok(increase::counter(&earlier, &later, selector).map_err(unreadable)? / seconds)
        }
        Query::Ratio(part, whole) => {
            let (earlier, later, _) = scrape_twice(source).await?;
            increase::ratio(&earlier, &later, part, whole).map_err(unreadable)
        }
        Query::Quantile(quantile, selector) => {
            let (earlier, later, _) = scrape_twice(source).await?;
            increase::quantile(&earlier, &later, *quantile, selector).map_err(unreadable)
        }
    }
}

/// One scrape, of which several things can be asked.
pub(super) struct Scraped {
    page: Page,
    at: String,
}

impl Scraped {
    /// Scrapes the page once.
    pub(super) async fn of(source: &OpenmetricsSource) -> Result<Self, CheckError> {
        let at = shown(&url(&source.url)?);
        let page = scrape(source).await?;
        Ok(Self { page, at })
    }

    /// The series of `NAME{..}`, or those of `sum(NAME{..})` added where the labels to keep are the same.
    pub(super) fn series(&self, text: &str, keep: &[Option<&str>]) -> Result<Vec<Series>, CheckError> {
        let query: Query = text.parse().map_err(|err| CheckError::new(format!("{err}")))?;
        let found = match &query {
            Query::Value(selector) => self.page.each(selector),
            Query::Sum(selector) => self.page.each(selector).map(|series| added(series, keep)),
            Query::Rate(_) | Query::Ratio(..) | Query::Quantile(..) => {
                return Err(CheckError::new(format!(
                    "`{text}` is no count: ask for the counter itself, as in `sum(NAME{{..}})`"
                )));
            }
        };
        found.map_err(|err| CheckError::new(format!("`{}`: {err}", self.at)))
    }
}

/// The series of this name with these labels on a page in the text form.
pub(super) fn of_body(body: &[u8], name: &str, labels: &[(&str, &str)]) -> Result<Vec<Series>, CheckError> {
    // A filter that leaves nothing over leaves nothing at all.
    if body.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let page = Page::read(body, page::Form::Text).map_err(|err| CheckError::new(err.to_string()))?;
    let fits = |series: &page::Series| {
        series.name == name
            && labels
                .iter()
                .all(|(label, value)| series.labels.0.get(*label).is_some_and(|found| found == value))
    };
    let found = page.series.into_iter().filter(fits).map(|series| Series {
        labels: series.labels.0,
        value: Value::Number(series.value),
    });
    Ok(found.collect())
}

fn added(series: Vec<Series>, keep: &[Option<&str>]) -> Vec<Series> {
    let mut sums: BTreeMap<BTreeMap<String, String>, f64> = BTreeMap::new();
    for Series { mut labels, value } in series {
        labels.retain(|name, _| keep.contains(&Some(name.as_str())));
        if let Value::Number(number) = value {
            *sums.entry(labels).or_default() += number;
        }
    }
    let one = |(labels, sum)| Series {
        labels,
        value: Value::Number(sum),
    };
    sums.into_iter().map(one).collect()
}

async fn scrape_twice(source: &OpenmetricsSource) -> Result<(Page, Page, f64), CheckError> {
    let earlier = scrape(source).await?;
    let began = Instant::now();
    sleep(source.over.as_std()).await;
    let later = scrape(source).await?;
    Ok((earlier, later, began.elapsed().as_secs_f64()))
}

async fn scrape(source: &OpenmetricsSource) -> Result<Page, CheckError> {
    let OpenmetricsSource {
        url: address,
        over: _,
        timeout,
        token,
    } = source;
    let url = url(address)?;
    let ask = Ask {
        url: &url,
        timeout: *timeout,
        token: token.as_ref(),
        body_bytes_max: SCRAPE_BYTES_MAX,
    };
    let answer = get(&ask, ACCEPT).await?;
    let at = shown(&url);
    if answer.status != 200 {
        return Err(answer.refused(&at));
    }
    let openmetrics = answer.content_type.starts_with("application/openmetrics-text");
    let form = if openmetrics {
        page::Form::Openmetrics
    } else {
        page::Form::Text
    };
    Page::read(&answer.body, form).map_err(|err| CheckError::new(format!("`{at}` is no metrics page: {err}")))
}
