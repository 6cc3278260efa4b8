//! Series: labels with a number or a histogram, and what can be read from several of them: counts, buckets, means.
//!
//! Pure. Whatever does not say beyond doubt how much was counted is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;

use super::listed;

/// Most instances of one arm that are told apart.
pub const PODS_MAX: usize = 256;
/// Most buckets of a latency histogram.
pub const BUCKETS_MAX: usize = 256;
/// The highest count that a source's floating point numbers hold exactly.
const COUNT_MAX: f64 = 9_007_199_254_740_992.0;
/// The bounds into which native histograms are put: powers of two from about a millisecond to about two minutes.
const OCTAVES: std::ops::RangeInclusive<i32> = -10..=7;
/// How much wider than its bound a bucket's width may be for rounding alone.
const ROUNDING: f64 = 1e-6;

/// One series at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: Value,
}

/// What a series has.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Histogram(NativeHistogram),
}

/// A native histogram as Prometheus' API writes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct NativeHistogram {
    count: String,
    /// Which ends belong to the bucket, its left end, its right end, and what it holds itself.
    #[serde(default)]
    buckets: Vec<(u8, String, String, String)>,
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_labels(&self.labels, f)
    }
}

/// Labels as queries write them.
pub(super) fn fmt_labels(labels: &BTreeMap<String, String>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    write!(f, "{{{}}}", labels.join(", "))
}

/// Why series do not say what was counted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum SeriesError {
    #[error("{count} series instead of one: {first}; name more labels or aggregate, as in `sum(..)`")]
    ManySeries { count: usize, first: String },
    #[error("the series {0} has no label `{1}`; aggregate by it, as in `sum by ({1}) (..)`")]
    NoLabel(String, String),
    #[error("two series have the same labels that count, {0}; aggregate, as in `sum by (..) (..)`")]
    Twice(String),
    #[error("there are more than {PODS_MAX} instances; tell fewer apart")]
    ManyPods,
    #[error("it gave {0}, which is no count: ask for the counter itself, without rate or increase")]
    NotACount(f64),
    #[error("it gave a histogram where a number was asked for")]
    NotANumber,
    #[error("the bucket {0} has no number in `le`; aggregate by it, as in `sum by (le) (..)`")]
    NoBound(String),
    #[error("the buckets have no `+Inf`, or more than {BUCKETS_MAX}; look at what serves them")]
    Buckets,
    #[error(
        "the buckets do not add up: a larger one holds less than a smaller one; look at what serves them"
    )]
    NotCumulative,
    #[error("a native histogram cannot be read: {0}")]
    Native(&'static str),
}

/// Counts by instance; one count under the empty name where no label tells them apart.
pub(super) fn counts(series: &[Series], pod: Option<&str>) -> Result<BTreeMap<String, u64>, SeriesError> {
    let mut counts = BTreeMap::new();
    for one in series {
        let Value::Number(value) = one.value else {
            return Err(SeriesError::NotANumber);
        };
        let pod = name(one, pod)?;
        if counts.insert(pod, count(value)?).is_some() {
            return Err(SeriesError::ManySeries {
                count: series.len(),
                first: listed(series.iter()),
            });
        }
    }
    if counts.len() > PODS_MAX {
        return Err(SeriesError::ManyPods);
    }
    Ok(counts)
}

/// Cumulative buckets by instance, in seconds.
pub(super) fn buckets(
    series: &[Series],
    pod: Option<&str>,
) -> Result<BTreeMap<String, Vec<(f64, u64)>>, SeriesError> {
    let mut classic: BTreeMap<String, Vec<(f64, u64)>> = BTreeMap::new();
    let mut native = BTreeMap::new();
    for one in series {
        let pod = name(one, pod)?;
        match &one.value {
            Value::Histogram(histogram) => {
                if native.insert(pod, from_native(histogram)?).is_some() {
                    return Err(SeriesError::Twice(one.to_string()));
                }
            }
            Value::Number(value) => {
                let bound = one.labels.get("le").and_then(|bound| bound.parse::<f64>().ok());
                let bound = bound
                    .filter(|bound| !bound.is_nan())
                    .ok_or_else(|| SeriesError::NoBound(one.to_string()))?;
                classic.entry(pod).or_default().push((bound, count(*value)?));
            }
        }
    }
    for (pod, mut buckets) in classic {
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        if buckets.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(SeriesError::Twice(listed(series.iter())));
        }
        if buckets.windows(2).any(|pair| pair[0].1 > pair[1].1) {
            return Err(SeriesError::NotCumulative);
        }
        if buckets.len() > BUCKETS_MAX || buckets.pop().is_none_or(|last| last.0 != f64::INFINITY) {
            return Err(SeriesError::Buckets);
        }
        if native.insert(pod, buckets).is_some() {
            return Err(SeriesError::Twice(listed(series.iter())));
        }
    }
    if native.len() > PODS_MAX {
        return Err(SeriesError::ManyPods);
    }
    Ok(native)
}

/// The mean over all series.
pub(super) fn mean(series: &[Series]) -> Result<f64, SeriesError> {
    let mut sum = 0.0;
    for one in series {
        let Value::Number(value) = one.value else {
            return Err(SeriesError::NotANumber);
        };
        sum += value;
    }
    Ok(sum / series.len() as f64)
}

/// The buckets of several instances, added. Where their bounds differ, those that all have.
pub(super) fn added(each: &BTreeMap<String, Vec<(f64, u64)>>) -> Vec<(f64, u64)> {
    let mut each = each.values();
    let mut sum = each.next().cloned().unwrap_or_default();
    for buckets in each {
        sum.retain_mut(|(bound, count)| {
            let more = buckets.iter().find(|(other, _)| other == bound);
            *count += more.map_or(0, |(_, more)| *more);
            more.is_some()
        });
    }
    sum
}

fn name(series: &Series, pod: Option<&str>) -> Result<String, SeriesError> {
    let Some(label) = pod else {
        return Ok(String::new());
    };
    let name = series.labels.get(label).filter(|name| !name.is_empty());
    name.cloned()
        .ok_or_else(|| SeriesError::NoLabel(series.to_string(), label.to_owned()))
}

fn count(value: f64) -> Result<u64, SeriesError> {
    if value < 0.0 || value.fract() != 0.0 || value > COUNT_MAX {
        return Err(SeriesError::NotACount(value));
    }
    Ok(value as u64)
}

/// Exponential buckets, put into bounds that are the same at every look: a bucket that nothing fell into is not sent.
/// The finest powers of two that the histogram has among its own bounds, up to four for each octave.
fn from_native(histogram: &NativeHistogram) -> Result<Vec<(f64, u64)>, SeriesError> {
    let number = |text: &String| {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or(SeriesError::Native("a bucket has no number"))
    };
    let all = count(number(&histogram.count)?)?;
    let mut found = Vec::new();
    let mut finest = f64::INFINITY;
    for (_, left, right, held) in &histogram.buckets {
        let (left, right, held) = (number(left)?, number(right)?, count(number(held)?)?);
        if left >= right {
            return Err(SeriesError::Native("a bucket ends before it begins"));
        }
        if left > 0.0 {
            finest = finest.min(right / left);
        }
        found.push((right, held));
    }
    let held = found
        .iter()
        .try_fold(0_u64, |sum, (_, held)| sum.checked_add(*held));
    if held != Some(all) {
        return Err(SeriesError::Native("its buckets do not add up to its count"));
    }
    if finest.is_finite() && finest > 2.0 + ROUNDING {
        return Err(SeriesError::Native(
            "its buckets are wider than a factor of two: give it more",
        ));
    }
    let parts = match finest {
        wide if wide > 2_f64.sqrt() + ROUNDING => 1,
        wide if wide > 2_f64.sqrt().sqrt() + ROUNDING => 2,
        _ => 4,
    };
    let mut bounds = Vec::new();
    for octave in OCTAVES {
        for part in 0..parts {
            let bound = (f64::from(octave) + f64::from(part) / f64::from(parts)).exp2();
            let within = found
                .iter()
                .filter(|(right, _)| *right <= bound * (1.0 + ROUNDING));
            bounds.push((bound, within.map(|(_, held)| held).sum()));
        }
    }
    Ok(bounds)
}

/// Instances that one has and the other has not.
pub(super) fn missing<T>(among: &BTreeMap<String, u64>, of: &BTreeMap<String, T>) -> BTreeSet<String> {
    among
        .keys()
        .filter(|pod| !of.contains_key(*pod))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn series(labels: &[(&str, &str)], value: f64) -> Series {
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Series {
            labels: labels.collect(),
            value: Value::Number(value),
        }
    }

    fn native(json: &str) -> Series {
        Series {
            labels: BTreeMap::new(),
            value: Value::Histogram(serde_json::from_str(json).unwrap()),
        }
    }

    #[test]
    fn instances_are_told_apart_by_their_label() {
        let both = [series(&[("pod", "a")], 5.0), series(&[("pod", "b")], 7.0)];
        let counted = counts(&both, Some("pod")).unwrap();
        assert_eq!(
            counted,
            BTreeMap::from([("a".to_owned(), 5), ("b".to_owned(), 7)])
        );
        assert_eq!(
            counts(&both[..1], None).unwrap(),
            BTreeMap::from([(String::new(), 5)])
        );
    }

    #[test_case(&[series(&[("pod", "a")], 1.0), series(&[("pod", "b")], 1.0)], None, "2 series instead of one"; "without a label there is one count")]
    #[test_case(&[series(&[("pod", "a"), ("code", "200")], 1.0), series(&[("pod", "a"), ("code", "500")], 1.0)], Some("pod"), "2 series instead of one"; "an instance has one count")]
    #[test_case(&[series(&[("instance", "a")], 1.0)], Some("pod"), "has no label `pod`"; "each instance has a name")]
    #[test_case(&[series(&[], 0.5)], None, "gave 0.5, which is no count"; "a rate is no count")]
    #[test_case(&[series(&[], -1.0)], None, "which is no count"; "a negative number is no count")]
    #[test_case(&[series(&[], 1e17)], None, "which is no count"; "a number that is not exact is no count")]
    fn what_is_no_count_is_an_error(given: &[Series], pod: Option<&str>, why: &str) {
        let err = counts(given, pod).unwrap_err().to_string();
        assert!(err.contains(why), "{err}");
    }

    #[test]
    fn too_many_instances_are_an_error() {
        let many: Vec<Series> = (0..=PODS_MAX)
            .map(|pod| series(&[("pod", &pod.to_string())], 1.0))
            .collect();
        assert_eq!(counts(&many, Some("pod")).unwrap_err(), SeriesError::ManyPods);
        assert!(counts(&many[1..], Some("pod")).is_ok());
    }

    #[test]
    fn classic_buckets_are_sorted_and_lose_their_infinite_one() {
        let given = [
            series(&[("le", "+Inf")], 9.0),
            series(&[("le", "0.5")], 7.0),
            series(&[("le", "0.1")], 2.0),
        ];
        assert_eq!(buckets(&given, None).unwrap()[""], [(0.1, 2), (0.5, 7)]);
    }

    #[test_case(&[series(&[("le", "0.1")], 1.0)], "no `+Inf`"; "what is beyond the last bound must be known")]
    #[test_case(&[series(&[("le", "0.1")], 3.0), series(&[("le", "+Inf")], 2.0)], "do not add up"; "buckets are cumulative")]
    #[test_case(&[series(&[("le", "0.1")], 1.0), series(&[("le", "0.10")], 1.0), series(&[("le", "+Inf")], 2.0)], "same labels that count"; "a bound comes once")]
    #[test_case(&[series(&[], 1.0)], "no number in `le`"; "a bucket has a bound")]
    #[test_case(&[series(&[("le", "NaN")], 1.0)], "no number in `le`"; "a bound is a number")]
    fn what_is_no_histogram_is_an_error(given: &[Series], why: &str) {
        let err = buckets(given, None).unwrap_err().to_string();
        assert!(err.contains(why), "{err}");
    }

    #[test]
    fn a_native_histogram_has_the_same_bounds_at_every_look() {
        let early = native(r#"{"count":"3","sum":"1","buckets":[[0,"0.25","0.5","3"]]}"#);
        let later = native(
            r#"{"count":"9","sum":"4","buckets":[[3,"-0.001","0.001","1"],[0,"0.25","0.5","3"],[0,"1","2","4"],[0,"128","256","1"]]}"#,
        );
        let early = buckets(&[early], None).unwrap().remove("").unwrap();
        let later = buckets(&[later], None).unwrap().remove("").unwrap();
        let bounds =
            |buckets: &[(f64, u64)]| -> Vec<f64> { buckets.iter().map(|(bound, _)| *bound).collect() };
        assert_eq!(bounds(&early), bounds(&later));
        let at = |buckets: &[(f64, u64)], bound: f64| buckets.iter().find(|one| one.0 == bound).unwrap().1;
        assert_eq!((at(&early, 0.25), at(&early, 0.5), at(&early, 128.0)), (0, 3, 3));
        assert_eq!(
            (
                at(&later, 0.25),
                at(&later, 1.0),
                at(&later, 2.0),
                at(&later, 128.0)
            ),
            (1, 4, 8, 8)
        );
    }

    #[test]
    fn a_finer_native_histogram_has_finer_bounds() {
        // Schema 3: eight buckets for each octave.
        let step = (1.0_f64 / 8.0).exp2();
        let (left, right) = (0.5 * step, 0.5 * step * step);
        let fine = native(&format!(
            r#"{{"count":"2","sum":"1","buckets":[[0,"{left}","{right}","2"]]}}"#
        ));
        let found = buckets(&[fine], None).unwrap().remove("").unwrap();
        assert_eq!(found.len(), 18 * 4);
        let bound = 0.5 * 0.25_f64.exp2();
        let within = found.iter().find(|one| (one.0 - bound).abs() < 1e-9).unwrap();
        assert_eq!(within.1, 2, "the bucket's right end is the bound");
    }

    #[test_case(r#"{"count":"3","sum":"1","buckets":[[0,"0.25","0.5","2"]]}"#, "do not add up"; "counts agree")]
    #[test_case(r#"{"count":"2","sum":"1","buckets":[[0,"0.25","4","2"]]}"#, "wider than a factor of two"; "coarse buckets say too little")]
    #[test_case(r#"{"count":"2","sum":"1","buckets":[[0,"0.5","0.25","2"]]}"#, "ends before it begins"; "a bucket has a width")]
    #[test_case(r#"{"count":"2.5","sum":"1","buckets":[]}"#, "no count"; "a rate of a histogram is no count")]
    #[test_case(r#"{"count":"NaN","sum":"1","buckets":[]}"#, "no number"; "NaN is no number")]
    fn a_native_histogram_that_lies_is_an_error(json: &str, why: &str) {
        let err = buckets(&[native(json)], None).unwrap_err().to_string();
        assert!(err.contains(why), "{err}");
    }

    #[test]
    fn buckets_of_instances_are_added_at_the_bounds_that_all_have() {
        let each = BTreeMap::from([
            ("a".to_owned(), vec![(0.1, 1), (0.2, 2), (0.5, 3)]),
            ("b".to_owned(), vec![(0.1, 10), (0.5, 30)]),
        ]);
        assert_eq!(added(&each), [(0.1, 11), (0.5, 33)]);
        assert_eq!(added(&BTreeMap::new()), []);
    }
}
