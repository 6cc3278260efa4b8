//! Looks: what drivers saw, as evidence, and the reports of a watch: its looks, and how noisy its thresholds are.

use std::sync::Arc;

use gateline_core::{Command, noise_of_watch};
use gateline_model::{
    Digest, Evidence, Facts as EvidenceFacts, Found, GateName, NoiseFound, Reading, ReleaseId, StageRef,
};
use jiff::Timestamp;

use crate::engine::Engine;
use crate::port::TaskOrder;

impl Engine {
    pub(crate) fn look_report(
        &self,
        now: Timestamp,
        stage: &StageRef,
        gate: &GateName,
        order: &TaskOrder,
        read: Result<Reading, String>,
    ) -> Option<Command> {
        let TaskOrder::Check(order) = order else {
            return None;
        };
        let watch = self.world.stage(stage)?.watch.as_ref()?;
        let evidence = self.evidence(now, (&order.release, stage), gate, read)?;
        Some(Command::ReportLook {
            stage: stage.clone(),
            // Of another watch by now: then its release is another one, too.
            promotion: (watch.release == order.release).then(|| watch.promotion.clone())?,
            gate: gate.clone(),
            check: Digest::of_json(&order.check),
            evidence,
        })
    }

    /// What was seen of a release, as evidence.
    pub(crate) fn evidence(
        &self,
        now: Timestamp,
        (release, stage): (&ReleaseId, &StageRef),
        gate: &GateName,
        read: Result<Reading, String>,
    ) -> Option<Arc<Evidence>> {
        let release = &self.world.release(release)?.release;
        let found = match read {
            Ok(Reading::Metric { value, .. }) if !value.is_finite() => Found::Errored {
                reason: format!("the source answered {value}, which is no number"),
                of: Some("reading".to_owned()),
                from: Vec::new(),
            },
            Ok(reading) => Found::Facts {
                facts: EvidenceFacts::Reading(reading),
            },
            Err(reason) => Found::Errored {
                reason,
                of: Some("reading".to_owned()),
                from: Vec::new(),
            },
        };
        Some(Arc::new(Evidence {
            artifacts: release
                .artifacts
                .iter()
                .map(|artifact| artifact.at.digest())
                .collect(),
            stage: Some(stage.stage.clone()),
            name: Some(gate.to_string()),
            found,
            raw: None,
            format: "check".to_owned(),
            warnings: Vec::new(),
            by: gateline_core::Actor::gateline().id,
            at: now,
        }))
    }

    /// What is reported at once of a threshold that has no past that could be looked at.
    pub(crate) fn no_past(&self, stage: &StageRef, gate: &GateName) -> Option<Command> {
        let why = noise_of_watch(&self.world, stage, gate.as_str()).err()?;
        self.noise(stage, gate, NoiseFound::NotKnown(why))
    }

    pub(crate) fn noise_report(
        &self,
        stage: &StageRef,
        gate: &GateName,
        order: &TaskOrder,
        past: Result<Vec<(Timestamp, f64)>, String>,
    ) -> Option<Command> {
        let TaskOrder::Past(order) = order else {
            return None;
        };
        let noise = match past {
            Ok(numbers) => NoiseFound::Measured(order.noise.count.noise(&order.noise, &numbers)),
            Err(why) => NoiseFound::NotKnown(why),
        };
        self.noise(stage, gate, noise)
    }

    fn noise(&self, stage: &StageRef, gate: &GateName, noise: NoiseFound) -> Option<Command> {
        let watch = self.world.stage(stage)?.watch.as_ref()?;
        Some(Command::ReportNoise {
            stage: stage.clone(),
            promotion: watch.promotion.clone(),
            gate: gate.clone(),
            noise,
        })
    }
}
