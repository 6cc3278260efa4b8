//! Placeholders: words in braces that a driver fills in, as in `{version}`.
//!
//! One reading for pipeline files and for drivers, so that what the one lets pass the other can fill in. Knows no
//! value, and not which words are known where.

/// The placeholders of a text in their order: the byte of each one's `{`, and the word in its braces.
///
/// The word begins with a lower-case letter, and has only those, digits, `.`, `_` and `-`. Braces around anything else
/// (`{"a": 1}`, `{{.State}}`) are no placeholder, nor are those behind a `$`: `${name}` is for a shell.
pub fn placeholders(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('{').filter_map(|(at, brace)| {
        let rest = &text[at + brace.len()..];
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        let (word, end) = rest.split_at(rest.bytes().take_while(|b| letter(*b)).count());
        let is_placeholder = word.starts_with(|first: char| first.is_ascii_lowercase())
            && end.starts_with('}')
            && !text[..at].ends_with('$');
        is_placeholder.then_some((at, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_words_in_braces() {
        let rows: [(&str, &[(usize, &str)]); 4] = [
            ("--v={version}", &[(4, "version")]),
            (
                "{a}{artifact.b-2}é{c_d}",
                &[(0, "a"), (3, "artifact.b-2"), (19, "c_d")],
            ),
            ("x{a=\"{arm}\"}", &[(5, "arm")]),
            (
                "${HOME} ${home} {\"a\": 1} {{.State}} {} { a} {1} {A} {é} {a",
                &[],
            ),
        ];
        for (text, found) in rows {
            assert_eq!(placeholders(text).collect::<Vec<_>>(), found, "{text}");
        }
    }

    #[test]
    fn a_text_of_braces_is_read_once() {
        assert_eq!(placeholders(&"{a".repeat(1_000_000)).count(), 0);
    }
}
