//! The doctor: folds the log again and compares with what is kept beside it. Changes nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use gateline_core::{World, WorldError, plan};
use gateline_log::Tree;
use gateline_model::{StreamId, WorkId};
use gateline_store::{READ_EVENTS_MAX, Read, SqliteError, SqliteReader, StoreError};

/// What was examined and found whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    events: u64,
    root: String,
    work: usize,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, root, work } = self;
        write!(
            f,
            "{events} events fold; Merkle root {root}; {work} pieces of planned work agree"
        )
    }
}

/// What is not whole.
#[derive(Debug, thiserror::Error)]
pub enum Illness {
    /// There is nothing to examine.
    #[error(
        "there is no database at `{0}`; name the folder that the server uses with `--dir` or GATELINE_DIR"
    )]
    Missing(PathBuf),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] SqliteError),
    /// It cannot be read.
    #[error("could not read the database")]
    Read(#[from] StoreError),
    /// An event does not fold.
    #[error("the log does not fold")]
    Fold(#[from] WorldError),
    /// The leaves do not make the head's root.
    #[error("the leaves make root {made}, but the head says {kept}: an event was changed; restore a backup")]
    Root {
        /// From the leaves.
        made: String,
        /// From the head.
        kept: String,
    },
    /// Planned work differs.
    #[error("planned work differs: missing {missing:?}, not planned {foreign:?}; restore a backup")]
    Work {
        /// Planned by the fold, not kept.
        missing: Vec<WorkId>,
        /// Kept, not planned.
        foreign: Vec<WorkId>,
    },
}

/// Examines a database, also while a server uses it.
///
/// # Errors
/// [`Illness`]: the first thing that is not whole.
pub fn examine(path: &Path) -> Result<Health, Illness> {
    if path
        .metadata()
        .is_err_and(|err| matches!(err.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
    {
        return Err(Illness::Missing(path.to_owned()));
    }
    let store = SqliteReader::open(path)?;
    let head = store.head()?;
    let mut world = World::default();
    let mut streams = BTreeSet::new();
    let mut tree = Tree::default();
    while world.next() < head.size {
        let from = world.next();
        let limit = READ_EVENTS_MAX.min((head.size - from) as usize);
        let page = store.read(from, limit)?;
        for recorded in &page {
            world.fold(recorded)?;
            streams.insert(recorded.stream.clone());
        }
        store
            .leaves(from, limit)?
            .into_iter()
            .for_each(|leaf| tree.append(leaf));
        if page.is_empty() {
            break;
        }
    }
    let made = tree.head().root;
    if made != head.root {
        return Err(Illness::Root {
            made: made.to_string(),
            kept: head.root.to_string(),
        });
    }
    let planned: BTreeSet<WorkId> = streams
        .iter()
        .flat_map(|stream| planned(&world, stream))
        .collect();
    let kept: BTreeSet<WorkId> = store.work()?.iter().map(|row| row.work.id()).collect();
    // A server that is running may have moved on since the head was read.
    if planned != kept && store.head()?.size == head.size {
        let missing = planned.difference(&kept).cloned().collect();
        let foreign = kept.difference(&planned).cloned().collect();
        return Err(Illness::Work { missing, foreign });
    }
    Ok(Health {
        events: head.size,
        root: head.root.to_string(),
        work: kept.len(),
    })
}

fn planned(world: &World, stream: &StreamId) -> Vec<WorkId> {
    plan(world, stream).iter().map(gateline_model::Work::id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_database_is_none_is_made_and_the_flag_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "no folder").unwrap();
        for folder in [dir.path(), &dir.path().join("none"), &file] {
            let path = folder.join("gateline.db");
            let says = examine(&path).unwrap_err().to_string();
            assert!(
                says.contains(&format!("no database at `{}`", path.display())),
                "{says}"
            );
            assert!(says.contains("--dir"), "{says}");
            assert!(!path.exists());
        }
    }
}
