//! Imports between our crates, and of a few others, are those of the tables in ARCHITECTURE.md: no other edge.
//!
//! Reads manifests line by line; knows only the form in which they are written here.

use std::collections::BTreeMap;

use super::sources::Sources;

/// Where the tables stand.
const PAGE: &str = "ARCHITECTURE.md";
/// Marks in front of the tables.
const OURS: &str = "<!-- tidy: imports -->";
const THEIRS: &str = "<!-- tidy: confined -->";
/// Packages that users copy: none of ours.
const EXAMPLES: &str = "examples/";

pub fn find(sources: &Sources) -> Vec<String> {
    let page = sources.text(PAGE);
    let (ours, theirs) = (table(page, OURS), table(page, THEIRS));
    if ours.is_empty() || theirs.is_empty() {
        return vec![format!(
            "{PAGE}: the tables after `{OURS}` and `{THEIRS}` cannot be read"
        )];
    }
    let mut wrong = Vec::new();
    let is_ours = |path: &str| path.ends_with("Cargo.toml") && !path.starts_with(EXAMPLES);
    for source in sources.all().filter(|source| is_ours(&source.path)) {
        let Some(manifest) = Manifest::read(&source.text) else {
            continue;
        };
        let path = &source.path;
        let Some(row) = ours.get(short(&manifest.name)) else {
            wrong.push(format!("{path}: {PAGE} has no line for `{}`", manifest.name));
            continue;
        };
        for (name, use_) in &manifest.imports {
            let (allowed, where_) = match use_ {
                Use::Code => (&row[0], "its code"),
                Use::Tests => (&row[1], "its tests"),
            };
            let is_ours = name == "gateline" || name.starts_with("gateline-");
            if is_ours
                && !allows(allowed, short(name))
                && !(matches!(use_, Use::Tests) && allows(row[0], short(name)))
            {
                wrong.push(format!("{path}: {PAGE} does not let {where_} import `{name}`"));
            }
            // Who may import everything of ours also measures everything of others.
            let confined = theirs
                .get(name.as_str())
                .filter(|_| matches!(use_, Use::Code) && row[0] != "all");
            if confined.is_some_and(|row| !allows(row[0], short(&manifest.name))) {
                wrong.push(format!(
                    "{path}: {PAGE} does not let `{}` import `{name}`",
                    manifest.name
                ));
            }
        }
    }
    wrong
}

#[derive(Clone, Copy)]
enum Use {
    Code,
    Tests,
}

struct Manifest {
    name: String,
    imports: Vec<(String, Use)>,
}

impl Manifest {
    /// None for a manifest without a package.
    fn read(text: &str) -> Option<Self> {
        let (mut section, mut name, mut imports) = ("", None, Vec::new());
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line;
                continue;
            }
            let Some(key) = line
                .split(['.', '=', ' '])
                .next()
                .filter(|key| !key.is_empty() && !line.starts_with('#'))
            else {
                continue;
            };
            match section {
                "[package]" if key == "name" => name = line.split('"').nth(1).map(str::to_owned),
                "[dependencies]" | "[build-dependencies]" => imports.push((key.to_owned(), Use::Code)),
                "[dev-dependencies]" => imports.push((key.to_owned(), Use::Tests)),
                _ => {}
            }
        }
        name.map(|name| Self { name, imports })
    }
}

/// The crate's name as the tables write it.
fn short(name: &str) -> &str {
    name.strip_prefix("gateline-").unwrap_or(name)
}

fn allows(cell: &str, name: &str) -> bool {
    cell == "all" || cell.split(", ").any(|allowed| allowed == name)
}

/// A table's rows after a mark: the first cell, without back quotes, and the others.
fn table<'a>(page: &'a str, mark: &str) -> BTreeMap<&'a str, Vec<&'a str>> {
    let Some((_, after)) = page.split_once(mark) else {
        return BTreeMap::new();
    };
    let rows = after
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'));
    rows.skip(2)
        .filter_map(|row| {
            let mut cells = row
                .trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().trim_matches('`'));
            Some((cells.next()?, cells.collect()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE_TEXT: &str = "\
<!-- tidy: imports -->
| crate | imports | in tests also | never |
|---|---|---|---|
| `model` | nothing | nothing | |
| `core` | model | log | |

<!-- tidy: confined -->
| crate | only in | |
|---|---|---|
| `tokio` | drivers, server | |
";

    fn found(dependencies: &str) -> Vec<String> {
        let manifest = format!("[package]\nname = \"gateline-core\"\n{dependencies}");
        find(&Sources::of(&[
            (PAGE, PAGE_TEXT),
            ("crates/gateline-core/Cargo.toml", &manifest),
        ]))
    }

    #[test]
    fn an_edge_that_the_table_has_is_let_be() {
        assert_eq!(
            found("[dependencies]\ngateline-model.workspace = true\njiff.workspace = true\n"),
            [""; 0]
        );
        assert_eq!(
            found("[dev-dependencies]\ngateline-log.workspace = true\ntokio.workspace = true\n"),
            [""; 0]
        );
    }

    #[test]
    fn any_other_edge_is_found() {
        assert_eq!(found("[dependencies]\ngateline-log.workspace = true\n").len(), 1);
        assert_eq!(
            found("[dev-dependencies]\ngateline-server = { workspace = true }\n").len(),
            1
        );
        assert_eq!(found("[dependencies]\ntokio = \"1\"\n").len(), 1);
    }

    #[test]
    fn a_crate_without_a_line_is_found() {
        let manifest = "[package]\nname = \"gateline-new\"\n";
        let sources = Sources::of(&[(PAGE, PAGE_TEXT), ("crates/gateline-new/Cargo.toml", manifest)]);
        assert_eq!(find(&sources).len(), 1);
    }

    #[test]
    fn a_page_without_tables_is_found() {
        assert_eq!(find(&Sources::of(&[(PAGE, "")])).len(), 1);
    }
}
