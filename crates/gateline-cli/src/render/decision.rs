//! A decision: one row per gate. The sentences are the stored ones, word for word.

use gateline_api::OverrideView;
use gateline_model::{Decision, GateVerdict, Verdict};
use jiff::Timestamp;

use super::time::{clock, in_future};
use super::{Line, Page, Style, Table, reason};

/// One row per gate; a gate that is not satisfied says why it is there, who or what can change it, and until when.
pub(super) fn gates(page: &mut Page, decision: &Decision, overrides: &[OverrideView], now: Timestamp) {
    let mut table = Table::indented(2);
    for gate in &decision.verdicts {
        let (style, word) = mark(gate);
        table.row([
            Line::new().piece(style, word),
            (&gate.gate).into(),
            (&gate.says).into(),
        ]);
        let mut more = |name: &str, text: String| {
            table.row([
                Line::new(),
                Line::new(),
                Line::new().dim(format!("{name:<8}  ")).plain(text),
            ]);
        };
        // What was accepted is told with what it made possible.
        if gate.verdict != Verdict::Satisfied || !gate.waivers.is_empty() {
            for (index, line) in gate.details.iter().enumerate() {
                more(if index == 0 { "found" } else { "" }, line.clone());
            }
        }
        if gate.verdict == Verdict::Satisfied {
            continue;
        }
        more("because", gate.because.clone());
        if !gate.mode.is_enforce() {
            more("advises", "it keeps nobody out".to_owned());
        }
        for (name, text) in [("owner", &gate.owner), ("runbook", &gate.runbook)] {
            if let Some(text) = text {
                more(name, text.clone());
            }
        }
        if !gate.changed_by.is_empty() {
            more("change", gate.changed_by.join(", "));
        }
        if let Some(until) = gate.until {
            more("until", in_future(until, now));
        }
        if let Some(permission) = &gate.overridden {
            let why = overrides
                .iter()
                .find(|view| view.gate == gate.gate && view.at == permission.at);
            let why = reason(
                why.and_then(|view| view.reason.as_deref()),
                why.and_then(|view| view.erased.as_ref()),
                now,
            );
            let until = clock(permission.until, now);
            more("override", format!("{} until {until}: {why}", permission.by));
        }
    }
    page.table(table);
}

/// What to do next, of the gates that keep the release out; each sentence once.
pub(super) fn hints(page: &mut Page, decision: &Decision) {
    let mut said: Vec<&str> = Vec::new();
    for gate in decision.verdicts.iter().filter(|gate| gate.keeps_out()) {
        if !gate.next.is_empty() && !said.contains(&gate.next.as_str()) {
            said.push(&gate.next);
        }
    }
    if !said.is_empty() {
        page.gap();
    }
    for hint in said {
        page.hint(hint);
    }
}

/// The word for a gate's row.
fn mark(gate: &GateVerdict) -> (Style, &'static str) {
    match (gate.verdict, &gate.overridden) {
        (Verdict::Satisfied, _) => (Style::Good, "ok"),
        (Verdict::Waiting | Verdict::Refused, Some(_)) => (Style::Wait, "overridden"),
        (Verdict::Waiting, None) => (Style::Wait, "waiting"),
        (Verdict::Refused, None) => (Style::Bad, "refused"),
    }
}
