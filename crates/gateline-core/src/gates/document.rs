//! Document: the change record has the fields that it must have, each by its rule.
//!
//! `document: {fields: {summary: {at_least: 20}, rollback_procedure: {at_least: 40}, ticket: {like: "PAY-*"}}}`, from JSON
//! reported with `--as json --type change-record`: an object of texts, or of lists of texts, where one of a list is enough. A
//! field `ticket` or `tickets` also has the tickets of the release itself. A blank text, or one that only keeps the place
//! (`tbd`, `n/a`, `-`), is none. A missing field is waited for; one against its rule refuses.

use std::collections::BTreeMap;

use gateline_model::Gate;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::custom::Custom;
use super::pattern::Pattern;
use super::{GateKind, GateView, Place, Says, observes_nothing, schema_of, with_params};

/// What people write where they have nothing to say, in lower case.
const PLACE_KEEPERS: [&str; 9] = ["-", "--", ".", "..", "...", "?", "n/a", "tba", "tbd"];

pub(super) const KIND: GateKind = GateKind {
    name: "document",
    summary: "The change record has the fields that it must have, each by its rule.",
    place: Place::Entry,
    check: |params| {
        let document = Document::deserialize(params).map_err(|err| err.to_string())?;
        match document.fields.is_empty() {
            true => Err("fields: it asks for none".to_owned()),
            false => Ok(()),
        }
    },
    schema: schema_of::<Document>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |document: Document| {
            let custom = Custom {
                of: "change-record",
                name: document.name.as_deref(),
                what: "change record",
            };
            let tickets = &view.release.release.change.tickets;
            // What the release itself says is enough where it is all that is asked.
            let alone = document.settle(&Map::new(), tickets);
            if alone
                .iter()
                .all(|(_, settled)| matches!(settled, Settled::Kept(_)))
            {
                return said(alone);
            }
            custom.judge(gate, view, |value| match value {
                Value::Object(record) => said(document.settle(record, tickets)),
                _ => Says::waiting("document.unreadable", "the change record is no object")
                    .changed_by("a reporter (CI)")
                    .next("report an object with a text for each field"),
            })
        })
    },
};

/// Parameters of the gate kind `document`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Document {
    /// The fields that the record must have, each with its rule; at least one.
    fields: BTreeMap<String, Rule>,
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
}

/// What a field must be. Without a rule, any text that says something.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FieldRule")]
struct Rule {
    /// Characters that it must have, without the space around it.
    #[serde(default)]
    at_least: usize,
    /// Pattern that all of it must fit; `*` stands for any text.
    #[serde(default)]
    like: Option<Pattern>,
    /// The texts that it may be; any where there is none.
    #[serde(default)]
    one_of: Vec<String>,
}

impl Rule {
    /// What is wrong with a text, if anything.
    fn breaks(&self, text: &str) -> Option<String> {
        let chars = text.chars().count();
        if chars < self.at_least {
            return Some(format!("{chars} characters, at least {}", self.at_least));
        }
        if let Some(like) = self.like.as_ref().filter(|like| !like.matches(text)) {
            return Some(format!("does not fit `{}`", like.text()));
        }
        let known = self.one_of.is_empty() || self.one_of.iter().any(|one| one == text);
        (!known).then(|| format!("is none of `{}`", self.one_of.join("`, `")))
    }
}

/// How a field stands.
#[derive(Debug, PartialEq, Eq)]
enum Settled {
    /// It keeps its rule, with so many characters.
    Kept(usize),
    Missing,
    /// It is against its rule, for this reason.
    Wrong(String),
}

impl Document {
    fn settle(&self, record: &Map<String, Value>, tickets: &[String]) -> Vec<(&str, Settled)> {
        let fields = self.fields.iter();
        fields
            .map(|(name, rule)| {
                let own = match name.as_str() {
                    "ticket" | "tickets" => tickets,
                    _ => &[],
                };
                let texts = record.get(name).map(texts).unwrap_or_default();
                let texts = texts.into_iter().chain(own.iter().map(String::as_str));
                (name.as_str(), settle_field(rule, texts))
            })
            .collect()
    }
}

/// One text that keeps the rule is enough; where none does, what is wrong with the first.
fn settle_field<'t>(rule: &Rule, texts: impl Iterator<Item = &'t str>) -> Settled {
    let mut wrong = None;
    for text in texts.map(str::trim).filter(|text| says_something(text)) {
        match rule.breaks(text) {
            None => return Settled::Kept(text.chars().count()),
            Some(why) => wrong = wrong.or(Some(why)),
        }
    }
    wrong.map_or(Settled::Missing, Settled::Wrong)
}

/// The texts of a value; other JSON is none.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

fn says_something(text: &str) -> bool {
    !text.is_empty() && !PLACE_KEEPERS.contains(&text.to_lowercase().as_str())
}

fn said(fields: Vec<(&str, Settled)>) -> Says {
    let total = fields.len();
    let names = |which: fn(&Settled) -> bool| -> Vec<&str> {
        let of = fields.iter().filter(|(_, settled)| which(settled));
        of.map(|(name, _)| *name).collect()
    };
    let missing = names(|settled| *settled == Settled::Missing);
    let wrong = names(|settled| matches!(settled, Settled::Wrong(_)));
    let kept = total - missing.len() - wrong.len();
    let mut parts = vec![format!(
        "{kept} of {total} fields of the change record are as they must be"
    )];
    for (word, names) in [("against their rule", &wrong), ("missing", &missing)] {
        if !names.is_empty() {
            parts.push(format!("{word}: {}", names.join(", ")));
        }
    }
    let text = parts.join("; ");
    let changed_by = "a new change record";
    let says = if !wrong.is_empty() {
        Says::refused("document.wrong", text)
            .changed_by(changed_by)
            .next("correct these fields and report the whole change record again")
    } else if !missing.is_empty() {
        Says::waiting("document.incomplete", text)
            .changed_by(changed_by)
            .next("write these fields and report the whole change record again")
    } else {
        Says::satisfied("document.complete", text)
    };
    let line = |(name, settled): &(&str, Settled)| match settled {
        Settled::Kept(_) => None,
        Settled::Missing => Some(format!("{name}: missing")),
        Settled::Wrong(why) => Some(format!("{name}: {why}")),
    };
    says.number("fields", kept as f64, "", Some(format!("== {total}")))
        .details(fields.iter().filter_map(line))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_case::test_case;

    use super::*;

    #[test_case(json!({}), json!("x"), None; "any text will do")]
    #[test_case(json!({}), json!("  "), Some("missing"); "a blank is none")]
    #[test_case(json!({}), json!("N/A"), Some("missing"); "what keeps the place is none")]
    #[test_case(json!({}), json!({"text": "x"}), Some("missing"); "an object is no text")]
    #[test_case(json!({"at_least": 3}), json!("\u{e4}\u{f6}\u{fc}"), None; "characters, not bytes")]
    #[test_case(json!({"at_least": 4}), json!(" \u{e4}\u{f6}\u{fc} "), Some("3 characters, at least 4"); "space around it is not counted")]
    #[test_case(json!({"like": "PAY-*"}), json!("OPS-1"), Some("does not fit `PAY-*`"))]
    #[test_case(json!({"like": "PAY-*"}), json!(["OPS-1", "PAY-2"]), None; "one of a list is enough")]
    #[test_case(json!({"one_of": ["low", "high"]}), json!("medium"), Some("is none of `low`, `high`"))]
    fn a_field_is_held_to_its_rule(rule: Value, value: Value, wrong: Option<&str>) {
        let document: Document =
            serde_json::from_value(json!({"fields": {"field": rule}})).expect("legal parameters");
        let record = Map::from_iter([("field".to_owned(), value)]);
        let settled = document.settle(&record, &["PAY-9".to_owned()]);
        let said = match &settled[0].1 {
            Settled::Kept(_) => None,
            Settled::Missing => Some("missing"),
            Settled::Wrong(why) => Some(why.as_str()),
        };
        assert_eq!(said, wrong);
    }

    #[test]
    fn a_ticket_of_the_release_itself_counts() {
        let document: Document = serde_json::from_value(json!({"fields": {"ticket": {"like": "PAY-*"}}}))
            .expect("legal parameters");
        let own = document.settle(&Map::new(), &["PAY-9".to_owned()]);
        assert_eq!(own, [("ticket", Settled::Kept(5))]);
        assert_eq!(document.settle(&Map::new(), &[]), [("ticket", Settled::Missing)]);
    }
}
