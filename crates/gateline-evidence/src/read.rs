//! The one way in: bytes to facts.

use std::io::Cursor;

use gateline_model::Facts;
use gateline_model::limits::EVIDENCE_BYTES_MAX;

use crate::error::Fault;
use crate::head::{Head, Shape};
use crate::input::{Input, Source};
use crate::{Format, ReadError, format, text};

/// Warnings kept for one report; the last one says how many more there were.
pub const WARNINGS_MAX: usize = 20;
/// Characters of an unknown report that its error shows.
const BEGINS_CHARS_MAX: usize = 40;

/// How a report is to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ask<'a> {
    /// The format; without it the content tells it.
    pub format: Option<Format>,
    /// What any JSON is, in a word, as in `chaos`; for [`Format::Json`] alone.
    pub of: Option<&'a str>,
    /// Where in any JSON the value is, as in `.result.runs[0]`; all of it without.
    pub path: Option<&'a str>,
}

impl From<Option<Format>> for Ask<'_> {
    fn from(format: Option<Format>) -> Self {
        Ask {
            format,
            ..Ask::default()
        }
    }
}

/// What a report says.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The format it was read as.
    pub format: Format,
    /// What it says.
    pub facts: Facts,
    /// Whether it says enough to be judged.
    pub complete: Complete,
    /// Oddities that change no number, for the person who set the tool up; at most [`WARNINGS_MAX`] and one.
    pub warnings: Vec<String>,
}

/// Whether a tool looked at all that it was to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an incomplete report is errored evidence, however good its numbers"]
pub enum Complete {
    /// It did, as far as the report tells.
    Yes,
    /// It did not: the evidence is `errored`, whatever the facts say.
    No {
        /// Why, for a person.
        reason: String,
    },
}

impl Complete {
    /// Incomplete with the first of the reasons, or complete if there is none.
    pub(crate) fn unless(reason: Option<String>) -> Complete {
        reason.map_or(Complete::Yes, |reason| Complete::No { reason })
    }
}

/// What a reader of one format makes of a report; [`read`] adds the format.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) facts: Facts,
    pub(crate) complete: Complete,
    pub(crate) warnings: Warnings,
}

/// Reads a report that is held in memory. Without a `format` the content tells it.
///
/// # Errors
/// As [`read_from`].
pub fn read<'a>(bytes: &[u8], ask: impl Into<Ask<'a>>) -> Result<Read, ReadError> {
    read_from(&mut Cursor::new(bytes), ask)
}

/// Reads a report as a stream, from its beginning. Without a `format` the content tells it.
///
/// # Errors
/// [`ReadError`] if it is too large, not text, of no known format, cut off, or against the rules of its format.
pub fn read_from<'a>(source: &mut dyn Source, ask: impl Into<Ask<'a>>) -> Result<Read, ReadError> {
    let ask = ask.into();
    let mut input = Input::new(source, ask)?;
    let bytes = input.bytes();
    if bytes > EVIDENCE_BYTES_MAX {
        return Err(ReadError::TooLarge { bytes });
    }
    if bytes == 0 {
        return Err(ReadError::Empty);
    }
    let format = match (ask.format, ask.of.or(ask.path)) {
        (Some(Format::Json) | None, Some(_)) => Format::Json,
        (Some(format), Some(_)) => {
            let reason = format!(
                "a type and a path are for `{}` and not for `{format}`",
                Format::Json
            );
            return Err(ReadError::Asked(reason));
        }
        (Some(format), None) => format,
        (None, None) => recognise(&mut input)?,
    };
    // A file beside its signature is what its signer made of it.
    let unpack = match format {
        Format::SignedFile => None,
        _ => input.unpack()?,
    };
    let body = match unpack {
        Some(unpack) => Err(Fault::malformed(0, unpack)),
        None => (format.row().read)(&mut input),
    };
    finished(body, format, &mut input)
}

/// What a reader made of a report, or where it failed, with the format that it was read as.
pub(crate) fn finished(
    body: Result<Body, Fault>,
    format: Format,
    input: &mut Input<'_>,
) -> Result<Read, ReadError> {
    let Body {
        facts,
        complete,
        warnings,
    } = body.map_err(|fault| fault.into_error(format, input))?;
    Ok(Read {
        format,
        facts,
        complete,
        warnings: warnings.into_list(),
    })
}

fn recognise(input: &mut Input<'_>) -> Result<Format, ReadError> {
    let beginning = input.beginning()?;
    if let Some(unpack) = input.unpack()? {
        return Err(ReadError::Unrecognised {
            begins: String::new(),
            is_cut: false,
            unpack: Some(unpack),
        });
    }
    let head = Head::of(&beginning);
    if let Some(format) = format::of(&head) {
        return Ok(format);
    }
    let begins = text::one_line(head.text, BEGINS_CHARS_MAX);
    let is_json = matches!(head.shape, Shape::Object(_) | Shape::Array(_));
    // What tells a JSON object may stand behind a long list.
    let rest = match head.shape {
        Shape::Object(_) if input.bytes() > beginning.len() => {
            let keys = input.keys();
            let shape = Shape::Object(keys.iter().map(String::as_str).collect());
            format::of(&Head { shape, ..head })
        }
        _ => None,
    };
    match rest {
        Some(format) => Ok(format),
        None => Err(ReadError::Unrecognised {
            begins,
            is_cut: is_json && input.is_cut_json(),
            unpack: None,
        }),
    }
}

/// Collects warnings up to the limit and counts the rest.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    kept: Vec<String>,
    dropped: u64,
}

impl Warnings {
    pub(crate) fn add(&mut self, warning: impl FnOnce() -> String) {
        if self.kept.len() < WARNINGS_MAX {
            self.kept.push(warning());
        } else {
            self.dropped += 1;
        }
    }

    pub(crate) fn into_list(mut self) -> Vec<String> {
        if self.dropped > 0 {
            self.kept.push(format!("and {} more warnings", self.dropped));
        }
        self.kept
    }
}
