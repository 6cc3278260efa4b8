//! A project's incidents: those that are open, and those that were closed last.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use gateline_model::{Cause, Event, Incident, IncidentSource, PromotionId, Span, StageRef};
use jiff::Timestamp;

use super::IllegalEvent;

/// How far a sender's clock may be ahead of ours before what it says is another firing.
const AHEAD_MAX: Span = Span::from_secs(300);

/// Incidents that are closed and still known: an alert that goes on firing after a person closed it is the same one, and
/// their time is no healthy time. The log has all of them.
pub const CLOSED_KEPT_MAX: usize = 500;

/// What a stream of incidents has come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Incidents {
    /// The last incident's number.
    pub last: u64,
    /// Those that are open, by number.
    pub open: BTreeMap<u64, Noted>,
    /// Those that were closed, the latest last; at most [`CLOSED_KEPT_MAX`].
    pub closed: VecDeque<Noted>,
}

/// An incident, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    /// The incident.
    pub incident: Arc<Incident>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Suspects of which a person said that they did not cause it.
    pub lifted: BTreeSet<PromotionId>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// What caused it.
    pub cause: Cause,
}

impl Noted {
    /// Whether it touches a stage.
    pub fn touches(&self, stage: &StageRef) -> bool {
        self.incident.stages.contains(stage)
    }

    /// Whether it suspects a promotion, and nobody lifted that.
    pub fn suspects(&self, promotion: &PromotionId) -> bool {
        self.incident.suspect(promotion).is_some() && !self.lifted.contains(promotion)
    }

    fn fingerprint(&self) -> Option<&str> {
        match &self.incident.source {
            IncidentSource::Alert { fingerprint } => Some(fingerprint),
            IncidentSource::Actor | IncidentSource::Watch { .. } => None,
        }
    }
}

impl Incidents {
    /// An incident by number, open or closed not too long ago.
    pub fn get(&self, number: u64) -> Option<&Noted> {
        let closed = || self.closed.iter().find(|noted| noted.incident.number == number);
        self.open.get(&number).or_else(closed)
    }

    /// All that are known, the newest first.
    pub fn all(&self) -> impl Iterator<Item = &Noted> {
        let mut all: Vec<&Noted> = self.open.values().chain(&self.closed).collect();
        all.sort_by_key(|noted| std::cmp::Reverse(noted.incident.number));
        all.into_iter()
    }

    /// Those open that touch a stage, oldest first.
    pub fn open_in(&self, stage: &StageRef) -> impl Iterator<Item = &Noted> {
        self.open.values().filter(move |noted| noted.touches(stage))
    }

    /// The open incident that an alert is.
    pub fn of_alert(&self, fingerprint: &str) -> Option<&Noted> {
        self.open
            .values()
            .find(|noted| noted.fingerprint() == Some(fingerprint))
    }

    /// Whether this very firing of an alert was an incident that is closed by now. One whose sender's clock is ahead counts
    /// from when it was heard.
    pub fn was_closed(&self, fingerprint: &str, since: Timestamp) -> bool {
        let mut closed = self.closed.iter();
        closed.any(|noted| {
            let ahead = noted.incident.since == noted.opened_at;
            let same = noted.incident.since >= since || (ahead && since <= AHEAD_MAX.after(noted.opened_at));
            noted.fingerprint() == Some(fingerprint) && same
        })
    }

    pub(crate) fn evolve(&mut self, event: &Event, at: Timestamp) -> Result<(), IllegalEvent> {
        let illegal = |why| IllegalEvent {
            event: event.name(),
            why,
        };
        match event {
            Event::IncidentOpened { incident } => {
                self.last = self.last.max(incident.number);
                let noted = Noted {
                    incident: incident.clone(),
                    opened_at: at,
                    lifted: BTreeSet::new(),
                    closed_at: None,
                    cause: Cause::NotTold,
                };
                self.open.insert(incident.number, noted);
            }
            Event::SuspectLifted { number, promotion } => {
                let noted = self.open.get_mut(number);
                let noted = noted.ok_or_else(|| illegal("no such incident is open"))?;
                noted.lifted.insert(promotion.clone());
            }
            Event::IncidentClosed { number, cause } => match self.open.remove(number) {
                Some(mut noted) => {
                    noted.closed_at = Some(at);
                    noted.cause = cause.clone();
                    self.closed.push_back(noted);
                    if self.closed.len() > CLOSED_KEPT_MAX {
                        self.closed.pop_front();
                    }
                }
                None => {
                    let mut closed = self.closed.iter_mut();
                    let noted = closed.find(|noted| noted.incident.number == *number);
                    noted.ok_or_else(|| illegal("no such incident is known"))?.cause = cause.clone();
                }
            },
            _ => return Err(illegal("it is not about an incident")),
        }
        Ok(())
    }
}
