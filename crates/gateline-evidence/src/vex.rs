//! What suppliers say of vulnerabilities: the statements of a VEX document, as they are read. Its two formats are below.

pub(crate) mod cyclonedx;
pub(crate) mod openvex;

use gateline_model::{Facts, VEX_PRODUCTS_MAX, VEX_STATEMENTS_MAX, VexFacts, VexStatement, VexStatus};

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
            mut parts,
            status,
            justification,
        } = statement;
        let mut status = status;
        // Facts have no word for "of what": a gate would take such a statement to be about every package.
        if products.iter().all(|name| name.trim().is_empty()) && clears(status) {
            let name = named(&vulnerability);
            self.warnings
                .add(|| format!("`{name}` is cleared for no product that is named, which clears nothing"));
            status = VexStatus::UnderInvestigation;
        }
        products.truncate(VEX_PRODUCTS_MAX);
        parts.truncate(VEX_PRODUCTS_MAX);
        self.facts.statements.push(VexStatement {
            vulnerability: vulnerability.iter().map(|name| text::name(name)).collect(),
            products: products.iter().map(|name| text::name(name)).collect(),
            parts: parts.iter().map(|name| text::name(name)).collect(),
            status,
            justification: justification.as_deref().map(text::message),
        });
    }

    /// A statement that says why is kept as it is; another clears nothing.
    fn with_reason(&mut self, statement: VexStatement) -> VexStatement {
        let says = |text: &String| !text.trim().is_empty();
        if statement.status != VexStatus::NotAffected || statement.justification.as_ref().is_some_and(says) {
            return statement;
        }
        let name = named(&statement.vulnerability);
        self.warnings
            .add(|| format!("`{name}` is said not to matter, without a reason, which clears nothing"));
        VexStatement {
            status: VexStatus::UnderInvestigation,
            ..statement
        }
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

fn clears(status: VexStatus) -> bool {
    matches!(status, VexStatus::NotAffected | VexStatus::Fixed)
}

fn named(vulnerability: &[String]) -> String {
    text::name(vulnerability.first().map_or("a vulnerability", String::as_str))
}
