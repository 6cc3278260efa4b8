//! The commit that a file of rules was taken from: who reviewed it can be looked up there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ActorId;

/// Longest address of a repository, in bytes.
pub const REPOSITORY_BYTES_MAX: usize = 2_048;
/// Longest name of a commit's author, in bytes.
pub const AUTHOR_BYTES_MAX: usize = 512;
/// Most actors who wrote one commit.
pub const AUTHORS_MAX: usize = 50;

/// A commit of a git repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// Its whole id, in lower-case hexadecimal digits: 40 for SHA-1, 64 for SHA-256.
    pub id: String,
    /// The repository's address, without whoever reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
}

/// A commit with the name of its author, which is erasable and stands beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The commit.
    pub commit: Commit,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Who that is here, as far as it is known: they do not approve it themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<ActorId>,
}

impl Written {
    /// What is wrong with it, if anything is.
    pub fn fault(&self) -> Option<String> {
        let Self { commit, author, by } = self;
        let long = author.as_ref().is_some_and(|name| name.len() > AUTHOR_BYTES_MAX);
        let fault = || format!("the author's name has more than {AUTHOR_BYTES_MAX} bytes (AUTHOR_BYTES_MAX)");
        let many = by.len() > AUTHORS_MAX;
        let crowd = || {
            format!(
                "it has {} authors; it has {AUTHORS_MAX} at most (AUTHORS_MAX)",
                by.len()
            )
        };
        let wrong = commit.fault().or_else(|| long.then(fault));
        wrong.or_else(|| many.then(crowd))
    }
}

impl Commit {
    /// What is wrong with it, if anything is.
    pub fn fault(&self) -> Option<String> {
        let Self { id, repository } = self;
        let hex = id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !hex || ![40, 64].contains(&id.len()) {
            return Some(format!(
                "`{id}` is no whole id of a commit: 40 or 64 hexadecimal digits"
            ));
        }
        let long = repository
            .as_ref()
            .is_some_and(|text| text.len() > REPOSITORY_BYTES_MAX);
        long.then(|| {
            format!(
                "the repository's address has more than {REPOSITORY_BYTES_MAX} bytes (REPOSITORY_BYTES_MAX)"
            )
        })
    }

    /// The first 10 digits: enough for a person to find it.
    pub fn short(&self) -> &str {
        self.id.get(..10).unwrap_or(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_named_whole() {
        let fault = |id: &str| {
            let commit = Commit {
                id: id.to_owned(),
                repository: None,
            };
            commit.fault()
        };
        assert_eq!(fault(&"a1".repeat(20)), None);
        assert_eq!(fault(&"a1".repeat(32)), None);
        for wrong in ["", "main", "a1b2c3d", &"A1".repeat(20), &"g1".repeat(20)] {
            assert!(fault(wrong).is_some(), "{wrong}");
        }
    }

    #[test]
    fn a_repository_has_an_address_of_a_length_that_somebody_can_read() {
        let fault = |bytes: usize| {
            let commit = Commit {
                id: "a1".repeat(20),
                repository: Some("x".repeat(bytes)),
            };
            commit.fault()
        };
        assert_eq!(fault(REPOSITORY_BYTES_MAX), None);
        assert!(fault(REPOSITORY_BYTES_MAX + 1).is_some());
    }

    #[test]
    fn an_author_has_a_name_and_no_story() {
        let fault = |bytes: usize| {
            let commit = Commit {
                id: "a1".repeat(20),
                repository: None,
            };
            let author = Some("x".repeat(bytes));
            let by = Vec::new();
            Written { commit, author, by }.fault()
        };
        assert_eq!(fault(AUTHOR_BYTES_MAX), None);
        assert!(fault(AUTHOR_BYTES_MAX + 1).is_some());
    }

    #[test]
    fn a_commit_has_so_many_authors_and_no_crowd() {
        let fault = |authors: usize| {
            let commit = Commit {
                id: "a1".repeat(20),
                repository: None,
            };
            let by = vec!["ana".parse().unwrap(); authors];
            let author = None;
            Written { commit, author, by }.fault()
        };
        assert_eq!(fault(AUTHORS_MAX), None);
        assert!(fault(AUTHORS_MAX + 1).is_some());
    }
}
