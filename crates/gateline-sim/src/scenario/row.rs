//! Rows: one command of a scenario, as words, pairs and perhaps a text below it.

use std::fmt::Display;
use std::str::FromStr;

/// Words that take the next one with them: `to production` is the pair `to=production`.
const PREPOSITIONS: [&str; 6] = ["to", "by", "in", "until", "from", "for"];

/// Why a scenario cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}; {meant}")]
pub struct ScenarioError {
    /// The scenario, as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What was probably meant.
    pub meant: String,
}

/// One command.
#[derive(Debug, Clone)]
pub(super) struct Row {
    file: String,
    pub line: usize,
    pub text: String,
    words: Vec<String>,
    pairs: Vec<(String, String)>,
    /// The lines between `<<END` and `END`.
    pub body: Option<String>,
}

impl Row {
    /// Reads one line.
    pub(super) fn read(file: &str, line: usize, text: &str) -> Result<Self, ScenarioError> {
        let mut row = Self {
            file: file.to_owned(),
            line,
            text: text.to_owned(),
            words: Vec::new(),
            pairs: Vec::new(),
            body: None,
        };
        let mut tokens = tokens(text)
            .map_err(|what| row.error(what, "close the quotation"))?
            .into_iter();
        while let Some(token) = tokens.next() {
            if PREPOSITIONS.contains(&token.as_str()) && !row.words.is_empty() {
                let Some(next) = tokens.next() else {
                    return Err(row.error(format!("nothing follows `{token}`"), "name what it stands before"));
                };
                row.pairs.push((token, next));
            } else if let Some((key, value)) = token.split_once('=') {
                row.pairs.push((key.to_owned(), value.to_owned()));
            } else {
                row.words.push(token);
            }
        }
        Ok(row)
    }

    pub(super) fn verb(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    pub(super) fn error(&self, what: impl Into<String>, meant: impl Into<String>) -> ScenarioError {
        ScenarioError {
            file: self.file.clone(),
            line: self.line,
            what: what.into(),
            meant: meant.into(),
        }
    }

    /// Refuses pairs that the verb does not know, and more words than it takes.
    pub(super) fn only(&self, words_max: usize, pairs: &[&str]) -> Result<(), ScenarioError> {
        if let Some((key, _)) = self.pairs.iter().find(|(key, _)| !pairs.contains(&key.as_str())) {
            let known = if pairs.is_empty() {
                "nothing".to_owned()
            } else {
                pairs.join(", ")
            };
            return Err(self.error(
                format!("`{}` knows no `{key}`", self.verb()),
                format!("it knows {known}"),
            ));
        }
        match self.words.get(words_max + 1) {
            Some(extra) => Err(self.error(
                format!("`{}` has no use for `{extra}`", self.verb()),
                "leave it out, or put quotation marks around a text",
            )),
            None => Ok(()),
        }
    }

    /// The word after the verb, or the one after that.
    pub(super) fn word(&self, index: usize, what: &str) -> Result<&str, ScenarioError> {
        let word = self.words.get(index + 1).map(String::as_str);
        word.ok_or_else(|| {
            self.error(
                format!("`{}` needs {what}", self.verb()),
                format!("write {what} as its word {}", index + 1),
            )
        })
    }

    pub(super) fn has(&self, flag: &str) -> bool {
        self.words.iter().skip(1).any(|word| word == flag)
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn need(&self, key: &str) -> Result<&str, ScenarioError> {
        self.get(key).ok_or_else(|| {
            self.error(
                format!("`{}` needs `{key}`", self.verb()),
                format!("write `{key}=..` or `{key} ..`"),
            )
        })
    }

    /// Reads a value.
    pub(super) fn parse<T: FromStr<Err: Display>>(&self, text: &str) -> Result<T, ScenarioError> {
        text.parse().map_err(|err: T::Err| {
            let err = err.to_string();
            let (what, meant) = err.split_once(": ").unwrap_or((&err, "write another value"));
            self.error(what, meant)
        })
    }

    /// Reads the value of a pair, if it is there.
    pub(super) fn value<T: FromStr<Err: Display>>(&self, key: &str) -> Result<Option<T>, ScenarioError> {
        self.get(key).map(|text| self.parse(text)).transpose()
    }
}

/// Splits at white space; quotation marks keep it.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut token = String::new();
    let (mut quoted, mut begun) = (false, false);
    for letter in text.chars() {
        match letter {
            '"' => (quoted, begun) = (!quoted, true),
            space if space.is_whitespace() && !quoted => {
                if begun {
                    tokens.push(std::mem::take(&mut token));
                }
                begun = false;
            }
            other => {
                token.push(other);
                begun = true;
            }
        }
    }
    if quoted {
        return Err("a quotation is not closed".to_owned());
    }
    if begun {
        tokens.push(token);
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prepositions_and_pairs_are_the_same_thing() {
        let row = Row::read(
            "x",
            1,
            r#"promote 1.0.0 to production by=ana reason="it is time""#,
        )
        .unwrap();
        assert_eq!(row.verb(), "promote");
        assert_eq!(row.word(0, "a release").unwrap(), "1.0.0");
        assert_eq!((row.get("to"), row.get("by")), (Some("production"), Some("ana")));
        assert_eq!(row.get("reason"), Some("it is time"));
    }

    #[test]
    fn a_mistake_is_named_with_its_line_and_what_was_meant() {
        let row = Row::read("x.scenario", 7, "advance").unwrap();
        let error = row.word(0, "a duration").unwrap_err().to_string();
        assert_eq!(
            error,
            "x.scenario:7: `advance` needs a duration; write a duration as its word 1"
        );
        let error = Row::read("x", 1, "say \"oh").unwrap_err().to_string();
        assert_eq!(error, "x:1: a quotation is not closed; close the quotation");
        let row = Row::read("x", 2, "crash hard why=not").unwrap();
        assert!(
            row.only(1, &[])
                .unwrap_err()
                .to_string()
                .contains("knows no `why`")
        );
        assert!(
            row.only(0, &["why"])
                .unwrap_err()
                .to_string()
                .contains("no use for `hard`")
        );
    }
}
