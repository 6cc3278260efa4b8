//! A YAML value that knows where it was written, for diagnostics that point at it.

use std::ops::Range;

use serde_json::{Number, Value};

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// The whole text of a scalar or of a collection in brackets; the first words of one in block style.
    pub(crate) span: Range<usize>,
    /// Whether it is a collection in block style: then the key before it is the better place to point at.
    pub(crate) block: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

impl Entry {
    /// Where to point at when the value is wrong as a whole.
    pub(crate) fn at(&self) -> &Range<usize> {
        match self.value.kind {
            Kind::Null => &self.key_span,
            _ if self.value.block => &self.key_span,
            _ => &self.value.span,
        }
    }
}

impl Node {
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(crate) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// What kind of value it is, in a person's words.
    pub(crate) fn word(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// The place of byte `offset` of this text in `source`; the whole text where escapes moved it.
    pub(crate) fn place(&self, source: &str, offset: usize) -> Range<usize> {
        self.find(source, offset).unwrap_or_else(|| self.span.clone())
    }

    /// Indentation and folding only add or remove blanks.
    fn find(&self, source: &str, offset: usize) -> Option<Range<usize>> {
        let text = self.text()?;
        let written = source.get(self.span.clone())?;
        let head = usize::from(written.starts_with(['\'', '"']) && !text.starts_with(['\'', '"']));
        let mut letters = written[head..]
            .char_indices()
            .filter(|(_, letter)| !letter.is_whitespace());
        let mut end = head;
        for (at, letter) in text.char_indices().filter(|(_, letter)| !letter.is_whitespace()) {
            let (found, same) = letters.next().filter(|(_, found)| *found == letter)?;
            let start = self.span.start + head + found;
            if at >= offset {
                return Some(start..start + same.len_utf8());
            }
            end = head + found + same.len_utf8();
        }
        // Behind the last letter.
        Some(self.span.start + end..self.span.start + end)
    }

    /// The entry at the end of a path of keys.
    pub(crate) fn entry(&self, path: &[&str]) -> Option<&Entry> {
        let (first, rest) = path.split_first()?;
        let entry = self.get(first)?;
        if rest.is_empty() {
            Some(entry)
        } else {
            entry.value.entry(rest)
        }
    }

    pub(crate) fn json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Node::json).collect()),
            Kind::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.json()))
                    .collect(),
            ),
        }
    }

    /// Values in this tree and its height.
    pub(crate) fn size(&self) -> (usize, usize) {
        let inner: (usize, usize) = self
            .items()
            .iter()
            .chain(self.entries().iter().map(|entry| &entry.value))
            .map(Node::size)
            .fold((0, 0), |(values, height), (more, high)| {
                (values + more, height.max(high))
            });
        (inner.0 + 1, inner.1 + 1)
    }
}
