//! Checkpoints that were kept elsewhere: what the log's end was once. The log of now must begin with that log. Knows no store.

use std::path::{Path, PathBuf};

use gateline_drivers::named_file;
use gateline_log::{Frontier, Hash};

use super::{Differences, Illness};

/// Largest file of a checkpoint, in bytes.
pub(super) const CHECKPOINT_BYTES_MAX: u64 = 64 * 1024;

/// A checkpoint, and the file in which it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    file: PathBuf,
    size: u64,
    root: Hash,
}

impl Checkpoint {
    /// Reads one as `gateline log --checkpoint --json` wrote it.
    ///
    /// # Errors
    /// [`Illness::Checkpoint`] with the file, and why.
    pub fn read(file: &Path) -> Result<Self, Illness> {
        let unfit = |why: String| Illness::Checkpoint {
            file: file.to_owned(),
            why,
        };
        let text = named_file::text(file, CHECKPOINT_BYTES_MAX).map_err(|err| unfit(err.to_string()))?;
        let kept: gateline_api::Checkpoint =
            serde_json::from_str(&text).map_err(|err| unfit(err.to_string()))?;
        let root = kept.root.parse().map_err(|err| unfit(format!("`root`: {err}")))?;
        Ok(Self {
            file: file.to_owned(),
            size: kept.size,
            root,
        })
    }

    /// Compares it with a log that has so many events now.
    pub(super) fn compare(&self, log: &Frontier, differences: &mut Differences) {
        let Self { file, size, root } = self;
        let file = file.display();
        if log.size() == *size && log.root() != *root {
            differences.add(format!(
                "the first {size} events have root {}, where the checkpoint `{file}` has {root}: they are not those of then",
                log.root()
            ));
        }
    }

    /// Says so where the whole log is shorter than it was then.
    pub(super) fn compare_end(&self, log: &Frontier, differences: &mut Differences) {
        let (file, size, now) = (self.file.display(), self.size, log.size());
        if now < size {
            differences.add(format!(
                "the log has {now} events, where the checkpoint `{file}` has {size}: its end is gone"
            ));
        }
    }
}
