//! Every Rust file says in its head what it is for; one that is long says why it stays whole.

use super::sources::Sources;

/// Past this many lines a head must say why: a second noun usually hides in the file.
const LINES_MAX: usize = 800;
/// How a head says so.
const LONG: &str = "//! Long because ";

pub fn find(sources: &Sources) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources.rust() {
        let (path, lines) = (&source.path, source.text.lines().count());
        // Tests in files of their own stand under the head of what they test.
        let needs_head = path.contains("/src/") && !path.contains("/tests");
        if needs_head && !source.text.starts_with("//! ") {
            wrong.push(format!(
                "{path}:1: the head (`//!`) must say what the file is for"
            ));
        }
        if lines > LINES_MAX && !source.text.lines().any(|line| line.starts_with(LONG)) {
            wrong.push(format!(
                "{path}: {lines} lines; split it by noun, or say `{LONG}..` in its head"
            ));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_head_is_found() {
        let sources = Sources::of(&[
            ("crates/a/src/a.rs", "fn a() {}\n"),
            ("crates/a/src/b.rs", "//! B.\n"),
        ]);
        assert_eq!(
            find(&sources),
            ["crates/a/src/a.rs:1: the head (`//!`) must say what the file is for"]
        );
    }

    #[test]
    fn a_long_file_must_say_why() {
        let body = "\n".repeat(LINES_MAX);
        let told = format!("//! A.\n{LONG}it is a table.\n{body}");
        let sources = Sources::of(&[("a.rs", &format!("//! A.\n{body}")), ("b.rs", &told)]);
        assert_eq!(find(&sources).len(), 1);
    }
}
