//! What the log makes anew: the fold of all of it, with the read models' rows and the planned work that come of that.
//! For `gateline doctor`. Times in these rows are the log's; those that are kept are of the decision before the commit.

use gateline_core::{World, WorldError, plan};
use gateline_model::{Recorded, StreamId, Work};
use gateline_store::Row;

use crate::rows::{promoted, registered};

/// The log as far as it was folded, and what came of it.
#[derive(Debug, Default)]
pub struct Remade {
    world: World,
    /// Rows that no later event changes.
    settled: Vec<Row>,
}

impl Remade {
    /// Folds the next event of the log.
    ///
    /// # Errors
    /// [`WorldError`] if it is not the next one, or its state does not allow it. Nothing changes then.
    pub fn fold(&mut self, recorded: &Recorded) -> Result<(), WorldError> {
        let ended = self.world.ended(recorded);
        self.world.fold(recorded)?;
        self.settled.extend(registered(&recorded.event, recorded.at));
        if let Some(ended) = ended
            && let Some(release) = self.world.release(&ended.release)
        {
            self.settled
                .push(promoted(&ended, release.release.version.clone()));
        }
        Ok(())
    }

    /// Log number of the next event to fold.
    pub fn next(&self) -> u64 {
        self.world.next()
    }

    /// All rows of the read models, in no order.
    pub fn rows(&self) -> Vec<Row> {
        let open = self.world.promotions().filter_map(|promotion| {
            let release = self.world.release(&promotion.release)?;
            Some(promoted(promotion, release.release.version.clone()))
        });
        self.settled.iter().cloned().chain(open).collect()
    }

    /// All planned work, in no order.
    pub fn work(&self) -> Vec<Work> {
        let promotions = self.world.promotions();
        let promotions = promotions.map(|promotion| StreamId::Promotion(promotion.id.clone()));
        let stages = self
            .world
            .stages()
            .map(|(stage, _)| StreamId::Stage(stage.clone()));
        let tellings = self
            .world
            .tellings()
            .map(|(project, _)| StreamId::Notifications(project.clone()));
        promotions
            .chain(stages)
            .chain(tellings)
            .flat_map(|stream| plan(&self.world, &stream))
            .collect()
    }
}
