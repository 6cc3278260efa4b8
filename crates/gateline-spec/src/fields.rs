//! The fields of one map, read one by one, so that a fault in one does not hide the faults of the others.

use std::ops::Range;

use serde::de::DeserializeOwned;

use crate::de;
use crate::diagnostic::Sink;
use crate::nearest::meant;
use crate::node::{Entry, Kind, Node};

/// A map of which every key is known or reported.
pub(crate) struct Fields<'n, 's, 'a> {
    node: &'n Node,
    /// Where to point at when a field is missing.
    pub(crate) at: Range<usize>,
    pub(crate) sink: &'s Sink<'a>,
}

impl<'n, 's, 'a> Fields<'n, 's, 'a> {
    /// The fields of `node`, which is `what`. `None` when it is not a map.
    pub(crate) fn of(
        what: &str,
        node: &'n Node,
        at: &Range<usize>,
        known: &[&str],
        sink: &'s Sink<'a>,
    ) -> Option<Self> {
        let fields = Self::unchecked(what, node, at, sink)?;
        for entry in node
            .entries()
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            fields.unknown(what, entry, known);
        }
        Some(fields)
    }

    /// The fields of `node`, with no word yet about which there may be.
    pub(crate) fn unchecked(
        what: &str,
        node: &'n Node,
        at: &Range<usize>,
        sink: &'s Sink<'a>,
    ) -> Option<Self> {
        if !matches!(node.kind, Kind::Map(_)) {
            sink.error(
                "value.type",
                at,
                format!("{what} must be a map, found {}", node.word()),
            );
            return None;
        }
        Some(Self {
            node,
            at: at.clone(),
            sink,
        })
    }

    pub(crate) fn unknown(&self, what: &str, entry: &Entry, known: &[&str]) {
        let message = format!("{what} has no field `{}`", entry.key);
        let help = meant(&entry.key, known.iter().copied());
        self.sink
            .error_with("field.unknown", &entry.key_span, message, help);
    }

    /// A field that is given. One without a value is not.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Entry> {
        self.node.get(name).filter(|entry| !entry.value.is_null())
    }

    /// A field that must be given.
    pub(crate) fn required(&self, name: &str) -> Option<&'n Entry> {
        let found = self.get(name);
        if found.is_none() {
            let at = self.node.get(name).map_or(&self.at, |entry| &entry.key_span);
            self.sink
                .error("field.missing", at, format!("`{name}` is missing"));
        }
        found
    }

    /// The value of a field that must be given.
    pub(crate) fn value<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.required(name).and_then(|entry| self.read(entry))
    }

    /// The value of a field, or what it is without one. `None` when it is wrong.
    pub(crate) fn value_or<T: DeserializeOwned>(&self, name: &str, default: impl FnOnce() -> T) -> Option<T> {
        match self.get(name) {
            Some(entry) => self.read(entry),
            None => Some(default()),
        }
    }

    /// The items of a field that is a list; none where it is not given.
    pub(crate) fn items(&self, name: &str) -> &'n [Node] {
        let Some(entry) = self.get(name) else { return &[] };
        if !matches!(entry.value.kind, Kind::List(_)) {
            let message = format!("`{name}` must be a list, found {}", entry.value.word());
            self.sink.error("value.type", entry.at(), message);
        }
        entry.value.items()
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, entry: &Entry) -> Option<T> {
        de::read(&entry.value, entry.at(), self.sink)
    }
}

/// Refuses what is given twice among `names`.
pub(crate) fn refuse_twins<'t>(
    sink: &Sink<'_>,
    code: &'static str,
    what: &str,
    names: impl IntoIterator<Item = (&'t str, &'t Range<usize>)>,
) {
    let mut seen = std::collections::HashMap::new();
    for (name, span) in names {
        match seen.get(name) {
            Some(line) => sink.error(
                code,
                span,
                format!("{what} `{name}` is given twice; first on line {line}"),
            ),
            None => {
                seen.insert(name, sink.line(span));
            }
        }
    }
}
