//! What the demonstration prints: a line for people, or one JSON object per finished promotion.

use gateline_api::PromotionView;
use serde_json::json;

pub(super) struct Report {
    json: bool,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// A line for people.
    pub(super) fn say(&self, text: &str) {
        if !self.json {
            println!("{text}");
        }
    }

    /// A promotion ended.
    pub(super) fn promotion(&self, view: &PromotionView) {
        let release = format!("{}@{}", view.stage.pipeline, view.version);
        let outcome = view
            .outcome
            .map_or("open", gateline_model::PromotionOutcome::word);
        let seconds = seconds(view);
        let steps = steps(view);
        let served = view.served;
        if self.json {
            let line = json!({
                "release": release,
                "stage": view.stage.stage,
                "outcome": outcome,
                "reason": view.says,
                "seconds": seconds,
                "requests": served.requests,
                "bad_requests": served.bad_requests,
                "steps": steps,
                "log_index": view.log_index,
            });
            println!("{line}");
            return;
        }
        let traffic = if served.requests > 0 {
            format!("; {} requests, {} bad", served.requests, served.bad_requests)
        } else {
            String::new()
        };
        println!(
            "  {release} -> {:<10} {outcome:<11} {seconds:>5.1} s  [{}]  {}{traffic}",
            view.stage.stage.as_str(),
            steps.join(" "),
            view.says
        );
    }

    /// A scenario went as told: its one line.
    pub(super) fn told(&self, scenario: &str, says: &str) {
        if self.json {
            println!("{}", json!({"demo": "ok", "scenario": scenario, "says": says}));
        } else {
            println!("{scenario}: as told: {says}");
        }
    }

    /// Every ending was as told.
    pub(super) fn end(&self) {
        if self.json {
            println!("{}", json!({"demo": "ok", "releases": 5, "endings": "as told"}));
        } else {
            println!("Every ending was as told.");
        }
    }
}

/// From admission to the end; a promotion that was never admitted counts from its request.
fn seconds(view: &PromotionView) -> f64 {
    let from = view.admitted_at.unwrap_or(view.requested_at);
    let to = view.ended_at.unwrap_or(from);
    let millis = to.as_millisecond() - from.as_millisecond();
    (millis as f64 / 100.0).round() / 10.0
}

/// The steps that became true, as the log has them.
pub(super) fn steps(view: &PromotionView) -> Vec<String> {
    let rollout = view.rollout.as_ref();
    let applied = view.events.iter().filter_map(|recorded| match &recorded.event {
        gateline_model::Event::StepApplied { step, .. } => Some(*step),
        _ => None,
    });
    applied
        .filter_map(|step| rollout?.steps.iter().find(|known| known.index == step))
        .map(|step| step.action.to_string())
        .collect()
}
