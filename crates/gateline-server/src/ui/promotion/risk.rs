//! The risk: each factor's part, as it was recorded with the decision.

use gateline_model::{AssessedBy, FactorPart};
use maud::{Markup, html};

use super::Shown;

pub(super) fn risk(shown: &Shown<'_>) -> Markup {
    let Some(decision) = &shown.view.decision else {
        return html! {};
    };
    let assessment = &decision.assessment;
    if assessment.by == AssessedBy::Nothing {
        return html! {};
    }
    html! {
        h2 #risk { "Risk: " (assessment.level.word()) }
        div.panel {
            p.sub { (assessment.why) "." }
            @if !assessment.factors.is_empty() {
                table {
                    thead { tr { th scope="col" { "factor" } th scope="col" { "points" } th scope="col" { "why" } } }
                    tbody { @for part in &assessment.factors { (row(part)) } }
                }
            }
        }
    }
}

fn row(part: &FactorPart) -> Markup {
    let FactorPart {
        factor,
        of,
        value: _,
        points,
        at_most,
        why,
    } = part;
    html! {
        tr {
            th scope="row" { (factor) div.age { (of.word()) } }
            td { (points) " of " (at_most) }
            td { @if part.is_unknown() { b { (why) } } @else { (why) } }
        }
    }
}
