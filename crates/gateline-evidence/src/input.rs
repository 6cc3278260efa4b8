//! A report as a stream that can be begun again: nothing of it is held but what a reader keeps.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::marker::PhantomData;

use gateline_model::Digest;
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

use sha2::{Digest as _, Sha256};

use crate::error::{Fault, says};
use crate::head::{HEAD_BYTES_MAX, KEYS_MAX};
use crate::json_bounds::JsonBounds;
use crate::read::Ask;

/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 64 * 1024;
/// Most bytes of a report whose reader holds all of it: formats that are short by nature.
pub const WHOLE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Longest piece of a stream that is held at once: a line, a text of JSON, or a text, tag or comment of XML.
pub const PIECE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Deepest nesting of JSON, also of what is passed over; the parser's own limit. SARIF in use goes to about 15.
pub const JSON_DEPTH_MAX: usize = 127;

/// Bytes that can be read again from their beginning: a file, or a slice in a cursor.
pub trait Source: Read + Seek {}

impl<S: Read + Seek> Source for S {}

/// A report.
pub(crate) struct Input<'a> {
    source: &'a mut dyn Source,
    bytes: usize,
    ask: Ask<'a>,
}

impl<'a> Input<'a> {
    pub(crate) fn new(source: &'a mut dyn Source, ask: Ask<'a>) -> io::Result<Input<'a>> {
        let bytes = source.seek(SeekFrom::End(0))?;
        Ok(Input {
            source,
            ask,
            bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
        })
    }

    /// How it is to be read.
    pub(crate) fn ask(&self) -> Ask<'a> {
        self.ask
    }

    /// How long it is.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The beginning, as far as it is text.
    pub(crate) fn beginning(&mut self) -> io::Result<String> {
        self.first(HEAD_BYTES_MAX)
    }

    /// The first bytes, as far as they are text.
    pub(crate) fn first(&mut self, bytes_max: usize) -> io::Result<String> {
        self.source.rewind()?;
        let mut bytes = Vec::new();
        (&mut *self.source)
            .take(bytes_max as u64)
            .read_to_end(&mut bytes)?;
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let mut bytes = error.into_bytes();
                bytes.truncate(valid);
                String::from_utf8(bytes).unwrap_or_default()
            }
        };
        Ok(text)
    }

    /// What to do first with bytes that are packed or of another encoding; `None` for what may be text.
    pub(crate) fn unpack(&mut self) -> io::Result<Option<&'static str>> {
        self.source.rewind()?;
        let mut first = Vec::new();
        (&mut *self.source).take(4).read_to_end(&mut first)?;
        Ok(match first.as_slice() {
            [0x1f, 0x8b, ..] => Some("it is compressed (gzip): unpack it first"),
            [b'P', b'K', 3, 4] => Some("it is compressed (zip): unpack it first"),
            [0x28, 0xb5, 0x2f, 0xfd] => Some("it is compressed (zstd): unpack it first"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..] => {
                Some("it is UTF-16: write it as UTF-8")
            }
            _ => None,
        })
    }

    /// A reader from the beginning, after a byte order mark.
    pub(crate) fn reader(&mut self) -> Result<BufReader<&mut dyn Source>, Fault> {
        self.source.rewind()?;
        let reader = BufReader::with_capacity(BUFFER_BYTES, &mut *self.source as &mut dyn Source);
        Ok(after_mark(reader)?)
    }

    /// Reads JSON as a stream. What the seed does not keep is never held.
    pub(crate) fn json<T>(
        &mut self,
        seed: impl for<'de> DeserializeSeed<'de, Value = T>,
    ) -> Result<T, Fault> {
        self.source.rewind()?;
        let bounds = JsonBounds::new(&mut *self.source as &mut dyn Source);
        let mut reader = after_mark(BufReader::with_capacity(BUFFER_BYTES, bounds))?;
        let mut parser = serde_json::Deserializer::from_reader(&mut reader);
        let read = seed
            .deserialize(&mut parser)
            .and_then(|read| parser.end().map(|()| read));
        match reader.get_mut().passed() {
            Some((byte, reason)) => Err(Fault::malformed(byte, reason)),
            None => {
                drop(reader);
                read.map_err(|error| self.json_fault(&error))
            }
        }
    }

    /// The keys of its outermost object, as far as they can be read; what they hold is passed over.
    pub(crate) fn keys(&mut self) -> Vec<String> {
        let mut keys = Vec::new();
        // It may be cut off or wrong further on: that is for its reader to say.
        let _ = self.json(Keys(&mut keys));
        keys
    }

    /// Whether it is JSON that ends too early.
    pub(crate) fn is_cut_json(&mut self) -> bool {
        matches!(self.json(PhantomData::<IgnoredAny>), Err(Fault::Cut(..)))
    }

    /// The fault of a parser that knows line and column only.
    pub(crate) fn json_fault(&mut self, error: &serde_json::Error) -> Fault {
        if let Some(kind) = error.io_error_kind() {
            return Fault::from(io::Error::from(kind));
        }
        let byte = match self.byte_of(error.line(), error.column()) {
            Ok(byte) => byte,
            Err(error) => return error,
        };
        let reason = says(error);
        match error.is_eof() {
            true => Fault::truncated(byte, reason),
            false => Fault::malformed(byte, reason),
        }
    }

    fn byte_of(&mut self, line: usize, column: usize) -> Result<usize, Fault> {
        let bom = usize::from(self.first(3)? == "\u{feff}") * 3;
        let mut reader = self.reader()?;
        let (mut byte, mut line_at) = (bom, 1);
        while line_at < line {
            let skipped = skip_line(&mut reader)?;
            if skipped == 0 {
                break;
            }
            byte += skipped;
            line_at += 1;
        }
        Ok(byte + column.saturating_sub(1))
    }

    /// The line, from 1, of a byte.
    pub(crate) fn line_of(&mut self, byte: usize) -> io::Result<usize> {
        self.source.rewind()?;
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, (&mut *self.source).take(byte as u64));
        let mut line = 1;
        loop {
            let chunk = reader.fill_buf()?;
            if chunk.is_empty() {
                return Ok(line);
            }
            line += chunk.iter().filter(|byte| **byte == b'\n').count();
            let length = chunk.len();
            reader.consume(length);
        }
    }

    /// The digest of all of its bytes, a byte order mark too.
    pub(crate) fn digest(&mut self) -> Result<Digest, Fault> {
        self.source.rewind()?;
        let mut hasher = Sha256::new();
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, &mut *self.source as &mut dyn Source);
        loop {
            let chunk = reader.fill_buf()?;
            if chunk.is_empty() {
                return Ok(Digest::from_bytes(hasher.finalize().into()));
            }
            hasher.update(chunk);
            let length = chunk.len();
            reader.consume(length);
        }
    }

    /// All of it, for formats that are short by nature; at most [`WHOLE_BYTES_MAX`].
    pub(crate) fn whole(&mut self) -> Result<String, Fault> {
        if self.bytes > WHOLE_BYTES_MAX {
            let reason = format!(
                "it has {} bytes; this format is read up to {WHOLE_BYTES_MAX}",
                self.bytes
            );
            return Err(Fault::malformed(0, reason));
        }
        let mut bytes = Vec::with_capacity(self.bytes);
        self.reader()?.read_to_end(&mut bytes)?;
        String::from_utf8(bytes).map_err(|error| Fault::not_utf8(error.utf8_error().valid_up_to()))
    }
}

/// The reader, after a byte order mark.
fn after_mark<R: BufRead>(mut reader: R) -> io::Result<R> {
    if reader.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    Ok(reader)
}

/// Collects the keys of an object.
struct Keys<'k>(&'k mut Vec<String>);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        parser.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key()? {
            if self.0.len() < KEYS_MAX {
                self.0.push(key);
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// The lines of a report, one at a time.
pub(crate) struct Lines<'i> {
    reader: BufReader<&'i mut dyn Source>,
    buffer: Vec<u8>,
    byte: usize,
    number: usize,
}

/// One line.
pub(crate) struct Line<'l> {
    /// Its bytes without its end; no more than [`PIECE_BYTES_MAX`].
    pub(crate) bytes: &'l [u8],
    /// Whether it is longer than that, and what follows was passed over.
    pub(crate) over: bool,
    /// Whether it has an end, and is not the last one of a report that may be cut off in it.
    pub(crate) ended: bool,
    /// Where it begins.
    pub(crate) byte: usize,
    /// Its number, from 1.
    pub(crate) number: usize,
}

impl<'i> Lines<'i> {
    pub(crate) fn new<'s: 'i>(input: &'i mut Input<'s>) -> Result<Lines<'i>, Fault> {
        Ok(Lines {
            reader: input.reader()?,
            buffer: Vec::new(),
            byte: 0,
            number: 0,
        })
    }

    /// The next line; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Line<'_>>, Fault> {
        self.buffer.clear();
        let mut length = (&mut self.reader)
            .take(PIECE_BYTES_MAX as u64)
            .read_until(b'\n', &mut self.buffer)?;
        if length == 0 {
            return Ok(None);
        }
        let over = length == PIECE_BYTES_MAX && !self.buffer.ends_with(b"\n");
        let ended = over || self.buffer.ends_with(b"\n");
        if over {
            length += skip_line(&mut self.reader)?;
        }
        let mut bytes = self.buffer.as_slice();
        while let Some((b'\n' | b'\r', rest)) = bytes.split_last() {
            bytes = rest;
        }
        let byte = self.byte;
        self.byte += length;
        self.number += 1;
        Ok(Some(Line {
            bytes,
            over,
            ended,
            byte,
            number: self.number,
        }))
    }
}

impl<'l> Line<'l> {
    /// Its text.
    pub(crate) fn text(&self) -> Result<&'l str, Fault> {
        std::str::from_utf8(self.bytes).map_err(|error| Fault::not_utf8(self.byte + error.valid_up_to()))
    }
}

/// Passes over one line, however long, without holding it; returns its bytes.
fn skip_line(reader: &mut impl BufRead) -> io::Result<usize> {
    let mut skipped = 0;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(skipped);
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(chunk.len(), |at| at + 1);
        reader.consume(used);
        skipped += used;
        if end.is_some() {
            return Ok(skipped);
        }
    }
}
