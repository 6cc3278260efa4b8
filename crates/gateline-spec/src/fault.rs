//! What serde says is wrong with a value, in a person's words and with its place.

use std::fmt;
use std::ops::Range;

use serde::de::{self, Expected, Unexpected};

use crate::diagnostic::what_and_rule;
use crate::nearest::meant;

/// What keeps a value from being read.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// Where, once a value that knows its place has seen the fault.
    pub(crate) span: Option<Range<usize>>,
}

impl Fault {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
            span: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn at(mut self, span: &Range<usize>) -> Self {
        self.span.get_or_insert_with(|| span.clone());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        // The model's errors reach serde as text only; the second half of their first words names the rule.
        let rules = [
            (" is not a duration: ", "duration.invalid"),
            (" is too long: a duration ", "duration.invalid"),
            (" name: ", "name.illegal"),
            ("a secret is given by reference only", "secret.literal"),
        ];
        let code = rules
            .iter()
            .find(|(words, _)| message.contains(words))
            .map_or("value.invalid", |(_, code)| code);
        if message == "invalid socket address syntax" {
            return Self::new(code, "not an address")
                .help("write an IP address and a port, as in `127.0.0.1:8080`");
        }
        let (what, help) = what_and_rule(&message);
        Self {
            help,
            ..Self::new(code, what)
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        // The value itself is not repeated: it may be a secret.
        let expected = expected.to_string();
        if matches!(expected.as_str(), "f64" | "f32") {
            // `.nan`, `.inf` and what is too large for a number come as text.
            return Self::new("value.type", "expected a number")
                .help("write digits, as in `2` or `0.05`, without quotes or a unit");
        }
        let fault = Self::new("value.type", format!("expected {expected}"));
        match found {
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => {
                fault.help("put it in quotes, or add its unit, as in `10s` or `10%`")
            }
            Unexpected::Seq => fault.help("write one value here, not a list"),
            Unexpected::Map => fault.help("write one value here, not a map"),
            Unexpected::Bool(_)
            | Unexpected::Char(_)
            | Unexpected::Str(_)
            | Unexpected::Bytes(_)
            | Unexpected::Unit
            | Unexpected::Option
            | Unexpected::NewtypeStruct
            | Unexpected::Enum
            | Unexpected::UnitVariant
            | Unexpected::NewtypeVariant
            | Unexpected::TupleVariant
            | Unexpected::StructVariant
            | Unexpected::Other(_) => fault,
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let help = match expected {
            [] => Some("there is nothing to set here: write `{}`".to_owned()),
            known => meant(field, known.iter().copied()),
        };
        Self {
            help,
            ..Self::new("field.unknown", format!("no field is called `{field}`"))
        }
    }

    fn unknown_variant(word: &str, expected: &'static [&'static str]) -> Self {
        let help = meant(word, expected.iter().copied());
        Self {
            help,
            ..Self::new("value.unknown", format!("`{word}` is not known here"))
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("field.missing", format!("`{field}` is missing"))
    }
}
