//! The world: every open stream's state and version, folded from events in log order.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use gateline_model::{
    ActorId, Event, PipelineName, PipelineRef, ProjectName, PromotionId, Recorded, ReleaseId, StageRef,
    StreamId, Version,
};

use crate::asking::{Asking, Place};
use crate::elsewhere::Elsewhere;
use crate::state::{IllegalEvent, Incidents, Phase, Project, Promotion, ReleaseState, StageState, Telling};

/// The state of all open streams. Ended promotions are dropped: history is the read models'.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    versions: HashMap<StreamId, u64>,
    projects: HashMap<ProjectName, Arc<Project>>,
    releases: HashMap<ReleaseId, Arc<ReleaseState>>,
    stages: HashMap<StageRef, Arc<StageState>>,
    promotions: HashMap<PromotionId, Arc<Promotion>>,
    telling: HashMap<ProjectName, Arc<Telling>>,
    incidents: HashMap<ProjectName, Arc<Incidents>>,
    /// Open promotions of each release: evidence for it concerns them.
    by_release: HashMap<ReleaseId, BTreeSet<PromotionId>>,
    /// Open promotions of each project and pipeline: what goes live in one of its stages concerns them.
    by_pipeline: HashMap<ProjectName, BTreeMap<PipelineName, BTreeSet<PromotionId>>>,
    /// Open promotions whose gates ask about other pipelines: what goes live there concerns them.
    elsewhere: Elsewhere,
    /// Open promotions that ask people, by who is asked.
    asking: Asking,
    /// Open promotions whose rollout stands still for a person, by project, those that stand longest first.
    standing: HashMap<ProjectName, BTreeSet<Place>>,
    /// Events whose names and texts were erased, by log number.
    erased: BTreeMap<u64, Erased>,
    /// Log number of the next event to fold.
    next: u64,
    /// Time of the last folded event.
    at: jiff::Timestamp,
}

/// When an event's names and text were erased, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// When.
    pub at: jiff::Timestamp,
    /// By whom.
    pub by: ActorId,
    /// Log number of the event that says so.
    pub event: u64,
}

/// Why an event could not be folded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// It is not the next one.
    #[error("event #{found} was folded where #{expected} was due")]
    OutOfOrder {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// The state does not allow it.
    #[error("event #{number}: {illegal}")]
    Illegal {
        /// The event's log number.
        number: u64,
        /// Why.
        illegal: IllegalEvent,
    },
}

impl World {
    /// Folds the next event of the log.
    pub fn fold(&mut self, recorded: &Recorded) -> Result<(), WorldError> {
        if recorded.number != self.next {
            return Err(WorldError::OutOfOrder {
                expected: self.next,
                found: recorded.number,
            });
        }
        self.apply(&recorded.stream, &recorded.event, recorded)
            .map_err(|illegal| WorldError::Illegal {
                number: recorded.number,
                illegal,
            })?;
        if let Event::TextErased { events } = &recorded.event {
            let erased = Erased {
                at: recorded.at,
                by: recorded.actor.clone(),
                event: recorded.number,
            };
            self.erased
                .extend(events.iter().map(|number| (*number, erased.clone())));
        }
        self.versions.insert(recorded.stream.clone(), recorded.version);
        self.next += 1;
        self.at = recorded.at;
        Ok(())
    }

    fn apply(&mut self, stream: &StreamId, event: &Event, recorded: &Recorded) -> Result<(), IllegalEvent> {
        let at = recorded.at;
        match stream {
            StreamId::Project(name) => {
                Arc::make_mut(self.projects.entry(name.clone()).or_default()).evolve(event, at)
            }
            StreamId::Stage(stage) => {
                Arc::make_mut(self.stages.entry(stage.clone()).or_default()).evolve(event, at)
            }
            StreamId::Notifications(name) => {
                Arc::make_mut(self.telling.entry(name.clone()).or_default()).evolve(name, event, at)
            }
            StreamId::Incidents(name) => {
                Arc::make_mut(self.incidents.entry(name.clone()).or_default()).evolve(event, at)
            }
            StreamId::Release(id) => match self.releases.get_mut(id) {
                Some(state) => Arc::make_mut(state).evolve(event),
                None => {
                    self.releases.insert(
                        *id,
                        Arc::new(ReleaseState::begin(*id, event, &recorded.actor, at)?),
                    );
                    Ok(())
                }
            },
            StreamId::Promotion(id) => self.apply_to_promotion(id, event, recorded),
        }
    }

    fn apply_to_promotion(
        &mut self,
        id: &PromotionId,
        event: &Event,
        recorded: &Recorded,
    ) -> Result<(), IllegalEvent> {
        let Some(state) = self.promotions.get_mut(id) else {
            let state = Promotion::begin(id, event, &recorded.actor, recorded.at)?;
            let of_release = self.by_release.entry(state.release).or_default();
            of_release.insert(id.clone());
            let of_project = self.by_pipeline.entry(id.stage.project.clone()).or_default();
            let of_pipeline = of_project.entry(id.stage.pipeline.clone()).or_default();
            of_pipeline.insert(id.clone());
            self.promotions.insert(id.clone(), Arc::new(state));
            self.note_what_it_asks(id);
            return Ok(());
        };
        let state = Arc::make_mut(state);
        let stood = state.stands_since();
        state.evolve(event, recorded.at)?;
        let stands = state.stands_since();
        if stood != stands {
            let of_project = self.standing.entry(id.stage.project.clone()).or_default();
            if let Some(stood) = stood {
                of_project.remove(&(stood, id.clone()));
            }
            of_project.extend(stands.map(|since| (since, id.clone())));
        }
        if matches!(state.phase, Phase::Ended(_)) {
            let release = state.release;
            self.forget(id, &release);
            return Ok(());
        }
        if concerns_people(event) {
            self.asking.note(state);
        }
        if matches!(event, Event::PipelineRepinned { .. }) {
            self.note_what_it_asks(id);
        }
        Ok(())
    }

    /// Drops a promotion that has ended.
    fn forget(&mut self, id: &PromotionId, release: &ReleaseId) {
        self.promotions.remove(id);
        if let Some(open) = self.by_release.get_mut(release) {
            open.remove(id);
            if open.is_empty() {
                self.by_release.remove(release);
            }
        }
        let of_project = self.by_pipeline.get_mut(&id.stage.project);
        if let Some(open) = of_project.and_then(|of_project| of_project.get_mut(&id.stage.pipeline)) {
            open.remove(id);
        }
        self.elsewhere.forget(id);
        self.asking.forget(id);
    }

    /// Keeps what the gates of the promotion's stage, as pinned, ask about other pipelines.
    fn note_what_it_asks(&mut self, id: &PromotionId) {
        let pinned = self.promotions.get(id).and_then(|promotion| {
            let project = self.projects.get(&id.stage.project)?;
            project.versions.get(&promotion.pipeline)
        });
        let stage = pinned.and_then(|pipeline| pipeline.stage(&id.stage.stage));
        self.elsewhere.note(id, stage);
    }

    /// What a promotion comes to by the event that ends it, which is the next one to fold: folding drops it.
    pub fn ended(&self, recorded: &Recorded) -> Option<Promotion> {
        let (StreamId::Promotion(id), Event::PromotionEnded { .. }) = (&recorded.stream, &recorded.event)
        else {
            return None;
        };
        let mut state = Promotion::clone(self.promotions.get(id)?);
        state.evolve(&recorded.event, recorded.at).ok()?;
        Some(state)
    }

    /// Time of the last folded event.
    pub fn at(&self) -> jiff::Timestamp {
        self.at
    }

    /// Log number of the next event to fold.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// A stream's version; 0 when it has no event.
    pub fn version(&self, stream: &StreamId) -> u64 {
        self.versions.get(stream).copied().unwrap_or(0)
    }

    /// A project's state.
    pub fn project(&self, name: &ProjectName) -> Option<&Arc<Project>> {
        self.projects.get(name)
    }

    /// All projects, in no order.
    pub fn projects(&self) -> impl Iterator<Item = (&ProjectName, &Arc<Project>)> {
        self.projects.iter()
    }

    /// What a project tells.
    pub fn telling(&self, name: &ProjectName) -> Option<&Arc<Telling>> {
        self.telling.get(name)
    }

    /// What all projects tell, in no order.
    pub fn tellings(&self) -> impl Iterator<Item = (&ProjectName, &Arc<Telling>)> {
        self.telling.iter()
    }

    /// A project's incidents.
    pub fn incidents(&self, name: &ProjectName) -> Option<&Arc<Incidents>> {
        self.incidents.get(name)
    }

    /// The incidents of all projects, in no order.
    pub fn all_incidents(&self) -> impl Iterator<Item = (&ProjectName, &Arc<Incidents>)> {
        self.incidents.iter()
    }

    /// A release's state.
    pub fn release(&self, id: &ReleaseId) -> Option<&Arc<ReleaseState>> {
        self.releases.get(id)
    }

    /// All releases, in no order.
    pub fn releases(&self) -> impl Iterator<Item = &Arc<ReleaseState>> {
        self.releases.values()
    }

    /// The release with this label.
    pub fn labelled(&self, of: &PipelineRef, version: &Version) -> Option<&Arc<ReleaseState>> {
        let project = self.projects.get(&of.project)?;
        let (id, _) = project.labels.get(&(of.pipeline.clone(), version.clone()))?;
        self.releases.get(id)
    }

    /// A stage's state.
    pub fn stage(&self, stage: &StageRef) -> Option<&Arc<StageState>> {
        self.stages.get(stage)
    }

    /// All stages that have a history, in no order.
    pub fn stages(&self) -> impl Iterator<Item = (&StageRef, &Arc<StageState>)> {
        self.stages.iter()
    }

    /// An open promotion's state.
    pub fn promotion(&self, id: &PromotionId) -> Option<&Arc<Promotion>> {
        self.promotions.get(id)
    }

    /// When the names and the text beside an event were erased; none where they were not.
    pub fn erased(&self, event: u64) -> Option<&Erased> {
        self.erased.get(&event)
    }

    /// All open promotions, in no order.
    pub fn promotions(&self) -> impl ExactSizeIterator<Item = &Arc<Promotion>> {
        self.promotions.values()
    }

    /// Open promotions of a pipeline.
    pub fn promotions_in(&self, pipeline: &PipelineRef) -> impl Iterator<Item = &PromotionId> {
        let of_project = self.by_pipeline.get(&pipeline.project);
        let open = of_project.and_then(|of_project| of_project.get(&pipeline.pipeline));
        open.into_iter().flatten()
    }

    /// Open promotions of a project.
    pub fn promotions_in_project(&self, project: &ProjectName) -> impl Iterator<Item = &PromotionId> {
        let of_project = self.by_pipeline.get(project).into_iter();
        of_project.flat_map(BTreeMap::values).flatten()
    }

    /// Open promotions of other pipelines whose gates ask about this one.
    pub fn promotions_asking_about(&self, pipeline: &PipelineRef) -> impl Iterator<Item = &PromotionId> {
        self.elsewhere.asking_about(pipeline)
    }

    /// Open promotions of a project, or of all, whose rollout stands still for a person, those that stand longest first
    /// within each project.
    pub(crate) fn standing<'w>(
        &'w self,
        of: Option<&ProjectName>,
    ) -> impl Iterator<Item = &'w Arc<Promotion>> {
        let every = self.standing.values().filter(move |_| of.is_none());
        let one = of.and_then(|project| self.standing.get(project));
        let places = one.into_iter().chain(every).flatten();
        places.filter_map(|(_, id)| self.promotions.get(id))
    }

    /// Whom open promotions ask.
    pub(crate) fn asking(&self) -> &Asking {
        &self.asking
    }

    /// Open promotions of a release.
    pub fn promotions_of(&self, release: &ReleaseId) -> impl Iterator<Item = &PromotionId> {
        self.by_release.get(release).into_iter().flatten()
    }
}

/// Whether an event of a promotion can change who is asked or who answered.
fn concerns_people(event: &Event) -> bool {
    matches!(
        event,
        Event::DecisionRecorded { .. }
            | Event::ApprovalAsked { .. }
            | Event::ApprovalGiven { .. }
            | Event::ApprovalRefused { .. }
            | Event::ApprovalWithdrawn { .. }
            | Event::ApprovalVoided { .. }
            | Event::PromotionAdmitted { .. }
    )
}
