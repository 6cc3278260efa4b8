//! Rows about incidents: people who open, lift and close them, and alerts that come in.

use std::collections::BTreeMap;

use gateline_core::Command;
use gateline_model::{Alert, Cause, Span};

use super::Script;
use super::row::{Row, ScenarioError};

impl Script<'_> {
    pub(super) fn incident_command(&self, row: &Row, reason: String) -> Result<Command, ScenarioError> {
        let project = self.pipeline_ref(row)?.project.clone();
        Ok(match row.verb() {
            "incident" => {
                row.only(1, &["in", "labels", "since", "by", "reason"])?;
                let ago: Option<Span> = row.value("since")?;
                let stages = row.get("in").into_iter().flat_map(|stages| stages.split(','));
                Command::OpenIncident {
                    project,
                    name: row.word(0, "a name")?.to_owned(),
                    stages: stages
                        .map(|stage| self.stage_ref(row, stage))
                        .collect::<Result<_, _>>()?,
                    labels: labels(row),
                    since: ago.map(|ago| ago.before(self.sim.now)),
                    reason,
                }
            }
            "alert" => {
                row.only(2, &["labels", "since", "ended", "by"])?;
                let name = row.word(0, "a name")?.to_owned();
                let firing = match row.word(1, "`firing` or `resolved`")? {
                    "firing" => true,
                    "resolved" => false,
                    other => {
                        let meant = "write `firing` or `resolved`";
                        return Err(row.error(format!("an alert is not `{other}`"), meant));
                    }
                };
                let ago: Span = row.value("since")?.unwrap_or(Span::ZERO);
                let ended: Span = row.value("ended")?.unwrap_or(Span::ZERO);
                let alert = Alert {
                    fingerprint: name.clone(),
                    name,
                    firing,
                    labels: labels(row),
                    since: ago.before(self.sim.now),
                    until: (!firing).then(|| ended.before(self.sim.now)),
                    says: String::new(),
                };
                Command::HearAlerts {
                    project,
                    alerts: vec![alert],
                }
            }
            "lift-suspect" => {
                row.only(2, &["to", "by", "reason"])?;
                Command::LiftSuspect {
                    project,
                    number: row.parse(row.word(1, "the number of an incident")?)?,
                    promotion: self.promotion(row)?,
                    reason,
                }
            }
            _ => {
                row.only(1, &["cause", "to", "by", "reason"])?;
                let cause = match row.get("cause") {
                    None => Cause::NotTold,
                    Some("none") => Cause::NoChange,
                    Some(version) => Cause::Change {
                        promotion: self.promotion_of(row, version)?,
                    },
                };
                Command::CloseIncident {
                    project,
                    number: row.parse(row.word(0, "the number of an incident")?)?,
                    cause,
                    reason,
                }
            }
        })
    }
}

fn labels(row: &Row) -> BTreeMap<String, String> {
    let pairs = row.get("labels").into_iter().flat_map(|pairs| pairs.split(','));
    pairs
        .filter_map(|pair| pair.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
