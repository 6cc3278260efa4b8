//! Whom open promotions ask, oldest first: kept with the fold, so that an inbox reads only what may be its own.
//!
//! A projection of the recorded decisions. Says where to look and judges nobody: who may answer is the approvals' to say.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gateline_model::{ActorId, ProjectName, PromotionId, Who};
use jiff::Timestamp;

use crate::state::{Phase, Promotion};

/// Where a promotion stands among those that ask: since when, then its id.
pub(crate) type Place = (Timestamp, PromotionId);

/// The open promotions that ask people, and those that were answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Asking {
    by_who: HashMap<ProjectName, BTreeMap<Who, BTreeSet<Place>>>,
    answered: HashMap<ActorId, BTreeSet<Place>>,
    /// What was noted of each, to take it away again.
    noted: HashMap<PromotionId, Noted>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Noted {
    asked: Option<(Timestamp, Vec<Who>)>,
    answered: Vec<(ActorId, Timestamp)>,
}

impl Asking {
    /// Keeps what a promotion has come to.
    pub(crate) fn note(&mut self, promotion: &Promotion) {
        let id = &promotion.id;
        self.forget(id);
        if promotion.phase != Phase::Held {
            return;
        }
        let noted = Noted {
            asked: asked(promotion),
            answered: promotion
                .answers()
                .map(|answer| (answer.by.clone(), answer.at))
                .collect(),
        };
        if let Some((since, who)) = &noted.asked {
            let project = self.by_who.entry(id.stage.project.clone()).or_default();
            for who in who {
                let places = project.entry(who.clone()).or_default();
                places.insert((*since, id.clone()));
            }
        }
        for (actor, at) in &noted.answered {
            let places = self.answered.entry(actor.clone()).or_default();
            places.insert((*at, id.clone()));
        }
        if noted.asked.is_some() || !noted.answered.is_empty() {
            self.noted.insert(id.clone(), noted);
        }
    }

    /// Drops a promotion.
    pub(crate) fn forget(&mut self, id: &PromotionId) {
        let Some(Noted { asked, answered }) = self.noted.remove(id) else {
            return;
        };
        if let Some((since, who)) = asked
            && let Some(project) = self.by_who.get_mut(&id.stage.project)
        {
            let place = (since, id.clone());
            for who in who {
                if let Some(places) = project.get_mut(&who) {
                    places.remove(&place);
                    if places.is_empty() {
                        project.remove(&who);
                    }
                }
            }
            if project.is_empty() {
                self.by_who.remove(&id.stage.project);
            }
        }
        for (actor, at) in answered {
            if let Some(places) = self.answered.get_mut(&actor) {
                places.remove(&(at, id.clone()));
                if places.is_empty() {
                    self.answered.remove(&actor);
                }
            }
        }
    }

    /// The projects in which somebody is asked, with those who are and what they are asked.
    pub(crate) fn projects(&self) -> impl Iterator<Item = (&ProjectName, &BTreeMap<Who, BTreeSet<Place>>)> {
        self.by_who.iter()
    }

    /// Those who are asked in a project, and what.
    pub(crate) fn of(&self, project: &ProjectName) -> impl Iterator<Item = (&Who, &BTreeSet<Place>)> {
        self.by_who.get(project).into_iter().flatten()
    }

    /// What an actor answered and may take back yet, oldest first.
    pub(crate) fn answered_by(&self, actor: &ActorId) -> impl Iterator<Item = &Place> {
        self.answered.get(actor).into_iter().flatten()
    }
}

/// Since when a promotion asks, and whom: those stand in the verdict, word for word as everybody is shown it.
fn asked(promotion: &Promotion) -> Option<(Timestamp, Vec<Who>)> {
    let decision = promotion.decision.as_ref()?;
    let gate = decision.verdicts.iter().find(|gate| gate.is_asking())?;
    let who: Vec<Who> = gate
        .changed_by
        .iter()
        .filter_map(|who| who.parse().ok())
        .collect();
    // Whoever stepped in for a layer is asked since it was escalated: no layer was asked of them.
    let since = |who: &Who| {
        let layers = promotion.asked.iter().filter(|layer| layer.from.0.contains(who));
        layers.map(|layer| layer.at).max().unwrap_or(gate.since)
    };
    Some((who.iter().map(since).min()?, who))
}
