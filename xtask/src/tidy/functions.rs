//! Functions fit a screen or two. Longer ones are listed with their length, and the list may only shrink.
//!
//! Reads rustfmt's form: a function ends at the first `}` that stands under its `fn`.

use super::sources::{Source, Sources};

/// Longest function, in lines.
const LINES_MAX: usize = 100;
/// Functions over the limit: path, name, and the length that they must not exceed.
const LONGER: &[(&str, &str, usize)] = &[
    // Matches over all commands, in full.
    ("crates/gateline-core/src/decide/mod.rs", "one", 189),
    ("crates/gateline-core/src/decide/rights.rs", "needs", 118),
    // Matches over all events of a stream, in full.
    ("crates/gateline-core/src/state/project.rs", "evolve", 160),
    ("crates/gateline-core/src/state/promotion.rs", "evolve", 131),
    // A match over all events, in full.
    ("crates/gateline-model/src/event/sentence.rs", "says", 388),
];

pub fn find(sources: &Sources) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen = Vec::new();
    for source in sources.rust() {
        for (number, name, lines) in functions(source) {
            let listed = LONGER
                .iter()
                .find(|(path, listed, _)| source.path == *path && name == *listed);
            let limit = listed.map_or(LINES_MAX, |(_, _, limit)| *limit);
            if lines > LINES_MAX {
                seen.push((source.path.as_str(), name));
            }
            if lines > limit {
                wrong.push(format!(
                    "{}:{number}: `{name}` has {lines} lines, at most {limit}",
                    source.path
                ));
            }
        }
    }
    let stale = LONGER
        .iter()
        .filter(|(path, name, _)| !sources.text(path).is_empty() && !seen.contains(&(*path, *name)));
    wrong.extend(stale.map(|(path, name, _)| format!("{path}: `{name}` fits now; take it off the list")));
    wrong
}

/// Each function's line, name and length.
fn functions(source: &Source) -> Vec<(usize, &str, usize)> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let end = format!("{}}}", " ".repeat(indent));
        let body = lines[index..]
            .iter()
            .position(|line| *line == end || is_one_line(line, indent));
        if let Some(last) = body {
            found.push((index + 1, name, last + 1));
        }
    }
    found
}

/// A declaration without a body, or a body on the line of its `fn`.
fn is_one_line(line: &str, indent: usize) -> bool {
    let own = line.len() - line.trim_start().len() == indent;
    own && (line.ends_with(';') || line.ends_with(" }") || line.ends_with("{}"))
}

fn name(line: &str) -> Option<&str> {
    let mut words = line.trim_start().split(' ');
    let mut word = words.next()?;
    while matches!(word, "pub" | "pub(crate)" | "pub(super)" | "const" | "async") {
        word = words.next()?;
    }
    if word != "fn" {
        return None;
    }
    words.next()?.split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_functions_lines_are_counted_from_its_name_to_its_end() {
        let text = "impl A {\n    pub async fn a() {\n        if b {\n        }\n    }\n    fn c();\n    fn d() {}\n}\n";
        let sources = Sources::of(&[("a.rs", text)]);
        let source = sources.rust().next().expect("it was given");
        assert_eq!(functions(source), [(2, "a", 4), (6, "c", 1), (7, "d", 1)]);
    }

    #[test]
    fn a_long_function_is_found() {
        let text = format!("//! A.\nfn a() {{\n{}}}\n", "    b();\n".repeat(LINES_MAX));
        assert_eq!(find(&Sources::of(&[("a.rs", &text)])).len(), 1);
    }
}
