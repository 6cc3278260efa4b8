//! The formats that are read, and how each is known by its content.

use std::fmt;
use std::str::FromStr;

/// A format of tool output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JUnit XML, as pytest, nextest, vitest and most test runners write it.
    Junit,
    /// LCOV tracefiles, as pytest-cov, llvm-cov, vitest and gcov write them.
    Lcov,
    /// SARIF 2.1.0, as most linters and scanners write it.
    Sarif,
}

impl Format {
    /// Every format, in the order in which messages name them.
    pub const ALL: [Format; 3] = [Format::Junit, Format::Lcov, Format::Sarif];

    /// The word for it on the command line and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Format::Junit => "junit",
            Format::Lcov => "lcov",
            Format::Sarif => "sarif",
        }
    }

    pub(crate) fn known() -> String {
        Format::ALL.map(|format| format!("`{format}`")).join(", ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format that is read; use one of {known}", known = Format::known())]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Format, UnknownFormat> {
        let named = Format::ALL.into_iter().find(|format| format.name() == word);
        named.ok_or_else(|| UnknownFormat(word.chars().take(40).collect()))
    }
}

/// Tells the format by the content: `<testsuites>`, an LCOV record, or a JSON object with `runs`.
/// `None` if it is none of these; the file name is never asked.
pub fn recognise(text: &str) -> Option<Format> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('<') {
        return text.contains("<testsuite").then_some(Format::Junit);
    }
    if text.starts_with('{') {
        return text.contains("\"runs\"").then_some(Format::Sarif);
    }
    let record = text
        .lines()
        .find(|line| !line.starts_with('#') && !line.trim().is_empty())?;
    (record.starts_with("TN:") || record.starts_with("SF:")).then_some(Format::Lcov)
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("<?xml version='1.0'?><testsuites/>", Some(Format::Junit); "a root of suites")]
    #[test_case("\u{feff} <testsuite/>", Some(Format::Junit); "a byte order mark before a single suite")]
    #[test_case("<coverage/>", None; "other XML")]
    #[test_case("TN:\nSF:a.py\n", Some(Format::Lcov); "a test name before the first file")]
    #[test_case("# made by hand\nSF:a.py\n", Some(Format::Lcov); "a comment before the first file")]
    #[test_case("{\"version\":\"2.1.0\",\"runs\":[]}", Some(Format::Sarif); "an object with runs")]
    #[test_case("{\"results\":[]}", None; "another JSON object")]
    #[test_case("", None; "nothing")]
    fn the_content_tells(text: &str, format: Option<Format>) {
        assert_eq!(recognise(text), format);
    }

    #[test]
    fn every_name_reads_back() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "jnuit".parse::<Format>().expect_err("no such format");
        assert_eq!(
            error.to_string(),
            "`jnuit` is not a format that is read; use one of `junit`, `lcov`, `sarif`"
        );
    }
}
