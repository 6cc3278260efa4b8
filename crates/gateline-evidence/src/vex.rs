//! What suppliers say of vulnerabilities: the statements of a VEX document, as they are read. Its two formats are below.

pub(crate) mod cyclonedx;
pub(crate) mod openvex;

use gateline_model::{Facts, VEX_PRODUCTS_MAX, VEX_STATEMENTS_MAX, VexFacts, VexStatement};

use crate::read::{Body, Complete, Warnings};
use crate::text;

/// Statements of one document.
#[derive(Default)]
struct Statements {
    facts: VexFacts,
    /// Statements in the document, with those that are not kept.
    total: u64,
    warnings: Warnings,
}

impl Statements {
    fn author(&mut self, author: &str) {
        self.facts.author = Some(text::name(author));
    }

    fn add(&mut self, statement: VexStatement) {
        self.total += 1;
        if self.facts.statements.len() == VEX_STATEMENTS_MAX {
            return;
        }
        let VexStatement {
            vulnerability,
            mut products,
            status,
            justification,
        } = statement;
        products.truncate(VEX_PRODUCTS_MAX);
        self.facts.statements.push(VexStatement {
            vulnerability: vulnerability.iter().map(|name| text::name(name)).collect(),
            products: products.iter().map(|name| text::name(name)).collect(),
            status,
            justification: justification.as_deref().map(text::message),
        });
    }

    fn into_body(self) -> Body {
        let incomplete = match self.total {
            0 => Some("the document says nothing of any vulnerability".to_owned()),
            total if total > VEX_STATEMENTS_MAX as u64 => Some(format!(
                "the document has {total} statements; {VEX_STATEMENTS_MAX} are read"
            )),
            _ => None,
        };
        Body {
            facts: Facts::Vex(self.facts),
            complete: Complete::unless(incomplete),
            warnings: self.warnings,
        }
    }
}
