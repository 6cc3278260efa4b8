//! SPDX 2 in JSON: packages with their licences, and how they relate.
//!
//! Layout: SPDX 2.3, chapters 6, 7 and 11. The document is read twice: what it describes is told behind the packages.
//! Files and snippets are passed over. SPDX 3 is another format.

use std::collections::HashSet;

use gateline_model::Component;
use serde::Deserialize;
use serde::de::MapAccess;

use super::{Bill, says_nothing};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::Body;
use crate::stream::{Few, Keyed, Objects, each};
use crate::text;

/// The versions that are read.
const VERSIONS: [&str; 2] = ["SPDX-2.2", "SPDX-2.3"];
/// The id of the document itself.
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "spdx",
    kind: "sbom",
    title: "SPDX 2.2 and 2.3 in JSON, as syft, trivy and most SBOM tools write it",
    knows: |head| head.has_keys(&["spdxVersion"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut outline = Outline::default();
    input.json(Objects(&mut outline))?;
    let version = outline.version.as_deref().unwrap_or("none");
    if !VERSIONS.contains(&version) {
        let (version, known) = (text::one_line(version, 20), VERSIONS.join(" and "));
        return Err(Fault::malformed(
            0,
            format!("its `spdxVersion` is {version}; {known} are read"),
        ));
    }
    let spec = version.replace('-', " ");
    let mut packages = Packages {
        bill: outline.bill,
        subject: outline.described.single(),
    };
    packages.bill.subject(outline.name.as_deref().unwrap_or_default());
    input.json(Objects(&mut packages))?;
    Ok(packages.bill.into_body(spec))
}

/// What the document says of itself.
#[derive(Default)]
struct Outline {
    version: Option<String>,
    name: Option<String>,
    described: Described,
    bill: Bill,
}

impl Keyed for Outline {
    const KEYS: &'static [&'static str] = &[
        "spdxVersion",
        "name",
        "creationInfo",
        "documentDescribes",
        "relationships",
    ];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let Outline {
            version,
            name,
            described,
            bill,
        } = self;
        match key {
            "spdxVersion" => *version = value.next_value()?,
            "name" => *name = value.next_value()?,
            "creationInfo" => {
                let creation: Option<Creation> = value.next_value()?;
                let creators = creation.map(|creation| creation.creators).unwrap_or_default();
                for tool in creators.iter().filter_map(|one| one.strip_prefix("Tool: ")) {
                    // The version stands behind the last hyphen, as in `syft-1.18.1`.
                    match tool.rsplit_once('-') {
                        Some((name, version)) => bill.tool(&format!("{name} {version}")),
                        None => bill.tool(tool),
                    }
                }
            }
            "documentDescribes" => drop(value.next_value_seed(each(|id: String| described.add(id)))?),
            _ => {
                let take = |one: Relationship| match one.of.as_str() {
                    "DESCRIBES" if one.from == DOCUMENT => described.add(one.to),
                    "DESCRIBED_BY" if one.to == DOCUMENT => described.add(one.from),
                    of if of == "DEPENDS_ON" || of.ends_with("DEPENDENCY_OF") => bill.relates(),
                    _ => {}
                };
                value.next_value_seed(each(take))?;
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Creation {
    #[serde(default)]
    creators: Few<String>,
}

#[derive(Deserialize)]
struct Relationship {
    #[serde(rename = "spdxElementId", default)]
    from: String,
    #[serde(rename = "relatedSpdxElement", default)]
    to: String,
    #[serde(rename = "relationshipType", default)]
    of: String,
}

/// What the document describes. One package is its root; several are all components, since then none of them is the one
/// that is made of the others.
#[derive(Default)]
struct Described(HashSet<String>);

impl Described {
    /// Two tell as much as more.
    fn add(&mut self, id: String) {
        if self.0.len() < 2 {
            self.0.insert(id);
        }
    }

    fn single(self) -> Option<String> {
        let mut ids = self.0.into_iter();
        ids.next().filter(|_| ids.next().is_none())
    }
}

struct Packages {
    bill: Bill,
    /// The id of the one package that is described.
    subject: Option<String>,
}

impl Keyed for Packages {
    const KEYS: &'static [&'static str] = &["packages"];

    fn key<'de, A: MapAccess<'de>>(&mut self, _: &'static str, value: &mut A) -> Result<(), A::Error> {
        let Packages { bill, subject } = self;
        let take = |package: Package| {
            let is_subject = package.id.is_some() && package.id == *subject;
            let component = package.into_component();
            match is_subject {
                true => bill.subject(&component.to_string()),
                false => {
                    if component.name.trim().is_empty() {
                        bill.nameless(component.purl.as_deref());
                    }
                    bill.component(component);
                }
            }
        };
        value.next_value_seed(each(take)).map(drop)
    }
}

#[derive(Deserialize)]
struct Package {
    #[serde(rename = "SPDXID", default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(rename = "versionInfo", default)]
    version: Option<String>,
    #[serde(rename = "licenseConcluded", default)]
    concluded: Option<String>,
    #[serde(rename = "licenseDeclared", default)]
    declared: Option<String>,
    #[serde(rename = "externalRefs", default)]
    refs: Option<Refs>,
}

impl Package {
    fn into_component(self) -> Component {
        // What the writer concluded weighs more than what the package says of itself.
        let licence = [self.concluded, self.declared]
            .into_iter()
            .flatten()
            .find(|licence| !says_nothing(licence));
        Component {
            name: self.name.unwrap_or_default(),
            version: self
                .version
                .filter(|version| !says_nothing(version))
                .unwrap_or_default(),
            purl: self.refs.and_then(|refs| refs.0),
            licences: licence.into_iter().collect(),
        }
    }
}

/// The first package URL among the external references, which may be hundreds of CPE names.
struct Refs(Option<String>);

impl<'de> Deserialize<'de> for Refs {
    fn deserialize<D: serde::Deserializer<'de>>(parser: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Ref {
            #[serde(rename = "referenceType", default)]
            of: String,
            #[serde(rename = "referenceLocator", default)]
            locator: String,
        }
        let mut purl = None;
        let take = |one: Ref| {
            if one.of == "purl" && purl.is_none() {
                purl = Some(one.locator);
            }
        };
        serde::de::DeserializeSeed::deserialize(each(take), parser)?;
        Ok(Refs(purl))
    }
}
