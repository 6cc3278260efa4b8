//! One line of a file of ticks: what it must be, and what is said when it is not.

use std::collections::BTreeMap;

use gateline_model::Arm;
use serde_json::Value;
use serde_json::error::Category;

use super::TraceError;
use super::once::Once;
use crate::counts::Counts;

/// Longest line.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// Most bounds of one histogram.
pub const BUCKETS_MAX: usize = 200;
/// Longest name of a pod.
pub const POD_BYTES_MAX: usize = 253;
/// Largest count. Beyond it numbers of JSON are no longer exact.
pub const COUNT_MAX: f64 = 9_007_199_254_740_992.0;
/// Fields that are read.
const FIELDS: [&str; 7] = ["t", "arm", "pod", "requests", "errors", "buckets", "weight"];

/// What one line says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub secs: f64,
    pub arm: Arm,
    pub pod: Option<String>,
    pub counts: Counts,
    pub weight: Option<f64>,
    /// Fields that nobody reads.
    pub unread: Vec<String>,
}

/// Reads one line; its number is told in errors.
pub(super) fn read(number: usize, text: &str) -> Result<Line, TraceError> {
    let refuse = |field: &str, why: String| TraceError::Line {
        number,
        field: field.to_owned(),
        why,
    };
    let whole_line = |why: String| TraceError::WholeLine { number, why };
    if text.len() > LINE_BYTES_MAX {
        return Err(whole_line(format!(
            "has {} bytes, at most {LINE_BYTES_MAX}",
            text.len()
        )));
    }
    let Once(value) = serde_json::from_str(text).map_err(|err| {
        // The line that it counts is the only one that it was given.
        let says = err.to_string();
        let says = says
            .rsplit_once(" at line ")
            .map_or(says.as_str(), |(says, _)| says);
        whole_line(match err.classify() {
            Category::Data => format!("cannot be read: {says}, at byte {}", err.column()),
            Category::Io | Category::Syntax | Category::Eof => {
                format!("is no JSON: {says}, at byte {}", err.column())
            }
        })
    })?;
    let Value::Object(object) = value else {
        return Err(whole_line("is no JSON object".to_owned()));
    };
    let must = |field: &str| {
        object
            .get(field)
            .ok_or_else(|| refuse(field, "is missing".to_owned()))
    };
    let count = |field: &str| {
        whole(must(field)?).ok_or_else(|| refuse(field, "is no whole number from 0".to_owned()))
    };
    let secs = must("t")?.as_f64().filter(|secs| secs.abs() <= COUNT_MAX);
    let secs = secs.ok_or_else(|| refuse("t", "is no number of seconds".to_owned()))?;
    let arm = match must("arm")?.as_str() {
        Some("canary") => Arm::Canary,
        Some("stable") => Arm::Stable,
        Some(_) | None => return Err(refuse("arm", "is neither \"canary\" nor \"stable\"".to_owned())),
    };
    let pod = match object.get("pod") {
        None | Some(Value::Null) => None,
        Some(Value::String(pod)) if (1..=POD_BYTES_MAX).contains(&pod.len()) => Some(pod.clone()),
        Some(_) => return Err(refuse("pod", format!("is no text of 1 to {POD_BYTES_MAX} bytes"))),
    };
    let (requests, errors) = (count("requests")?, count("errors")?);
    if errors > requests {
        return Err(refuse(
            "errors",
            format!("{errors} are more than the {requests} requests"),
        ));
    }
    let buckets = match object.get("buckets") {
        None | Some(Value::Null) => Vec::new(),
        Some(buckets) => histogram(buckets, requests).map_err(|why| refuse("buckets", why))?,
    };
    let weight = match object.get("weight") {
        None | Some(Value::Null) => None,
        Some(weight) => {
            let weight = weight.as_f64().filter(|weight| (0.0..=100.0).contains(weight));
            Some(weight.ok_or_else(|| refuse("weight", "is no number from 0 to 100".to_owned()))?)
        }
    };
    let unread = object.keys().filter(|key| !FIELDS.contains(&key.as_str()));
    Ok(Line {
        secs,
        arm,
        pod,
        counts: Counts {
            requests,
            errors,
            buckets,
        },
        weight,
        unread: unread.cloned().collect(),
    })
}

/// Bounds in seconds with the requests up to each, ascending. Bounds may be written as text or end in `+Inf`.
fn histogram(value: &Value, requests: u64) -> Result<Vec<(f64, u64)>, String> {
    let Value::Object(object) = value else {
        return Err("is no object of bounds and counts".to_owned());
    };
    if object.len() > BUCKETS_MAX {
        return Err(format!("has {} bounds, at most {BUCKETS_MAX}", object.len()));
    }
    let mut buckets = Vec::new();
    for (key, value) in object {
        let bound = match key.as_str() {
            "+Inf" | "Inf" | "inf" => Some(f64::INFINITY),
            number => number.parse::<f64>().ok().filter(|bound| bound.is_finite()),
        };
        let bound = bound.ok_or_else(|| format!("`{}` is no bound in seconds", short(key)))?;
        let count =
            whole(value).ok_or_else(|| format!("the count up to {} is no whole number", short(key)))?;
        buckets.push((bound, count));
    }
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    let falls = buckets
        .windows(2)
        .find(|pair| pair[1].1 < pair[0].1 || pair[1].0 == pair[0].0);
    if let Some(pair) = falls {
        return Err(format!(
            "up to {} there are fewer than up to {}: counts are cumulative",
            pair[1].0, pair[0].0
        ));
    }
    match buckets.last() {
        Some((_, most)) if *most > requests => Err(format!("{most} are more than the {requests} requests")),
        Some(_) | None => Ok(buckets),
    }
}

/// A whole number from 0, written with a fraction of zero or without.
fn whole(value: &Value) -> Option<u64> {
    let number = value.as_f64()?;
    let exact = value
        .as_u64()
        .or_else(|| (number >= 0.0 && number.fract() == 0.0).then_some(number as u64));
    exact.filter(|_| number <= COUNT_MAX)
}

/// Text of others in a sentence of ours.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The largest series of lines that belong together.
pub(super) type ByPod = BTreeMap<Option<String>, Vec<(f64, Counts)>>;
