//! The head of a report: what tells its format, without reading it.

/// Bytes of a report in which its head is looked for first. Tools write what tells their format near the beginning; where
/// they do not, all of the report is looked through.
pub(crate) const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Keys of a JSON object that are looked at.
pub(crate) const KEYS_MAX: usize = 200;

/// What a report begins with.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    /// The text from the first character that is no white space.
    pub(crate) text: &'a str,
    /// What it is made of.
    pub(crate) shape: Shape<'a>,
}

/// What a report is made of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shape<'a> {
    /// XML, with the name of its root element.
    Xml(&'a str),
    /// A JSON object, with its own keys (not those further in).
    Object(Vec<&'a str>),
    /// A JSON array, with the keys of its first item where that is an object.
    Array(Vec<&'a str>),
    /// Anything else.
    Text,
}

impl<'a> Head<'a> {
    /// Looks at the beginning of a report, which may be cut anywhere.
    pub(crate) fn of(text: &'a str) -> Head<'a> {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let shape = match text.as_bytes().first() {
            Some(b'<') => Shape::Xml(root(text)),
            Some(b'{') => Shape::Object(keys(&text[1..])),
            Some(b'[') => Shape::Array(
                text[1..]
                    .trim_start()
                    .strip_prefix('{')
                    .map(keys)
                    .unwrap_or_default(),
            ),
            Some(_) | None => Shape::Text,
        };
        Head { text, shape }
    }

    /// Whether it is a JSON object with all of these keys.
    pub(crate) fn has_keys(&self, wanted: &[&str]) -> bool {
        matches!(&self.shape, Shape::Object(keys) if wanted.iter().all(|key| keys.contains(key)))
    }

    /// Whether it is a JSON array whose first item has all of these keys.
    pub(crate) fn items_have_keys(&self, wanted: &[&str]) -> bool {
        matches!(&self.shape, Shape::Array(keys) if wanted.iter().all(|key| keys.contains(key)))
    }

    /// Whether it is XML with one of these root elements.
    pub(crate) fn has_root(&self, names: &[&str]) -> bool {
        matches!(self.shape, Shape::Xml(root) if names.contains(&root))
    }
}

/// The name of the first element, after declarations and comments; without what stands before its colon.
fn root(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = match rest.find('<') {
            Some(at) => &rest[at + 1..],
            None => return "",
        };
        if rest.starts_with("!--") {
            rest = rest.find("-->").map_or("", |at| &rest[at + 3..]);
        } else if !rest.starts_with(['?', '!']) {
            let end = rest
                .find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))
                .unwrap_or(rest.len());
            let name = &rest[..end];
            return name.rsplit_once(':').map_or(name, |(_, local)| local);
        }
    }
}

/// The keys of the object whose inside begins here, as far as it goes; escapes in keys are left as they are.
fn keys(inside: &str) -> Vec<&str> {
    let bytes = inside.as_bytes();
    let (mut keys, mut depth, mut at) = (Vec::new(), 0_usize, 0_usize);
    // A string is a key where it is the first thing after `{` or `,`.
    let mut key_due = true;
    while at < bytes.len() && keys.len() < KEYS_MAX {
        match bytes[at] {
            b'"' => {
                let start = at + 1;
                at = start;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                if at >= bytes.len() {
                    return keys;
                }
                if depth == 0 && key_due {
                    keys.push(&inside[start..at]);
                    key_due = false;
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return keys,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => key_due = true,
            _ => {}
        }
        at += 1;
    }
    keys
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(r#" {"a": {"b": "},"}, "c": [1, "d", {"e": 2}], "f\"": "g"}"#, &["a", "c", r#"f\""#]; "only the outer keys")]
    #[test_case(r#"{"a": 1, "b"#, &["a"]; "a key that is cut off")]
    #[test_case("{}", &[]; "an empty object")]
    fn the_keys_of_an_object_are_told(text: &str, keys: &[&str]) {
        assert_eq!(Head::of(text).shape, Shape::Object(keys.to_vec()));
    }

    #[test_case("<?xml version='1.0'?>\n<!-- <a> --><!DOCTYPE b><x:c d='e'/>", "c"; "after declarations and comments")]
    #[test_case("<a>", "a"; "at once")]
    #[test_case("<!-- never ended", ""; "a comment that is cut off")]
    fn the_root_of_xml_is_told(text: &str, root: &str) {
        assert_eq!(Head::of(text).shape, Shape::Xml(root));
    }

    #[test]
    fn the_first_item_of_an_array_tells_its_keys() {
        assert!(Head::of(r#"[ {"RuleID": 1, "File": 2}, {"x": 3}]"#).items_have_keys(&["File", "RuleID"]));
        assert_eq!(Head::of("[1]").shape, Shape::Array(Vec::new()));
    }
}
