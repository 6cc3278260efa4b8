//! Sets of line numbers, kept and written as ranges: `3-7,12`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Line numbers of one file, from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineSet(Vec<(u32, u32)>);

/// A text that is no [`LineSet`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no list of lines: write ascending ranges, as in `3-7,12`")]
pub struct LineSetError(String);

impl LineSet {
    /// Adds a line. Lines come in ascending order; one that does not is passed over.
    pub fn push(&mut self, line: u32) {
        match self.0.last_mut() {
            Some((_, last)) if line <= *last => {}
            Some((_, last)) if line == *last + 1 => *last = line,
            Some(_) | None => self.0.push((line, line)),
        }
    }

    /// How many ranges it takes.
    pub fn ranges(&self) -> usize {
        self.0.len()
    }

    /// How many lines are in it.
    pub fn count(&self) -> u64 {
        self.0
            .iter()
            .map(|(first, last)| u64::from(last - first) + 1)
            .sum()
    }

    /// Whether it has no line.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a line is in it.
    pub fn contains(&self, line: u32) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < line);
        self.0.get(at).is_some_and(|(first, _)| *first <= line)
    }

    /// Its lines, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }
}

impl FromIterator<u32> for LineSet {
    fn from_iter<I: IntoIterator<Item = u32>>(lines: I) -> Self {
        let mut set = LineSet::default();
        lines.into_iter().for_each(|line| set.push(line));
        set
    }
}

impl fmt::Display for LineSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for LineSet {
    type Err = LineSetError;

    fn from_str(text: &str) -> Result<Self, LineSetError> {
        let bad = || LineSetError(text.chars().take(40).collect());
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for range in text.split(',').filter(|range| !range.is_empty()) {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (
                first.parse().map_err(|_| bad())?,
                last.parse().map_err(|_| bad())?,
            );
            if first == 0 || last < first || ranges.last().is_some_and(|(_, before)| *before >= first) {
                return Err(bad());
            }
            ranges.push((first, last));
        }
        Ok(LineSet(ranges))
    }
}

impl Serialize for LineSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LineSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for LineSet {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LineSet".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$",
            "description": "ascending line numbers, as in 3-7,12"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_range() {
        let set: LineSet = [3, 4, 5, 7, 7, 2].into_iter().collect();
        assert_eq!(set.to_string(), "3-5,7");
        assert_eq!((set.count(), set.ranges()), (4, 2));
        assert!(set.contains(4) && set.contains(7) && !set.contains(6) && !set.contains(8));
        assert_eq!("3-5,7".parse(), Ok(set));
    }

    #[test]
    fn what_is_no_ascending_list_is_refused() {
        for text in ["0", "5-3", "3,3", "7,5", "a", "1-2-3"] {
            assert!(text.parse::<LineSet>().is_err(), "{text}");
        }
        assert_eq!("".parse(), Ok(LineSet::default()));
    }
}
