//! The commit that a file was taken from: as flags say, or as git does where the file lies in a work tree.
//!
//! A file that differs from what is committed comes from no commit: then none is named.

use std::path::Path;
use std::process::Command;

use gateline_model::{Commit, Written};

use crate::failure::Failure;

/// What flags say of the commit, for CI jobs that have no work tree.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct CommitArgs {
    /// The whole id of the commit that the files were taken from; git is asked where it is not given
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,
    /// Who wrote that commit
    #[arg(long, value_name = "NAME", requires = "commit")]
    author: Option<String>,
    /// The address of its repository
    #[arg(long, value_name = "URL", requires = "commit")]
    repository: Option<String>,
}

impl CommitArgs {
    /// The commit of a file or folder, where there is one.
    ///
    /// # Errors
    /// When a flag does not name a commit.
    pub(crate) fn of(&self, path: &Path) -> Result<Option<Written>, Failure> {
        let Self {
            commit,
            author,
            repository,
        } = self;
        let Some(id) = commit else {
            return Ok(in_work_tree(path));
        };
        let commit = Commit {
            id: id.clone(),
            repository: repository.as_deref().map(without_secrets),
        };
        if let Some(fault) = commit.fault() {
            return Err(Failure::usage("could not use `--commit`", fault)
                .hint("give the whole id, as `git rev-parse HEAD` prints it"));
        }
        let author = author.clone();
        // Who that is here is the server's to know.
        let by = Vec::new();
        Ok(Some(Written { commit, author, by }))
    }
}

/// The last commit that changed a file, where the file is as that commit has it.
fn in_work_tree(path: &Path) -> Option<Written> {
    let path = path.canonicalize().ok()?;
    let (folder, name) = match path.is_dir() {
        true => (path.as_path(), "."),
        false => (path.parent()?, path.file_name()?.to_str()?),
    };
    let changed = git(folder, &["status", "--porcelain", "--", name])?;
    if !changed.is_empty() {
        return None;
    }
    let last = git(folder, &["log", "-1", "--format=%H%n%an <%ae>", "--", name])?;
    let (id, author) = last.split_once('\n')?;
    let origin = git(folder, &["config", "--get", "remote.origin.url"]);
    let commit = Commit {
        id: id.to_owned(),
        repository: origin.map(|url| without_secrets(&url)),
    };
    commit.fault().is_none().then(|| Written {
        commit,
        author: Some(author.to_owned()),
        by: Vec::new(),
    })
}

/// What git says; nothing where there is no git, no repository, or git fails.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // A hook's environment would name another repository than the file's own.
    command
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        // Nor is our token git's, its hooks' or its helpers'.
        .env_remove("GATELINE_TOKEN");
    let said = command.arg("-C").arg(folder).args(arguments).output().ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    said.status.success().then(|| text.trim().to_owned())
}

/// An address without who reads it: CI writes its token there.
fn without_secrets(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}/{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(folder: &Path, arguments: &[&str]) {
        let names = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org"];
        let said = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(names)
            .args(arguments)
            .output()
            .unwrap();
        assert!(said.status.success(), "{said:?}");
    }

    #[test]
    fn a_committed_file_has_its_commit_and_author_and_a_changed_one_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pipeline.yaml");
        std::fs::write(&file, "one").unwrap();
        let flags = CommitArgs::default();
        assert_eq!(flags.of(&file).unwrap(), None, "no repository");
        run(dir.path(), &["init", "--quiet"]);
        assert_eq!(flags.of(&file).unwrap(), None, "not committed");
        run(dir.path(), &["add", "."]);
        run(dir.path(), &["commit", "--quiet", "-m", "one"]);
        run(
            dir.path(),
            &[
                "remote",
                "add",
                "origin",
                "https://x-token:secret@git.example/rules.git",
            ],
        );
        let first = flags.of(&file).unwrap().unwrap();
        assert_eq!(first.author.as_deref(), Some("Ana <ana@example.org>"));
        assert_eq!(
            first.commit.repository.as_deref(),
            Some("https://git.example/rules.git")
        );
        // A commit that does not touch the file is not the file's; for the folder it is.
        std::fs::write(dir.path().join("other"), "two").unwrap();
        run(dir.path(), &["add", "."]);
        run(dir.path(), &["commit", "--quiet", "-m", "two"]);
        assert_eq!(flags.of(&file).unwrap().unwrap().commit.id, first.commit.id);
        assert_ne!(flags.of(dir.path()).unwrap().unwrap().commit.id, first.commit.id);
        std::fs::write(&file, "changed").unwrap();
        assert_eq!(flags.of(&file).unwrap(), None, "changed since");
    }

    #[test]
    fn flags_go_before_git_and_must_name_a_whole_commit() {
        let flags = |commit: &str| CommitArgs {
            commit: Some(commit.to_owned()),
            author: Some("Bo".to_owned()),
            repository: Some("git@git.example:rules.git".to_owned()),
        };
        let written = flags(&"a1".repeat(20)).of(Path::new("-")).unwrap().unwrap();
        assert_eq!(written.author.as_deref(), Some("Bo"));
        assert_eq!(
            written.commit.repository.as_deref(),
            Some("git@git.example:rules.git")
        );
        assert!(flags("main").of(Path::new("-")).is_err());
    }
}
