//! Limits of counts as people write them: `0` for at most none, or a threshold such as `<= 10`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::threshold::Threshold;

/// How many of something there may be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Limit(Threshold);

impl Limit {
    pub(super) fn holds(&self, count: u64) -> bool {
        self.0.holds(count as f64)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Limit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the most that there may be, as in `0`, or a threshold, as in `<= 10`")
    }

    fn visit_u64<E: Error>(self, most: u64) -> Result<Limit, E> {
        self.visit_str(&format!("<= {most}"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Limit, E> {
        let threshold: Threshold = text.parse().map_err(E::custom)?;
        match threshold.unit() {
            "" => Ok(Limit(threshold)),
            unit => Err(E::custom(format!("a count has no unit: leave out `{unit}`"))),
        }
    }
}

impl schemars::JsonSchema for Limit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": "^\\s*(>=|<=|==|>|<)\\s*[0-9]+(\\.[0-9]+)?\\s*$",
            "description": "the most that there may be, or a threshold, as in <= 10"
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_the_most() {
        let limit = Limit::deserialize(json!(2)).expect("a number");
        assert!(limit.holds(2) && !limit.holds(3));
        assert_eq!(limit.to_string(), "<= 2");
        let limit = Limit::deserialize(json!("< 2")).expect("a threshold");
        assert!(limit.holds(1) && !limit.holds(2));
    }

    #[test]
    fn what_counts_nothing_is_refused() {
        for wrong in [json!(-1), json!("2"), json!("<= 2%"), json!(1.5), json!(null)] {
            assert!(Limit::deserialize(&wrong).is_err(), "{wrong}");
        }
    }
}
