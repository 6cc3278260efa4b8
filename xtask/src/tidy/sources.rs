//! The files that the rules look at, read once.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders without sources of ours.
const SKIPPED: &[&str] = &[".git", "target"];

/// One file.
pub struct Source {
    /// Its path from the repository's folder, with `/`.
    pub path: String,
    /// Its text; empty where it is none.
    pub text: String,
}

impl Source {
    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether it is prose.
    pub fn is_prose(&self) -> bool {
        self.path.ends_with(".md")
    }

    /// Its lines, numbered from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }
}

/// All of them, by path.
pub struct Sources {
    root: PathBuf,
    files: Vec<Source>,
}

impl Sources {
    /// Reads the files under a folder.
    ///
    /// # Errors
    /// When a file or folder cannot be read.
    pub fn read(root: &Path) -> Result<Self, String> {
        let mut sources = Self {
            root: root.to_owned(),
            files: Vec::new(),
        };
        sources
            .walk(root)
            .map_err(|err| format!("could not read the sources: {err}"))?;
        sources.files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(sources)
    }

    fn walk(&mut self, folder: &Path) -> std::io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            if SKIPPED.iter().any(|skipped| name == *skipped) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                self.walk(&path)?;
                continue;
            }
            let text = String::from_utf8(fs::read(&path)?).unwrap_or_default();
            let path = path
                .strip_prefix(&self.root)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            self.files.push(Source { path, text });
        }
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn all(&self) -> impl Iterator<Item = &Source> {
        self.files.iter()
    }

    /// The Rust sources.
    pub fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|source| source.is_rust())
    }

    /// One file's text; empty where there is none.
    pub fn text(&self, path: &str) -> &str {
        self.files
            .iter()
            .find(|source| source.path == path)
            .map_or("", |source| &source.text)
    }

    /// Whether a file or folder is there.
    pub fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// Sources from texts, to try a rule.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| Source {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        });
        Self {
            root: PathBuf::from("/nowhere"),
            files: files.collect(),
        }
    }
}
