//! Paths in the heads of a diff: quoted as C does, with one letter and a slash before them.

/// The letters that git puts before paths: `a/` and `b/`, and others for the index, the commit, the working tree and an
/// object. Before and after never have the same one, so that a folder `a/` is told from a prefix.
const PREFIXES: [&str; 6] = ["a/", "b/", "i/", "c/", "w/", "o/"];

/// The path of a `---` or `+++` line; `None` for `/dev/null`.
pub(super) fn one(rest: &str) -> Option<String> {
    // A tab ends it, where a time stamp or nothing follows.
    let path = if rest.starts_with('"') {
        unquoted(rest)
    } else {
        unquoted(rest.split('\t').next().unwrap_or(rest))
    };
    (path != "/dev/null").then_some(path)
}

/// Both paths of a `diff --git` line, where they can be told apart.
pub(super) fn both(rest: &str) -> Option<(String, String)> {
    let (mut old, mut new) = if rest.starts_with('"') {
        let end = end_of_quoted(rest)?;
        (unquoted(&rest[..end]), unquoted(rest[end..].trim_start()))
    } else if rest.ends_with('"') {
        let (old, new) = rest.split_once(" \"")?;
        (old.to_owned(), unquoted(&format!("\"{new}")))
    } else {
        // Unless it was renamed, and then another line says so, both are equal behind their prefixes.
        let middle = rest.len() / 2;
        let (old, new) = (rest.get(..middle)?, rest.get(middle..)?.strip_prefix(' ')?);
        (old.to_owned(), new.to_owned())
    };
    without_prefixes(&mut old, &mut new);
    Some((old, new))
}

/// Takes the prefixes away where both paths have one.
pub(super) fn without_prefixes(old: &mut String, new: &mut String) {
    let prefix = |path: &str| PREFIXES.into_iter().find(|prefix| path.starts_with(prefix));
    if let (Some(before), Some(after)) = (prefix(old), prefix(new))
        && before != after
    {
        old.drain(..before.len());
        new.drain(..after.len());
    }
}

/// A path as it is; `"b/\303\244"` is in quotation marks.
pub(super) fn unquoted(text: &str) -> String {
    let Some(inside) = text.strip_prefix('"') else {
        return text.to_owned();
    };
    let mut bytes = Vec::new();
    let mut rest = inside.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => break,
            b'\\' => match rest.next() {
                Some(b'n') => bytes.push(b'\n'),
                Some(b't') => bytes.push(b'\t'),
                Some(b'r') => bytes.push(b'\r'),
                Some(digit @ b'0'..=b'7') => {
                    let mut value = u32::from(digit - b'0');
                    for _ in 0..2 {
                        if let Some(digit @ b'0'..=b'7') = rest.clone().next() {
                            value = value * 8 + u32::from(digit - b'0');
                            rest.next();
                        }
                    }
                    bytes.push(value as u8);
                }
                Some(other) => bytes.push(other),
                None => {}
            },
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where a quoted path ends, behind its mark.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("a/src/x.rs b/src/x.rs", "src/x.rs"; "with prefixes")]
    #[test_case("i/x w/x", "x"; "with prefixes of the index")]
    #[test_case("a/x a/x", "a/x"; "without prefixes, in a folder of that name")]
    #[test_case("a/a b b/a b", "a b"; "with a space")]
    #[test_case(r#""a/\303\244\t" "b/\303\244\t""#, "ä\t"; "quoted")]
    fn both_paths_of_a_file_are_told(rest: &str, path: &str) {
        assert_eq!(both(rest), Some((path.to_owned(), path.to_owned())));
    }

    #[test]
    fn a_time_stamp_is_no_part_of_a_path() {
        assert_eq!(one("x y.c\t2026-11-21 10:00:00"), Some("x y.c".to_owned()));
        assert_eq!(one("/dev/null"), None);
    }
}
