//! Output: the beginning and the end of what an executable printed, in a bounded place.

use std::collections::VecDeque;

/// Most bytes kept of one run's output, both streams together: half from its beginning, half from its end.
pub const OUTPUT_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of [`Output::tail`]: what fits a page and says why a run failed.
pub const OUTPUT_TAIL_BYTES_MAX: usize = 2 * 1024;

const HALF: usize = OUTPUT_BYTES_MAX / 2;

/// What an executable printed, standard output and standard error in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Output {
    /// Takes more output; what is neither beginning nor end is counted and forgotten.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(HALF - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(HALF);
        self.tail.drain(..over);
        self.left_out += over as u64;
    }

    /// All that was kept, with a line in the middle that says how much was not. Bytes that are no UTF-8 become `�`, and
    /// secrets that this server has read are hidden.
    pub fn text(&self) -> String {
        let text = self.kept();
        crate::secret::hide(&text).into_owned()
    }

    fn kept(&self) -> String {
        let Output { head, tail, left_out } = self;
        let tail: Vec<u8> = tail.iter().copied().collect();
        if *left_out == 0 {
            let whole = [head.as_slice(), tail.as_slice()].concat();
            return String::from_utf8_lossy(&whole).into_owned();
        }
        let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(&tail));
        format!("{head}\n[.. {left_out} bytes left out ..]\n{tail}")
    }

    /// The end of it, trimmed, at most [`OUTPUT_TAIL_BYTES_MAX`].
    pub fn tail(&self) -> String {
        let text = self.text();
        let text = text.trim();
        let mut from = text.len().saturating_sub(OUTPUT_TAIL_BYTES_MAX);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        text[from..].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_output_is_kept_whole() {
        let mut output = Output::default();
        output.push(b"one\n");
        output.push("zwölf\n".as_bytes());
        assert_eq!(output.text(), "one\nzwölf\n");
        assert_eq!(output.tail(), "one\nzwölf");
    }

    #[test]
    fn of_long_output_the_beginning_and_the_end_are_kept() {
        let mut output = Output::default();
        output.push(b"first ");
        for _ in 0..1_000 {
            output.push(&[b'x'; 1_000]);
        }
        output.push(b" last");
        let text = output.text();
        assert!(text.starts_with("first ") && text.ends_with(" last"));
        assert!(text.contains(&format!(
            "[.. {} bytes left out ..]",
            1_000_011 - OUTPUT_BYTES_MAX
        )));
        assert!(text.len() < OUTPUT_BYTES_MAX + 100, "{}", text.len());
        assert_eq!(output.tail().len(), OUTPUT_TAIL_BYTES_MAX);
    }

    #[test]
    fn a_character_that_is_cut_harms_nothing() {
        let mut output = Output::default();
        output.push("ö".repeat(OUTPUT_BYTES_MAX).as_bytes());
        output.push(&[0xff, 0xfe]);
        assert!(output.tail().ends_with("ö\u{fffd}\u{fffd}"));
    }
}
