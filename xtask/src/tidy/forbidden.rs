//! What no source may hold: unfinished work, debug output, silenced tests and lints, other people's scripts.

use super::sources::{Source, Sources};

/// Text that no Rust line may hold. Written in two parts, so that this table does not find itself.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("todo", "!", "finish it, or leave it out"),
    ("unimplemented", "!", "finish it, or leave it out"),
    ("dbg", "!", "it is for one's own desk"),
    (
        "#[ign",
        "ore]",
        "mend the test, remove it, or say `#[ignore = \"..\"]`",
    ),
    ("#[all", "ow(", "write `#[expect(.., reason = \"..\")]`"),
    ("#![all", "ow(", "write `#![expect(.., reason = \"..\")]`"),
    ("TO", "DO", "do it, or open an issue"),
    ("FIX", "ME", "mend it, or open an issue"),
];
/// Our own script and style: the only files of their kind.
const OWN_FOLDER: &str = "crates/gateline-server/src/ui/assets/";
/// A service that users copy and the identity server of the tests, which are written in that language and seen by no browser of ours.
const NOT_FOR_BROWSERS: [&str; 2] = ["examples/node-service/", "crates/gateline-server/tests/oidc/"];
/// Ends of files that only a browser reads.
const FOR_BROWSERS: &[&str] = &[".js", ".mjs", ".css", ".woff", ".woff2", ".ttf", ".otf", ".wasm"];
/// Lines of script that the pages may have in all.
const SCRIPT_LINES_MAX: usize = 200;
/// Attributes that make a browser load something from elsewhere.
const FROM_ELSEWHERE: &[&str] = &["src=\"http", "@import", "url(http", "url(\"http", "src=\"//"];

pub fn find(sources: &Sources) -> Vec<String> {
    let mut wrong: Vec<String> = sources.rust().flat_map(in_rust).collect();
    let mut script = 0;
    for source in sources.all() {
        let path = &source.path;
        let elsewhere = NOT_FOR_BROWSERS.iter().any(|folder| path.starts_with(folder));
        if !FOR_BROWSERS.iter().any(|end| path.ends_with(end)) || elsewhere {
            continue;
        }
        let is_text = path.ends_with(".js") || path.ends_with(".css");
        if !path.starts_with(OWN_FOLDER) || !is_text {
            wrong.push(format!(
                "{path}: no script, style or font stands outside `{OWN_FOLDER}`, and none is another's"
            ));
        }
        if path.ends_with(".js") {
            script += source.text.lines().count();
        }
    }
    if script > SCRIPT_LINES_MAX {
        wrong.push(format!(
            "{OWN_FOLDER}: {script} lines of script, at most {SCRIPT_LINES_MAX}: the pages work without"
        ));
    }
    let ui = sources
        .all()
        .filter(|source| source.path.starts_with("crates/gateline-server/src/ui/"));
    for source in ui {
        for (number, line) in source.lines() {
            if FROM_ELSEWHERE.iter().any(|text| line.contains(text)) {
                wrong.push(format!(
                    "{}:{number}: a page loads nothing from elsewhere",
                    source.path
                ));
            }
        }
    }
    wrong
}

fn in_rust(source: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, line) in source.lines() {
        for (start, end, instead) in FORBIDDEN {
            let text = format!("{start}{end}");
            // Inside a longer word it is another one, as the to-do of a calendar is.
            let stands = |at: usize| !line[..at].ends_with(|before: char| before.is_alphanumeric());
            if line.match_indices(&text).any(|(at, _)| stands(at)) {
                wrong.push(format!("{}:{number}: `{text}`: {instead}", source.path));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forbidden_text_is_found() {
        for (start, end, _) in FORBIDDEN {
            let line = format!("    {start}{end}(1);\n");
            assert_eq!(
                find(&Sources::of(&[("crates/a/src/a.rs", &line)])).len(),
                1,
                "{line}"
            );
        }
    }

    #[test]
    fn a_font_or_a_script_elsewhere_is_found() {
        let own = format!("{OWN_FOLDER}live.js");
        let sources = Sources::of(&[("docs/chart.js", ""), ("a/b.woff2", ""), (&own, "let a;\n")]);
        assert_eq!(find(&sources).len(), 2);
    }

    #[test]
    fn a_page_that_loads_from_elsewhere_is_found() {
        let text = "//! A page.\n<script src=\"https://example.com/a.js\">\n";
        assert_eq!(
            find(&Sources::of(&[("crates/gateline-server/src/ui/a.rs", text)])).len(),
            1
        );
    }
}
