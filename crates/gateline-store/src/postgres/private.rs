//! Erasing: the erasable part of an event goes from the row. Pages that nobody has written over since still have its bytes,
//! as do archived write-ahead logs and backups: the guide says how those go.

use super::read::signed;
use super::{PostgresStore, sql};
use crate::StoreError;

pub(super) fn erase(store: &mut PostgresStore, numbers: &[u64]) -> Result<usize, StoreError> {
    let numbers: Vec<i64> = numbers.iter().map(|number| signed(*number)).collect();
    let changed = store.place.write("erase", &[(&sql::ERASE, &[&numbers])])?;
    Ok(changed[0] as usize)
}
