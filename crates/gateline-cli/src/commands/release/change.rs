//! The file that says what a release changes: its facts, authors and notes in one place.

use std::collections::BTreeMap;
use std::path::Path;

use gateline_model::{ActorId, Change, ChangeKind, ChangeText, Source};
use jiff::Timestamp;
use serde::Deserialize;

use crate::failure::Failure;
use crate::files;

/// Largest file that says what a release changes, in bytes.
pub(super) const CHANGE_BYTES_MAX: usize = 256 * 1024;

/// The file, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ChangeFile {
    source: Option<Source>,
    built_at: Option<Timestamp>,
    builder: Option<String>,
    kind: ChangeKind,
    breaking: bool,
    irreversible: bool,
    labels: BTreeMap<String, String>,
    tickets: Vec<String>,
    written_by: Vec<ActorId>,
    paths: Vec<String>,
    lines_changed: Option<u64>,
    authors: Vec<String>,
    notes: String,
}

/// Reads the file.
pub(super) fn read(path: &Path) -> Result<(Change, ChangeText), Failure> {
    let text = files::text(path, CHANGE_BYTES_MAX)?;
    parse(&text).map_err(|why| {
        Failure::usage(format!("could not read the change file `{}`", path.display()), why)
            .hint("its fields are source, built_at, builder, kind, breaking, irreversible, labels, tickets, written_by, paths, lines_changed, authors, notes")
    })
}

fn parse(text: &str) -> Result<(Change, ChangeText), String> {
    let ChangeFile {
        source,
        built_at,
        builder,
        kind,
        breaking,
        irreversible,
        labels,
        tickets,
        written_by,
        paths,
        lines_changed,
        authors,
        notes,
    } = serde_saphyr::from_str(text).map_err(|err| err.to_string())?;
    let change = Change {
        source,
        built_at,
        builder,
        kind,
        breaking,
        irreversible,
        labels,
        tickets,
        written_by,
        paths,
        lines_changed,
    };
    Ok((change, ChangeText { authors, notes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_change_files_are_read() {
        let dir = Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../examples/payment-service/change"
        ));
        let (change, text) = read(&dir.join("1.3.0.yaml")).unwrap();
        assert!(change.breaking);
        assert_eq!(change.labels["team"], "payments");
        assert_eq!(text.authors.len(), 1);
        assert!(text.notes.starts_with("Amounts are written"));
    }

    #[test]
    fn an_unknown_field_and_a_wrong_kind_are_named_with_their_line() {
        let why = parse("kind: fix\nbraking: true\n").unwrap_err();
        assert!(why.contains("braking") && why.contains("line 2"), "{why}");
        let why = parse("kind: surprise\n").unwrap_err();
        assert!(why.contains("surprise"), "{why}");
    }

    #[test]
    fn deep_and_multiplying_yaml_is_refused() {
        let deep = format!("tickets: {}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse(&deep).is_err());
        let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
        for (before, next) in "abcdefgh".chars().zip("bcdefghi".chars()) {
            bomb.push_str(&format!(
                "{next}: &{next} [*{before}{}]\n",
                format!(",*{before}").repeat(8)
            ));
        }
        assert!(parse(&bomb).is_err());
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("change.yaml");
        std::fs::write(&path, "#".repeat(CHANGE_BYTES_MAX + 1)).unwrap();
        assert!(read(&path).unwrap_err().why.contains("more than 262144 bytes"));
    }
}
