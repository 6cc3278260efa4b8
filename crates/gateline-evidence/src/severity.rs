//! How severe a finding is, from what tools say of it: their words, a CVSS vector, a weakness.

use std::str::FromStr;

use gateline_model::{FindingLevel, Severity};

use crate::text;

/// Words for what only informs; the last two are semgrep's, of rules that look for things and not for faults.
const INFO: [&str; 6] = [
    "negligible",
    "none",
    "info",
    "informational",
    "inventory",
    "experiment",
];
/// Words of scanners that do not know.
const SAYS_NOTHING: [&str; 6] = ["", "unknown", "undefined", "unspecified", "unassigned", "n/a"];

/// The severity that a scanner's word names, whichever case it is written in. `None` for words that say nothing, as
/// `UNKNOWN` and `UNDEFINED` do: a scanner that does not say how bad it is has not said that it is harmless. A word that
/// nobody knows here is critical: what it means is for a person to find out.
pub(crate) fn of_word(word: &str) -> Option<Severity> {
    let is = |words: &[&str]| words.iter().any(|one| one.eq_ignore_ascii_case(word.trim()));
    match () {
        () if is(&["critical"]) => Some(Severity::Critical),
        () if is(&["high", "important"]) => Some(Severity::High),
        () if is(&["medium", "moderate"]) => Some(Severity::Medium),
        () if is(&["low"]) => Some(Severity::Low),
        () if is(&INFO) => Some(Severity::Info),
        () if is(&SAYS_NOTHING) || level_of_word(word).is_some() => None,
        () => Some(Severity::Critical),
    }
}

/// Whether a finding has no word for its severity at all, not even one that says nothing.
pub(crate) fn is_missing(word: Option<&str>) -> bool {
    word.is_none_or(|word| word.trim().is_empty())
}

/// That a tool which always writes a word for the severity left it out: then the report was changed, or is another tool's.
pub(crate) fn missing(tool: &str, key: &str, rule: Option<&str>) -> String {
    let rule = text::name(rule.unwrap_or("a finding"));
    format!("{tool}'s report has no `{key}` for `{rule}`: it does not say how grave that is")
}

/// The level that a linter's word names; `None` for words of severity.
pub(crate) fn level_of_word(word: &str) -> Option<FindingLevel> {
    let is = |words: &[&str]| words.iter().any(|one| one.eq_ignore_ascii_case(word.trim()));
    match () {
        () if is(&["error"]) => Some(FindingLevel::Error),
        () if is(&["warning", "warn"]) => Some(FindingLevel::Warning),
        () if is(&["note", "info", "style", "hint"]) => Some(FindingLevel::Note),
        () => None,
    }
}

/// The score of a CVSS 2, 3 or 4 vector; `None` if it is none, or comes to nought, as one that lacks metrics does.
pub(crate) fn of_vector(vector: &str) -> Option<f64> {
    let score = cvss::Cvss::from_str(vector).ok()?.score();
    (score > 0.0).then_some(score)
}

/// `CWE-79` in `CWE-79: Cross-site scripting`, in `external/cwe/cwe-079` or in `cwe:79`.
pub(crate) fn weakness(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let (_, rest) = lower.rsplit_once("cwe")?;
    let digits = rest.trim_start_matches(['-', ':', '_', ' ']);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let number: u32 = digits[..end].parse().ok()?;
    Some(format!("CWE-{number}"))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("CRITICAL", Some(Severity::Critical))]
    #[test_case("moderate", Some(Severity::Medium); "as npm says")]
    #[test_case("Negligible", Some(Severity::Info); "as grype says")]
    #[test_case("UNKNOWN", None; "a word that says nothing")]
    #[test_case("UNDEFINED", None; "another one")]
    #[test_case("WARNING", None; "a linter's word")]
    #[test_case("BLOCKER", Some(Severity::Critical); "a word that nobody knows")]
    fn the_word_tells_the_severity(word: &str, severity: Option<Severity>) {
        assert_eq!(of_word(word), severity);
    }

    #[test_case("ERROR", Some(FindingLevel::Error); "as semgrep says")]
    #[test_case("style", Some(FindingLevel::Note); "as hadolint says")]
    #[test_case("HIGH", None; "a word of severity")]
    fn the_word_tells_the_level(word: &str, level: Option<FindingLevel>) {
        assert_eq!(level_of_word(word), level);
    }

    #[test_case("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(9.8); "version 3")]
    #[test_case("AV:N/AC:L/Au:N/C:N/I:N/A:C", Some(7.8); "version 2")]
    #[test_case("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(9.3); "version 4")]
    #[test_case("CVSS:3.1/AV:N", None; "one without its metrics")]
    #[test_case("high", None; "no vector")]
    fn the_vector_tells_the_score(vector: &str, score: Option<f64>) {
        assert_eq!(of_vector(vector), score);
    }

    #[test_case("CWE-79: Cross-site Scripting", Some("CWE-79"); "with its title")]
    #[test_case("external/cwe/cwe-079", Some("CWE-79"); "as a tag of CodeQL")]
    #[test_case("CWE: 502", Some("CWE-502"); "with a colon")]
    #[test_case("security", None; "another tag")]
    #[test_case("cwe-99999999999", None; "a number that is none")]
    fn the_tag_tells_the_weakness(tag: &str, cwe: Option<&str>) {
        assert_eq!(weakness(tag).as_deref(), cwe);
    }
}
