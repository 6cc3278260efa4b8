//! Rows of the store that somebody may read: a page of them, and where the next one begins.

use gateline_core::Sight;
use gateline_store::StoreError;

/// Rows that are read at once where not all of them are seen.
const READ_MAX: usize = 500;

/// A page, with the place behind which the next one begins.
pub(crate) struct Found<T, P> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<P>,
}

/// The first rows that are seen, `size` of them at most. `read` gives so many rows behind a place, in order; `place` is that of
/// one row. Where `most` were looked through, the page ends before it is full, and the next one begins behind a row that need
/// not be seen: only where a place tells nothing may there be a most.
pub(crate) fn seen_rows<T, P: Clone>(
    (size, most): (usize, Option<usize>),
    sight: &Sight,
    read: impl Fn(Option<P>, usize) -> Result<Vec<T>, StoreError>,
    sees: impl Fn(&T) -> bool,
    place: impl Fn(&T) -> P,
) -> Result<Found<T, P>, StoreError> {
    let at_once = match sight.sees_everything() {
        true => size + 1,
        false => READ_MAX.max(size + 1),
    };
    let mut items: Vec<T> = Vec::new();
    let (mut after, mut looked_through): (Option<P>, usize) = (None, 0);
    loop {
        let rows = read(after.clone(), at_once)?;
        let is_end = rows.len() < at_once;
        looked_through += rows.len();
        for row in rows {
            after = Some(place(&row));
            if !sees(&row) {
                continue;
            }
            if items.len() == size {
                let next = items.last().map(&place);
                return Ok(Found { items, next });
            }
            items.push(row);
        }
        if is_end {
            return Ok(Found { items, next: None });
        }
        if most.is_some_and(|most| looked_through >= most) {
            return Ok(Found { items, next: after });
        }
    }
}
