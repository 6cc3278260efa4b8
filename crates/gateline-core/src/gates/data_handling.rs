//! Data handling: a change that touches personal data has statements of who answers for privacy and access, not yet expired.
//!
//! `data_handling: {when_labels: [personal-data], when_paths: ["*/customers/*"], require: [privacy, access_control]}`, from JSON
//! reported with `--as json --type data-handling`:
//! `{"privacy": {"statement": "..", "owner": "dpo@example.com", "expires": "2027-01-31"}}`. A change touches personal data where it
//! has such a label (`NAME`, with any value but `false` and `no`, or `NAME=VALUE`), or where its reported diff has a file at such a
//! path; where a path is asked for and no diff is there, nobody knows, and it is waited for. Without a condition every change
//! does. A date counts to its end, in UTC.

use gateline_model::{Change, Facts, Found, Gate, PatchFile, Verdict};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::custom::Custom;
use super::pattern::Pattern;
use super::reported::{self, Wanted};
use super::{GateKind, GateView, Place, Says, observes_nothing, schema_of, with_params};

pub(super) const KIND: GateKind = GateKind {
    name: "data_handling",
    summary: "A change that touches personal data has statements on it, owned and not expired.",
    place: Place::Entry,
    check: |params| {
        let handling = DataHandling::deserialize(params).map_err(|err| err.to_string())?;
        match handling.require.is_empty() {
            true => Err("require: it asks for no statement".to_owned()),
            false => Ok(()),
        }
    },
    schema: schema_of::<DataHandling>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |handling: DataHandling| handling.judge(gate, view))
    },
};

/// Parameters of the gate kind `data_handling`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DataHandling {
    /// Labels of a change that touches personal data: `NAME`, or `NAME=VALUE`.
    #[serde(default)]
    when_labels: Vec<String>,
    /// Paths of files that handle personal data; `*` stands for any text. Needs the change as a reported diff.
    #[serde(default)]
    when_paths: Vec<Pattern>,
    /// The statements that must be there; at least one.
    require: Vec<String>,
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
}

/// Whether a change touches personal data.
#[derive(Debug, PartialEq, Eq)]
enum Touches {
    /// It does, for this reason.
    Yes(String),
    No,
    /// There is no diff to look at.
    NotKnown,
}

impl DataHandling {
    fn judge(&self, gate: &Gate, view: &GateView<'_>) -> Says {
        let wanted = Wanted {
            kind: "patch",
            format: None,
            name: None,
            what: "diff",
        };
        let patch = reported::newest(view.release, wanted);
        let files = patch.and_then(|(_, evidence)| match &evidence.found {
            Found::Facts {
                facts: Facts::Patch(patch),
            } => Some(patch.files.iter().flat_map(PatchFile::paths).collect()),
            Found::Facts { .. } | Found::Errored { .. } => None,
        });
        let why = match self.touches(&view.release.release.change, files) {
            Touches::Yes(why) => why,
            Touches::No => {
                return Says::satisfied(
                    "data_handling.not_touched",
                    "the change does not touch personal data",
                );
            }
            Touches::NotKnown => {
                return Says::waiting(
                    "data_handling.unknown",
                    "nobody knows whether the change touches personal data: its files are not known",
                )
                .changed_by("a reporter (CI)")
                .next(format!(
                    "make its diff, as in `git diff BASE..HEAD`, and {}",
                    reported::add(view, None)
                ));
            }
        };
        let custom = Custom {
            of: "data-handling",
            name: self.name.as_deref(),
            what: "statement on data handling",
        };
        custom.judge(gate, view, |value| match value {
            Value::Object(statements) => self.said(statements, &why, view.now),
            _ => Says::waiting("data_handling.unreadable", "the statements are no object")
                .changed_by("a reporter (CI)")
                .next("report them in the form that `gateline gate explain data_handling` shows"),
        })
    }

    fn touches(&self, change: &Change, files: Option<Vec<&str>>) -> Touches {
        if self.when_labels.is_empty() && self.when_paths.is_empty() {
            return Touches::Yes("every change is asked".to_owned());
        }
        let has = |asked: &&String| match asked.split_once('=') {
            Some((name, value)) => change.labels.get(name).is_some_and(|label| label == value),
            None => change
                .labels
                .get(asked.as_str())
                .is_some_and(|label| !matches!(label.trim(), "false" | "no")),
        };
        if let Some(label) = self.when_labels.iter().find(has) {
            return Touches::Yes(format!("it has the label `{label}`"));
        }
        if self.when_paths.is_empty() {
            return Touches::No;
        }
        let Some(files) = files else {
            return Touches::NotKnown;
        };
        let handles = |file: &&str| self.when_paths.iter().any(|pattern| pattern.matches(file));
        match files.into_iter().find(handles) {
            Some(file) => Touches::Yes(format!("it changes {file}")),
            None => Touches::No,
        }
    }

    fn said(&self, statements: &Map<String, Value>, why: &str, now: Timestamp) -> Says {
        let total = self.require.len();
        let mut ends = Vec::new();
        let (mut missing, mut expired) = (Vec::new(), Vec::new());
        for name in &self.require {
            match read(statements.get(name)) {
                Err(what) => missing.push(format!("{name}: {what}")),
                Ok((owner, end)) if end <= now => {
                    expired.push(format!("{name}: expired at {end}, owned by {owner}"))
                }
                Ok((owner, end)) => ends.push((end, format!("{name}: owned by {owner}, expires at {end}"))),
            }
        }
        let counts = format!("{} of {total} statements are in force; {why}", ends.len());
        let report = "report all statements again";
        let says = if !expired.is_empty() {
            Says::refused(
                "data_handling.expired",
                format!("{counts}; expired: {}", names(&expired)),
            )
            .changed_by("the owner of the statement")
            .next(format!("let its owner look at it anew, and {report}"))
        } else if !missing.is_empty() {
            Says::waiting(
                "data_handling.incomplete",
                format!("{counts}; missing: {}", names(&missing)),
            )
            .changed_by("whoever answers for the data")
            .next(format!("write what is missing, and {report}"))
        } else {
            Says::satisfied("data_handling.stated", counts)
        };
        let says = says.number("statements", ends.len() as f64, "", Some(format!("== {total}")));
        ends.sort();
        let holds = says.verdict == Verdict::Satisfied;
        let says = match ends.first().filter(|_| holds) {
            Some((end, _)) => says.until(*end),
            None => says,
        };
        says.details(
            expired
                .into_iter()
                .chain(missing)
                .chain(ends.into_iter().map(|(_, line)| line)),
        )
    }
}

/// The names in front of the lines.
fn names(lines: &[String]) -> String {
    let names: Vec<&str> = lines.iter().filter_map(|line| line.split(':').next()).collect();
    names.join(", ")
}

/// The owner of a statement and when it ends; or what is wrong with it.
fn read(statement: Option<&Value>) -> Result<(&str, Timestamp), String> {
    let Some(Value::Object(statement)) = statement else {
        return Err("there is none".to_owned());
    };
    let text = |field: &str| {
        let text = statement.get(field).and_then(Value::as_str).map(str::trim);
        text.filter(|text| !text.is_empty())
    };
    text("statement").ok_or("it says nothing (`statement`)")?;
    let owner = text("owner").ok_or("nobody owns it (`owner`)")?;
    let expires = text("expires").ok_or("it does not say when it expires (`expires`)")?;
    let end = end_of(expires)
        .ok_or_else(|| format!("`{expires}` is no date: write `2027-01-31`, or a time with its zone"))?;
    Ok((owner, end))
}

/// The moment at which a date has passed, or the very moment.
fn end_of(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    // A time without a zone would be read as its date.
    let date = text
        .parse::<Date>()
        .ok()
        .filter(|date| date.to_string() == text)?;
    let next = date.checked_add(1.day()).ok()?;
    Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_case::test_case;

    use super::*;

    fn handling() -> DataHandling {
        let params = json!({
            "when_labels": ["personal-data", "area=crm"],
            "when_paths": ["src/customers/*"],
            "require": ["privacy"],
        });
        serde_json::from_value(params).expect("legal parameters")
    }

    #[test_case("personal-data", "true", Some(&["README.md"]), Touches::Yes("it has the label `personal-data`".to_owned()))]
    #[test_case("personal-data", "no", Some(&["README.md"]), Touches::No)]
    #[test_case("area", "crm", None, Touches::Yes("it has the label `area=crm`".to_owned()); "a label is enough")]
    #[test_case("area", "shop", None, Touches::NotKnown; "without a diff nobody knows")]
    #[test_case("area", "shop", Some(&["a", "src/customers/b"]), Touches::Yes("it changes src/customers/b".to_owned()))]
    fn labels_and_paths_tell_what_is_touched(
        name: &str,
        value: &str,
        files: Option<&[&str]>,
        expected: Touches,
    ) {
        let change = Change {
            labels: [(name.to_owned(), value.to_owned())].into(),
            ..Change::default()
        };
        assert_eq!(handling().touches(&change, files.map(<[&str]>::to_vec)), expected);
    }

    #[test_case("2027-01-31", Some("2027-02-01T00:00:00Z"); "a date counts to its end")]
    #[test_case("2027-01-31T12:00:00+01:00", Some("2027-01-31T11:00:00Z"))]
    #[test_case("2027-01-31T12:00:00", None; "a time without a zone is none")]
    #[test_case("31.01.2027", None)]
    #[test_case("9999-12-31", None; "a date without an end")]
    fn an_end_is_read(text: &str, expected: Option<&str>) {
        let expected = expected.map(|at| at.parse::<Timestamp>().expect("a time"));
        assert_eq!(end_of(text), expected);
    }

    #[test_case(json!({"statement": "s", "owner": "o", "expires": "2027-01-31"}), "data_handling.stated")]
    #[test_case(json!({"statement": "s", "owner": "o", "expires": "2025-12-31"}), "data_handling.expired")]
    #[test_case(json!({"statement": "s", "owner": " ", "expires": "2027-01-31"}), "data_handling.incomplete"; "nobody owns it")]
    #[test_case(json!({"statement": "s", "owner": "o"}), "data_handling.incomplete"; "it never expires")]
    #[test_case(json!("yes"), "data_handling.incomplete"; "no statement at all")]
    fn a_statement_must_be_owned_and_in_force(statement: Value, code: &str) {
        let now = "2026-01-01T00:00:00Z".parse().expect("a time");
        let statements = Map::from_iter([("privacy".to_owned(), statement)]);
        assert_eq!(handling().said(&statements, "why", now).code, code);
    }
}
