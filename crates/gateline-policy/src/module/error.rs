//! Why files are not a policy module.

use std::fmt;

/// Why files are not a policy module, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PolicyError {
    /// The file, where it is about one.
    pub file: Option<String>,
    /// The line in it, from 1, where it is known.
    pub line: Option<u32>,
    /// What is wrong and what to do.
    pub says: String,
}

impl PolicyError {
    /// About the whole module.
    pub(super) fn whole(says: impl Into<String>) -> Self {
        Self {
            file: None,
            line: None,
            says: says.into(),
        }
    }

    /// About one file.
    pub(super) fn file(file: &str, says: impl Into<String>) -> Self {
        Self {
            file: Some(file.to_owned()),
            ..Self::whole(says)
        }
    }

    /// About one line of a file.
    pub(super) fn line(file: &str, line: u32, says: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            ..Self::file(file, says)
        }
    }

    /// What the interpreter says, without its picture of the line.
    pub(super) fn interpreter(said: &str) -> Self {
        let place = said.lines().find_map(|line| line.trim().strip_prefix("--> "));
        let says = said
            .lines()
            .find_map(|line| line.trim().strip_prefix("error: "))
            .unwrap_or_else(|| said.trim());
        let mut place = place.into_iter().flat_map(|place| place.rsplitn(3, ':'));
        let (_, line, file) = (place.next(), place.next(), place.next());
        Self {
            file: file.map(str::to_owned),
            line: line.and_then(|line| line.parse().ok()),
            says: says.to_owned(),
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{file}:{line}: {}", self.says),
            (Some(file), None) => write!(f, "{file}: {}", self.says),
            (None, _) => f.write_str(&self.says),
        }
    }
}
