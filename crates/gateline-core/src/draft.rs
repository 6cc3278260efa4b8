//! A draft: the world as it would be after the events that a decision proposes, and the streams that it read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateline_model::{
    Event, Pipeline, PipelineName, Private, ProjectName, PromotionId, ReleaseId, StageRef, StreamId, Work,
    WorkKind,
};

use crate::command::Facts;
use crate::decide::Decided;
use crate::plan::{plan, plan_on_call, plan_promotion, plan_stage, plan_telling};
use crate::rejection::Rejection;
use crate::state::{Incidents, OnCallSources, Project, Promotion, ReleaseState, StageState, Telling};
use crate::world::World;

/// One event that a decision wants recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposed {
    /// Where to.
    pub stream: StreamId,
    /// What happened.
    pub event: Event,
    /// The erasable part.
    pub private: Private,
}

/// A working copy. What is read is noted, so that the append can name it.
pub(crate) struct Draft<'w> {
    world: &'w World,
    pub(crate) facts: &'w Facts,
    /// Streams that were looked at. Interior, because reading is not changing.
    read: RefCell<BTreeSet<StreamId>>,
    /// A project as it would be with other rules; only for looking.
    supposed: Option<(ProjectName, Arc<Project>)>,
    releases: BTreeMap<ReleaseId, Arc<ReleaseState>>,
    stages: BTreeMap<StageRef, Arc<StageState>>,
    promotions: BTreeMap<PromotionId, Arc<Promotion>>,
    telling: BTreeMap<ProjectName, Arc<Telling>>,
    incidents: BTreeMap<ProjectName, Arc<Incidents>>,
    on_call: BTreeMap<ProjectName, OnCallSources>,
    proposed: Vec<Proposed>,
}

impl<'w> Draft<'w> {
    pub(crate) fn new(world: &'w World, facts: &'w Facts) -> Self {
        Self {
            world,
            facts,
            read: RefCell::default(),
            supposed: None,
            releases: BTreeMap::new(),
            stages: BTreeMap::new(),
            promotions: BTreeMap::new(),
            telling: BTreeMap::new(),
            incidents: BTreeMap::new(),
            on_call: BTreeMap::new(),
            proposed: Vec::new(),
        }
    }

    /// A copy to try something on: what it reads is noted there, what it proposes is dropped with it.
    pub(crate) fn new_on(draft: &Draft<'w>) -> Self {
        Self {
            world: draft.world,
            facts: draft.facts,
            read: draft.read.clone(),
            supposed: draft.supposed.clone(),
            releases: draft.releases.clone(),
            stages: draft.stages.clone(),
            promotions: draft.promotions.clone(),
            telling: draft.telling.clone(),
            incidents: draft.incidents.clone(),
            on_call: draft.on_call.clone(),
            proposed: Vec::new(),
        }
    }

    /// Every project, as it is before this draft. Not noted as read.
    pub(crate) fn projects(&self) -> impl Iterator<Item = (&'w ProjectName, &'w Arc<Project>)> {
        self.world.projects()
    }

    /// A draft to look at what would be if a project had other rules. Nothing of it is recorded.
    pub(crate) fn suppose(world: &'w World, facts: &'w Facts, of: ProjectName, project: Project) -> Self {
        Self {
            supposed: Some((of, Arc::new(project))),
            ..Self::new(world, facts)
        }
    }

    /// The world before this draft, for what is only looked at: nothing is noted as read.
    pub(crate) fn world(&self) -> &'w World {
        self.world
    }

    fn note(&self, stream: StreamId) {
        self.read.borrow_mut().insert(stream);
    }

    pub(crate) fn project(&self, name: &ProjectName) -> Option<Arc<Project>> {
        self.note(StreamId::Project(name.clone()));
        match &self.supposed {
            Some((of, project)) if of == name => Some(project.clone()),
            Some(_) | None => self.world.project(name).cloned(),
        }
    }

    pub(crate) fn release(&self, id: &ReleaseId) -> Option<Arc<ReleaseState>> {
        self.note(StreamId::Release(*id));
        self.releases.get(id).or_else(|| self.world.release(id)).cloned()
    }

    /// A release as it was before this draft, for as long as the world lives.
    pub(crate) fn release_in_world(&self, id: &ReleaseId) -> Option<&'w ReleaseState> {
        self.note(StreamId::Release(*id));
        self.world.release(id).map(|state| &**state)
    }

    pub(crate) fn stage(&self, stage: &StageRef) -> Arc<StageState> {
        self.note(StreamId::Stage(stage.clone()));
        match self.stages.get(stage) {
            Some(state) => state.clone(),
            None => self.world.stage(stage).cloned().unwrap_or_default(),
        }
    }

    pub(crate) fn promotion(&self, id: &PromotionId) -> Option<Arc<Promotion>> {
        self.note(StreamId::Promotion(id.clone()));
        self.promotions
            .get(id)
            .or_else(|| self.world.promotion(id))
            .cloned()
    }

    pub(crate) fn telling(&self, name: &ProjectName) -> Arc<Telling> {
        self.note(StreamId::Notifications(name.clone()));
        match self.telling.get(name) {
            Some(state) => state.clone(),
            None => self.world.telling(name).cloned().unwrap_or_default(),
        }
    }

    pub(crate) fn incidents(&self, name: &ProjectName) -> Arc<Incidents> {
        self.note(StreamId::Incidents(name.clone()));
        match self.incidents.get(name) {
            Some(state) => state.clone(),
            None => self.world.incidents(name).cloned().unwrap_or_default(),
        }
    }

    /// What is proposed so far.
    pub(crate) fn proposed(&self) -> &[Proposed] {
        &self.proposed
    }

    /// An open promotion, or the rejection that says that it is not.
    pub(crate) fn open_promotion(&self, id: &PromotionId) -> Result<Arc<Promotion>, Rejection> {
        self.promotion(id).ok_or_else(|| {
            let known = self.world.version(&StreamId::Promotion(id.clone())) > 0;
            if known {
                let hint = match self.stage(&id.stage).stuck() {
                    Some(stuck) if stuck == id => "take it back again with `gateline rollback`",
                    Some(_) | None => "request a new one with `gateline promote`",
                };
                Rejection::conflict("promotion.ended", format!("promotion `{id}` has ended"), hint)
            } else {
                Rejection::unknown(
                    "promotion.unknown",
                    format!("there is no promotion `{id}`"),
                    "list them with `gateline status`",
                )
            }
        })
    }

    /// A pipeline version of a project.
    pub(crate) fn pipeline_version(
        &self,
        project: &ProjectName,
        version: &gateline_model::Digest,
    ) -> Option<Arc<Pipeline>> {
        self.project(project)?.versions.get(version).cloned()
    }

    /// The pipeline version in force, or the rejection that says that there is none.
    pub(crate) fn pipeline_in_force(
        &self,
        project: &ProjectName,
        name: &PipelineName,
    ) -> Result<Arc<Pipeline>, Rejection> {
        self.project(project)
            .and_then(|state| state.pipeline(name).cloned())
            .ok_or_else(|| unknown_pipeline(project, name))
    }

    /// Its digest, as it was worked out when it was applied: that takes long.
    pub(crate) fn version_in_force(
        &self,
        project: &ProjectName,
        name: &PipelineName,
    ) -> Result<gateline_model::Digest, Rejection> {
        self.project(project)
            .and_then(|state| state.in_force.get(name).copied())
            .ok_or_else(|| unknown_pipeline(project, name))
    }

    /// Proposes an event and lets the draft see it at once.
    pub(crate) fn emit(&mut self, stream: StreamId, event: Event) {
        self.emit_with(stream, event, Private::default());
    }

    /// Proposes an event with an erasable part.
    pub(crate) fn emit_with(&mut self, stream: StreamId, event: Event, private: Private) {
        let at = self.facts.now;
        self.note(stream.clone());
        // The states below hold only what one append can change; an illegal event is a bug of `decide`.
        let applied = match &stream {
            StreamId::Stage(stage) => {
                let before = || self.world.stage(stage).cloned().unwrap_or_default();
                let state = self.stages.entry(stage.clone()).or_insert_with(before);
                Arc::make_mut(state).evolve(&event, at)
            }
            StreamId::Promotion(id) => {
                let before = self.world.promotion(id);
                match changed(&mut self.promotions, id, before) {
                    Some(state) => state.evolve(&event, at),
                    None => Promotion::begin(id, &event, &self.facts.actor.id, at)
                        .map(|state| drop(self.promotions.insert(id.clone(), Arc::new(state)))),
                }
            }
            // Nothing that is decided together reads evidence again, and copying what a release has for each report
            // would cost more than all the rest.
            StreamId::Release(_) if matches!(event, Event::EvidenceRecorded { .. }) => Ok(()),
            StreamId::Release(id) => match changed(&mut self.releases, id, self.world.release(id)) {
                Some(state) => state.evolve(&event),
                None => ReleaseState::begin(*id, &event, &self.facts.actor.id, at)
                    .map(|state| drop(self.releases.insert(*id, Arc::new(state)))),
            },
            StreamId::Project(name) => {
                self.note_on_call(name, &event, at);
                Ok(())
            }
            StreamId::Notifications(name) => {
                let before = || self.world.telling(name).cloned().unwrap_or_default();
                let state = self.telling.entry(name.clone()).or_insert_with(before);
                Arc::make_mut(state).evolve(name, &event, at)
            }
            StreamId::Incidents(name) => {
                let before = || self.world.incidents(name).cloned().unwrap_or_default();
                let state = self.incidents.entry(name.clone()).or_insert_with(before);
                Arc::make_mut(state).evolve(&event, at)
            }
        };
        debug_assert!(applied.is_ok(), "decide proposed an illegal event: {applied:?}");
        self.proposed.push(Proposed {
            stream,
            event,
            private,
        });
    }

    /// Keeps what an event says of the sources of who is on call: of a project only these plan work.
    fn note_on_call(&mut self, name: &ProjectName, event: &Event, at: jiff::Timestamp) {
        if !matches!(
            event,
            Event::RolesApplied { .. } | Event::OnCallLearned { .. } | Event::OnCallErrored { .. }
        ) {
            return;
        }
        let before = || {
            let project = self.world.project(name);
            project.map(|project| project.on_call.clone()).unwrap_or_default()
        };
        let sources = self.on_call.entry(name.clone()).or_insert_with(before);
        sources.evolve(event, at);
    }

    /// What the draft comes to.
    pub(crate) fn finish(self, again: Option<jiff::Timestamp>) -> Decided {
        let mut planned = Vec::new();
        let mut not_planned = Vec::new();
        let mut compare = |stream: StreamId, after: Vec<Work>| {
            let before = plan(self.world, &stream);
            let gone = before.iter().filter(|old| {
                !after
                    .iter()
                    .any(|new| new.kind == old.kind && !begins_anew(old, new))
            });
            not_planned.extend(gone.map(Work::id));
            planned.extend(after);
        };
        for (stage, state) in &self.stages {
            compare(StreamId::Stage(stage.clone()), plan_stage(stage, state));
        }
        for (id, state) in &self.promotions {
            compare(StreamId::Promotion(id.clone()), plan_promotion(state));
        }
        for (name, state) in &self.on_call {
            compare(StreamId::Project(name.clone()), plan_on_call(name, state));
        }
        for (name, state) in &self.telling {
            compare(StreamId::Notifications(name.clone()), plan_telling(name, state));
        }
        Decided {
            events: self.proposed,
            reads: self.read.into_inner(),
            again,
            planned,
            not_planned,
            promotions: self.promotions.into_values().collect(),
        }
    }
}

/// A state to change: the draft's own, else a copy of what the world has. It is copied once, however many events change it.
fn changed<'d, Id: Ord + Clone, State: Clone>(
    own: &'d mut BTreeMap<Id, Arc<State>>,
    id: &Id,
    before: Option<&Arc<State>>,
) -> Option<&'d mut State> {
    if !own.contains_key(id) {
        own.insert(id.clone(), before?.clone());
    }
    own.get_mut(id).map(Arc::make_mut)
}

fn unknown_pipeline(project: &ProjectName, name: &PipelineName) -> Rejection {
    Rejection::unknown(
        "pipeline.unknown",
        format!("project `{project}` has no pipeline `{name}`"),
        "store it first with `gateline apply -f FILE`",
    )
}

/// Whether planned work moved to another time, so that its row must not be left as it is. A check that is under way
/// is not begun anew because it would be due later now: its answer is awaited.
fn begins_anew(old: &Work, new: &Work) -> bool {
    match new.kind {
        WorkKind::CheckEntry { .. } | WorkKind::CheckStep { .. } | WorkKind::CheckVerify { .. } => {
            new.due < old.due
        }
        WorkKind::Judge
        | WorkKind::Step { .. }
        | WorkKind::Measure
        | WorkKind::Continue { .. }
        | WorkKind::ObserveHealth
        | WorkKind::Watch { .. }
        | WorkKind::EndWatch
        | WorkKind::MeasureNoise { .. }
        | WorkKind::AskOnCall { .. }
        | WorkKind::Deliver { .. } => new.due != old.due,
    }
}
