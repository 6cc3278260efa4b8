//! What open promotions ask about other pipelines: kept with the fold, so that what happens in one of them concerns only those
//! that ask about it. Judges nobody: what the answer means is the gate's to say.

use std::collections::{BTreeSet, HashMap};

use gateline_model::{PipelineRef, PromotionId, Stage};

use crate::gates::depends::{About, asked_about};

/// The open promotions whose gates ask about other pipelines.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Elsewhere {
    asking: HashMap<About, BTreeSet<PromotionId>>,
    /// What was noted of each, to take it away again.
    noted: HashMap<PromotionId, Vec<About>>,
}

impl Elsewhere {
    /// Keeps what the gates of a promotion's stage ask; nothing where there is no such stage.
    pub(crate) fn note(&mut self, id: &PromotionId, stage: Option<&Stage>) {
        self.forget(id);
        let gates = stage.into_iter().flat_map(|stage| &stage.gates);
        let asked: Vec<About> = gates.flat_map(|gate| asked_about(gate, &id.stage)).collect();
        for about in &asked {
            self.asking.entry(about.clone()).or_default().insert(id.clone());
        }
        if !asked.is_empty() {
            self.noted.insert(id.clone(), asked);
        }
    }

    /// Drops a promotion.
    pub(crate) fn forget(&mut self, id: &PromotionId) {
        for about in self.noted.remove(id).into_iter().flatten() {
            if let Some(asking) = self.asking.get_mut(&about) {
                asking.remove(id);
                if asking.is_empty() {
                    self.asking.remove(&about);
                }
            }
        }
    }

    /// Those that ask about a pipeline, or about every one of its project. One may be among them twice.
    pub(crate) fn asking_about(&self, pipeline: &PipelineRef) -> impl Iterator<Item = &PromotionId> {
        let about = [
            About::Pipeline(pipeline.clone()),
            About::Project(pipeline.project.clone()),
        ];
        about
            .into_iter()
            .filter_map(|about| self.asking.get(&about))
            .flatten()
    }
}
