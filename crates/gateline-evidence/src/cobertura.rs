//! Cobertura XML: packages of classes with their lines, in the dialects of coverage.py, istanbul (vitest), coverlet and
//! gcovr.
//!
//! Layout: coverage-04.dtd, which tools name and nobody fetches. Lines of one file are one set, however many classes it
//! holds. A class lists its lines itself; the lines of its methods stand in only where it does not. Knows no source
//! file: paths are not opened, and `source` folders are not put before them.

use crate::coverage::{Coverage, is_hit, key_of};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::text;
use crate::xml::{Attributes, Doctype, Piece, Xml};

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "cobertura",
    kind: "coverage",
    title: "Cobertura XML, as pytest-cov, vitest, coverlet and gcovr write it",
    // Clover has the same root and no rates.
    knows: |head| head.has_root(&["coverage"]) && head.text.contains("line-rate"),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut xml = Xml::new(input, &["coverage"], Doctype::PassedOver)?;
    let mut cobertura = Cobertura::default();
    while let Some(piece) = xml.next()? {
        match piece {
            Piece::Start(tag) => {
                let started = cobertura.start(tag.name(), &tag.attributes()?);
                started.map_err(|reason| Fault::malformed(tag.at, reason))?;
            }
            Piece::End => cobertura.end(),
            Piece::Text(_) | Piece::Nothing => {}
        }
    }
    Ok(cobertura.into_body())
}

/// An open element.
enum Element {
    Class,
    Method,
    Lines,
    Other,
}

#[derive(Default)]
struct Cobertura {
    coverage: Coverage,
    open: Vec<Element>,
    class: Class,
    /// Lines that the report says it has, and those that it lists.
    said: Option<u64>,
    listed: u64,
}

/// The class that is open.
#[derive(Default)]
struct Class {
    name: String,
    file: usize,
    /// Whether it lists lines itself.
    has_lines: bool,
    /// Lines of its methods.
    of_methods: Vec<(u32, bool)>,
    /// The method that is open: its key, and whether one of its lines was reached.
    method: Option<(u64, Option<bool>)>,
}

impl Cobertura {
    fn start(&mut self, name: &str, attributes: &Attributes<'_>) -> Result<(), String> {
        let element = match (name, self.open.last()) {
            ("coverage", None) => {
                self.said = attributes
                    .get("lines-valid")
                    .and_then(|said| said.trim().parse().ok());
                Element::Other
            }
            ("class", Some(Element::Other)) => {
                let path = attributes.get("filename").unwrap_or_default();
                if path.is_empty() {
                    return Err("a class has no `filename`".to_owned());
                }
                self.class = Class {
                    name: attributes.get("name").unwrap_or_default().to_owned(),
                    file: self.coverage.file(path),
                    ..Class::default()
                };
                Element::Class
            }
            ("method", Some(Element::Class)) => {
                let [name, signature] = ["name", "signature"].map(|key| attributes.get(key));
                self.class.method = Some((key_of((&self.class.name, name, signature)), None));
                Element::Method
            }
            ("lines", Some(Element::Class | Element::Method)) => Element::Lines,
            ("line", Some(Element::Lines)) => {
                self.line(attributes)?;
                Element::Other
            }
            ("methods", Some(Element::Class)) => Element::Class,
            _ => Element::Other,
        };
        self.open.push(element);
        Ok(())
    }

    fn line(&mut self, attributes: &Attributes<'_>) -> Result<(), String> {
        let word = |name: &str| attributes.get(name).unwrap_or_default().trim();
        let number: u32 = word("number")
            .parse()
            .map_err(|_| bad("number", word("number")))?;
        let hit = is_hit(word("hits")).ok_or_else(|| bad("hits", word("hits")))?;
        if let Some((_, entered)) = &mut self.class.method {
            *entered = Some(entered.unwrap_or(false) || hit);
            self.class.of_methods.push((number, hit));
            return Ok(());
        }
        self.class.has_lines = true;
        self.listed += 1;
        let file = self.coverage.of(self.class.file);
        file.line(number, hit);
        // `50% (1/2)`, where the line branches.
        let condition = attributes.get("condition-coverage").unwrap_or_default();
        let of = condition
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(')'));
        if let Some((taken, found)) = of.and_then(|(of, _)| of.split_once('/')) {
            let count = |text: &str| {
                text.trim()
                    .parse()
                    .map_err(|_| bad("condition-coverage", condition))
            };
            file.branches_of_line(number, count(taken)?, count(found)?)?;
        }
        Ok(())
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(Element::Method) => {
                if let Some((key, Some(entered))) = self.class.method.take() {
                    self.coverage.of(self.class.file).functions.add(key, entered);
                }
            }
            // The class itself, or its list of methods.
            Some(Element::Class) if !matches!(self.open.last(), Some(Element::Class)) => {
                let class = std::mem::take(&mut self.class);
                if !class.has_lines {
                    self.listed += class.of_methods.len() as u64;
                    let file = self.coverage.of(class.file);
                    for (number, hit) in class.of_methods {
                        file.line(number, hit);
                    }
                }
            }
            Some(Element::Class | Element::Lines | Element::Other) | None => {}
        }
    }

    fn into_body(self) -> Body {
        let Cobertura { said, listed, .. } = self;
        let contradiction = said.filter(|said| *said > listed);
        let reason = contradiction.map(|said| format!("the report says {said} lines, but lists {listed}"));
        self.coverage.into_body(reason, Warnings::default())
    }
}

fn bad(name: &str, value: &str) -> String {
    format!("the `{name}` of a line is `{}`", text::one_line(value, 40))
}
