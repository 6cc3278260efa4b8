//! JaCoCo XML: groups of packages with their source files, lines and counters.
//!
//! Layout: JaCoCo's report.dtd, which every report names and nobody fetches. A line is reached if any of its
//! instructions is, as JaCoCo itself counts. Lines come from `line`; the counters stand in only for files without
//! lines. A file is known as `package/file`, since the report tells no folder.

use crate::coverage::Coverage;
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::xml::{Attributes, Doctype, Piece, Xml};

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "jacoco",
    kind: "coverage",
    title: "JaCoCo XML, as its Maven, Gradle and Ant tasks write it",
    knows: |head| {
        let signs = ["-//JACOCO//DTD", "<sessioninfo", "<counter"];
        head.has_root(&["report"]) && signs.iter().any(|sign| head.text.contains(sign))
    },
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut xml = Xml::new(input, &["report"], Doctype::PassedOver)?;
    let mut jacoco = Jacoco::default();
    while let Some(piece) = xml.next()? {
        match piece {
            Piece::Start(tag) => jacoco.start(tag.name(), &tag.attributes()?, tag.at)?,
            Piece::End => jacoco.end(),
            Piece::Text(_) | Piece::Nothing => {}
        }
    }
    Ok(jacoco.into_body())
}

/// An open element.
enum Element {
    /// `report` or `group`: whose counters sum up all below.
    Report,
    Package,
    File(Source),
    Other,
}

/// A source file that is open.
struct Source {
    file: usize,
    lines: u64,
    branches: u64,
    /// Found and hit, as its counters say.
    said_lines: (u64, u64),
    said_branches: (u64, u64),
}

#[derive(Default)]
struct Jacoco {
    coverage: Coverage,
    open: Vec<Element>,
    package: String,
    /// Lines that the whole report says it has, and those that its files have.
    said: u64,
    listed: u64,
}

impl Jacoco {
    fn start(&mut self, name: &str, attributes: &Attributes<'_>, at: usize) -> Result<(), Fault> {
        let nested = self.open.len();
        let own_name = || attributes.get("name").unwrap_or_default();
        let element = match (name, self.open.last_mut()) {
            ("report", None) | ("group", Some(Element::Report)) => Element::Report,
            ("package", Some(Element::Report)) => {
                self.package = own_name().to_owned();
                Element::Package
            }
            ("sourcefile", Some(Element::Package)) => {
                let path = match self.package.as_str() {
                    "" => own_name().to_owned(),
                    package => format!("{package}/{}", own_name()),
                };
                Element::File(Source {
                    file: self.coverage.file(&path),
                    lines: 0,
                    branches: 0,
                    said_lines: (0, 0),
                    said_branches: (0, 0),
                })
            }
            ("line", Some(Element::File(source))) => {
                let number = |name: &str| attributes.number(name, at);
                let nr = u32::try_from(number("nr")?).map_err(|_| Fault::malformed(at, "no such line"))?;
                let file = self.coverage.of(source.file);
                file.line(nr, number("ci")? > 0);
                source.lines += 1;
                let (missed, hit) = (number("mb")?, number("cb")?);
                file.branches_of_line(nr, hit, missed.saturating_add(hit))
                    .map_err(|reason| Fault::malformed(at, reason))?;
                source.branches += missed.saturating_add(hit);
                Element::Other
            }
            ("counter", Some(parent @ (Element::File(_) | Element::Report))) => {
                let (missed, hit) = (
                    attributes.number("missed", at)?,
                    attributes.number("covered", at)?,
                );
                let found = missed.saturating_add(hit);
                match (parent, attributes.get("type").unwrap_or_default()) {
                    (Element::File(source), "LINE") => source.said_lines = (found, hit),
                    (Element::File(source), "BRANCH") => source.said_branches = (found, hit),
                    (Element::File(source), "METHOD") => {
                        self.coverage.of(source.file).functions.add_bare(found, hit);
                    }
                    // The sums of groups are in that of the report.
                    (Element::Report, "LINE") if nested == 1 => self.said = found,
                    _ => {}
                }
                Element::Other
            }
            _ => Element::Other,
        };
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) {
        if let Some(Element::File(source)) = self.open.pop() {
            let file = self.coverage.of(source.file);
            if source.lines == 0 {
                file.lines.add_bare(source.said_lines.0, source.said_lines.1);
                self.listed = self.listed.saturating_add(source.said_lines.0);
            }
            if source.branches == 0 {
                file.branches
                    .add_bare(source.said_branches.0, source.said_branches.1);
            }
            self.listed = self.listed.saturating_add(source.lines);
        }
    }

    fn into_body(self) -> Body {
        let Jacoco { said, listed, .. } = self;
        let reason =
            (said > listed).then(|| format!("the report says {said} lines, but its files have {listed}"));
        self.coverage.into_body(reason, Warnings::default())
    }
}
