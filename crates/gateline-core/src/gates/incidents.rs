//! Incidents: no incident is open in the stages that are asked for.
//!
//! `incidents: {in: [production]}`; the stage itself where none is named. A hotfix passes, as it is how incidents end; so does
//! a rollback.

use gateline_model::{ChangeKind, Gate, StageName, StageRef};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{GateKind, GateView, Place, Says, check_params, observes_nothing, schema_of, with_params};

pub(super) const KIND: GateKind = GateKind {
    name: "incidents",
    summary: "No incident is open in these stages.",
    place: Place::Entry,
    check: check_params::<Incidents>,
    schema: schema_of::<Incidents>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| with_params(gate, |incidents: Incidents| incidents.judge(view)),
};

/// Parameters of the gate kind `incidents`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Incidents {
    /// The stages of this pipeline that must have none; the stage that is entered where none is named.
    #[serde(default)]
    r#in: Vec<StageName>,
    /// Kinds of change that pass: a hotfix where nothing else is said.
    #[serde(default = "hotfix")]
    exempt: Vec<ChangeKind>,
}

fn hotfix() -> Vec<ChangeKind> {
    vec![ChangeKind::Hotfix]
}

impl Incidents {
    fn judge(&self, view: &GateView<'_>) -> Says {
        let stages: Vec<StageRef> = match self.r#in.is_empty() {
            true => vec![view.stage_ref.clone()],
            false => self
                .r#in
                .iter()
                .map(|name| view.stage_ref.sibling(name))
                .collect(),
        };
        let state = view.draft.incidents(&view.stage_ref.project);
        let mut open: Vec<(u64, String)> = Vec::new();
        for noted in state.open.values() {
            let touched: Vec<&str> = stages
                .iter()
                .filter(|stage| noted.touches(stage))
                .map(|stage| stage.stage.as_str())
                .collect();
            if !touched.is_empty() {
                let incident = &noted.incident;
                let line = format!("{} {} in {}", incident.number, incident.name, touched.join(", "));
                open.push((incident.number, line));
            }
        }
        let Some((first, line)) = open.first() else {
            let names: Vec<&str> = stages.iter().map(|stage| stage.stage.as_str()).collect();
            let says = format!("no open incident in {}", names.join(", "));
            return Says::satisfied("incidents.none", says);
        };
        let numbered = |says: Says| {
            let lines = open.iter().map(|(_, line)| line.clone());
            says.number("open incidents", open.len() as f64, "", Some("== 0".to_owned()))
                .details(lines)
        };
        let count = match open.len() {
            1 => format!("incident {line} is open"),
            many => format!("{many} incidents are open, the first is {line}"),
        };
        let kind = view.release.release.change.kind;
        if self.exempt.contains(&kind) {
            return numbered(Says::satisfied(
                "incidents.exempt",
                format!("{count}; a {} passes", kind.word()),
            ));
        }
        numbered(Says::waiting("incidents.open", count))
            .changed_by("whoever may close the incident")
            .next(format!(
                "close it when it is over with `gateline incident close {first} --project {} --reason ..`",
                view.stage_ref.project
            ))
    }
}
