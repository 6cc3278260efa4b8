//! DSSE envelopes with in-toto statements: one, or one after another as in `.intoto.jsonl`.

use gateline_model::Signature;

use super::envelope::Envelope;
use super::statement::Told;
use super::{Item, body};
use crate::format::FormatRow;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "dsse",
    kind: "attestation",
    title: "Signed in-toto statements in DSSE envelopes, one or many (`.intoto.jsonl`)",
    knows: |head| head.has_keys(&["payload", "payloadType"]),
    read: |input| body(input, |_: &Envelope, _, _| Signature::Unchecked),
};

impl Item for Envelope {
    fn told(&self) -> Result<Told, String> {
        Envelope::told(self)
    }
}
