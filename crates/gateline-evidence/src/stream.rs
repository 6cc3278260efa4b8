//! JSON as a stream: objects by the keys that are known, lists item by item, and nothing held but what is kept.
//!
//! Knows no format. What a reader does not name is passed over unread.

mod items;

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

pub(crate) use self::items::Items;

/// Items kept of a list inside one item: locations, names, weaknesses. A tool that writes more has said enough.
pub(crate) const FEW_MAX: usize = 100;

/// An object that is read key by key, or a list of such objects that are read one after another into the same reader.
pub(crate) trait Keyed {
    /// The keys that are read.
    const KEYS: &'static [&'static str];

    /// Before an object. An error names the limit that was passed.
    fn begin(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Reads the value of one of [`KEYS`](Self::KEYS).
    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error>;

    /// After an object.
    fn end(&mut self) {}
}

/// Reads one object, or each object of a list; `null` is no object. Tells how many there were.
pub(crate) struct Objects<'k, K>(pub(crate) &'k mut K);

impl<'de, K: Keyed> DeserializeSeed<'de> for Objects<'_, K> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<u64, D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de, K: Keyed> Visitor<'de> for Objects<'_, K> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of objects")
    }

    fn visit_unit<E: Error>(self) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<u64, S::Error> {
        let mut count = 0;
        while let Some(objects) = list.next_element_seed(Objects(&mut *self.0))? {
            count += objects;
        }
        Ok(count)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<u64, A::Error> {
        self.0.begin().map_err(A::Error::custom)?;
        let mut seen = vec![false; K::KEYS.len()];
        while let Some(known) = map.next_key_seed(OneOf(K::KEYS))? {
            let Some(at) = known else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if std::mem::replace(&mut seen[at], true) {
                return Err(A::Error::duplicate_field(K::KEYS[at]));
            }
            self.0.key(K::KEYS[at], &mut map)?;
        }
        self.0.end();
        Ok(1)
    }
}

/// The index of a key among those that are known.
struct OneOf(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for OneOf {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Self::Value, D::Error> {
        parser.deserialize_str(self)
    }
}

impl Visitor<'_> for OneOf {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| *known == key))
    }
}

/// Hands each item of a list to a function. Tells how many there were; `None` for `null`, which is no list.
pub(crate) fn each<T, F: FnMut(T)>(take: F) -> Each<T, F> {
    Each(take, PhantomData)
}

/// See [`each`].
pub(crate) struct Each<T, F>(F, PhantomData<T>);

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Each<T, F> {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Option<u64>, D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<T, F> {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<Option<u64>, E> {
        Ok(None)
    }

    fn visit_seq<S: SeqAccess<'de>>(mut self, mut list: S) -> Result<Option<u64>, S::Error> {
        let mut count = 0;
        while let Some(item) = list.next_element()? {
            self.0(item);
            count += 1;
        }
        Ok(Some(count))
    }
}

/// Hands each entry of an object with any keys to a function. Tells how many there were; `None` for `null`, which is none.
pub(crate) fn each_entry<T, F: FnMut(String, T)>(take: F) -> EachEntry<T, F> {
    EachEntry(take, PhantomData)
}

/// See [`each_entry`].
pub(crate) struct EachEntry<T, F>(F, PhantomData<T>);

impl<'de, T: Deserialize<'de>, F: FnMut(String, T)> DeserializeSeed<'de> for EachEntry<T, F> {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Option<u64>, D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(String, T)> Visitor<'de> for EachEntry<T, F> {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<Option<u64>, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Option<u64>, A::Error> {
        let mut count = 0;
        while let Some((key, value)) = map.next_entry()? {
            self.0(key, value);
            count += 1;
        }
        Ok(Some(count))
    }
}

/// The first items of a list, [`FEW_MAX`] where nothing else is said; `null` is an empty list.
#[derive(Debug)]
pub(crate) struct Few<T, const MAX: usize = FEW_MAX> {
    items: Vec<T>,
    is_cut: bool,
}

impl<T, const MAX: usize> Default for Few<T, MAX> {
    fn default() -> Self {
        Few {
            items: Vec::new(),
            is_cut: false,
        }
    }
}

impl<T, const MAX: usize> Few<T, MAX> {
    pub(crate) fn into_list(self) -> Vec<T> {
        self.items
    }

    /// Whether there were more than are kept: then what the list leaves out is not known.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }
}

impl<T, const MAX: usize> Deref for Few<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Few<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(parser: D) -> Result<Self, D::Error> {
        struct Taker<T, const MAX: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Taker<T, MAX> {
            type Value = Few<T, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_unit<E: Error>(self) -> Result<Few<T, MAX>, E> {
                Ok(Few::default())
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Few<T, MAX>, S::Error> {
                let mut few = Few::default();
                while few.items.len() < MAX {
                    match list.next_element()? {
                        Some(item) => few.items.push(item),
                        None => return Ok(few),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    few.is_cut = true;
                }
                Ok(few)
            }
        }
        parser.deserialize_any(Taker(PhantomData))
    }
}

/// One text, number or truth value, or a list of such, as texts; anything else is nothing. For what tools write one way
/// today and another way tomorrow.
#[derive(Debug, Default)]
pub(crate) struct Words(Vec<String>);

impl Words {
    pub(crate) fn first(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    pub(crate) fn all(&self) -> &[String] {
        &self.0
    }

    /// The first as a finite number.
    pub(crate) fn number(&self) -> Option<f64> {
        let number: f64 = self.first()?.trim().parse().ok()?;
        number.is_finite().then_some(number)
    }

    /// The first as a line, from 1.
    pub(crate) fn line(&self) -> Option<u64> {
        self.first()?.parse().ok().filter(|line| *line > 0)
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(parser: D) -> Result<Self, D::Error> {
        struct Taker;
        impl<'de> Visitor<'de> for Taker {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Words, E> {
                Ok(Words(vec![text.to_owned()]))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Words, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Words, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Words, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_bool<E: Error>(self, truth: bool) -> Result<Words, E> {
                self.visit_str(&truth.to_string())
            }

            fn visit_unit<E: Error>(self) -> Result<Words, E> {
                Ok(Words::default())
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Words, S::Error> {
                let mut words = Vec::new();
                while let Some(more) = list.next_element::<Words>()? {
                    words.extend(more.0);
                    words.truncate(FEW_MAX);
                }
                Ok(Words(words))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Words, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Words::default())
            }
        }
        parser.deserialize_any(Taker)
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("\"a\"", &["a"]; "a text")]
    #[test_case("7.5", &["7.5"]; "a number")]
    #[test_case("-1", &["-1"]; "a negative number")]
    #[test_case("[\"a\", 1, null, [true]]", &["a", "1", "true"]; "a list of them")]
    #[test_case("{\"a\": [1]}", &[]; "an object is nothing")]
    #[test_case("null", &[]; "null is nothing")]
    fn words_are_taken_from(json: &str, words: &[&str]) {
        let read: Words = serde_json::from_str(json).expect("reads");
        assert_eq!(read.all(), words);
    }

    #[test]
    fn of_a_long_list_few_are_kept() {
        let long = format!("[{}1]", "1,".repeat(FEW_MAX));
        let few: Few<u8> = serde_json::from_str(&long).expect("reads");
        assert_eq!((few.len(), few.is_cut()), (FEW_MAX, true));
        let short: Few<u8, 2> = serde_json::from_str("[1, 2]").expect("reads");
        assert_eq!((short.len(), short.is_cut()), (2, false));
        let words: Words = serde_json::from_str(&long).expect("reads");
        assert_eq!(words.all().len(), FEW_MAX);
    }
}
