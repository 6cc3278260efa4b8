//! Pages: the text of a `/metrics` page, read line by line into series.
//!
//! Timestamps and exemplars are checked for form and dropped. Knows no query.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// Longest line of a page, in bytes.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// Most series on one page.
pub const SERIES_MAX: usize = 100_000;

/// The two text forms that a page can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// OpenMetrics 1.0: ends with `# EOF`.
    Openmetrics,
    /// Prometheus text 0.0.4: ends with a line end.
    Text,
}

/// What a page said at one moment.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) series: Vec<Series>,
    /// The declared type of each metric family.
    kinds: HashMap<String, String>,
}

/// One line with a number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) labels: Labels,
    pub(super) value: f64,
}

/// Labels of a series, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Labels(pub(super) BTreeMap<String, String>);

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        write!(f, "{{{}}}", labels.join(", "))
    }
}

/// Why a text is not a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PageError {
    #[error("it is not UTF-8 text; give the address of the metrics")]
    NotText,
    #[error("line {line} does not read as a metric, {why}: `{shown}`; give the address of the metrics")]
    Line {
        line: usize,
        why: &'static str,
        shown: String,
    },
    #[error("line {0} is longer than {LINE_BYTES_MAX} bytes; drop that series")]
    LongLine(usize),
    #[error("it has more than {SERIES_MAX} series; let the exporter drop labels")]
    ManySeries,
    #[error("it was cut off: {0} is missing; look at what serves it")]
    CutOff(&'static str),
    #[error("line {0} comes after `# EOF`; look at what serves it")]
    AfterEnd(usize),
}

impl Page {
    /// Reads a whole page; one bad line spoils all of it.
    pub(super) fn read(body: &[u8], form: Form) -> Result<Self, PageError> {
        let text = std::str::from_utf8(body).map_err(|_| PageError::NotText)?;
        let mut page = Self::default();
        let mut ended = false;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            if line.len() > LINE_BYTES_MAX {
                return Err(PageError::LongLine(number));
            }
            if line.trim().is_empty() {
                continue;
            }
            if ended {
                return Err(PageError::AfterEnd(number));
            }
            if let Some(comment) = line.strip_prefix('#') {
                ended = form == Form::Openmetrics && comment == " EOF";
                page.note(comment);
                continue;
            }
            let series = sample(line).map_err(|why| {
                let shown = line.chars().take(80).collect();
                PageError::Line {
                    line: number,
                    why,
                    shown,
                }
            })?;
            if page.series.len() == SERIES_MAX {
                return Err(PageError::ManySeries);
            }
            page.series.push(series);
        }
        match form {
            Form::Openmetrics if !ended => Err(PageError::CutOff("the last line `# EOF`")),
            Form::Text if !text.ends_with('\n') => Err(PageError::CutOff("the end of its last line")),
            Form::Openmetrics | Form::Text => Ok(page),
        }
    }

    /// The declared type of a metric, by its own name or its family's.
    pub(super) fn kind(&self, name: &str) -> Option<&str> {
        let families = ["_total", "_bucket", "_count", "_sum"]
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix));
        std::iter::once(name)
            .chain(families)
            .find_map(|family| self.kinds.get(family))
            .map(String::as_str)
    }

    fn note(&mut self, comment: &str) {
        let mut words = comment.split_whitespace();
        if let (Some("TYPE"), Some(family), Some(kind)) = (words.next(), words.next(), words.next()) {
            self.kinds.insert(family.to_owned(), kind.to_owned());
        }
    }
}

fn sample(line: &str) -> Result<Series, &'static str> {
    let (name, rest) = name(line).ok_or("it does not begin with a name")?;
    let (labels, rest) = labels(rest)?;
    let mut words = rest.split_whitespace();
    if !rest.starts_with([' ', '\t']) {
        return Err("no space comes before its number");
    }
    let value = words.next().and_then(number).ok_or("it has no number")?;
    match words.next() {
        None => {}
        Some(word) if word.starts_with('#') => {}
        Some(time) => {
            number(time).ok_or("its time is no number")?;
            if words.next().is_some_and(|word| !word.starts_with('#')) {
                return Err("something comes after its time");
            }
        }
    }
    Ok(Series {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// A number as both forms write it; Rust reads a few spellings more.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// The name that a text begins with, and what follows it.
pub(super) fn name(text: &str) -> Option<(&str, &str)> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c| !legal(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let begins_well = name.starts_with(|c: char| !c.is_ascii_digit());
    begins_well.then_some((name, rest))
}

/// The labels in braces that a text begins with, if any, and what follows them.
pub(super) fn labels(text: &str) -> Result<(Labels, &str), &'static str> {
    let mut labels = Labels::default();
    let Some(mut rest) = text.strip_prefix('{') else {
        return Ok((labels, text));
    };
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((labels, after));
        }
        let (label, after) = name(rest).ok_or("a label has no name")?;
        let after = after.trim_start().strip_prefix('=').ok_or("a label has no `=`")?;
        let after = after
            .trim_start()
            .strip_prefix('"')
            .ok_or("a label's value is not quoted")?;
        let (value, after) = quoted(after).ok_or("a label's value does not end")?;
        if labels.0.insert(label.to_owned(), value).is_some() {
            return Err("a label comes twice");
        }
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(after) => after,
            None if after.starts_with('}') => after,
            None => return Err("its labels do not end"),
        };
    }
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                escaped @ ('\\' | '"') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn read(text: &str) -> Result<Page, PageError> {
        Page::read(text.as_bytes(), Form::Text)
    }

    #[test]
    fn every_part_of_a_line_is_read() {
        let page = read("# TYPE a counter\n# HELP a b\n\na_total{x=\"1\\\"\\\\\\n\", y=\"z\",} 5e3 1700000000 # {t=\"x\"} 1\n").unwrap();
        assert_eq!(page.series.len(), 1);
        let Series { name, labels, value } = &page.series[0];
        assert_eq!((name.as_str(), *value), ("a_total", 5_000.0));
        assert_eq!(labels.0["x"], "1\"\\\n");
        assert_eq!(labels.0["y"], "z");
        assert_eq!(page.kind("a_total"), Some("counter"));
        assert_eq!(page.kind("b"), None);
    }

    #[test_case("<html><body>down</body></html>\n", "does not begin with a name"; "a page for people is no metrics page")]
    #[test_case("a\n", "no space"; "a name without a number is refused")]
    #[test_case("a{x=\"1\"}5\n", "no space"; "a number must stand apart")]
    #[test_case("a five\n", "no number"; "a word is no number")]
    #[test_case("a{x=1} 5\n", "not quoted"; "a label must be quoted")]
    #[test_case("a{x=\"1} 5\n", "does not end"; "a quote must be closed")]
    #[test_case("a{x=\"1\" y=\"2\"} 5\n", "labels do not end"; "labels are parted by commas")]
    #[test_case("a{x=\"1\",x=\"2\"} 5\n", "comes twice"; "a label has one value")]
    #[test_case("a 5 now\n", "time is no number"; "a time is a number")]
    #[test_case("a 5 6 7\n", "after its time"; "nothing but an exemplar follows the time")]
    #[test_case("a 12", "cut off"; "a last line without its end may lack digits")]
    #[test_case("", "cut off"; "an empty page is no page")]
    fn a_bad_page_is_refused(text: &str, why: &str) {
        let err = read(text).unwrap_err().to_string();
        assert!(err.contains(why), "{err}");
    }

    #[test]
    fn openmetrics_must_come_to_its_end() {
        let read = |text: &str| Page::read(text.as_bytes(), Form::Openmetrics);
        assert_eq!(read("a 1\n# EOF\n").unwrap().series.len(), 1);
        assert_eq!(
            read("a 1\n").unwrap_err(),
            PageError::CutOff("the last line `# EOF`")
        );
        assert_eq!(read("# EOF\na 1\n").unwrap_err(), PageError::AfterEnd(2));
        assert_eq!(
            Page::read(&[0xff, 0xfe], Form::Openmetrics).unwrap_err(),
            PageError::NotText
        );
    }

    #[test]
    fn a_page_over_a_limit_is_refused() {
        let long = format!("a{{x=\"{}\"}} 1\n", "x".repeat(LINE_BYTES_MAX));
        assert_eq!(read(&long).unwrap_err(), PageError::LongLine(1));
        assert_eq!(
            read(&"a 1\n".repeat(SERIES_MAX + 1)).unwrap_err(),
            PageError::ManySeries
        );
        assert!(read(&"a 1\n".repeat(SERIES_MAX)).is_ok());
    }

    #[test]
    fn a_spoilt_page_harms_nobody() {
        let page = b"# TYPE a counter\n# HELP a b\n# UNIT a seconds\na_total{x=\"1\\\"\\\\\\n\", y=\"z\",} 5e3 1700000000 # {t=\"x\"} 1\n\
            a_bucket{le=\"+Inf\"} 7\n# EOF\n";
        crate::spoilt::spoilt(&[page], |bytes| {
            for form in [Form::Text, Form::Openmetrics] {
                drop(Page::read(bytes, form));
            }
        });
    }
}
