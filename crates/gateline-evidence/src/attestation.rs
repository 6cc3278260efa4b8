//! Signed statements about artifacts: who built them, from what, and what was found. Its three forms are below: bare
//! statements, DSSE envelopes and Sigstore bundles, one or many of them in a file.
//!
//! What is merely read is [`Signature::Unchecked`]; [`verify`](crate::verify) looks at the signatures, with keys that a gate
//! trusts. Knows no key and no artifact.

pub(crate) mod beside;
pub(crate) mod bundle;
pub(crate) mod cosign;
pub(crate) mod dsse;
pub(crate) mod envelope;
pub(crate) mod in_toto;
mod provenance;
pub(crate) mod statement;

use gateline_model::{AttestationFacts, Facts, STATEMENTS_MAX, Signature};
use serde::de::DeserializeOwned;

use crate::error::Fault;
use crate::input::Input;
use crate::read::{Body, Complete, Warnings};
use statement::Told;

/// One thing of a file that may hold a statement.
pub(crate) trait Item: DeserializeOwned {
    /// What it tells; an error is why it tells nothing.
    fn told(&self) -> Result<Told, String>;
}

/// Reads a file of one or many things of one sort, one after another; `sign` says what to think of the signature of each,
/// of which it gets the text as well.
pub(crate) fn body<I: Item>(
    input: &mut Input<'_>,
    mut sign: impl FnMut(&I, &mut Told, &str) -> Signature,
) -> Result<Body, Fault> {
    let text = input.whole()?;
    let mut found = Statements::default();
    let mut items = serde_json::Deserializer::from_str(&text).into_iter::<I>();
    for number in 1.. {
        let begin = items.byte_offset();
        let item = match items.next() {
            None => break,
            Some(Ok(item)) => item,
            Some(Err(error)) => return Err(input.json_fault(&error)),
        };
        match item.told() {
            Ok(mut told) => {
                let signature = sign(&item, &mut told, &text[begin..items.byte_offset()]);
                found.add(told, signature);
            }
            Err(reason) => found.incomplete(|| format!("statement {number}: {reason}")),
        }
    }
    Ok(found.into_body())
}

/// The statements of one file.
#[derive(Default)]
struct Statements {
    facts: AttestationFacts,
    total: usize,
    incomplete: Option<String>,
    warnings: Warnings,
}

impl Statements {
    fn incomplete(&mut self, reason: impl FnOnce() -> String) {
        self.incomplete.get_or_insert_with(reason);
    }

    fn add(&mut self, told: Told, signature: Signature) {
        self.total += 1;
        let Told {
            mut statement,
            incomplete,
            warnings,
            subjects: _,
        } = told;
        let number = self.total;
        if let Some(reason) = incomplete {
            self.incomplete(|| format!("statement {number}: {reason}"));
        }
        for warning in warnings {
            self.warnings.add(|| format!("statement {number}: {warning}"));
        }
        if self.facts.statements.len() < STATEMENTS_MAX {
            statement.signature = signature;
            self.facts.statements.push(statement);
        }
    }

    fn into_body(self) -> Body {
        let reason = match self.total {
            0 => Some("the file holds no statement".to_owned()),
            total if total > STATEMENTS_MAX => Some(format!(
                "the file has {total} statements; {STATEMENTS_MAX} are read: report them in several files"
            )),
            _ => None,
        };
        Body {
            facts: Facts::Attestation(self.facts),
            complete: Complete::unless(self.incomplete.or(reason)),
            warnings: self.warnings,
        }
    }
}
