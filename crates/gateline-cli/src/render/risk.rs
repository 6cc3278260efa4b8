//! Risk: each factor's part, and what the level picks.

use gateline_api::{GateAtRisk, RiskView};
use gateline_model::{AssessedBy, Risk};
use jiff::Timestamp;

use super::time::ago;
use super::{Line, Page, Style, Table};

/// A release's risk before a stage.
pub(crate) fn risk(view: &RiskView, now: Timestamp) -> Page {
    let mut page = Page::default();
    let assessment = &view.assessment;
    let style = match assessment.level {
        Risk::Low => Style::Good,
        Risk::Medium => Style::Plain,
        Risk::High => Style::Wait,
        Risk::Critical => Style::Bad,
    };
    page.line(
        Line::new()
            .strong(format!(
                "{}@{} into {}",
                view.stage.pipeline, view.version, view.stage.stage
            ))
            .plain("   risk ")
            .piece(style, assessment.level.word().to_uppercase()),
    );
    page.line(format!("  {}", assessment.why));
    let decided = match (&view.promotion, view.decided_at) {
        (Some(promotion), Some(at)) => format!("  as it was decided for {promotion}, {}", ago(at, now)),
        _ => "  as it would be decided now; nothing is asked yet".to_owned(),
    };
    page.line(Line::new().dim(decided));
    if matches!(assessment.by, AssessedBy::Table | AssessedBy::Module) && !assessment.factors.is_empty() {
        page.gap();
        let mut table = Table::headed(["points", "of", "for", "factor", "why"]);
        for part in &assessment.factors {
            let why = Line::new().piece(
                if part.is_unknown() {
                    Style::Wait
                } else {
                    Style::Plain
                },
                &part.why,
            );
            table.row([
                part.points.to_string().into(),
                part.at_most.to_string().into(),
                part.of.word().into(),
                Line::from(part.factor.as_str()),
                why,
            ]);
        }
        page.table(table);
    }
    page.gap();
    let mut picks = Table::indented(2);
    picks.row([Line::new().dim("approval"), view.approval.as_str().into()]);
    picks.row([Line::new().dim("rollout"), view.rollout.as_str().into()]);
    for GateAtRisk { gate, settings } in &view.gates {
        picks.row([Line::new().dim(format!("gate {gate}")), settings.as_str().into()]);
    }
    page.table(picks);
    page
}
