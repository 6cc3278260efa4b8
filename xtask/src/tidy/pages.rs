//! Every gate kind has a scenario and a place in the reference; every error code has a place there.

use gateline_api::ERRORS;
use gateline_core::gates::KINDS;

use super::sources::Sources;

pub fn find(sources: &Sources) -> Vec<String> {
    let mut wrong = Vec::new();
    let gates = sources.text("docs/reference/gates.md");
    for kind in KINDS {
        let name = kind.name;
        if !gates.contains(&format!("\n## `{name}`\n")) {
            wrong.push(format!(
                "docs/reference/gates.md: has no part on `{name}`; run `cargo xtask docs`"
            ));
        }
        let shown = sources
            .all()
            .any(|source| source.path.starts_with("scenarios/") && shows(&source.text, name));
        if !shown {
            wrong.push(format!("scenarios/: no scenario has a gate of kind `{name}`"));
        }
    }
    let errors = sources.text("docs/reference/errors.md");
    for entry in ERRORS
        .iter()
        .filter(|entry| !errors.contains(&format!("| `{}` |", entry.code)))
    {
        wrong.push(format!(
            "docs/reference/errors.md: does not tell `{}`; run `cargo xtask docs`",
            entry.code
        ));
    }
    wrong
}

/// Whether a scenario, or a pipeline beside it, has the kind as a word of its own.
fn shows(text: &str, kind: &str) -> bool {
    text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_')
        .any(|word| word == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_without_a_scenario_is_found() {
        let sources = Sources::of(&[("scenarios/soak.scenario", "gates: [soak: {in: dev}]\n")]);
        let found = find(&sources);
        let about = |kind: &str| {
            found
                .iter()
                .any(|wrong| wrong.ends_with(&format!("of kind `{kind}`")))
        };
        assert!(!about("soak") && about("coverage"), "{found:?}");
    }
}
