//! Every test that the threat model names exists: a promise without its test is none.

use super::sources::{Source, Sources};

/// The threat model.
const PAGE: &str = "docs/concepts/security.md";
/// What stands in front of a test's name there.
const MARK: &str = "*Test:*";
/// Fewest tests that a page without a mistake in its form names.
const NAMED_MIN: usize = 10;

pub fn find(sources: &Sources) -> Vec<String> {
    if !sources.all().any(|source| source.path == PAGE) {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    let mut named = 0;
    let mut section: Option<(usize, &str, bool)> = None;
    for (number, line) in sources.text(PAGE).lines().enumerate() {
        if let Some(title) = line.strip_prefix("### ") {
            wrong.extend(untested(section));
            section = Some((number + 1, title, false));
        }
        let Some((_, tests)) = line.split_once(MARK) else {
            continue;
        };
        if let Some((_, _, tested)) = &mut section {
            *tested = true;
        }
        for name in tests.split('`').skip(1).step_by(2) {
            named += 1;
            if !sources.rust().any(|source| has(source, name)) {
                wrong.push(format!("{PAGE}:{}: there is no test `{name}`", number + 1));
            }
        }
    }
    wrong.extend(untested(section));
    if named < NAMED_MIN {
        wrong.push(format!("{PAGE}: {named} tests are named after `{MARK}`"));
    }
    wrong
}

/// A threat without a test must say so aloud.
fn untested(section: Option<(usize, &str, bool)>) -> Option<String> {
    let (number, title, tested) = section?;
    let aloud = title.contains("not covered");
    (!tested && !aloud).then(|| format!("{PAGE}:{number}: `{title}` names no test after `{MARK}`"))
}

/// Whether a test is called so: a function, a row of a table, or a step of `cargo xtask`.
fn has(source: &Source, name: &str) -> bool {
    let (function, row, step) = (
        format!("fn {name}("),
        format!("\n        {name}\n"),
        format!("    \"{}\"", name.trim_start_matches("xtask ")),
    );
    source.text.contains(&function)
        || source.text.contains(&row)
        || (name.starts_with("xtask ")
            && source.path.ends_with("test/steps.rs")
            && source.text.contains(&step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_not_there_and_a_threat_without_one_are_found() {
        let many = "`a_claim` ".repeat(NAMED_MIN);
        let page = format!(
            "### A threat\nText. *Test:* {many}\n### Another\n*Test:* `gone`, `xtask deny`\n### A third\nText.\n### What is not covered\n"
        );
        let sources = Sources::of(&[
            (PAGE, &page),
            ("crates/a/src/a.rs", "#[test]\nfn a_claim() {}\n"),
            ("xtask/src/test/steps.rs", "    \"deny\"  Always deny \"x\";\n"),
        ]);
        let found = find(&sources);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("there is no test `gone`"), "{found:?}");
        assert!(found[1].contains("`A third` names no test"), "{found:?}");
    }
}
