//! Versions that are asked for: exactly one, those of a range, or those that fit a pattern. Knows no release.
//!
//! A text without a sign is one version, `1.4.0` or `2026-11-21`. One with a comparison is a range of semantic versions, as in
//! `>= 2.3, < 3` or `^1.2`. One with `*` is a range too (`1.*`), and a pattern for versions that are not semantic.

use gateline_model::Version;
use semver::VersionReq;
use serde::Deserialize;

use super::pattern::Pattern;

/// Signs that make a text more than one version.
const SIGNS: &[char] = &['<', '>', '=', '~', '^', '*', ','];
/// Bytes of such a text. The reader of ranges takes 32 comparisons at most.
const BYTES_MAX: usize = 256;

/// The versions that are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Versions {
    text: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Exactly,
    Pattern(Pattern),
    /// With the pattern that the text is too, where it has `*` as its only sign.
    Range(VersionReq, Option<Pattern>),
}

/// Whether a version is one of those that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    Fits,
    /// It does not, for this reason.
    Not(String),
    /// Nobody can tell, for this reason.
    NotKnown(String),
}

impl TryFrom<String> for Versions {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let form = Form::read(text.trim())?;
        Ok(Self { text, form })
    }
}

impl Form {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > BYTES_MAX {
            return Err(format!(
                "a version has 1 to {BYTES_MAX} bytes, this one has {}",
                text.len()
            ));
        }
        if !text.contains(SIGNS) {
            return match text.parse::<Version>() {
                Ok(_) => Ok(Form::Exactly),
                Err(err) => Err(err.to_string()),
            };
        }
        let only_stars = text.chars().all(|sign| sign == '*' || !SIGNS.contains(&sign));
        let pattern = only_stars.then(|| Pattern::new(text));
        match (VersionReq::parse(text), pattern) {
            (Ok(range), pattern) => Ok(Form::Range(range, pattern)),
            (Err(_), Some(pattern)) => Ok(Form::Pattern(pattern)),
            (Err(err), None) => Err(format!(
                "`{text}` is no range of versions: {err}; write it as in `>= 2.3, < 3`"
            )),
        }
    }
}

impl Versions {
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    pub(super) fn fit(&self, version: &Version) -> Fit {
        let (asked, text) = (self.text(), version.as_str());
        let said = |fits: bool| match fits {
            true => Fit::Fits,
            false => Fit::Not(format!("{text} is not `{asked}`")),
        };
        match &self.form {
            Form::Exactly => said(text == asked),
            Form::Pattern(pattern) => said(pattern.matches(text)),
            Form::Range(range, pattern) => match (semantic(text), pattern) {
                (Some(version), _) if range.matches(&version) => Fit::Fits,
                (Some(version), _) if !version.pre.is_empty() => Fit::Not(format!(
                    "{text} is not `{asked}`: a pre-release is only in a range that names one of the same version"
                )),
                (Some(_), _) => said(false),
                (None, Some(pattern)) => said(pattern.matches(text)),
                (None, None) => Fit::NotKnown(format!(
                    "{text} is no semantic version, so that nobody can tell whether it is `{asked}`"
                )),
            },
        }
    }
}

/// A semantic version, with or without the `v` that tags have.
fn semantic(text: &str) -> Option<semver::Version> {
    semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()
}

impl schemars::JsonSchema for Versions {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Versions".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "one version, a range of semantic versions as in >= 2.3, < 3, or a pattern as in 2026-*"
        })
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("1.4.0", "1.4.0", Some(true))]
    #[test_case("1.4.0", "1.4.1", Some(false); "a text without a sign is one version")]
    #[test_case("1.4", "1.4.0", Some(false))]
    #[test_case(">= 2.3, < 3", "2.3.0", Some(true))]
    #[test_case(">= 2.3, < 3", "3.0.0", Some(false))]
    #[test_case(">= 2.3", "v2.10.0", Some(true); "numbers, not letters")]
    #[test_case(">= 2.3", "2.4.0-rc.1", Some(false); "a pre-release is not meant")]
    #[test_case(">= 2.4.0-rc.1", "2.4.0-rc.2", Some(true))]
    #[test_case("1.*", "1.9.0", Some(true))]
    #[test_case("1.*", "10.0.0", Some(false))]
    #[test_case("2026-*", "2026-11-21", Some(true); "what is not semantic is a text")]
    #[test_case("2026.*", "2026.01.02", Some(true))]
    #[test_case("*", "build-7", Some(true))]
    #[test_case(">= 2.3", "2026-11-21", None; "what is not semantic has no order")]
    fn a_version_fits_or_not_or_nobody_can_tell(asked: &str, version: &str, expected: Option<bool>) {
        let asked = Versions::try_from(asked.to_owned()).expect("legal versions");
        let fits = match asked.fit(&version.parse().expect("a version")) {
            Fit::Fits => Some(true),
            Fit::Not(_) => Some(false),
            Fit::NotKnown(_) => None,
        };
        assert_eq!(fits, expected);
    }

    #[test_case("")]
    #[test_case("> two")]
    #[test_case("1.4.0 or so")]
    fn what_means_nothing_is_refused(text: &str) {
        assert!(Versions::try_from(text.to_owned()).is_err());
    }

    #[test]
    fn a_very_long_text_is_refused() {
        assert!(Versions::try_from("1".repeat(BYTES_MAX + 1)).is_err());
    }
}
