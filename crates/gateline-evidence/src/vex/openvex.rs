//! OpenVEX documents.
//!
//! Layout: OpenVEX 0.2.0, and 0.0.1, which writes names where later ones write objects. Knows no product: which one a
//! release is, its gate decides. Statements are taken in the order of the file, whatever their own times.

use gateline_model::{VexStatement, VexStatus};
use serde::Deserialize;
use serde::de::MapAccess;

use super::Statements;
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Few, Keyed, Objects, Words, each};
use crate::text;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "openvex",
    kind: "vex",
    title: "OpenVEX: which vulnerabilities do and do not matter",
    knows: |head| head.has_keys(&["@context", "statements"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut vex = OpenVex::default();
    input.json(Objects(&mut vex))?;
    if !vex.is_openvex {
        let reason = "its `@context` is none of https://openvex.dev/ns";
        return Err(Fault::malformed(0, reason));
    }
    Ok(vex.statements.into_body())
}

#[derive(Default)]
struct OpenVex {
    is_openvex: bool,
    statements: Statements,
}

impl Keyed for OpenVex {
    const KEYS: &'static [&'static str] = &["@context", "author", "statements"];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "@context" => {
                let context: Words = value.next_value()?;
                let is_ours = |one: &String| one.starts_with("https://openvex.dev/ns");
                self.is_openvex = context.all().iter().any(is_ours);
            }
            "author" => {
                if let Some(author) = value.next_value::<Option<String>>()? {
                    self.statements.author(&author);
                }
            }
            _ => {
                value.next_value_seed(each(|one: Statement| {
                    for statement in one.into_statements(&mut self.statements.warnings) {
                        let statement = self.statements.with_reason(statement);
                        self.statements.add(statement);
                    }
                }))?;
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Statement {
    vulnerability: Vulnerability,
    #[serde(default)]
    products: Few<Product>,
    status: String,
    justification: Option<String>,
    impact_statement: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vulnerability {
    Name(String),
    Parts {
        name: Option<String>,
        #[serde(rename = "@id")]
        id: Option<String>,
        #[serde(default)]
        aliases: Words,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Product {
    Name(String),
    Parts {
        #[serde(rename = "@id")]
        id: Option<String>,
        identifiers: Option<Identifiers>,
        #[serde(default)]
        hashes: Hashes,
        #[serde(default)]
        subcomponents: Few<Product>,
    },
}

#[derive(Deserialize)]
struct Identifiers {
    purl: Option<String>,
}

#[derive(Deserialize, Default)]
struct Hashes {
    #[serde(rename = "sha-256")]
    sha256: Option<String>,
}

impl Product {
    /// Its names, and those of its parts, where the statement is about parts of it.
    fn into_names(self) -> (Vec<String>, Vec<String>) {
        match self {
            Product::Name(name) => (vec![name], Vec::new()),
            Product::Parts {
                id,
                identifiers,
                hashes,
                subcomponents,
            } => {
                let purl = identifiers.and_then(|identifiers| identifiers.purl);
                let digest = hashes.sha256.map(|hex| format!("sha256:{hex}"));
                let names = id.into_iter().chain(purl).chain(digest).collect();
                let parts = subcomponents.into_list().into_iter();
                (names, parts.flat_map(|part| part.into_names().0).collect())
            }
        }
    }
}

impl Statement {
    /// One for all products that are named whole, and one for each of whose parts it speaks.
    fn into_statements(self, warnings: &mut Warnings) -> Vec<VexStatement> {
        let vulnerability = match self.vulnerability {
            Vulnerability::Name(name) => vec![name],
            Vulnerability::Parts { name, id, aliases } => {
                let aliases = aliases.all().iter().cloned();
                name.or(id).into_iter().chain(aliases).collect()
            }
        };
        let status = match self.status.as_str() {
            "not_affected" => VexStatus::NotAffected,
            "affected" => VexStatus::Affected,
            "fixed" => VexStatus::Fixed,
            "under_investigation" => VexStatus::UnderInvestigation,
            other => {
                let other = text::name(other);
                warnings.add(|| format!("`{other}` is not a status of OpenVEX and clears nothing"));
                VexStatus::UnderInvestigation
            }
        };
        let says = |text: &String| !text.trim().is_empty();
        let justification = self.justification.filter(says).or(self.impact_statement);
        let of = |products: Vec<String>, parts: Vec<String>| VexStatement {
            vulnerability: vulnerability.clone(),
            products,
            parts,
            status,
            justification: justification.clone(),
        };
        let listed = self.products.into_list().into_iter().map(Product::into_names);
        let (whole, in_parts): (Vec<_>, Vec<_>) = listed.partition(|(_, parts)| parts.is_empty());
        let mut products: Vec<String> = whole.into_iter().flat_map(|(names, _)| names).collect();
        products.dedup();
        let in_parts = in_parts.into_iter().map(|(names, parts)| of(names, parts));
        match products.is_empty() && in_parts.len() > 0 {
            true => in_parts.collect(),
            false => std::iter::once(of(products, Vec::new()))
                .chain(in_parts)
                .collect(),
        }
    }
}
