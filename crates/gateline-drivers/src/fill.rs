//! Placeholders: `{version}` and `{artifact.NAME}` in what a user wrote become what they stand for.
//!
//! Other braces are left as they are; an unknown word in braces is an error, because a typing error must not reach a
//! target. The reader of pipeline files says so earlier; a pipeline of before may still have one.

use gateline_model::{Artifact, ArtifactAt, placeholders};

/// What a placeholder stands for where none of the texts has it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{{{name}}}` in `{text}` is not known: use {known}")]
pub(crate) struct FillError {
    name: String,
    text: String,
    known: String,
}

/// The placeholders of one release, and what they stand for.
#[derive(Debug, Clone)]
pub(crate) struct Fill {
    known: Vec<(String, String)>,
}

impl Fill {
    /// `{version}`, and `{artifact.NAME}`: a file's path, an OCI reference by digest, or `URL@COMMIT`.
    pub(crate) fn of(version: &str, artifacts: &[Artifact]) -> Self {
        let mut known = vec![("version".to_owned(), version.to_owned())];
        known.extend(artifacts.iter().map(|artifact| {
            let stands_for = match &artifact.at {
                ArtifactAt::File { path, digest: _ } => path.clone(),
                ArtifactAt::Oci { repository, digest } => format!("{repository}@{digest}"),
                ArtifactAt::Git { url, commit } => format!("{url}@{commit}"),
            };
            (format!("artifact.{}", artifact.name), stands_for)
        }));
        Self { known }
    }

    /// One placeholder more.
    pub(crate) fn with(mut self, name: &str, stands_for: String) -> Self {
        self.known.push((name.to_owned(), stands_for));
        self
    }

    /// The text with every placeholder filled in. What is filled in is not looked at again.
    pub(crate) fn fill(&self, text: &str) -> Result<String, FillError> {
        let mut filled = String::with_capacity(text.len());
        let mut done = 0;
        for (at, name) in placeholders(text) {
            let Some((_, stands_for)) = self.known.iter().find(|(known, _)| known == name) else {
                let names: Vec<String> = self
                    .known
                    .iter()
                    .map(|(known, _)| format!("`{{{known}}}`"))
                    .collect();
                let text = text.chars().take(80).collect();
                return Err(FillError {
                    name: name.to_owned(),
                    text,
                    known: names.join(", "),
                });
            };
            filled.push_str(&text[done..at]);
            filled.push_str(stands_for);
            done = at + name.len() + "{}".len();
        }
        filled.push_str(&text[done..]);
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn fill(text: &str) -> Result<String, FillError> {
        let artifact = |name: &str, at: &str| Artifact {
            name: name.parse().unwrap(),
            at: at.parse().unwrap(),
        };
        let digest = format!("sha256:{}", "0".repeat(64));
        let artifacts = [
            artifact("program", &format!("file:/srv/app@{digest}")),
            artifact("image", &format!("oci://reg/app@{digest}")),
            artifact("source", &format!("git:https://h/r@{}", "a".repeat(40))),
        ];
        Fill::of("1.4.0", &artifacts).fill(text)
    }

    #[test_case("--v={version}", "--v=1.4.0"; "a version is filled in where it stands")]
    #[test_case("{version}{version}", "1.4.01.4.0"; "every placeholder is filled in")]
    #[test_case("{artifact.program}", "/srv/app"; "a file artifact is its path")]
    #[test_case("{artifact.source}", &format!("https://h/r@{}", "a".repeat(40)); "a commit is its url and id")]
    #[test_case("{artifact.image}", &format!("reg/app@sha256:{}", "0".repeat(64)); "an image is its reference by digest")]
    #[test_case("${HOME} ${version} {\"a\": 1} {{.State}} {", "${HOME} ${version} {\"a\": 1} {{.State}} {"; "other braces are left alone")]
    fn placeholders_are_filled_in(text: &str, filled: &str) {
        assert_eq!(fill(text).unwrap(), filled);
    }

    #[test_case("{versoin}"; "a typing error does not reach the target")]
    #[test_case("{artifact.other}"; "an artifact that the release does not have is an error")]
    fn an_unknown_placeholder_is_refused(text: &str) {
        let err = fill(text).unwrap_err().to_string();
        assert!(
            err.contains(text) && err.contains("`{version}`, `{artifact.program}`"),
            "{err}"
        );
    }
}
