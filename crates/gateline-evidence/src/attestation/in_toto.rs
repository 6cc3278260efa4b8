//! In-toto statements without a signature: what a build wrote before anybody signed it.

use gateline_model::Signature;
use serde::Deserialize;
use serde_json::Value;

use super::statement::Told;
use super::{Item, body};
use crate::format::FormatRow;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "in-toto",
    kind: "attestation",
    title: "In-toto statements (v1 and v0.1) that nobody signed",
    knows: |head| head.has_keys(&["_type", "subject"]) || head.has_keys(&["_type", "predicateType"]),
    read: |input| body(input, |_: &Bare, _, _| Signature::Unchecked),
};

/// A statement by itself.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Bare(Value);

impl Item for Bare {
    fn told(&self) -> Result<Told, String> {
        Told::of(self.0.to_string().as_bytes())
    }
}
