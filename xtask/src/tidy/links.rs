//! Links between pages of the repository lead somewhere.

use super::sources::Sources;

pub fn find(sources: &Sources) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources.all().filter(|source| source.is_prose()) {
        let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, line) in source.lines() {
            for target in targets(line) {
                let path = target.split('#').next().unwrap_or_default();
                if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                    continue;
                }
                if !sources.has(&normal(folder, path)) {
                    wrong.push(format!("{}:{number}: `{target}` leads nowhere", source.path));
                }
            }
        }
    }
    wrong
}

/// The targets of a line's links, `](TARGET)`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

fn normal(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_nothing_is_found() {
        let text = "See [a](b.md#c), [d](https://example.com) and [e](#f).\n";
        assert_eq!(
            find(&Sources::of(&[("docs/a.md", text)])),
            ["docs/a.md:1: `b.md#c` leads nowhere"]
        );
    }

    #[test]
    fn a_path_is_taken_from_the_page_that_has_it() {
        assert_eq!(normal("docs/guides", "../../README.md"), "README.md");
        assert_eq!(normal("", "docs/reference/"), "docs/reference");
    }
}
