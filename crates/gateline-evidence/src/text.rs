//! Texts of a tool, made fit to be shown: on one line, bounded, and unable to play tricks on a terminal or a page.

use gateline_model::{MESSAGE_CHARS_MAX, NAME_CHARS_MAX, plays_tricks};

/// Characters kept of the path of a covered or changed file.
pub const PATH_CHARS_MAX: usize = 1_000;

/// The name of a suite, case, rule, tool or file.
pub(crate) fn name(text: &str) -> String {
    one_line(text, NAME_CHARS_MAX)
}

/// The path of a covered or changed file. It is compared with other paths, so that more of it is kept.
pub(crate) fn path(text: &str) -> String {
    one_line(text, PATH_CHARS_MAX)
}

/// The message of a failed case or a finding.
pub(crate) fn message(text: &str) -> String {
    one_line(text, MESSAGE_CHARS_MAX)
}

/// At most `chars_max` characters, white space folded, control and direction characters left out.
/// A text that was cut ends in `…`.
pub(crate) fn one_line(text: &str, chars_max: usize) -> String {
    let mut line = String::new();
    let mut chars = 0;
    let mut space_due = false;
    for c in text.chars() {
        if c.is_whitespace() {
            space_due = chars > 0;
            continue;
        }
        if plays_tricks(c) {
            continue;
        }
        let needed = if space_due { 2 } else { 1 };
        if chars + needed > chars_max {
            line.pop();
            line.push('…');
            return line;
        }
        if space_due {
            line.push(' ');
            space_due = false;
        }
        line.push(c);
        chars += needed;
    }
    line
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("  a\r\n\tb ", "a b"; "white space is folded and trimmed")]
    #[test_case("\u{1b}[31mred", "[31mred"; "an escape character is left out")]
    #[test_case("a\u{202e}b", "ab"; "a direction character is left out")]
    #[test_case("12345678", "12345678"; "exactly as long as allowed is kept whole")]
    #[test_case("123456789", "1234567…"; "one longer is cut and says so")]
    #[test_case("ääää ääää", "ääää ää…"; "characters are counted and not bytes")]
    #[test_case("1234567 ", "1234567"; "trailing space is not a reason to cut")]
    fn a_text_becomes_one_line(text: &str, line: &str) {
        assert_eq!(one_line(text, 8), line);
    }

    #[test]
    fn names_and_messages_keep_to_their_limits() {
        let long = "x".repeat(NAME_CHARS_MAX + MESSAGE_CHARS_MAX);
        assert_eq!(name(&long).chars().count(), NAME_CHARS_MAX);
        assert_eq!(message(&long).chars().count(), MESSAGE_CHARS_MAX);
    }
}
