//! Gates as people write them: one kind with its settings, and the reason.
//! The kinds and their settings are a table elsewhere; this file knows none of them by name.

use std::collections::BTreeMap;
use std::ops::Range;

use gateline_core::gates::{KINDS, Place as KindPlace};
use gateline_model::limits::{GATES_MAX, TEXT_BYTES_MAX};
use gateline_model::{Gate, GateMode, GateName, Risk, Span};
use serde_json::Value;

use crate::artifact::names;
use crate::diagnostic::{Sink, what_and_rule};
use crate::fields::Fields;
use crate::nearest::meant;
use crate::node::{Entry, Kind, Node};

/// Fields of a gate besides its kind.
const COMMON_FIELDS: [&str; 7] = [
    "at_risk", "because", "max_age", "mode", "name", "owner", "runbook",
];

/// The lists of gates on a stage.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Entry,
    Before,
    During,
    Verify,
    Watch,
}

impl Place {
    /// The field of the stage.
    fn field(self) -> &'static str {
        match self {
            Place::Entry | Place::Watch => "gates",
            Place::Before => "before",
            Place::During => "during",
            Place::Verify => "verify",
        }
    }

    /// The kinds that may be written there.
    pub(crate) fn kinds(self) -> impl Iterator<Item = &'static gateline_core::gates::GateKind> {
        KINDS.iter().filter(move |kind| match kind.place {
            KindPlace::Entry => self == Place::Entry,
            KindPlace::EntryAndVerify => true,
            KindPlace::Stage => false,
        })
    }
}

pub(crate) fn read(stage: &Fields<'_, '_, '_>, place: Place) -> Option<Vec<Gate>> {
    let nodes = stage.items(place.field());
    if nodes.len() > GATES_MAX {
        let message = format!(
            "stage has {} gates under `{}`; it may have {GATES_MAX}",
            nodes.len(),
            place.field()
        );
        stage.sink.error("gates.limit", &nodes[GATES_MAX].span, message);
        return None;
    }
    let gates: Vec<Option<Gate>> = nodes.iter().map(|node| gate(node, place, stage.sink)).collect();
    gates.into_iter().collect()
}

fn gate(node: &Node, place: Place, sink: &Sink<'_>) -> Option<Gate> {
    let fields = Fields::unchecked("a gate", node, &node.span, sink)?;
    let kind = kind(&fields, node, place);
    // A reason that is missing is missed at the gate's kind, where it would be read.
    let at = kind.map_or(&node.span, |entry| &entry.key_span);
    let because = because(&fields, at);
    let name = match fields.get("name") {
        Some(entry) => name(&fields, entry),
        None => kind.and_then(|kind| called(&kind.key).parse().ok()),
    };
    let params = kind.and_then(|kind| params(&kind.key, &kind.value, &kind.key_span, sink));
    let mode = fields.value_or("mode", GateMode::default);
    let max_age = fields.value_or("max_age", || None::<Span>);
    let owner = text(&fields, "owner");
    let runbook = text(&fields, "runbook");
    let (kind, params) = (kind?, params?);
    let at_risk = at_risk(&fields, &kind.key, &params);
    Some(Gate {
        mode: mode?,
        max_age: max_age?,
        at_risk: at_risk?,
        owner: owner?,
        runbook: runbook?,
        ..Gate::new(name?, kind.key.as_str(), params, because?)
    })
}

/// A text that may be given and may not be empty.
fn text(fields: &Fields<'_, '_, '_>, name: &str) -> Option<Option<String>> {
    let Some(entry) = fields.get(name) else {
        return Some(None);
    };
    let text: String = fields.read(entry)?;
    if text.trim().is_empty() || text.len() > TEXT_BYTES_MAX {
        let message = format!(
            "`{name}` has {} bytes; it may have 1 to {TEXT_BYTES_MAX}",
            text.len()
        );
        fields.sink.error("gates.text", entry.at(), message);
        return None;
    }
    Some(Some(text))
}

/// The parameters that lie over the others from a level of risk on; each level must be legal with those below it.
fn at_risk(fields: &Fields<'_, '_, '_>, kind: &str, params: &Value) -> Option<BTreeMap<Risk, Value>> {
    let Some(given) = fields.get("at_risk") else {
        return Some(BTreeMap::new());
    };
    let known = Risk::ALL.map(Risk::word);
    let levels = Fields::of("`at_risk`", &given.value, given.at(), &known, fields.sink)?;
    let mut lying = params.clone();
    let mut found = BTreeMap::new();
    for risk in Risk::ALL {
        let Some(entry) = levels.get(risk.word()) else {
            continue;
        };
        let Value::Object(over) = entry.value.json() else {
            let message = format!(
                "`{}` must be a map of this gate's settings, found {}",
                entry.key,
                entry.value.word()
            );
            fields.sink.error("value.type", entry.at(), message);
            return None;
        };
        if let Value::Object(lying) = &mut lying {
            lying.extend(over.clone());
        }
        check(kind, &lying, &entry.value, &entry.key_span, fields.sink)?;
        found.insert(risk, Value::Object(over));
    }
    Some(found)
}

/// The one key of a gate that is a kind.
fn kind<'n>(fields: &Fields<'n, '_, '_>, node: &'n Node, place: Place) -> Option<&'n Entry> {
    let known: Vec<&str> = place.kinds().map(|kind| kind.name).collect();
    let (kinds, others): (Vec<&Entry>, Vec<&Entry>) = node
        .entries()
        .iter()
        .filter(|entry| !COMMON_FIELDS.contains(&entry.key.as_str()))
        .partition(|entry| known.contains(&entry.key.as_str()));
    match (&kinds[..], &others[..]) {
        ([kind, more @ ..], _) => {
            for other in more {
                let message = format!(
                    "a gate has one kind; this one is a `{}` and a `{}`",
                    kind.key, other.key
                );
                let help = Some("write two gates, each with its own reason".to_owned());
                fields
                    .sink
                    .error_with("gates.kind", &other.key_span, message, help);
            }
            for other in others {
                fields.unknown("a gate", other, &COMMON_FIELDS);
            }
            Some(kind)
        }
        ([], [other, ..]) => {
            let help = misplaced(&other.key, place).or_else(|| meant(&other.key, known.iter().copied()));
            let message = format!(
                "no kind of gate under `{}` is called `{}`",
                place.field(),
                other.key
            );
            fields
                .sink
                .error_with("gates.kind", &other.key_span, message, help);
            None
        }
        ([], []) => {
            let help = meant("", known);
            fields.sink.error_with(
                "gates.kind",
                &fields.at,
                "gate says nothing of what it asks",
                help,
            );
            None
        }
    }
}

/// What to do about a kind that exists, but not here.
fn misplaced(name: &str, place: Place) -> Option<String> {
    let kind = gateline_core::gates::kind(name)?;
    Some(match (kind.place, place) {
        (KindPlace::Stage, _) => "every stage has this gate by itself; see the stage's own fields".to_owned(),
        (_, Place::Before | Place::During | Place::Verify | Place::Watch) => {
            "this is asked before the rollout: write it under `gates`".to_owned()
        }
        (_, Place::Entry) => return None,
    })
}

fn because(fields: &Fields<'_, '_, '_>, at: &Range<usize>) -> Option<String> {
    let help = || Some("add `because: WHY`; people who are held by this gate will read it".to_owned());
    let Some(entry) = fields.get("because") else {
        fields
            .sink
            .error_with("gates.because", at, "gate does not say why it is there", help());
        return None;
    };
    let because: String = fields.read(entry)?;
    if because.trim().is_empty() {
        fields.sink.error_with(
            "gates.because",
            entry.at(),
            "gate does not say why it is there",
            help(),
        );
    }
    if because.len() > TEXT_BYTES_MAX {
        let message = format!("reason has {} bytes; it may have {TEXT_BYTES_MAX}", because.len());
        fields.sink.error("gates.because", &entry.key_span, message);
    }
    Some(because.trim_end().to_owned())
}

fn name(fields: &Fields<'_, '_, '_>, entry: &Entry) -> Option<GateName> {
    let name: GateName = fields.read(entry)?;
    let taken = KINDS
        .iter()
        .any(|kind| kind.place == KindPlace::Stage && kind.name == name.as_str());
    if taken {
        let message = format!("`{name}` is the name of a gate that every stage has by itself");
        fields.sink.error_with(
            "gates.duplicate",
            entry.at(),
            message,
            Some("choose another name".to_owned()),
        );
    }
    Some(name)
}

/// The settings of a gate, as its kind takes them.
fn params(kind: &str, node: &Node, at: &Range<usize>, sink: &Sink<'_>) -> Option<Value> {
    let params = match node.json() {
        Value::Null => Value::Object(serde_json::Map::new()),
        params => params,
    };
    check(kind, &params, node, at, sink)?;
    Some(params)
}

/// Lets the kind check settings that are written at `node`.
fn check(kind: &str, params: &Value, node: &Node, key_span: &Range<usize>, sink: &Sink<'_>) -> Option<()> {
    // A kind's message may repeat a value, and the secret has its own finding.
    if sink.hides_in(&extent(node)) {
        return None;
    }
    let Err(message) = gateline_core::gates::kind(kind).map_or(Ok(()), |known| (known.check)(params)) else {
        return Some(());
    };
    let message = in_words(message);
    let words: Vec<&str> = message.split(['`', '"']).skip(1).step_by(2).collect();
    if let (true, [field, known @ ..]) = (message.starts_with("unknown field"), &words[..]) {
        let at = key(node, field).unwrap_or(key_span);
        let help = meant(field, known.iter().copied());
        sink.error_with(
            "gates.params",
            at,
            format!("`{kind}` has no field `{field}`"),
            help,
        );
        return None;
    }
    let at = words
        .iter()
        .find_map(|word| place(node, word))
        .unwrap_or(key_span);
    let (what, help) = what_and_rule(&message);
    sink.error_with("gates.params", at, format!("`{kind}`: {what}"), help);
    None
}

/// Serde's words for types, in a person's words.
fn in_words(message: String) -> String {
    let Some((found, expected)) = message
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.split_once(", expected "))
    else {
        return message;
    };
    let expected = match expected {
        "u16" | "u32" | "u64" => "a whole number",
        "a string" => "text",
        "a sequence" => "a list",
        "a boolean" => "`true` or `false`",
        other if other.starts_with("struct ") => "a map",
        other => other,
    };
    format!("expected {expected}, found {found}")
}

/// From the first to the last byte of a value with everything in it.
fn extent(node: &Node) -> Range<usize> {
    let inner = node
        .items()
        .iter()
        .chain(node.entries().iter().map(|entry| &entry.value));
    inner.map(extent).fold(node.span.clone(), |all, more| {
        all.start.min(more.start)..all.end.max(more.end)
    })
}

/// Where `word` stands as a key.
fn key<'n>(node: &'n Node, word: &str) -> Option<&'n Range<usize>> {
    let here = node.get(word).map(|entry| &entry.key_span);
    here.or_else(|| node.entries().iter().find_map(|entry| key(&entry.value, word)))
}

/// Where the value stands that a message calls `word`: by the name of its field, or by what is written there.
fn place<'n>(node: &'n Node, word: &str) -> Option<&'n Range<usize>> {
    let is_it = |node: &Node| match &node.kind {
        Kind::Text(text) => text == word,
        Kind::Number(number) => number.to_string() == word,
        Kind::Bool(_) | Kind::Null | Kind::List(_) | Kind::Map(_) => false,
    };
    if is_it(node) {
        return Some(&node.span);
    }
    let in_entries = node.entries().iter().find_map(|entry| {
        if entry.key == word {
            Some(entry.at())
        } else {
            place(&entry.value, word)
        }
    });
    in_entries.or_else(|| node.items().iter().find_map(|item| place(item, word)))
}

/// The name of a gate that is given none: its kind, as names are written.
fn called(kind: &str) -> String {
    kind.replace('_', "-")
}

/// Refuses two gates of one name on a stage: overrides and the log call gates by name.
pub(crate) fn refuse_twins(stage: &Fields<'_, '_, '_>) {
    let mut during: Vec<(String, &Range<usize>)> = Vec::new();
    for place in [Place::Entry, Place::Before, Place::During, Place::Verify] {
        let mut all = named_under(stage, place);
        // Checks of the same steps share their names.
        if matches!(place, Place::Before | Place::During) {
            during.append(&mut all);
        }
        refuse_same(stage.sink, all);
    }
    refuse_same(stage.sink, during);
}

/// The same of one list alone.
pub(crate) fn refuse_twins_under(fields: &Fields<'_, '_, '_>, place: Place) {
    refuse_same(fields.sink, named_under(fields, place));
}

/// The names of the gates of one list, given or by their kind, and where they stand.
fn named_under<'n>(fields: &Fields<'n, '_, '_>, place: Place) -> Vec<(String, &'n Range<usize>)> {
    let nodes = fields.items(place.field());
    let given = names(nodes).map(|(name, span)| (name.to_owned(), span));
    let by_kind = nodes
        .iter()
        .filter(|node| node.get("name").is_none())
        .filter_map(|node| {
            let entry = node
                .entries()
                .iter()
                .find(|entry| place.kinds().any(|kind| kind.name == entry.key))?;
            Some((called(&entry.key), &entry.key_span))
        });
    given.chain(by_kind).collect()
}

fn refuse_same(sink: &Sink<'_>, mut names: Vec<(String, &Range<usize>)>) {
    names.sort_by_key(|(_, span)| span.start);
    let names = names.iter().map(|(name, span)| (name.as_str(), *span));
    crate::fields::refuse_twins(sink, "gates.duplicate", "gate", names);
}

/// The names of the gates of one list, given or by their kind.
pub(crate) fn names_under(stage: &Fields<'_, '_, '_>, place: Place) -> Vec<String> {
    let nodes = stage
        .get(place.field())
        .map_or(&[][..], |entry| entry.value.items());
    let by_kind = nodes
        .iter()
        .filter(|node| node.get("name").is_none())
        .filter_map(|node| {
            let kind = node
                .entries()
                .iter()
                .find(|entry| place.kinds().any(|kind| kind.name == entry.key))?;
            Some(called(&kind.key))
        });
    names(nodes)
        .map(|(name, _)| name.to_owned())
        .chain(by_kind)
        .collect()
}
