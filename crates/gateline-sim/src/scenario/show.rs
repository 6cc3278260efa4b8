//! Showing: the stored decision, the board, the log.

use gateline_core::{Phase, StepState};
use gateline_model::{Event, Recorded, StreamId};
use gateline_store::{READ_EVENTS_MAX, Read};

use super::Script;
use super::row::{Row, ScenarioError};
use crate::says;

impl Script<'_> {
    /// The stored decision, as every surface shows it.
    pub(super) fn explain(&mut self, row: &Row) -> Result<(), ScenarioError> {
        row.only(1, &["to"])?;
        let id = self.promotion(row)?;
        let stream = StreamId::Promotion(id.clone());
        let events = self
            .sim
            .store
            .read_stream(&stream, 0)
            .expect("memory can be read");
        let decision = events.iter().rev().find_map(|recorded| match &recorded.event {
            Event::DecisionRecorded { decision } => Some(decision.clone()),
            _ => None,
        });
        match decision {
            Some(decision) => says::decision(&decision).iter().for_each(|row| self.say(row)),
            None => self.say("nothing was decided"),
        }
        if let Some(Recorded {
            event: Event::PromotionEnded { outcome, says, .. },
            ..
        }) = events.last()
        {
            self.say(&format!("ended {outcome}: {says}"));
        }
        Ok(())
    }

    /// What somebody who is asked sees, word for word.
    pub(super) fn summary(&mut self, row: &Row) -> Result<(), ScenarioError> {
        row.only(1, &["to"])?;
        let id = self.promotion(row)?;
        let summary = gateline_core::summary(&self.sim.book.world, &id, None, self.sim.now);
        match summary {
            Some(summary) => summary.text(says::time).lines().for_each(|line| self.say(line)),
            None => self.say("nobody is asked any more"),
        }
        Ok(())
    }

    /// What is live and what is open, stage by stage.
    pub(super) fn status(&mut self, row: &Row) -> Result<(), ScenarioError> {
        row.only(0, &[])?;
        let of = self.pipeline_ref(row)?.clone();
        let world = &self.sim.book.world;
        let Some(pipeline) = world
            .project(&of.project)
            .and_then(|project| project.pipeline(&of.pipeline))
        else {
            return Ok(());
        };
        let mut rows = Vec::new();
        for stage in &pipeline.stages {
            let state = world
                .stage(&pipeline.stage_ref(&stage.name))
                .cloned()
                .unwrap_or_default();
            let live = state.live.as_ref().map_or("nothing".to_owned(), |live| {
                format!("{}, {}", live.version, state.health)
            });
            rows.push(format!("{:<12} live: {live}", stage.name.as_str()));
            for open in &state.open {
                let Some(promotion) = world.promotion(&open.id) else {
                    continue;
                };
                let version = world
                    .release(&open.release)
                    .map(|state| state.release.version.to_string());
                let says = match &promotion.phase {
                    Phase::Held => promotion
                        .decision
                        .as_ref()
                        .map(|decision| decision.headline.clone())
                        .unwrap_or_default(),
                    Phase::Rolling(rollout) => {
                        let step = format!("step {} of {}", rollout.step, rollout.steps.len());
                        let how = match (&rollout.state, rollout.paused) {
                            (_, Some(_)) => ", paused",
                            (StepState::Intended { .. }, None) => ", under way",
                            (StepState::Applied { .. }, None) => ", stands",
                            (StepState::Failed { .. }, None) => ", failed",
                            (StepState::Parked { .. }, None) => ", parked",
                        };
                        let back = if rollout.rollback.is_some() { " back" } else { "" };
                        format!("rolling{back}: {step}{how}")
                    }
                    Phase::Ended(ended) => ended.says.clone(),
                };
                rows.push(format!(
                    "{:<12} {} {}: {says}",
                    "",
                    version.unwrap_or_default(),
                    says::promotion(&open.id)
                ));
            }
            rows.extend(state.barred.keys().map(|release| {
                let version = world
                    .release(release)
                    .map(|state| state.release.version.to_string());
                format!("{:<12} barred: {}", "", version.unwrap_or_default())
            }));
        }
        rows.iter().for_each(|row| self.say(row));
        Ok(())
    }

    /// The end of the log, as it stands.
    pub(super) fn log(&mut self, row: &Row) -> Result<(), ScenarioError> {
        row.only(0, &["last"])?;
        let last: u64 = row.value("last")?.unwrap_or(10);
        let from = self.sim.book.world.next().saturating_sub(last);
        let events = self
            .sim
            .store
            .read(from, READ_EVENTS_MAX)
            .expect("memory can be read");
        for Recorded {
            number,
            stream,
            version,
            at,
            actor,
            event,
            ..
        } in &events
        {
            let stream = match stream {
                StreamId::Release(id) => format!("release/{}", id.short()),
                other => other.to_string(),
            };
            self.say(&format!(
                "#{number} {}  {} on {stream} v{version} by {actor}",
                says::time(*at),
                event.name()
            ));
        }
        Ok(())
    }
}
