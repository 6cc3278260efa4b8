//! A place: where the log is kept, as it is typed after `--store`.

use std::path::{Path, PathBuf};

use gateline_store::{PostgresAddress, PostgresError};

/// The file in the server's folder, where nothing is said.
const FILE: &str = "gateline.db";

/// Where the log is kept.
#[derive(Debug, Clone)]
pub enum Place {
    /// In one file of this host.
    File(PathBuf),
    /// In a PostgreSQL database.
    Database(Box<PostgresAddress>),
}

/// Why it is not known where the log is kept. Never with what was typed: it may have a password in it.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It is neither of the two.
    #[error("the store is neither `sqlite:PATH` nor `postgres://USER@HOST/DATABASE`")]
    Unknown,
    /// It is an address that cannot be used.
    #[error(transparent)]
    Database(#[from] PostgresError),
}

impl std::str::FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Database(Box::new(text.parse()?)));
        }
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(_) | None => Err(PlaceError::Unknown),
        }
    }
}

impl Place {
    /// What was typed, or the file in this folder.
    ///
    /// # Errors
    /// [`PlaceError`]
    pub fn of(typed: Option<&str>, dir: &Path) -> Result<Self, PlaceError> {
        typed.map_or_else(|| Ok(Self::File(dir.join(FILE))), str::parse)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "sqlite:{}", path.display()),
            Self::Database(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_not_told_again_where_it_is_wrong() {
        for typed in [
            "hunter2",
            "mysql://ana:hunter2@db/x",
            "postgres://ana:hunter2@db/x",
            "sqlite:",
            "",
        ] {
            let err = Place::of(Some(typed), Path::new("data")).unwrap_err().to_string();
            assert!(!err.contains("hunter2") && !err.is_empty(), "{err}");
        }
    }

    #[test]
    fn a_place_is_shown_as_it_is_typed() {
        let shown = |typed: Option<&str>| Place::of(typed, Path::new("data")).unwrap().to_string();
        assert_eq!(shown(None), "sqlite:data/gateline.db");
        for typed in [
            "sqlite:/var/lib/gateline.db",
            "postgres://ana@db/gateline?password=env:PASSWORD",
        ] {
            assert_eq!(shown(Some(typed)), typed);
        }
    }
}
