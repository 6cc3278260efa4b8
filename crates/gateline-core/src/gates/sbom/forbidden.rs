//! Components that must not be there: a name or package URL, and perhaps which versions.
//! Knows no ecosystem: versions are compared number by number, and one that cannot be compared counts as forbidden.

use std::cmp::Ordering;

use gateline_model::Component;
use percent_encoding::percent_decode_str;

use super::Pattern;

/// A package URL without its qualifiers and path.
pub(in crate::gates) fn bare(purl: &str) -> &str {
    &purl[..purl.find(['?', '#']).unwrap_or(purl.len())]
}

/// A package URL without its version, qualifiers and path.
pub(in crate::gates) fn package(purl: &str) -> &str {
    let bare = bare(purl);
    match bare.rsplit_once('@') {
        Some((package, version)) if !package.is_empty() && !version.contains('/') => package,
        Some(_) | None => bare,
    }
}

/// A name as ecosystems compare them: `%40angular` is `@angular`, `Django` is `django`, `python_foo` is `python-foo`. Too
/// much alike is no harm here: what is forbidden under one spelling is under all.
fn folded(name: &str) -> String {
    let name = percent_decode_str(name).decode_utf8_lossy();
    name.to_ascii_lowercase().replace('_', "-")
}

/// A component that must not be there.
pub(super) struct Forbidden {
    /// As it is written.
    pub text: String,
    name: Pattern,
    versions: Versions,
}

enum Versions {
    Any,
    Like(Pattern),
    Compared(Vec<(Compare, Numbers)>),
}

#[derive(Clone, Copy)]
enum Compare {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

/// Longest first, so that `<=` is not read as `<`.
const COMPARISONS: [(&str, Compare); 5] = [
    ("<=", Compare::AtMost),
    (">=", Compare::AtLeast),
    ("<", Compare::Less),
    (">", Compare::More),
    ("=", Compare::Equal),
];

impl Forbidden {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        // An `@` at the beginning, or in front of a `/`, is the scope of an npm package.
        let (name, versions) = match trimmed.rsplit_once('@') {
            Some((name, version)) if !name.is_empty() && !version.contains('/') => {
                (name, Some(version.trim()))
            }
            Some(_) | None => (trimmed, None),
        };
        if name.is_empty() {
            return Err(format!("`{text}` names no component"));
        }
        let versions = match versions {
            None => Versions::Any,
            Some(versions) if versions.starts_with(['<', '>', '=']) => {
                Versions::Compared(versions.split(',').map(comparison).collect::<Result<_, _>>()?)
            }
            Some("") => return Err(format!("`{text}` ends where a version should stand")),
            Some(version) => Versions::Like(Pattern::new(version)),
        };
        Ok(Forbidden {
            text: trimmed.to_owned(),
            name: Pattern::new(&folded(name)),
            versions,
        })
    }

    pub(super) fn hits(&self, component: &Component) -> bool {
        let name = folded(&component.name);
        // Without its group as well: `log4j-core` of `org.apache.logging.log4j/log4j-core`.
        let short = name.rsplit(['/', ':']).next().unwrap_or(&name);
        let called = self.name.matches(&name)
            || self.name.matches(short)
            || component
                .purl
                .as_deref()
                .is_some_and(|purl| self.name.matches(&folded(package(purl))));
        // Where the package URL says another version, nobody knows which one it is.
        let version = |purl: &str| Some(folded(purl[package(purl).len()..].strip_prefix('@')?));
        let of_purl = component.purl.as_deref().map(bare).and_then(version);
        let hits = |version: &str| self.versions.hit(version);
        called && (hits(&component.version) || of_purl.as_deref().is_some_and(hits))
    }
}

impl Versions {
    fn hit(&self, version: &str) -> bool {
        match self {
            Versions::Any => true,
            Versions::Like(pattern) => version.is_empty() || pattern.matches(version),
            Versions::Compared(all) => match Numbers::read(version) {
                Some(version) => all
                    .iter()
                    .all(|(compare, limit)| compare.holds(version.cmp(limit))),
                None => true,
            },
        }
    }
}

fn comparison(text: &str) -> Result<(Compare, Numbers), String> {
    let text = text.trim();
    let wrong = || format!("`{text}` is no comparison of versions: write `<2.17.1` or `>=2.0,<2.17.1`");
    let (sign, compare) = COMPARISONS
        .iter()
        .find(|(sign, _)| text.starts_with(sign))
        .ok_or_else(wrong)?;
    let version = Numbers::read(text[sign.len()..].trim()).ok_or_else(wrong)?;
    Ok((*compare, version))
}

impl Compare {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Compare::Less => order.is_lt(),
            Compare::AtMost => order.is_le(),
            Compare::Equal => order.is_eq(),
            Compare::AtLeast => order.is_ge(),
            Compare::More => order.is_gt(),
        }
    }
}

/// A version as numbers: `1.2` is `1.2.0`, and `1.2-rc1` comes before it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Numbers {
    /// Without zeros at the end.
    numbers: Vec<u64>,
    is_whole: bool,
}

impl Numbers {
    fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split('+').next().unwrap_or(text);
        let (numbers, behind) = match text.split_once(['-', '~']) {
            Some((numbers, behind)) => (numbers, Some(behind)),
            None => (text, None),
        };
        let number = |part: &str| {
            part.bytes()
                .all(|digit| digit.is_ascii_digit())
                .then(|| part.parse().ok())
        };
        let mut numbers: Vec<u64> = numbers
            .split('.')
            .map(|part| number(part)?)
            .collect::<Option<_>>()?;
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Some(Numbers {
            numbers,
            is_whole: behind.is_none(),
        })
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn component(name: &str, version: &str, purl: &str) -> Component {
        Component {
            name: name.to_owned(),
            version: version.to_owned(),
            purl: Some(purl.to_owned()),
            licences: Vec::new(),
        }
    }

    #[test_case("log4j-core", "2.14.0", true; "any version")]
    #[test_case("log4j-core@<2.17.1", "2.17.0", true; "older")]
    #[test_case("log4j-core@<2.17.1", "2.17.1", false; "the mended one")]
    #[test_case("log4j-core@<2.17.1", "2.17.1-rc1", true; "before the mended one")]
    #[test_case("log4j-core@<2.17.1", "2.9", true; "by number, not by text")]
    #[test_case("log4j-core@<2.17.1", "2.17.1.0", false; "four numbers")]
    #[test_case("log4j-core@<2.17.1", "latest", true; "not to be compared")]
    #[test_case("log4j-core@<2.17.1", "", true; "no version")]
    #[test_case("log4j-core@>=2.0,<2.17.1", "1.2.17", false; "below the range")]
    #[test_case("log4j-core@2.1*", "2.14.0", true; "a version with a star")]
    #[test_case("log4j-core@2.14.0", "2.14.1", false; "another version")]
    #[test_case("org.apache.*", "1", true; "with its group")]
    #[test_case("pkg:maven/org.apache.logging.log4j/log4j-core", "1", true; "as a package")]
    #[test_case("pkg:maven/*@<2", "1.0", true; "packages with a star")]
    #[test_case("log4j", "1", false; "a part of the name")]
    fn a_component_is_forbidden(forbid: &str, version: &str, expected: bool) {
        let purl = format!("pkg:maven/org.apache.logging.log4j/log4j-core@{version}?type=jar");
        let component = component("org.apache.logging.log4j/log4j-core", version, &purl);
        let forbidden = Forbidden::read(forbid).expect("reads");
        assert_eq!(forbidden.hits(&component), expected);
    }

    #[test_case("pkg:npm/@angular/core", "core", "pkg:npm/%40angular/core@1.0.0"; "a scope as people write it")]
    #[test_case("pkg:pypi/Django", "django", "pkg:pypi/django@1.0.0"; "capital letters")]
    #[test_case("python-foo", "python_foo", "pkg:pypi/python-foo@1.0.0"; "an underscore")]
    #[test_case("core@<1.5", "core", "pkg:npm/core@1.4.0"; "an older version in its package URL")]
    fn another_spelling_does_not_let_it_in(forbid: &str, name: &str, purl: &str) {
        let component = component(name, "2.0.0", purl);
        assert!(Forbidden::read(forbid).expect("reads").hits(&component));
    }

    #[test]
    fn a_scope_is_no_version() {
        let scoped = component("@acme/left-pad", "1.0.0", "pkg:npm/%40acme/left-pad@1.0.0");
        for forbid in [
            "@acme/left-pad",
            "@acme/*",
            "@acme/left-pad@<2",
            "pkg:npm/%40acme/left-pad",
        ] {
            assert!(Forbidden::read(forbid).expect("reads").hits(&scoped), "{forbid}");
        }
    }
}
