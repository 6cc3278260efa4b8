//! Addresses: a path with its parameters filled in, and a query. Knows no host.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::Endpoint;

/// The path and query of a request to `E`.
pub fn address<E: Endpoint>(path: &E::Path, query: &E::Query) -> String {
    let mut filled = String::with_capacity(E::PATH.len() + 32);
    let fields = serde_json::to_value(path).expect("path types are plain data");
    for (index, part) in E::PATH.split(['{', '}']).enumerate() {
        // Every second part was between braces.
        match (index % 2, fields.get(part)) {
            (1, Some(value)) => filled.push_str(&encode(&text(value))),
            (_, Some(_) | None) => filled.push_str(part),
        }
    }
    let mut separator = '?';
    if let Value::Object(fields) = serde_json::to_value(query).expect("query types are plain data") {
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let _ = write!(filled, "{separator}{}={}", encode(name), encode(&text(value)));
            separator = '&';
        }
    }
    filled
}

/// A parameter as text: strings without quotes.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What stays readable: the unreserved characters of RFC 3986, and `@` and `:`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b':');

/// Percent-encodes all that could end a part of a path or a query.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Empty;
    use crate::{
        BoardQuery, GetBoard, GetRelease, GetTicks, ListPromotions, PromotionPath, PromotionQuery,
        ReleasePath,
    };

    #[test]
    fn a_release_with_its_project_is_one_segment() {
        let release = "payments/payment-service@1.4.0+b".parse().unwrap();
        let path = address::<GetRelease>(&ReleasePath { release }, &Empty {});
        assert_eq!(path, "/api/v1/releases/payments%2Fpayment-service@1.4.0%2Bb");
    }

    #[test]
    fn parameters_that_are_not_given_are_left_out() {
        assert_eq!(
            address::<GetBoard>(&Empty {}, &BoardQuery::default()),
            "/api/v1/board"
        );
        let query = PromotionQuery {
            ended: Some(false),
            limit: Some(3),
            ..PromotionQuery::default()
        };
        assert_eq!(
            address::<ListPromotions>(&Empty {}, &query),
            "/api/v1/promotions?ended=false&limit=3"
        );
    }

    #[test]
    fn every_part_of_a_promotion_stands_in_its_path() {
        let path = PromotionPath::from(&"a/b/c/7".parse().unwrap());
        assert_eq!(
            address::<GetTicks>(&path, &Empty {}),
            "/api/v1/promotions/a/b/c/7/ticks"
        );
    }
}
