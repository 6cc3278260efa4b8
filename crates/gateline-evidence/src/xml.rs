//! XML as a stream: one piece at a time, within limits, and with no entity beyond the five predefined ones.
//!
//! A document type is never fetched, and one that defines anything itself is refused, so nothing can be expanded.
//! Knows no format: what the elements mean is for its reader to say.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use quick_xml::errors::SyntaxError;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Error, Reader, XmlVersion};

use crate::error::Fault;
use crate::input::{Input, PIECE_BYTES_MAX, Source};
use crate::text;

/// Deepest nesting of elements. Suites in use nest to about 10.
pub const XML_DEPTH_MAX: usize = 64;
/// Most attributes of one element. Looking for doubles costs the square of it.
pub const XML_ATTRIBUTES_MAX: usize = 64;

/// What is done with a document type that defines nothing itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doctype {
    /// Refused: no tool writes one in this format.
    Refused,
    /// Passed over: tools name one in this format.
    PassedOver,
}

/// A document that is being read.
pub(crate) struct Xml<'i> {
    reader: Reader<Bounded<'i>>,
    buffer: Vec<u8>,
    roots: &'static [&'static str],
    doctype: Doctype,
    depth: usize,
    root_seen: bool,
}

/// One piece of a document.
pub(crate) enum Piece<'a> {
    /// An element begins. An empty one ends with the next piece.
    Start(Tag<'a>),
    /// The innermost element ends.
    End,
    /// Some text in an element, unescaped; one text may come in several pieces.
    Text(Cow<'a, str>),
    /// A comment and its like.
    Nothing,
}

/// The start of an element.
pub(crate) struct Tag<'a> {
    start: BytesStart<'a>,
    /// Where it stands.
    pub(crate) at: usize,
}

impl<'i> Xml<'i> {
    /// A document with one of these root elements.
    pub(crate) fn new<'s: 'i>(
        input: &'i mut Input<'s>,
        roots: &'static [&'static str],
        doctype: Doctype,
    ) -> Result<Xml<'i>, Fault> {
        let bounded = Bounded {
            inner: input.reader()?,
            left: 0,
        };
        let mut reader = Reader::from_reader(bounded);
        reader.config_mut().expand_empty_elements = true;
        Ok(Xml {
            reader,
            buffer: Vec::new(),
            roots,
            doctype,
            depth: 0,
            root_seen: false,
        })
    }

    /// The next piece; `None` at the end of a whole document.
    pub(crate) fn next(&mut self) -> Result<Option<Piece<'_>>, Fault> {
        self.buffer.clear();
        self.reader.get_mut().left = PIECE_BYTES_MAX;
        let at = self.reader.buffer_position() as usize;
        let event = match self.reader.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(error) => return Err(fault(error, at, self.reader.error_position() as usize)),
        };
        let piece = match event {
            Event::Start(start) => {
                if self.depth == XML_DEPTH_MAX {
                    let reason = format!("elements nested deeper than {XML_DEPTH_MAX}");
                    return Err(Fault::malformed(at, reason));
                }
                if self.depth == 0 {
                    if self.root_seen {
                        return Err(Fault::malformed(at, "a second root element"));
                    }
                    let root = Tag { start, at };
                    if !self.roots.contains(&root.name()) {
                        return Err(other_root(&root, self.roots));
                    }
                    self.root_seen = true;
                    self.depth = 1;
                    return Ok(Some(Piece::Start(root)));
                }
                self.depth += 1;
                Piece::Start(Tag { start, at })
            }
            Event::End(_) => {
                self.depth -= 1;
                Piece::End
            }
            Event::Text(text) => Piece::Text(text.into_inner()),
            Event::CData(text) => Piece::Text(text.into_inner()),
            Event::GeneralRef(entity) => Piece::Text(resolved(&entity, at)?),
            Event::DocType(doctype) => {
                if self.doctype == Doctype::Refused {
                    return Err(Fault::malformed(at, "document types (DTD) are refused"));
                }
                if doctype.contains('[') {
                    let reason = "document types (DTD) that define something themselves are refused";
                    return Err(Fault::malformed(at, reason));
                }
                Piece::Nothing
            }
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => Piece::Nothing,
            Event::Empty(_) => Piece::Nothing,
            Event::Eof if self.depth > 0 => {
                let reason = format!("{} elements are still open", self.depth);
                return Err(Fault::truncated(at, reason));
            }
            Event::Eof if !self.root_seen => return Err(Fault::truncated(at, "there is no root element")),
            Event::Eof => return Ok(None),
        };
        match &piece {
            Piece::Text(text) if self.depth == 0 => {
                match text.trim_start_matches('\u{feff}').trim().is_empty() {
                    true => Ok(Some(Piece::Nothing)),
                    false => Err(Fault::malformed(at, "text outside of the root element")),
                }
            }
            _ => Ok(Some(piece)),
        }
    }
}

impl Tag<'_> {
    /// Its name, without a prefix.
    pub(crate) fn name(&self) -> &str {
        self.start.local_name().into_inner()
    }

    /// Its attributes.
    pub(crate) fn attributes(&self) -> Result<Attributes<'_>, Fault> {
        let wrong = |reason: String| Fault::malformed(self.at, reason);
        let mut list = Vec::new();
        for attribute in self.start.attributes() {
            let attribute = attribute.map_err(|error| wrong(error.to_string()))?;
            let key = attribute.key.into_inner();
            if list.len() == XML_ATTRIBUTES_MAX {
                return Err(wrong(format!("more than {XML_ATTRIBUTES_MAX} attributes")));
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| wrong(format!("in attribute `{}`: {error}", text::one_line(key, 40))))?;
            list.push((key, value));
        }
        Ok(Attributes(list))
    }
}

fn other_root(root: &Tag<'_>, roots: &[&str]) -> Fault {
    let name = text::one_line(root.name(), 40);
    let wanted = roots.first().copied().unwrap_or_default();
    Fault::malformed(root.at, format!("the root element is `{name}`, not `{wanted}`"))
}

/// The attributes of one element, unescaped.
#[derive(Default)]
pub(crate) struct Attributes<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl Attributes<'_> {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let named = self.0.iter().find(|(key, _)| *key == name);
        named.map(|(_, value)| value.as_ref())
    }

    /// An attribute that a reader cannot do without, as a number.
    pub(crate) fn number(&self, name: &str, at: usize) -> Result<u64, Fault> {
        let value = self.get(name).unwrap_or_default();
        value.trim().parse().map_err(|_| {
            let value = text::one_line(value, 40);
            Fault::malformed(at, format!("its `{name}` is `{value}`, which is no whole number"))
        })
    }
}

fn resolved(entity: &BytesRef<'_>, at: usize) -> Result<Cow<'static, str>, Fault> {
    let character = entity
        .resolve_char_ref()
        .map_err(|error| Fault::malformed(at, error.to_string()))?;
    if let Some(character) = character {
        return Ok(Cow::Owned(character.to_string()));
    }
    let predefined = resolve_predefined_entity(entity);
    predefined.map(Cow::Borrowed).ok_or_else(|| {
        let name = text::one_line(entity, 40);
        let reason = format!("`&{name};` is not one of the five predefined entities");
        Fault::malformed(at, reason)
    })
}

/// The parser's syntax errors all mean that the end came inside some markup, but for one.
fn fault(error: Error, at: usize, error_at: usize) -> Fault {
    match &error {
        Error::Io(io) if io.kind() == ErrorKind::FileTooLarge => {
            let reason = format!("a text, tag or comment is longer than {PIECE_BYTES_MAX} bytes");
            Fault::malformed(at, reason)
        }
        Error::Io(io) => Fault::Io(io.kind()),
        Error::Encoding(_) => Fault::not_utf8(at),
        Error::Syntax(syntax) if *syntax != SyntaxError::InvalidBangMarkup => {
            Fault::truncated(error_at, syntax.to_string())
        }
        _ => Fault::malformed(error_at, error.to_string()),
    }
}

/// Gives up where one piece would take more than may be held.
struct Bounded<'i> {
    inner: BufReader<&'i mut dyn Source>,
    left: usize,
}

impl Read for Bounded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Bounded<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.left {
            0 => Err(ErrorKind::FileTooLarge.into()),
            _ => self.inner.fill_buf(),
        }
    }

    fn consume(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
        self.inner.consume(bytes);
    }
}
