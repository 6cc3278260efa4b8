//! Every dependency has its reason on its page, and is in use.

use super::sources::Sources;

/// Where the reasons stand.
const PAGE: &str = "docs/decisions/0001-dependencies.md";
/// The manifest that names all of them.
const MANIFEST: &str = "Cargo.toml";

pub fn find(sources: &Sources) -> Vec<String> {
    let page = sources.text(PAGE);
    let lines = sources
        .text(MANIFEST)
        .lines()
        .skip_while(|line| *line != "[workspace.dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split_once(" = ").map(|(name, _)| name));
    let theirs: Vec<&str> = names.filter(|name| !name.starts_with("gateline")).collect();
    let mut wrong = Vec::new();
    for name in theirs {
        if !page.contains(&format!("`{name}`")) {
            wrong.push(format!("{MANIFEST}: {PAGE} does not say why there is `{name}`"));
        }
        let is_used = sources
            .all()
            .filter(|source| source.path.ends_with("/Cargo.toml"))
            .any(|source| {
                let (dotted, spaced) = (format!("{name}."), format!("{name} ="));
                source
                    .text
                    .lines()
                    .any(|line| line.starts_with(&dotted) || line.starts_with(&spaced))
            });
        if !is_used {
            wrong.push(format!("{MANIFEST}: no crate uses `{name}`; take it out"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_without_a_reason_or_a_use_is_found() {
        let manifest = "[workspace.dependencies]\ngateline-model = { path = \"a\" }\nserde = \"1\"\nrand = \"1\"\n\n[profile.dev]\ndebug = 1\n";
        let sources = Sources::of(&[
            (MANIFEST, manifest),
            (PAGE, "| `serde` | JSON |\n"),
            ("crates/a/Cargo.toml", "[dependencies]\nserde.workspace = true\n"),
        ]);
        assert_eq!(
            find(&sources),
            [
                format!("{MANIFEST}: {PAGE} does not say why there is `rand`"),
                format!("{MANIFEST}: no crate uses `rand`; take it out"),
            ]
        );
    }
}
