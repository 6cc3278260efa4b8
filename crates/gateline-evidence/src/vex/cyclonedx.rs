//! CycloneDX as a VEX document: its vulnerabilities, each with an analysis.
//!
//! Layout: CycloneDX 1.4 to 1.7, `vulnerabilities[].analysis`. A document with components is a bill of materials; for its
//! vulnerabilities it has to be named as this format. A vulnerability without an analysis clears nothing.

use std::collections::HashMap;

use gateline_model::{COMPONENTS_MAX, VexStatement, VexStatus};
use serde::Deserialize;
use serde::de::MapAccess;

use super::Statements;
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::Body;
use crate::stream::{Few, Keyed, Objects, each};
use crate::text;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "cyclonedx-vex",
    kind: "vex",
    title: "CycloneDX VEX: which vulnerabilities do and do not matter",
    knows: |head| head.has_keys(&["bomFormat", "vulnerabilities"]) && !head.has_keys(&["components"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut vex = CycloneDx::default();
    input.json(Objects(&mut vex))?;
    if vex.format.as_deref() != Some("CycloneDX") {
        return Err(Fault::malformed(0, "its `bomFormat` is not CycloneDX"));
    }
    let CycloneDx {
        mut statements,
        purls,
        ..
    } = vex;
    // The components may stand behind the vulnerabilities.
    for product in statements
        .facts
        .statements
        .iter_mut()
        .flat_map(|one| &mut one.products)
    {
        // `urn:cdx:SERIAL/VERSION#REF` names a component of another document.
        let reference = product.rsplit_once('#').map_or(product.as_str(), |(_, at)| at);
        if let Some(purl) = purls.get(reference).or_else(|| purls.get(product)) {
            *product = text::name(purl);
        } else if product.starts_with("urn:cdx:") {
            *product = reference.to_owned();
        }
    }
    Ok(statements.into_body())
}

#[derive(Default)]
struct CycloneDx {
    format: Option<String>,
    statements: Statements,
    /// Package URLs of components by their reference.
    purls: HashMap<String, String>,
}

impl Keyed for CycloneDx {
    const KEYS: &'static [&'static str] = &["bomFormat", "metadata", "components", "vulnerabilities"];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "bomFormat" => self.format = value.next_value()?,
            "metadata" => {
                let metadata: Option<Metadata> = value.next_value()?;
                let Metadata { authors, component } = metadata.unwrap_or_default();
                if let Some(author) = authors.first().and_then(|author| author.name.as_deref()) {
                    self.statements.author(author);
                }
                if let Some(component) = component {
                    component.note(&mut self.purls);
                }
            }
            "components" => {
                value.next_value_seed(each(|component: Component| component.note(&mut self.purls)))?;
            }
            _ => {
                value.next_value_seed(each(|one: Vulnerability| {
                    let statement = one.into_statement(&mut self.statements);
                    self.statements.add(statement);
                }))?;
            }
        }
        Ok(())
    }
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    authors: Few<Author>,
    component: Option<Component>,
}

#[derive(Deserialize)]
struct Author {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "bom-ref")]
    reference: Option<String>,
    purl: Option<String>,
}

impl Component {
    fn note(self, purls: &mut HashMap<String, String>) {
        if let (Some(reference), Some(purl)) = (self.reference, self.purl)
            && purls.len() < COMPONENTS_MAX
        {
            purls.insert(reference, purl);
        }
    }
}

#[derive(Deserialize)]
struct Vulnerability {
    id: Option<String>,
    #[serde(default)]
    references: Few<Reference>,
    analysis: Option<Analysis>,
    #[serde(default)]
    affects: Few<Affects>,
}

#[derive(Deserialize)]
struct Reference {
    id: Option<String>,
}

#[derive(Deserialize)]
struct Analysis {
    state: Option<String>,
    justification: Option<String>,
    detail: Option<String>,
}

#[derive(Deserialize)]
struct Affects {
    #[serde(rename = "ref")]
    reference: Option<String>,
}

impl Vulnerability {
    fn into_statement(self, statements: &mut Statements) -> VexStatement {
        let Vulnerability {
            id,
            references,
            analysis,
            affects,
        } = self;
        let state = analysis.as_ref().and_then(|analysis| analysis.state.as_deref());
        let status = match state {
            Some("not_affected" | "false_positive") => VexStatus::NotAffected,
            Some("exploitable") => VexStatus::Affected,
            Some("resolved" | "resolved_with_pedigree") => VexStatus::Fixed,
            Some("in_triage") | None => VexStatus::UnderInvestigation,
            Some(other) => {
                let other = text::name(other);
                statements
                    .warnings
                    .add(|| format!("`{other}` is not a state of CycloneDX and clears nothing"));
                VexStatus::UnderInvestigation
            }
        };
        let others = references.iter().filter_map(|reference| reference.id.clone());
        VexStatement {
            vulnerability: id.into_iter().chain(others).collect(),
            products: affects.iter().filter_map(|one| one.reference.clone()).collect(),
            parts: Vec::new(),
            status,
            justification: analysis.and_then(|analysis| analysis.justification.or(analysis.detail)),
        }
    }
}
