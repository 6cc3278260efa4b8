//! The CVSS scores of a vulnerability in trivy's JSON, by who gave them. Knows no severity.

use std::collections::BTreeMap;

use serde::de::DeserializeSeed as _;
use serde::{Deserialize, Deserializer};

use crate::severity;
use crate::stream::each_entry;

/// The score of each source. Of one that is there twice the higher one counts.
#[derive(Default)]
pub(super) struct Scores(BTreeMap<String, f64>);

impl<'de> Deserialize<'de> for Scores {
    fn deserialize<D: Deserializer<'de>>(parser: D) -> Result<Self, D::Error> {
        let mut scores = BTreeMap::new();
        let take = |source: String, cvss: Cvss| {
            if let Some(score) = cvss.score() {
                let kept = scores.entry(source).or_insert(score);
                *kept = score.max(*kept);
            }
        };
        each_entry(take).deserialize(parser)?;
        Ok(Scores(scores))
    }
}

impl Scores {
    /// The score that this source gave.
    pub(super) fn of(&self, source: &str) -> Option<f64> {
        self.0.get(source).copied()
    }

    pub(super) fn highest(&self) -> Option<f64> {
        self.0.values().copied().max_by(f64::total_cmp)
    }
}

#[derive(Deserialize)]
struct Cvss {
    #[serde(rename = "V40Score")]
    v4: Option<f64>,
    #[serde(rename = "V3Score")]
    v3: Option<f64>,
    #[serde(rename = "V2Score")]
    v2: Option<f64>,
    #[serde(rename = "V40Vector")]
    vector4: Option<String>,
    #[serde(rename = "V3Vector")]
    vector3: Option<String>,
}

impl Cvss {
    fn score(&self) -> Option<f64> {
        let of = |vector: &Option<String>| severity::of_vector(vector.as_deref()?);
        // Version 3 first: trivy's own word for the severity comes from it.
        self.v3
            .or(self.v4)
            .or_else(|| of(&self.vector3))
            .or_else(|| of(&self.vector4))
            .or(self.v2)
            .filter(|score| *score > 0.0)
    }
}
