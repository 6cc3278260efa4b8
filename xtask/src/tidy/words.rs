//! One word per concept: those that GLOSSARY.md rejects, and that have no honest second meaning here, are not used.
//!
//! Rejected words that also mean something else (`lock` of a database, `step` of a rollout, `environment` of a
//! process) are left to readers.

use super::sources::{Source, Sources};

/// A rejected word or phrase, lower case, and the word to use.
const REJECTED: &[(&str, &str)] = &[
    ("allowlist", "waiver"),
    ("audit entry", "event"),
    ("bake", "soak"),
    ("baking", "soak"),
    ("blackout", "freeze"),
    ("break-glass", "override"),
    ("bundle", "release"),
    ("bypass", "override"),
    ("bypassed", "override"),
    ("cancel", "abort"),
    ("canceled", "abort"),
    ("cancelled", "abort"),
    ("candidate", "release"),
    ("changeset", "change"),
    ("concurrency group", "lane"),
    ("delivery config", "pipeline"),
    ("deploy", "rollout"),
    ("deployed", "rollout"),
    ("deploying", "rollout"),
    ("deployment", "promotion, or rollout"),
    ("destination", "target"),
    ("freight", "release"),
    ("maintenance", "window"),
    ("manual judgement", "approval"),
    ("namespace", "project"),
    ("plugin", "driver"),
    ("principal", "actor"),
    ("probe", "check"),
    ("protection rule", "gate"),
    ("provider", "driver"),
    ("signoff", "approval"),
    ("sign-off", "approval"),
    ("smoke test", "verification"),
    ("traffic split", "exposure"),
    ("undo", "rollback"),
    ("wait timer", "soak"),
    ("whitelist", "waiver"),
    ("workflow", "pipeline"),
];

/// Where a rejected word is right after all: start of the path, word (any, where it is empty), and why.
const RIGHT: &[(&str, &str, &str)] = &[
    ("GLOSSARY.md", "", "it lists them"),
    (
        "README.md",
        "",
        "it compares with other tools in their words; readers hold the rest of it",
    ),
    ("xtask/src/tidy/words.rs", "", "it lists them"),
    (
        "crates/gateline-spec/src/calendar.rs",
        "cancelled",
        "iCalendar calls it so",
    ),
    (
        "crates/gateline-spec/tests/calendar.rs",
        "cancelled",
        "iCalendar calls it so",
    ),
    (
        "crates/gateline-cli/src/client/",
        "provider",
        "rustls and OpenID Connect call theirs so",
    ),
    (
        "crates/gateline-cli/src/commands/lint.rs",
        "deploy",
        "a user's folder may be called so",
    ),
    (
        "crates/gateline-core/src/state/stage.rs",
        "deploying",
        "one comment, of bringing the same release again",
    ),
    (
        "crates/gateline-drivers/src/lib.rs",
        "provider",
        "rustls calls its cryptography so",
    ),
    (
        "crates/gateline-drivers/src/secret.rs",
        "provider",
        "OpenID Connect calls whom it trusts so",
    ),
    (
        "crates/gateline-spec/src/target.rs",
        "undo",
        "the plain verb, of two stages that share a place",
    ),
    (
        "crates/gateline-spec/tests/bad/file-header.yaml",
        "deployment",
        "a Kubernetes file given by mistake",
    ),
    (
        "docs/reference/cli.md",
        "deploy",
        "a user's folder may be called so",
    ),
    ("docs/decisions/", "provider", "rustls calls its cryptography so"),
    (
        "crates/gateline-store/src/postgres/",
        "cancel",
        "PostgreSQL calls the end of a query so",
    ),
    (
        "crates/gateline-store/src/postgres/",
        "cancelled",
        "PostgreSQL calls the end of a query so",
    ),
    ("crates/gateline-evidence/", "cancel", "test runners write it"),
    ("crates/gateline-evidence/", "cancelled", "test runners write it"),
    (
        "crates/gateline-evidence/",
        "bundle",
        "Sigstore calls its files so",
    ),
    (
        "crates/gateline-drivers/src/oci/",
        "bundle",
        "Sigstore calls its files so",
    ),
    (
        "crates/gateline-drivers/tests/real/oci.rs",
        "bundle",
        "Sigstore calls its files so",
    ),
    ("docs/guides/evidence.md", "bundle", "Sigstore calls its files so"),
    (
        "docs/guides/evidence.md",
        "namespace",
        "SSH calls what a signature is for so",
    ),
    (
        "crates/gateline-evidence/tests/evidence/beside.rs",
        "namespace",
        "SSH calls what a signature is for so",
    ),
    (
        "docs/reference/evidence-formats.md",
        "bundle",
        "Sigstore calls its files so",
    ),
    (
        "docs/guides/choosing-gates.md",
        "bundle",
        "Sigstore calls its files so",
    ),
    (
        "crates/gateline-evidence/",
        "workflow",
        "GitHub's name for it, in its provenance",
    ),
    (
        "crates/gateline-evidence/src/verify/",
        "namespace",
        "SSH calls what a signature is for so",
    ),
    (
        "crates/gateline-drivers/src/on_call/",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "crates/gateline-evidence/src/sbom/purl.rs",
        "namespace",
        "package URLs call theirs so",
    ),
    (
        "crates/gateline-evidence/src/verify/keyless/",
        "provider",
        "`sigstore-verify` calls its cryptography so",
    ),
    (
        "crates/gateline-sim/src/random/asks.rs",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "crates/gateline-sim/src/pipelines/",
        "deploy",
        "a user's executable may be called so",
    ),
    (
        "crates/gateline-sim/src/pipelines/",
        "deployed",
        "a user's executable may be called so",
    ),
    ("scenarios/", "deploy", "a user's executable may be called so"),
    ("scenarios/", "deployed", "a user's executable may be called so"),
    (
        "CHANGELOG.md",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "crates/gateline-api/src/endpoints/",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "crates/gateline-core/src/",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "crates/gateline-model/src/",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "crates/gateline-server/",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "crates/gateline-spec/src/",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "crates/gateline-store/",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "docs/concepts/security.md",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "crates/gateline/tests/canary/",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "xtask/src/fuzz/",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "docs/guides/",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "docs/reference/",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "xtask/src/test/steps.rs",
        "provider",
        "who vouches for people is called so by OpenID Connect",
    ),
    (
        "crates/gateline-server/",
        "workflow",
        "GitHub and GitLab call their claims so",
    ),
    (
        "crates/gateline-server/tests/",
        "namespace",
        "GitHub and GitLab call their claims so",
    ),
    (
        "crates/gateline-spec/src/roles.rs",
        "namespace",
        "GitHub and GitLab call their claims so",
    ),
    (
        "docs/guides/ci.md",
        "namespace",
        "GitHub and GitLab call their claims so",
    ),
    (
        "scenarios/gate_http.",
        "probe",
        "what others call this gate, said once",
    ),
];

pub fn find(sources: &Sources) -> Vec<String> {
    sources
        .all()
        .filter(|source| is_ours(source))
        .flat_map(in_source)
        .collect()
}

/// What people read or write in this house; not what tools wrote, and not snapshots of other rules' messages.
fn is_ours(source: &Source) -> bool {
    let path = &source.path;
    let kind = source.is_rust()
        || source.is_prose()
        || [".yaml", ".scenario", ".transcript"]
            .iter()
            .any(|end| path.ends_with(end));
    kind && !path.contains("/samples/") && !path.contains("/evidence/1.")
}

fn in_source(source: &Source) -> Vec<String> {
    let is_right = |word: &str| {
        RIGHT
            .iter()
            .any(|(path, right, _)| source.path.starts_with(path) && (right.is_empty() || *right == word))
    };
    // With a space at each end, as the lines below: only whole words are found.
    let rejected = REJECTED.iter().filter(|(word, _)| !is_right(word));
    let rejected: Vec<_> = rejected
        .map(|(word, instead)| (word, instead, format!(" {} ", spaced(word))))
        .collect();
    let mut wrong = Vec::new();
    for (number, line) in source.lines() {
        let text = format!(" {} ", spaced(line));
        let found = rejected
            .iter()
            .filter(|(_, _, spaced)| text.contains(spaced.as_str()));
        wrong.extend(found.map(|(word, instead, _)| {
            format!("{}:{number}: `{word}`: the word here is {instead}", source.path)
        }));
    }
    wrong
}

/// Lower-case words with one space between them; names in code come apart at `_` and at capitals.
fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    let mut was_lower = false;
    for sign in text.chars() {
        if !sign.is_alphanumeric() || (sign.is_uppercase() && was_lower) {
            spaced.push(' ');
        }
        if sign.is_alphanumeric() {
            spaced.extend(sign.to_lowercase());
        }
        was_lower = sign.is_lowercase();
    }
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejected_word_is_found_in_prose_and_in_names() {
        for line in [
            "// The freight moves.",
            "fn bypass_gate() {}",
            "struct WaitTimer;",
            "A sign-off is asked.",
        ] {
            assert_eq!(find(&Sources::of(&[("a.rs", line)])).len(), 1, "{line}");
        }
    }

    #[test]
    fn a_word_that_only_contains_one_is_let_be() {
        for line in [
            "a bundled database",
            "cannot be undone",
            "static UNDOUBTED: u8 = 1;",
        ] {
            assert_eq!(find(&Sources::of(&[("a.rs", line)])), [""; 0], "{line}");
        }
    }
}
