//! JSON's bytes on their way to its parser, which holds each text whole and counts no nesting of what it passes over.
//!
//! Knows texts and brackets only. What is wrong with the JSON besides is for the parser to say.

use std::io::{self, Read};

use memchr::memchr2;

use crate::input::{JSON_DEPTH_MAX, PIECE_BYTES_MAX};

/// Passes bytes on until a bound of them is passed, and then none.
pub(crate) struct JsonBounds<R> {
    source: R,
    /// Bytes that were passed on.
    byte: usize,
    depth: usize,
    at: At,
    passed: Option<(usize, String)>,
}

/// Where the next byte stands.
#[derive(Clone, Copy)]
enum At {
    /// Outside of a text.
    Outside,
    /// In the text that begins at this byte.
    Text { begins: usize },
    /// In that text, after a backslash.
    Escaped { begins: usize },
}

impl<R: Read> JsonBounds<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            byte: 0,
            depth: 0,
            at: At::Outside,
            passed: None,
        }
    }

    /// Where a bound was passed, and which: then what was read ends before its end, whatever its parser made of it.
    pub(crate) fn passed(&mut self) -> Option<(usize, String)> {
        self.passed.take()
    }

    /// Looks at the next bytes; where a bound was passed, and which.
    fn look(&mut self, bytes: &[u8]) -> Option<(usize, String)> {
        let mut rest = 0;
        while rest < bytes.len() {
            match self.at {
                At::Outside => {
                    let found = bytes[rest..]
                        .iter()
                        .position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'));
                    let Some(found) = found.map(|found| rest + found) else {
                        break;
                    };
                    let byte = self.byte + found;
                    match bytes[found] {
                        b'"' => self.at = At::Text { begins: byte },
                        b'{' | b'[' => self.depth += 1,
                        _ => self.depth = self.depth.saturating_sub(1),
                    }
                    if self.depth > JSON_DEPTH_MAX {
                        let reason = format!("it nests deeper than {JSON_DEPTH_MAX} (JSON_DEPTH_MAX)");
                        return Some((byte, reason));
                    }
                    rest = found + 1;
                }
                At::Text { begins } => {
                    let found = memchr2(b'"', b'\\', &bytes[rest..]).map(|found| rest + found);
                    let end = found.unwrap_or(bytes.len());
                    if self.byte + end - begins > PIECE_BYTES_MAX {
                        let reason =
                            format!("a text has more than {PIECE_BYTES_MAX} bytes (PIECE_BYTES_MAX)");
                        return Some((begins, reason));
                    }
                    self.at = match found.map(|found| bytes[found]) {
                        Some(b'"') => At::Outside,
                        Some(_) => At::Escaped { begins },
                        None => self.at,
                    };
                    rest = end + 1;
                }
                At::Escaped { begins } => {
                    self.at = At::Text { begins };
                    rest += 1;
                }
            }
        }
        self.byte += bytes.len();
        None
    }
}

impl<R: Read> Read for JsonBounds<R> {
    /// The end, once a bound was passed.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.passed.is_some() {
            return Ok(0);
        }
        let read = self.source.read(buffer)?;
        self.passed = self.look(&buffer[..read]);
        Ok(if self.passed.is_some() { 0 } else { read })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads through the bounds in pieces of so many bytes.
    fn through(text: &[u8], piece: usize) -> Result<Vec<u8>, (usize, String)> {
        let mut bounds = JsonBounds::new(text);
        let (mut out, mut buffer) = (Vec::new(), vec![0; piece]);
        loop {
            match bounds.read(&mut buffer).unwrap() {
                0 => return bounds.passed().map_or(Ok(out), Err),
                read => out.extend_from_slice(&buffer[..read]),
            }
        }
    }

    #[test]
    fn brackets_and_escaped_quotes_in_texts_count_for_nothing() {
        let inside = "[{".repeat(JSON_DEPTH_MAX);
        let text = format!(r#"{{"a\"{inside}": "\\", "b": ["{inside}"]}}"#);
        for piece in [1, 2, 3, 7, 1024] {
            assert_eq!(through(text.as_bytes(), piece).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn nesting_is_bounded_at_any_cut_between_pieces() {
        let nested = |depth: usize| [b"[".repeat(depth), b"]".repeat(depth)].concat();
        for piece in [1, 5, 1024] {
            assert!(through(&nested(JSON_DEPTH_MAX), piece).is_ok());
            let (byte, reason) = through(&nested(JSON_DEPTH_MAX + 1), piece).unwrap_err();
            assert_eq!(byte, JSON_DEPTH_MAX);
            assert!(reason.contains("JSON_DEPTH_MAX"), "{reason}");
        }
    }

    #[test]
    fn a_text_is_bounded_from_its_first_byte() {
        let text = |bytes: usize| [b"[\"".to_vec(), b"a".repeat(bytes), b"\"]".to_vec()].concat();
        assert!(through(&text(PIECE_BYTES_MAX - 1), 4096).is_ok());
        let (byte, reason) = through(&text(PIECE_BYTES_MAX + 1), 4096).unwrap_err();
        assert_eq!(byte, 1);
        assert!(reason.contains("PIECE_BYTES_MAX"), "{reason}");
    }
}
