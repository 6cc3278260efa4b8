//! The page and the table of gate kinds, from `gateline_core::gates` and the heads of its files.

use gateline_core::gates::{GateKind, KINDS, Place};
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::head;
use super::table::{cell, fields, forms};

/// Where a kind's file stands.
const FILES: &str = "crates/gateline-core/src/gates";

/// The table for the README.
pub fn table() -> String {
    let mut text = "| kind | satisfied when | written |\n|---|---|---|\n".to_owned();
    for kind in KINDS {
        let link = format!("[`{0}`](docs/reference/gates.md#{0})", kind.name);
        text.push_str(&format!(
            "| {link} | {} | {} |\n",
            cell(kind.summary),
            written(kind)
        ));
    }
    text
}

/// What each gate may say besides its kind's settings.
const EVERY_GATE: &str = "
## Every gate

Beside the kind with its settings, as in `- coverage: {lines: \">= 80%\"}`, a gate under `gates` or `verify` says:

| field | form | | meaning |
|---|---|---|---|
| `because` | string | required | Why the gate is there: people read it when it holds them. |
| `name` | GateName | default: the kind, with `-` for `_` | Its name in the stage; two gates of one kind need two names. |
| `mode` | `enforce`, `advise` | default `enforce` | `advise`: its verdict is recorded and shown, and keeps nobody out. |
| `max_age` | Span | optional | How old reported evidence may be, at the decision and again at admission. |
| `owner` | string | optional | Who answers for the gate: a team or a person. |
| `runbook` | string | optional | Where it is written what to do when it is not satisfied. |
| `at_risk` | map of levels | optional | Settings that replace the others from this level of [risk](../guides/risk.md) on, as in `{high: {lines: \">= 90%\"}}`. |
";

/// The page of the reference.
pub fn page() -> String {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let schemas: Vec<Value> = KINDS
        .iter()
        .map(|kind| (kind.schema)(&mut generator).to_value())
        .collect();
    let definitions = Value::Object(generator.take_definitions(true));
    let mut text = head(
        "Gate kinds",
        "`gateline_core::gates`",
        "Every gate needs a `because`: the sentence that people read when it holds them. All gates of a stage are always\n\
         judged, so that every reason is seen at once. Missing, stale or unreadable evidence is never a pass: the gate waits\n\
         and says what it waits for. In the tables, `[]` stands for each item of a list and `*` for each name of a map;\n\
         the [forms](#forms) are told at the end.",
    );
    text.push_str(EVERY_GATE);
    for (kind, schema) in KINDS.iter().zip(&schemas) {
        text.push_str(&format!(
            "\n## `{}`\n\n{}\n\nWritten: {}.\n",
            kind.name,
            about(kind),
            written(kind)
        ));
        text.push_str(&fields(schema, &definitions));
        let codes = codes(&source(kind));
        if !codes.is_empty() {
            text.push_str(&format!("\nReason codes of its own: {}.\n", codes.join(", ")));
        }
    }
    text.push_str("\n## Forms\n\n| form | meaning |\n|---|---|\n");
    text.push_str(&forms(&definitions));
    text
}

fn written(kind: &GateKind) -> &'static str {
    match kind.place {
        Place::Entry => "under `gates`",
        Place::EntryAndVerify => "under `gates` or `verify`",
        Place::Stage => "by another field of the stage",
    }
}

fn source(kind: &GateKind) -> String {
    let path = crate::root().join(FILES).join(format!("{}.rs", kind.name));
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The head of the kind's file, without its first line's name.
fn about(kind: &GateKind) -> String {
    let source = source(kind);
    let head: Vec<&str> = source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim)
        .collect();
    head.join("\n")
}

/// The reason codes that a kind's file gives, as in `"soak.running"`, in their order.
fn codes(source: &str) -> Vec<String> {
    let mut codes = Vec::new();
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    for said in ["Says::satisfied(", "Says::waiting(", "Says::refused("] {
        for rest in code.split(said).skip(1) {
            let literal = rest
                .trim_start()
                .strip_prefix('"')
                .and_then(|rest| rest.split('"').next());
            codes.extend(literal.map(|code| format!("`{code}`")));
        }
    }
    codes.sort();
    codes.dedup();
    codes
}
