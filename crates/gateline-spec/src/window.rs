//! Windows: each opens at some time of the week, and stages name only those that there are.

use std::collections::BTreeMap;

use gateline_model::{Window, WindowName};

use crate::de;
use crate::diagnostic::what_and_rule;
use crate::fields::Fields;
use crate::nearest::meant;
use crate::node::{Entry, Kind};

pub(crate) fn read(spec: &Fields<'_, '_, '_>) -> Option<BTreeMap<WindowName, Window>> {
    let Some(entry) = spec.get("windows") else {
        return Some(BTreeMap::new());
    };
    if !matches!(entry.value.kind, Kind::Map(_)) {
        let message = format!(
            "`windows` must be a map from names to windows, found {}",
            entry.value.word()
        );
        spec.sink.error("value.type", entry.at(), message);
        return None;
    }
    let windows: Vec<Option<(WindowName, Window)>> = entry
        .value
        .entries()
        .iter()
        .map(|entry| window(entry, spec))
        .collect();
    windows.into_iter().collect()
}

fn window(entry: &Entry, spec: &Fields<'_, '_, '_>) -> Option<(WindowName, Window)> {
    let name = match entry.key.parse::<WindowName>() {
        Ok(name) => Some(name),
        Err(err) => {
            let (what, rule) = what_and_rule(&err.to_string());
            spec.sink.error_with("name.illegal", &entry.key_span, what, rule);
            None
        }
    };
    let window: Option<Window> = de::read(&entry.value, entry.at(), spec.sink);
    if let Some(days) = entry
        .value
        .get("days")
        .filter(|days| matches!(&days.value.kind, Kind::List(items) if items.is_empty()))
    {
        let help = Some("list the days, as in `[mon, tue]`, or leave `days` out for every day".to_owned());
        spec.sink
            .error_with("windows.never-opens", days.at(), "window is open on no day", help);
    }
    if let Some(window) = window.as_ref().filter(|window| window.never_opens()) {
        let at = entry.value.get("to").map_or(entry.at(), |to| to.at());
        let message = format!(
            "window `{}` never opens: it ends when it starts, at {}",
            entry.key, window.from
        );
        let help = Some("for a whole day write `from: \"00:00\"` and `to: \"24:00\"`".to_owned());
        spec.sink.error_with("windows.never-opens", at, message, help);
    }
    Some((name?, window?))
}

/// The names of all windows in the file, legal or not.
pub(crate) fn names<'n>(spec: &Fields<'n, '_, '_>) -> Vec<&'n str> {
    spec.get("windows")
        .map(|entry| entry.value.entries())
        .unwrap_or_default()
        .iter()
        .map(|e| e.key.as_str())
        .collect()
}

/// Refuses names of windows that are not in the file.
pub(crate) fn refuse_unknown(stage: &Fields<'_, '_, '_>, known: &[&str]) {
    for node in stage.items("windows") {
        if let Some(name) = node.text().filter(|name| !known.contains(name)) {
            let help = meant(name, known.iter().copied()).or_else(|| {
                Some(format!(
                    "describe it: `spec.windows.{name}: {{zone: .., from: .., to: ..}}`"
                ))
            });
            stage.sink.error_with(
                "windows.unknown",
                &node.span,
                format!("no window is called `{name}`"),
                help,
            );
        }
    }
}

/// Refuses approvals that are locked until a window which is not in the file.
pub(crate) fn refuse_unknown_schedules(stage: &Fields<'_, '_, '_>, known: &[&str]) {
    for rule in stage.items("approval") {
        if let Some(entry) = rule.get("scheduled")
            && let Some(name) = entry.value.text().filter(|name| !known.contains(name))
        {
            stage.sink.error_with(
                "windows.unknown",
                entry.at(),
                format!("no window is called `{name}`"),
                meant(name, known.iter().copied()),
            );
        }
    }
}
