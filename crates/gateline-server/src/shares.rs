//! Shares: so many places, and nobody has so many of them that somebody else finds none.
//!
//! Whoever has places of his own leaves as many free as one more would get: alone, he has half of all; of two, each a third.
//! So a project that floods is told to wait while the next one is served at once. Knows no request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Places, and who has them.
#[derive(Debug, Clone)]
pub(crate) struct Shares(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    /// What nobody's share falls below, however many there are.
    least: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by: HashMap<String, usize>,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    of: Shares,
    by: String,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// All are taken.
    Full(usize),
    /// As many as one may have now are taken.
    Share(usize),
}

impl Shares {
    pub(crate) fn new(most: usize, least: usize) -> Self {
        Self(Arc::new(Inner {
            most,
            least,
            taken: Mutex::default(),
        }))
    }

    /// A place for somebody, unless he has his share of them.
    pub(crate) fn take(&self, by: String) -> Result<Place, NoPlace> {
        let Inner { most, least, taken } = &*self.0;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= *most {
            return Err(NoPlace::Full(*most));
        }
        let own = taken.by.get(&by).copied().unwrap_or_default();
        let others = taken.by.len() - usize::from(own > 0);
        // Himself, everybody else who is here, and one who may come.
        let share = (most / (others + 2)).max(*least);
        if own >= share {
            return Err(NoPlace::Share(share));
        }
        taken.all += 1;
        taken.by.insert(by.clone(), own + 1);
        Ok(Place { of: self.clone(), by })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.of.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(own) = taken.by.get_mut(&self.by) {
            *own -= 1;
            if *own == 0 {
                taken.by.remove(&self.by);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(shares: &Shares, by: &str) -> (Vec<Place>, NoPlace) {
        let mut places = Vec::new();
        loop {
            match shares.take(by.to_owned()) {
                Ok(place) => places.push(place),
                Err(why) => return (places, why),
            }
        }
    }

    #[test]
    fn whoever_takes_all_that_he_can_leaves_room_for_the_next() {
        let shares = Shares::new(12, 1);
        let (first, why) = fill(&shares, "first");
        assert_eq!((first.len(), why), (6, NoPlace::Share(6)));
        let (second, why) = fill(&shares, "second");
        assert_eq!((second.len(), why), (4, NoPlace::Share(4)));
        let (third, why) = fill(&shares, "third");
        assert_eq!(
            (third.len(), why),
            (2, NoPlace::Full(12)),
            "what those before had already"
        );
        drop(first);
        assert_eq!(
            fill(&shares, "third").0.len(),
            2,
            "up to a quarter of all, with one more to come"
        );
        drop((second, third));
    }

    #[test]
    fn however_many_there_are_nobodys_share_is_nothing() {
        let shares = Shares::new(12, 3);
        let ones: Vec<Place> = (0..8).map(|who| shares.take(who.to_string()).unwrap()).collect();
        let (last, why) = fill(&shares, "last");
        assert_eq!((last.len(), why), (3, NoPlace::Share(3)));
        drop((ones, last));
    }

    #[test]
    fn what_is_given_back_is_there_again_and_nobody_is_remembered() {
        let shares = Shares::new(2, 1);
        let place = shares.take("one".to_owned()).unwrap();
        assert_eq!(shares.take("one".to_owned()).unwrap_err(), NoPlace::Share(1));
        drop(place);
        drop(shares.take("one".to_owned()).unwrap());
        let taken = shares.0.taken.lock().unwrap();
        assert_eq!((taken.all, taken.by.len()), (0, 0));
    }
}
