//! Answers of the API, read into numbers and series, or into the reason why there is none.

use std::collections::BTreeMap;
use std::fmt;

use gateline_model::Span;
use jiff::Timestamp;
use serde::Deserialize;

use crate::fetch::Answer;
use crate::metrics::listed;
use crate::metrics::series::{NativeHistogram, Series, Value, fmt_labels};

/// How far a sample may lie before the moment that was asked for. What is older says nothing of now.
pub(super) const SAMPLE_AGE_MAX: Span = Span::from_secs(300);
/// How far a sample may lie ahead of that moment: so much may two clocks differ.
pub(super) const SAMPLE_AHEAD_MAX: Span = Span::from_secs(60);

/// The server's answer, as far as it is used.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    status: String,
    data: Option<Data>,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<Sample>),
    Scalar(Point),
    Matrix(Vec<Row>),
    String(serde::de::IgnoredAny),
}

#[derive(Debug, Deserialize)]
struct Sample {
    metric: BTreeMap<String, String>,
    /// Absent for a native histogram.
    value: Option<Point>,
    histogram: Option<NativePoint>,
}

/// One series of a matrix.
#[derive(Debug, Deserialize)]
struct Row {
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<Point>,
    #[serde(default)]
    histograms: Vec<NativePoint>,
}

/// A time and a number as text.
#[derive(Debug, Deserialize)]
struct Point(f64, String);

/// A time and a native histogram.
#[derive(Debug, Deserialize)]
struct NativePoint(f64, NativeHistogram);

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_labels(&self.metric, f)
    }
}

/// Why an answer is not one number.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum AnswerError {
    /// The status says it all.
    #[error("another status than 200")]
    Refused,
    #[error("the server said `{kind}`: {why}; correct the query or look at the server")]
    Server { kind: String, why: String },
    #[error("the answer is not one of a Prometheus server ({0}); give its base address")]
    NotPrometheus(String),
    #[error("partial answer, the server warns: {0}; look at its sources")]
    Partial(String),
    #[error(
        "no data; let it be scraped, correct the query, or write `or vector(0)` where nothing means zero"
    )]
    NoData,
    #[error("{count} series instead of one: {first}; name more labels or aggregate, as in `sum(..)`")]
    ManySeries { count: usize, first: String },
    #[error("the answer is a {0}; ask for one number, as in `sum(rate(..[5m]))`")]
    NotANumber(&'static str),
    #[error("no data of now: the sample is {0}; set the clocks of both servers, or look what answers there")]
    OtherTime(String),
    #[error("the value is {0}, which is no number to judge by (often a division by zero requests)")]
    NotFinite(String),
}

/// One number, of this moment.
pub(super) fn number(answer: &Answer, at: &str, now: Timestamp) -> Result<f64, AnswerError> {
    let Point(time, text) = match data(answer, at)? {
        Data::Scalar(point) => point,
        Data::Vector(mut samples) => match (samples.pop(), samples.len()) {
            (None, _) => return Err(AnswerError::NoData),
            (Some(only), 0) => only.value.ok_or(AnswerError::NotANumber("histogram"))?,
            (Some(last), others) => {
                samples.push(last);
                return Err(AnswerError::ManySeries {
                    count: others + 1,
                    first: listed(samples.iter()),
                });
            }
        },
        Data::Matrix(_) => return Err(AnswerError::NotANumber("range of numbers")),
        Data::String(_) => return Err(AnswerError::NotANumber("text")),
    };
    is_of(now, time)?;
    finite(&text)
}

/// Refuses a sample of another time than the one that was asked for.
fn is_of(now: Timestamp, time: f64) -> Result<(), AnswerError> {
    let ahead = ((time * 1_000.0) as i64).saturating_sub(now.as_millisecond());
    let apart = Span::from_millis(ahead.saturating_abs());
    if ahead < 0 && apart > SAMPLE_AGE_MAX {
        return Err(AnswerError::OtherTime(format!("{apart} old")));
    }
    if ahead > 0 && apart > SAMPLE_AHEAD_MAX {
        return Err(AnswerError::OtherTime(format!("{apart} ahead of the clock")));
    }
    Ok(())
}

/// All series of one moment, at least one.
pub(super) fn series(answer: &Answer, at: &str, now: Timestamp) -> Result<Vec<Series>, AnswerError> {
    let samples = match data(answer, at)? {
        Data::Scalar(Point(time, text)) => {
            is_of(now, time)?;
            let value = Value::Number(finite(&text)?);
            return Ok(vec![Series {
                labels: BTreeMap::new(),
                value,
            }]);
        }
        Data::Vector(samples) => samples,
        Data::Matrix(_) => return Err(AnswerError::NotANumber("range of numbers")),
        Data::String(_) => return Err(AnswerError::NotANumber("text")),
    };
    if samples.is_empty() {
        return Err(AnswerError::NoData);
    }
    let series = samples.into_iter().map(|sample| {
        let value = match (sample.value, sample.histogram) {
            (Some(Point(time, text)), None) => {
                is_of(now, time)?;
                Value::Number(finite(&text)?)
            }
            (None, Some(NativePoint(time, histogram))) => {
                is_of(now, time)?;
                Value::Histogram(histogram)
            }
            (None, None) | (Some(_), Some(_)) => {
                return Err(AnswerError::NotPrometheus("a sample has no value".to_owned()));
            }
        };
        Ok(Series {
            labels: sample.metric,
            value,
        })
    });
    series.collect()
}

/// The numbers of a stretch of time, by moment in milliseconds, of which each is to have one. Those that are no numbers
/// (`NaN`, as of a ratio without requests) stay as they are: what they mean is not said here.
pub(super) fn past(answer: &Answer, at: &str) -> Result<BTreeMap<i64, Vec<f64>>, AnswerError> {
    let mut moments: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for Row {
        values, histograms, ..
    } in rows(answer, at)?
    {
        if !histograms.is_empty() {
            return Err(AnswerError::NotANumber("histogram"));
        }
        for Point(at, text) in values {
            let value: f64 = text
                .parse()
                .map_err(|_| AnswerError::NotPrometheus(format!("`{text:.40}` is no value")))?;
            let moment = (at * 1_000.0).round() as i64;
            moments.entry(moment).or_default().push(value);
        }
    }
    Ok(moments)
}

fn rows(answer: &Answer, at: &str) -> Result<Vec<Row>, AnswerError> {
    match data(answer, at)? {
        Data::Matrix(rows) => Ok(rows),
        _ => Err(AnswerError::NotPrometheus(
            "it is not what a query over time gives".to_owned(),
        )),
    }
}

/// All series of a stretch of time, by the moment of each value.
pub(super) fn range(answer: &Answer, at: &str) -> Result<BTreeMap<i64, Vec<Series>>, AnswerError> {
    let mut moments: BTreeMap<i64, Vec<Series>> = BTreeMap::new();
    for Row {
        metric,
        values,
        histograms,
    } in rows(answer, at)?
    {
        let numbers = values
            .into_iter()
            .map(|Point(at, text)| Ok((at, Value::Number(finite(&text)?))));
        let natives = histograms
            .into_iter()
            .map(|NativePoint(at, histogram)| Ok((at, Value::Histogram(histogram))));
        for found in numbers.chain(natives) {
            let (at, value) = found?;
            moments
                .entry((at * 1_000.0).round() as i64)
                .or_default()
                .push(Series {
                    labels: metric.clone(),
                    value,
                });
        }
    }
    Ok(moments)
}

fn data(answer: &Answer, at: &str) -> Result<Data, AnswerError> {
    let body: Body = match serde_json::from_slice(&answer.body) {
        Ok(body) => body,
        Err(_) if answer.status != 200 => return Err(AnswerError::Refused),
        Err(err) => return Err(AnswerError::NotPrometheus(err.to_string())),
    };
    let Body {
        status,
        data,
        error_type,
        error,
        warnings,
    } = body;
    if status == "error" {
        return Err(AnswerError::Server {
            kind: error_type,
            why: crate::secret::hide(&error).chars().take(300).collect(),
        });
    }
    if answer.status != 200 {
        return Err(AnswerError::Refused);
    }
    if status != "success" {
        return Err(AnswerError::NotPrometheus(format!(
            "it has the status `{status}` at `{at}`"
        )));
    }
    if let Some(warning) = warnings.first() {
        let warning = crate::secret::hide(warning);
        return Err(AnswerError::Partial(warning.chars().take(300).collect()));
    }
    data.ok_or_else(|| AnswerError::NotPrometheus("it has no `data`".to_owned()))
}

fn finite(text: &str) -> Result<f64, AnswerError> {
    let not_finite = || AnswerError::NotFinite(text.chars().take(40).collect());
    text.parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
        .ok_or_else(not_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spoilt_answer_harms_nobody() {
        let answers: [&[u8]; 4] = [
            br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.5,"0.25"]},{"metric":{},"histogram":[1,{"count":"3","sum":"2","buckets":[[0,"0.1","0.2","3"]]}]}]},"infos":["hint"]}"#,
            br#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"1"],[2.5,"NaN"]]}]}}"#,
            br#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#,
            br#"{"status":"error","errorType":"bad_data","error":"parse error","warnings":["w"]}"#,
        ];
        crate::spoilt::spoilt(&answers, |bytes| {
            let answer = Answer {
                status: 200,
                content_type: "application/json".to_owned(),
                location: None,
                body: bytes.to_vec(),
                took: std::time::Duration::ZERO,
            };
            let now = Timestamp::UNIX_EPOCH;
            drop((number(&answer, "x", now), series(&answer, "x", now)));
            drop((past(&answer, "x"), range(&answer, "x")));
        });
    }
}
