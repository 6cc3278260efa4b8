//! YAML in, a tree in which every value knows where it was written out.
//! Bounded in bytes, depth and values before anything is built. Knows nothing of pipelines.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Number;
use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, StructureStyle};

use crate::diagnostic::Sink;
use crate::node::{Entry, Kind, Node};

/// Largest pipeline file, in bytes: a hundred stages with everything written out take a third of it.
pub const PIPELINE_BYTES_MAX: usize = 256 * 1024;
/// Deepest nesting of maps and lists; the deepest place of a pipeline file is at half of it.
pub const YAML_DEPTH_MAX: usize = 32;
/// Most values in a file, those behind aliases counted each time.
pub const YAML_VALUES_MAX: usize = 20_000;

/// Why there is no tree; the sink has been told.
pub(crate) struct Unreadable;

/// The only document of `sink`'s text. `None` when there is nothing in it.
pub(crate) fn read(sink: &Sink<'_>) -> Result<Option<Node>, Unreadable> {
    let text = sink.text();
    if text.len() > PIPELINE_BYTES_MAX {
        let message = format!(
            "file has {} bytes; a pipeline file may have {PIPELINE_BYTES_MAX}",
            text.len()
        );
        return fail(
            sink,
            "yaml.size",
            0..0,
            message,
            "split the pipeline, or move what is generated out of it",
        );
    }
    Tree {
        sink,
        open: Vec::new(),
        anchors: HashMap::new(),
        values: 0,
        root: None,
        documents: 0,
    }
    .read()
}

fn fail<T>(
    sink: &Sink<'_>,
    code: &'static str,
    span: Range<usize>,
    message: impl Into<String>,
    help: &str,
) -> Result<T, Unreadable> {
    sink.error_with(code, &span, message, Some(help.to_owned()));
    Err(Unreadable)
}

/// A collection whose end has not been seen.
struct Open {
    node: Node,
    anchor: usize,
    /// A key of a map that waits for its value.
    key: Option<(String, Range<usize>)>,
}

struct Tree<'s, 'a> {
    sink: &'s Sink<'a>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    values: usize,
    root: Option<Node>,
    documents: usize,
}

impl Tree<'_, '_> {
    fn read(mut self) -> Result<Option<Node>, Unreadable> {
        let options = granit_parser::options! { emit_comments: false };
        for event in Parser::new_from_str_with_options(self.sink.text(), options) {
            let (event, span) = match event {
                Ok(event) => event,
                Err(err) => {
                    let at = err
                        .marker()
                        .byte_offset()
                        .unwrap_or_default()
                        .min(self.sink.text().len());
                    self.sink
                        .error("yaml.syntax", &(at..at), format!("not YAML: {}", err.info()));
                    return Err(Unreadable);
                }
            };
            let span = span.byte_range().unwrap_or_default();
            self.take(event, span)?;
        }
        Ok(self.root)
    }

    fn take(&mut self, event: Event<'_>, span: Range<usize>) -> Result<(), Unreadable> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return self.fail(
                        "yaml.documents",
                        span,
                        "file has a second document",
                        "write one pipeline per file",
                    );
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                if tag.is_some() {
                    return self.tagged(span);
                }
                // The parser counts the blanks behind a text in block style as part of it.
                let written = self.sink.text().get(span.clone()).unwrap_or_default().trim_end();
                let span = span.start..span.start + written.len();
                let kind = scalar(text.into_owned(), style);
                self.add(
                    Node {
                        kind,
                        span,
                        block: false,
                    },
                    anchor,
                )
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.begin(Kind::List(Vec::new()), style, anchor, tag.is_some(), span)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.begin(Kind::Map(Vec::new()), style, anchor, tag.is_some(), span)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(mut open) = self.open.pop() else {
                    return Ok(());
                };
                if !open.node.block {
                    open.node.span.end = span.end.max(open.node.span.end);
                }
                self.close(open.node, open.anchor)
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => self.fail(
                "yaml.alias",
                span,
                format!("`*{name}` names no anchor"),
                "write `&NAME` before the value it stands for",
            ),
            _ => Ok(()),
        }
    }

    fn begin(
        &mut self,
        kind: Kind,
        style: StructureStyle,
        anchor: usize,
        tagged: bool,
        span: Range<usize>,
    ) -> Result<(), Unreadable> {
        if tagged {
            return self.tagged(span);
        }
        if self.open.len() >= YAML_DEPTH_MAX {
            return self.too_deep(span);
        }
        self.count(1, &span)?;
        let block = style == StructureStyle::Block;
        self.open.push(Open {
            node: Node { kind, span, block },
            anchor,
            key: None,
        });
        Ok(())
    }

    /// A whole value with everything in it: a scalar, or a copy of what an alias stands for.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Unreadable> {
        let (values, height) = node.size();
        self.count(values, &node.span)?;
        if self.open.len() + height > YAML_DEPTH_MAX + 1 {
            return self.too_deep(node.span);
        }
        self.close(node, anchor)
    }

    /// Puts a finished value where it belongs.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), Unreadable> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut parent.node.kind, parent.key.take()) {
            (Kind::List(items), _) => items.push(node),
            (Kind::Map(entries), Some((key, key_span))) => {
                match entries.iter().find(|entry| entry.key == key) {
                    Some(first) => {
                        let line = self.sink.line(&first.key_span);
                        let message = format!("`{key}` is given twice; first on line {line}");
                        self.sink.error("yaml.duplicate-key", &key_span, message);
                    }
                    None => entries.push(Entry {
                        key,
                        key_span,
                        value: node,
                    }),
                }
            }
            (Kind::Map(entries), None) => {
                let key = match node.kind {
                    Kind::Text(key) => key,
                    Kind::Bool(value) => value.to_string(),
                    Kind::Number(number) => number.to_string(),
                    Kind::Null | Kind::List(_) | Kind::Map(_) => {
                        return self.fail("yaml.key", node.span, "a key must be text", "write `key: value`");
                    }
                };
                // A map in block style is pointed at by its first key.
                if parent.node.block && entries.is_empty() {
                    parent.node.span = node.span.clone();
                }
                parent.key = Some((key, node.span));
            }
            (Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_), _) => {}
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Range<usize>) -> Result<(), Unreadable> {
        match self.anchors.get(&anchor) {
            Some(node) => {
                // Counted before it is copied: a file of a few lines can stand for billions of values.
                let (values, _) = node.size();
                if self.values + values > YAML_VALUES_MAX {
                    return self.too_many(&span);
                }
                self.add(node.clone(), 0)
            }
            None => self.fail(
                "yaml.alias",
                span,
                "the alias stands for a value that it is part of",
                "write the value out",
            ),
        }
    }

    fn count(&mut self, values: usize, span: &Range<usize>) -> Result<(), Unreadable> {
        self.values += values;
        if self.values > YAML_VALUES_MAX {
            self.too_many(span)
        } else {
            Ok(())
        }
    }

    fn too_many(&self, span: &Range<usize>) -> Result<(), Unreadable> {
        let message = format!("file has more than {YAML_VALUES_MAX} values, counting those behind aliases");
        self.fail(
            "yaml.values",
            span.clone(),
            message,
            "write less, or split the pipeline",
        )
    }

    fn too_deep(&self, span: Range<usize>) -> Result<(), Unreadable> {
        let message = format!("maps and lists nest more than {YAML_DEPTH_MAX} deep");
        self.fail("yaml.depth", span, message, "no field of a pipeline is that deep")
    }

    fn tagged(&self, span: Range<usize>) -> Result<(), Unreadable> {
        self.fail(
            "yaml.tag",
            span,
            "tags have no meaning in a pipeline file",
            "write the plain value, in quotes if it is text",
        )
    }

    fn fail(
        &self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        help: &str,
    ) -> Result<(), Unreadable> {
        fail(self.sink, code, span, message, help)
    }
}

/// YAML 1.2 core schema: `no`, `on` and `12:30` are text.
fn scalar(text: String, style: ScalarStyle) -> Kind {
    if style != ScalarStyle::Plain {
        return Kind::Text(text);
    }
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        _ => {}
    }
    let looks_numeric = text
        .trim_start_matches(['-', '+', '.'])
        .starts_with(|c: char| c.is_ascii_digit());
    let number = if let Ok(whole) = text.parse::<i64>() {
        Some(Number::from(whole))
    } else if let Ok(whole) = text.parse::<u64>() {
        Some(Number::from(whole))
    } else if looks_numeric {
        text.parse::<f64>().ok().and_then(Number::from_f64)
    } else {
        None
    };
    number.map_or(Kind::Text(text), Kind::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Node {
        let sink = Sink::new("t.yaml", text);
        let Ok(node) = read(&sink) else {
            panic!("{:?}", sink.finish().0)
        };
        node.unwrap()
    }

    #[test]
    fn every_value_knows_its_text() {
        let text = "\u{feff}a: [1, \"zwei ü\"]\nb:\n  c: {d: e}\n  'f': |\n    g\nh:\n- i: 1\n";
        let node = tree(text);
        let shown = |node: &Node| &text[node.span.clone()];
        let a = node.get("a").unwrap();
        assert_eq!(
            (&text[a.key_span.clone()], shown(&a.value)),
            ("a", "[1, \"zwei ü\"]")
        );
        assert_eq!(shown(&a.value.items()[1]), "\"zwei ü\"");
        let b = node.get("b").unwrap();
        assert_eq!((&text[b.at().clone()], shown(&b.value)), ("b", "c"));
        assert_eq!(shown(&b.value.get("c").unwrap().value), "{d: e}");
        assert_eq!(b.value.get("f").unwrap().value.text(), Some("g\n"));
        assert_eq!(shown(&node.get("h").unwrap().value.items()[0]), "i");
    }

    #[test]
    fn an_alias_stands_for_a_copy() {
        let node = tree("a: &x {y: 1}\nb: *x\n");
        assert_eq!(node.json(), serde_json::json!({"a": {"y": 1}, "b": {"y": 1}}));
    }

    #[test]
    fn plain_words_are_read_as_yaml_1_2_has_it() {
        let node = tree("[no, 12:30, 5%, 1e3, -5s, 007, ~, inf, \"1\", 0x1F]");
        let json = serde_json::json!(["no", "12:30", "5%", 1000.0, "-5s", 7, null, "inf", "1", "0x1F"]);
        assert_eq!(node.json(), json);
    }

    #[test]
    fn a_place_within_a_text_is_found_through_quotes() {
        let text = "a: \"change.breking\"\n";
        let node = tree(text);
        let place = |offset| node.get("a").unwrap().value.place(text, offset);
        assert_eq!((place(7), place(14)), (11..12, 18..18));
    }

    #[test]
    fn a_place_within_a_text_is_found_through_folding() {
        let text = "a: >-\n  one &&\n  two\nb: 1\n";
        let node = tree(text);
        let a = &node.get("a").unwrap().value;
        assert_eq!(a.text(), Some("one && two"));
        assert_eq!(&text[a.place(text, 7)], "t");
        assert_eq!(&text[a.span.clone()], "one &&\n  two");
    }
}
