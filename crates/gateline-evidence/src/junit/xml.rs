//! XML for the reader of JUnit: attributes within limits, entities that expand to nothing but one character.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart};
use quick_xml::{Error, XmlVersion};

use crate::error::Fault;
use crate::text;

/// Longest duration that is believed, in seconds (about 30 years); a longer one counts as not given.
pub const DURATION_SECS_MAX: f64 = 1e9;
/// Most attributes of one element. Looking for doubles costs the square of it.
pub const XML_ATTRIBUTES_MAX: usize = 64;

/// The attributes of one element, unescaped.
#[derive(Default)]
pub(super) struct Attributes<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl<'a> Attributes<'a> {
    pub(super) fn of(start: &'a BytesStart<'_>, at: usize) -> Result<Attributes<'a>, Fault> {
        let mut list = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| Fault::malformed(at, error.to_string()))?;
            let key = attribute.key.into_inner();
            if list.len() == XML_ATTRIBUTES_MAX {
                return Err(Fault::malformed(
                    at,
                    format!("more than {XML_ATTRIBUTES_MAX} attributes"),
                ));
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| {
                    Fault::malformed(at, format!("in attribute `{}`: {error}", text::one_line(key, 40)))
                })?;
            list.push((key, value));
        }
        Ok(Attributes(list))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.as_ref())
    }

    /// A total that is absent or no number says nothing, like 0.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.get(name)
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or(0)
    }

    pub(super) fn secs(&self) -> Option<f64> {
        let secs: f64 = self.get("time")?.trim().parse().ok()?;
        (0.0..=DURATION_SECS_MAX).contains(&secs).then_some(secs)
    }
}

pub(super) fn resolved<'a>(entity: &'a BytesRef<'_>, at: usize) -> Result<Cow<'a, str>, Fault> {
    let character = entity
        .resolve_char_ref()
        .map_err(|error| Fault::malformed(at, error.to_string()))?;
    if let Some(character) = character {
        return Ok(Cow::Owned(character.to_string()));
    }
    let predefined = resolve_predefined_entity(entity);
    predefined.map(Cow::Borrowed).ok_or_else(|| {
        let name = text::one_line(entity, 40);
        Fault::malformed(
            at,
            format!("`&{name};` is not one of the five predefined entities"),
        )
    })
}

/// The reader's syntax errors all mean that the end came inside some markup, but for one.
pub(super) fn fault(error: Error, at: usize) -> Fault {
    use quick_xml::errors::SyntaxError::InvalidBangMarkup;
    match &error {
        Error::Syntax(syntax) if *syntax != InvalidBangMarkup => Fault::truncated(at, syntax.to_string()),
        _ => Fault::malformed(at, error.to_string()),
    }
}
