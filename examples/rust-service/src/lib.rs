//! Seats of one row: a party sits together, and leaves as few single seats behind as can be.
//!
//! Knows no network and no clock.

use std::fmt;
use std::ops::Range;

/// A row of seats, numbered from 0.
#[derive(Debug, Clone)]
pub struct Row {
    taken: Vec<bool>,
}

/// Why a party got no seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSeats {
    /// A party of none.
    Nobody,
    /// There is no gap that is wide enough; the widest has so many seats.
    TooMany {
        /// Seats of the widest gap.
        widest: usize,
    },
}

impl fmt::Display for NoSeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoSeats::Nobody => write!(f, "a party is of one person or more"),
            NoSeats::TooMany { widest } => write!(f, "at most {widest} can sit together"),
        }
    }
}

impl Row {
    /// A row of which no seat is taken.
    pub fn new(seats: usize) -> Row {
        Row {
            taken: vec![false; seats],
        }
    }

    /// Takes seats for a party, in the narrowest gap that holds it; of equals the first.
    ///
    /// # Errors
    /// [`NoSeats`] where there is no such gap; no seat is taken then.
    pub fn take(&mut self, party: usize) -> Result<Range<usize>, NoSeats> {
        if party == 0 {
            return Err(NoSeats::Nobody);
        }
        let gaps = self.gaps();
        let narrowest = gaps.iter().filter(|gap| gap.len() >= party).min_by_key(|gap| gap.len());
        let Some(gap) = narrowest else {
            let widest = gaps.iter().map(Range::len).max().unwrap_or(0);
            return Err(NoSeats::TooMany { widest });
        };
        let seats = gap.start..gap.start + party;
        self.taken[seats.clone()].fill(true);
        Ok(seats)
    }

    /// Gives seats back. Seats that the row does not have are passed over.
    pub fn give_back(&mut self, seats: Range<usize>) {
        let end = seats.end.min(self.taken.len());
        self.taken[seats.start.min(end)..end].fill(false);
    }

    fn gaps(&self) -> Vec<Range<usize>> {
        let mut gaps: Vec<Range<usize>> = Vec::new();
        for (seat, _) in self.taken.iter().enumerate().filter(|(_, taken)| !**taken) {
            match gaps.last_mut().filter(|gap| gap.end == seat) {
                Some(gap) => gap.end += 1,
                None => gaps.push(seat..seat + 1),
            }
        }
        gaps
    }
}
