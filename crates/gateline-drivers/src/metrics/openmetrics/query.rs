//! Queries: the few questions that can be put to a `/metrics` page. The head of this folder lists them.

use std::fmt;
use std::str::FromStr;

use super::page::{Labels, labels, name};

/// One question.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Query {
    Value(Selector),
    Sum(Selector),
    Rate(Selector),
    Ratio(Selector, Selector),
    Quantile(f64, Selector),
}

/// A metric's name and the labels that its series must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    pub(super) name: String,
    pub(super) labels: Labels,
}

impl Selector {
    /// Whether these labels are among those of a series.
    pub(super) fn takes(&self, labels: &Labels) -> bool {
        self.labels
            .0
            .iter()
            .all(|(name, value)| labels.0.get(name) == Some(value))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.labels.0.is_empty() {
            Ok(())
        } else {
            write!(f, "{}", self.labels)
        }
    }
}

/// Why a text is not a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the query `{text}` does not read, {why}: write NAME{{label=\"value\"}}, or `sum(..)`, `rate(..)`, `ratio(.., ..)` or `quantile(0.95, ..)` of that"
)]
pub(super) struct QueryError {
    text: String,
    why: &'static str,
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        read(text.trim()).map_err(|why| QueryError {
            text: text.chars().take(200).collect(),
            why,
        })
    }
}

fn read(text: &str) -> Result<Query, &'static str> {
    let (word, rest) = name(text).ok_or("it does not begin with a name")?;
    let Some(inside) = rest.trim_start().strip_prefix('(') else {
        let (selector, rest) = selector(text)?;
        return end(rest).map(|()| Query::Value(selector));
    };
    let (query, rest) = match word {
        "sum" => selector(inside).map(|(selector, rest)| (Query::Sum(selector), rest))?,
        "rate" => selector(inside).map(|(selector, rest)| (Query::Rate(selector), rest))?,
        "ratio" => {
            let (part, rest) = selector(inside)?;
            let rest = rest
                .strip_prefix(',')
                .ok_or("`ratio` takes two metrics with a comma between them")?;
            let (whole, rest) = selector(rest)?;
            (Query::Ratio(part, whole), rest)
        }
        "quantile" => {
            let (number, rest) = inside
                .split_once(',')
                .ok_or("`quantile` takes a number, a comma and a histogram")?;
            let quantile: f64 = number.trim().parse().map_err(|_| "its quantile is no number")?;
            if !(quantile > 0.0 && quantile < 1.0) {
                return Err("its quantile is not between 0 and 1");
            }
            let (selector, rest) = selector(rest)?;
            (Query::Quantile(quantile, selector), rest)
        }
        _ => return Err("it calls a function that is not known here"),
    };
    end(rest.strip_prefix(')').ok_or("a `)` is missing")?).map(|()| query)
}

/// A selector and what follows it, white space around both dropped.
fn selector(text: &str) -> Result<(Selector, &str), &'static str> {
    let (name, rest) = name(text.trim_start()).ok_or("a metric's name is missing")?;
    let (labels, rest) = labels(rest.trim_start())?;
    Ok((
        Selector {
            name: name.to_owned(),
            labels,
        },
        rest.trim_start(),
    ))
}

fn end(rest: &str) -> Result<(), &'static str> {
    if rest.trim().is_empty() {
        Ok(())
    } else {
        Err("something comes after its end")
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn selects(name: &str, labels: &[(&str, &str)]) -> Selector {
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Selector {
            name: name.to_owned(),
            labels: Labels(labels),
        }
    }

    #[test]
    fn the_five_forms_are_read() {
        let up = || selects("up", &[]);
        let a = || selects("a_total", &[("x", "1"), ("y", "2")]);
        for (text, query) in [
            (" up ", Query::Value(up())),
            ("rate", Query::Value(selects("rate", &[]))),
            ("a_total{y=\"2\", x=\"1\"}", Query::Value(a())),
            ("sum( up )", Query::Sum(up())),
            ("rate(a_total{x=\"1\",y=\"2\"})", Query::Rate(a())),
            ("ratio(a_total{x=\"1\",y=\"2\"}, up)", Query::Ratio(a(), up())),
            ("quantile(0.95, up)", Query::Quantile(0.95, up())),
        ] {
            assert_eq!(text.parse::<Query>().unwrap(), query, "{text}");
        }
    }

    #[test_case("", "does not begin with a name"; "an empty query asks nothing")]
    #[test_case("up > 1", "something comes after its end"; "a comparison belongs into the gate")]
    #[test_case("max(up)", "not known here"; "PromQL is for the source prometheus")]
    #[test_case("rate(up[5m])", "a `)` is missing"; "the time between scrapes belongs to the source")]
    #[test_case("rate(up", "a `)` is missing"; "a parenthesis must be closed")]
    #[test_case("sum(rate(up))", "a `)` is missing"; "forms do not nest")]
    #[test_case("ratio(up)", "takes two metrics"; "a ratio has two sides")]
    #[test_case("quantile(up)", "takes a number"; "a quantile needs its number")]
    #[test_case("quantile(95, up)", "not between 0 and 1"; "a quantile is no per cent")]
    #[test_case("quantile(NaN, up)", "not between 0 and 1"; "a quantile is a number")]
    #[test_case("up{x=~\"1\"}", "not quoted"; "labels are compared by equality only")]
    fn a_bad_query_is_refused(text: &str, why: &str) {
        let err = text.parse::<Query>().unwrap_err().to_string();
        assert!(err.contains(why), "{err}");
    }
}
