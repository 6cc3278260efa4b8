//! The form in which a finding of this evidence is waived.

use gateline_model::{FindingFacts, Scope, Span};
use maud::{Markup, html};

use super::Shown;
use crate::ui::fields;
use crate::ui::forms::Act;
use crate::ui::link;
use crate::ui::shell::Visitor;

/// Findings that the form offers; the link beside any other puts it into the form.
const FINDINGS_OFFERED_MAX: usize = 100;
/// Characters of a finding in the list of them.
const FINDING_CHARS_MAX: usize = 120;
/// How long a waiver runs unless somebody says otherwise: time to mend, and to forget nothing.
const WAIVER_DEFAULT: Span = Span::from_secs(14 * 86_400);

pub(super) fn form(visitor: &Visitor, shown: &Shown<'_>, facts: &FindingFacts) -> Markup {
    if facts.findings.is_empty() || !visitor.may(Scope::Waive) {
        return html! {};
    }
    let written = shown
        .tried
        .filter(|tried| tried.act == Act::Waive)
        .map(|tried| &tried.fields);
    let finding = written.map_or(shown.waive, |fields| fields.finding.as_str());
    let stage = written.map_or(shown.stage, |fields| fields.stage.as_str());
    let release = shown.release;
    let (first, rest) = facts
        .findings
        .split_at(facts.findings.len().min(FINDINGS_OFFERED_MAX));
    let offered = first
        .iter()
        .chain(rest.iter().filter(|one| one.identity == finding));
    html! {
        div.acts {
            details.act #act-waive open[!finding.is_empty()] {
                summary { "Waive a finding" }
                form.stack method="post" action=(link::waive_act(&release.of, &release.version, &shown.evidence.id)) {
                    (visitor.hidden())
                    p.age {
                        "Until its end no gate of " (release.of.pipeline) " counts this finding. The waiver is " a href=(link::waivers_of(&release.of)) { "listed" }
                        ", and told in each decision that it touches. A finding that becomes worse counts again."
                    }
                    label for="waive-finding" { "Finding" }
                    select #waive-finding name="finding" required {
                        @for one in offered {
                            option value=(one.identity) selected[one.identity == finding] { (shortened(&format!("{}: {one}", one.severity.name()))) }
                        }
                    }
                    label for="waive-stage" { "Where" }
                    select #waive-stage name="stage" {
                        option value="" { "in every stage" }
                        @for one in &release.life { option value=(one.stage) selected[one.stage.as_str() == stage] { "only in " (one.stage) } }
                    }
                    (fields::until("waive-until", written, WAIVER_DEFAULT.after(visitor.now), visitor.now))
                    label for="waive-ticket" { "Ticket (may be empty)" }
                    input #waive-ticket name="ticket" maxlength="200" autocomplete="off" value=(written.map(|fields| fields.ticket.as_str()).unwrap_or_default());
                    (fields::reason("waive-reason", written))
                    button type="submit" { "Waive this finding" }
                }
            }
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(FINDING_CHARS_MAX) {
        Some((end, _)) => format!("{} ..", &text[..end]),
        None => text.to_owned(),
    }
}
