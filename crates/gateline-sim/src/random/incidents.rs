//! What random people and alerts say of incidents.

use std::collections::BTreeMap;

use gateline_core::{Actor, Command, Credential};
use gateline_model::{Alert, Cause, ProjectName, PromotionId, Scope, Span};

use super::Run;

/// Alerts of everybody together: so few that they come again and again.
const ALERTS: u64 = 4;

impl Run {
    pub(super) fn incident(&mut self) {
        match self.sim.rng.below(10) {
            0..5 => self.alert(),
            5..7 => self.open_incident(),
            _ => self.end_incident(),
        }
    }

    fn alert(&mut self) {
        let project = self.pipeline().project.clone();
        let name = format!("alert-{}", self.sim.rng.below(ALERTS));
        let firing = self.sim.rng.chance(600);
        let ago = Span::from_secs(self.sim.rng.between(-60, 3_600));
        let service = (*self.sim.rng.pick(&["shop", "bank", "other"])).to_owned();
        let says = format!("{name} of {service} fires: {firing}, since {ago:?}");
        let alert = Alert {
            fingerprint: name.clone(),
            name,
            firing,
            labels: BTreeMap::from([("service".to_owned(), service)]),
            since: ago.before(self.sim.now),
            until: (!firing).then_some(self.sim.now),
            says: String::new(),
        };
        let actor = Actor {
            id: "alertmanager".parse().expect("it is a legal id"),
            name: None,
            shown: Credential::Token(vec![Scope::Incident]),
        };
        let command = Command::HearAlerts {
            project,
            alerts: vec![alert],
        };
        self.ask(actor, command, says);
    }

    fn open_incident(&mut self) {
        let stage = self.stage();
        let actor = self.person();
        let ago = Span::from_secs(self.sim.rng.between(0, 7_200));
        let says = format!("opens an incident in {stage}, since {ago}");
        let command = Command::OpenIncident {
            project: stage.project.clone(),
            name: "it is slow".to_owned(),
            stages: vec![stage],
            labels: BTreeMap::new(),
            since: Some(ago.before(self.sim.now)),
            reason: "people say so".to_owned(),
        };
        self.ask(actor, command, says);
    }

    /// Somebody lifts a suspect, or closes an incident; not always one that is open.
    fn end_incident(&mut self) {
        let mut known: Vec<(ProjectName, u64, Vec<PromotionId>)> = Vec::new();
        for (project, state) in self.sim.book.world.all_incidents() {
            known.extend(state.all().map(|noted| {
                let suspects = noted.incident.suspects.iter();
                let suspects = suspects.map(|suspect| suspect.promotion.clone()).collect();
                (project.clone(), noted.incident.number, suspects)
            }));
        }
        known.sort();
        if known.is_empty() {
            return self.alert();
        }
        let (project, number, suspects) = self.sim.rng.pick(&known).clone();
        let suspect = (!suspects.is_empty()).then(|| self.sim.rng.pick(&suspects).clone());
        let actor = self.person();
        let reason = "we looked".to_owned();
        match suspect {
            Some(promotion) if self.sim.rng.chance(500) => {
                let says = format!("lifts {promotion} of incident {number}");
                let command = Command::LiftSuspect {
                    project,
                    number,
                    promotion,
                    reason,
                };
                self.ask(actor, command, says);
            }
            suspect => {
                let cause = match suspect {
                    Some(promotion) => Cause::Change { promotion },
                    None => Cause::NoChange,
                };
                let says = format!("closes incident {number}: {cause}");
                let command = Command::CloseIncident {
                    project,
                    number,
                    cause,
                    reason,
                };
                self.ask(actor, command, says);
            }
        }
    }
}
