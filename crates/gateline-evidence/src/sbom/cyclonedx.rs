//! CycloneDX in JSON: components with their licences, nested ones too, and which depends on which.
//!
//! Layout: ECMA-424 and the earlier CycloneDX schemas. `metadata.component` is what the bill describes and no component; its own
//! parts are, save those that are the thing itself once more. A bill with vulnerabilities and no list of components is a VEX document and not read here.

use gateline_model::Component;
use serde::Deserialize;
use serde::de::MapAccess;

use super::Bill;
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::Body;
use crate::stream::{Few, Items, Keyed, Objects, Words, each};
use crate::text;

/// The versions that are read: all that have JSON.
const VERSIONS: [&str; 6] = ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"];

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "cyclonedx",
    kind: "sbom",
    title: "CycloneDX 1.2 to 1.7 in JSON, as syft, trivy, cdxgen and the CycloneDX tools write it",
    knows: |head| {
        head.has_keys(&["bomFormat"])
            && (head.has_keys(&["components"]) || !head.has_keys(&["vulnerabilities"]))
    },
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut document = Document::default();
    input.json(Objects(&mut document))?;
    let format = document.format.as_ref().and_then(Words::first).unwrap_or("none");
    if format != "CycloneDX" {
        let reason = format!("its `bomFormat` is {}, not CycloneDX", text::one_line(format, 20));
        return Err(Fault::malformed(0, reason));
    }
    let version = document.version.as_ref().and_then(Words::first).unwrap_or("none");
    if !VERSIONS.contains(&version) {
        let (version, known) = (text::one_line(version, 20), VERSIONS.join(", "));
        return Err(Fault::malformed(
            0,
            format!("its `specVersion` is {version}; CycloneDX {known} are read"),
        ));
    }
    let spec = format!("CycloneDX {version}");
    Ok(document.bill.into_body(spec))
}

#[derive(Default)]
struct Document {
    format: Option<Words>,
    version: Option<Words>,
    bill: Bill,
}

impl Keyed for Document {
    const KEYS: &'static [&'static str] = &[
        "bomFormat",
        "specVersion",
        "metadata",
        "components",
        "dependencies",
        "compositions",
    ];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let bill = &mut self.bill;
        match key {
            "bomFormat" => self.format = value.next_value()?,
            "specVersion" => self.version = value.next_value()?,
            "metadata" => drop(value.next_value_seed(Objects(&mut Metadata(bill)))?),
            "components" => drop(value.next_value_seed(Items(&mut Components::of(bill)))?),
            "dependencies" => {
                let take = |one: Dependency| {
                    if !one.depends_on.is_empty() {
                        bill.relates();
                    }
                };
                value.next_value_seed(each(take))?;
            }
            _ => {
                let take = |one: Composition| {
                    let aggregate = one.aggregate.first().unwrap_or_default();
                    if aggregate.starts_with("incomplete") {
                        let aggregate = text::name(aggregate);
                        bill.warn(|| format!("the document calls one of its lists `{aggregate}`"));
                    }
                };
                value.next_value_seed(each(take))?;
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Dependency {
    #[serde(default, rename = "dependsOn")]
    depends_on: Few<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Composition {
    #[serde(default)]
    aggregate: Words,
}

/// Reads `metadata`.
struct Metadata<'b>(&'b mut Bill);

impl Keyed for Metadata<'_> {
    const KEYS: &'static [&'static str] = &["tools", "component"];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "tools" => drop(value.next_value_seed(Objects(&mut Tools::of(self.0)))?),
            _ => {
                let mut subject = Subject(self.0, Named::default());
                if value.next_value_seed(Objects(&mut subject))? > 0 {
                    let Subject(bill, named) = subject;
                    bill.settle_parts(&named.with_group(), named.version.first().unwrap_or_default());
                    bill.subject(&named.with_version());
                }
            }
        }
        Ok(())
    }
}

/// Reads `metadata.component`, and the components in it.
struct Subject<'b>(&'b mut Bill, Named);

impl Keyed for Subject<'_> {
    const KEYS: &'static [&'static str] = &["group", "name", "version", "components"];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let Subject(bill, named) = self;
        match key {
            "group" => named.group = value.next_value()?,
            "name" => named.name = value.next_value()?,
            "version" => named.version = value.next_value()?,
            _ => {
                let mut parts = Components::of(bill);
                parts.are_parts = true;
                value.next_value_seed(Items(&mut parts))?;
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Named {
    group: Option<String>,
    name: Option<String>,
    version: Words,
}

impl Named {
    fn with_group(&self) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        match self.group.as_deref() {
            None | Some("") => name.to_owned(),
            Some(group) => format!("{group}/{name}"),
        }
    }

    fn with_version(&self) -> String {
        let name = self.with_group();
        match self.version.first() {
            None | Some("") => name,
            Some(version) => format!("{name} {version}"),
        }
    }
}

/// Reads `metadata.tools`: a list of tools until 1.4, an object with components since.
struct Tools<'b> {
    bill: &'b mut Bill,
    name: Option<String>,
    version: Words,
}

impl<'b> Tools<'b> {
    fn of(bill: &'b mut Bill) -> Self {
        Tools {
            bill,
            name: None,
            version: Words::default(),
        }
    }
}

impl Keyed for Tools<'_> {
    const KEYS: &'static [&'static str] = &["name", "version", "components", "services"];

    fn begin(&mut self) -> Result<(), String> {
        (self.name, self.version) = (None, Words::default());
        Ok(())
    }

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "name" => self.name = value.next_value()?,
            "version" => self.version = value.next_value()?,
            _ => drop(value.next_value_seed(Objects(&mut Tools::of(self.bill)))?),
        }
        Ok(())
    }

    fn end(&mut self) {
        let tool = Named {
            group: None,
            name: self.name.take(),
            version: std::mem::take(&mut self.version),
        };
        self.bill.tool(&tool.with_version());
    }
}

/// Reads `components`, and those in them.
struct Components<'b> {
    bill: &'b mut Bill,
    named: Named,
    purl: Option<String>,
    licences: Vec<String>,
    /// They are parts of what the bill describes.
    are_parts: bool,
}

impl<'b> Components<'b> {
    fn of(bill: &'b mut Bill) -> Self {
        Components {
            bill,
            named: Named::default(),
            purl: None,
            licences: Vec::new(),
            are_parts: false,
        }
    }
}

impl Keyed for Components<'_> {
    const KEYS: &'static [&'static str] = &["group", "name", "version", "purl", "licenses", "components"];

    fn begin(&mut self) -> Result<(), String> {
        (self.named, self.purl, self.licences) = (Named::default(), None, Vec::new());
        Ok(())
    }

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "group" => self.named.group = value.next_value()?,
            "name" => self.named.name = value.next_value()?,
            "version" => self.named.version = value.next_value()?,
            "purl" => self.purl = value.next_value()?,
            "licenses" => {
                let licences: Few<LicenceChoice> = value.next_value()?;
                self.licences = licences.iter().filter_map(LicenceChoice::word).collect();
            }
            _ => drop(value.next_value_seed(Items(&mut Components::of(self.bill)))?),
        }
        Ok(())
    }

    fn end(&mut self) {
        if self
            .named
            .name
            .as_deref()
            .is_none_or(|name| name.trim().is_empty())
        {
            self.bill.nameless(self.purl.as_deref());
        }
        let name = self.named.with_group();
        let component = Component {
            name,
            version: self.named.version.first().unwrap_or_default().to_owned(),
            purl: self.purl.take(),
            licences: std::mem::take(&mut self.licences),
        };
        match self.are_parts {
            true => self.bill.part(component),
            false => self.bill.component(component),
        }
    }
}

/// An expression, or a licence by its id or its name.
#[derive(Deserialize)]
struct LicenceChoice {
    #[serde(default)]
    expression: Option<String>,
    #[serde(default)]
    license: Option<Licence>,
}

#[derive(Deserialize)]
struct Licence {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

impl LicenceChoice {
    fn word(&self) -> Option<String> {
        let licence = self.license.as_ref();
        let by_id = licence.and_then(|licence| licence.id.clone().or_else(|| licence.name.clone()));
        self.expression.clone().or(by_id)
    }
}
