//! Lists of objects, where nothing but a list may stand.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::{Keyed, Objects};

/// Reads a list whose every item is an object; `null` is an empty list, and anything else an error. Tells how many there were.
pub(crate) struct Items<'k, K>(pub(crate) &'k mut K);

impl<'de, K: Keyed> DeserializeSeed<'de> for Items<'_, K> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<u64, D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de, K: Keyed> Visitor<'de> for Items<'_, K> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_unit<E: Error>(self) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<u64, S::Error> {
        let mut count = 0;
        while list.next_element_seed(Item(&mut *self.0))?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

/// One item of [`Items`].
struct Item<'k, K>(&'k mut K);

impl<'de, K: Keyed> DeserializeSeed<'de> for Item<'_, K> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<u64, D::Error> {
        parser.deserialize_map(self)
    }
}

impl<'de, K: Keyed> Visitor<'de> for Item<'_, K> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<u64, A::Error> {
        Objects(self.0).visit_map(map)
    }
}
