//! What a batch does to the planned work, as one change a piece: appends of a batch see what those before them did.

use std::collections::BTreeMap;

use gateline_model::{Work, WorkId};

use crate::Append;
use crate::kept::kind;
use crate::micros::up;

/// What becomes of one piece of work.
#[derive(Debug, Default)]
struct Change {
    /// It goes, if it is there; what is added afterwards starts afresh.
    goes: bool,
    /// Its lease ends.
    ends: bool,
    /// It is there, if it is not yet.
    added: Option<Work>,
}

/// The changes of a batch, by id.
#[derive(Debug, Default)]
pub(super) struct Plan {
    changes: BTreeMap<String, Change>,
}

/// The same as arrays.
#[derive(Debug, Default)]
pub(super) struct Arrays<'p> {
    pub gone: Vec<&'p str>,
    pub ended: Vec<&'p str>,
    pub ids: Vec<&'p str>,
    pub kinds: Vec<String>,
    pub dues: Vec<i64>,
}

impl Plan {
    /// Removes, ends the lease, adds: in this order, as every store does.
    pub(super) fn take(&mut self, append: &Append) {
        for WorkId(id) in &append.work_remove {
            let change = self.changes.entry(id.clone()).or_default();
            *change = Change {
                goes: true,
                ..Change::default()
            };
        }
        if let Some(fence) = &append.fence {
            self.changes.entry(fence.work.0.clone()).or_default().ends = true;
        }
        append.work_add.iter().for_each(|work| self.add(work));
    }

    pub(super) fn add(&mut self, work: &Work) {
        let change = self.changes.entry(work.id().0).or_default();
        change.added.get_or_insert_with(|| work.clone());
    }

    /// Whether nothing changes.
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether this batch ended the lease already.
    pub(super) fn ended(&self, work: &WorkId) -> bool {
        self.changes
            .get(&work.0)
            .is_some_and(|change| change.ends || change.goes)
    }

    pub(super) fn arrays(&self) -> Arrays<'_> {
        let mut arrays = Arrays::default();
        for (id, change) in &self.changes {
            if change.goes {
                arrays.gone.push(id);
            } else if change.ends {
                arrays.ended.push(id);
            }
            if let Some(work) = &change.added {
                arrays.ids.push(id);
                arrays.kinds.push(kind(work));
                arrays.dues.push(up(work.due).as_microsecond());
            }
        }
        arrays
    }
}
