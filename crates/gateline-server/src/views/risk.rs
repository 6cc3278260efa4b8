//! Risk: what was recorded with a decision, or what it would be now.

use gateline_api::{GateAtRisk, Named, ReleaseName, RiskView};
use gateline_core::{RiskNow, Sight};
use gateline_model::{StageName, StageRef};
use jiff::Timestamp;

use super::names::release_named;
use crate::hub::Hub;
use crate::refused::Refused;
use crate::seen::not_there;

/// The risk of a release before a stage.
///
/// # Errors
/// 404 if there is no such release or stage.
pub(crate) fn risk(
    hub: &Hub,
    sight: &Sight,
    name: &ReleaseName,
    to: &StageName,
) -> Result<RiskView, Refused> {
    hub.with_world(|world| {
        let state = release_named(world, sight, name)?;
        let of = &state.release.of;
        let stage = StageRef {
            project: of.project.clone(),
            pipeline: of.pipeline.clone(),
            stage: to.clone(),
        };
        if !sight.sees_stage(&stage) {
            return Err(not_there(&Named::Stage(stage)));
        }
        let RiskNow {
            decided,
            assessment,
            approval,
            rollout,
            gates,
        } = gateline_core::risk_now(world, &state.id, &stage, Timestamp::now())?;
        let (promotion, decided_at) = decided.unzip();
        let gates = gates
            .into_iter()
            .map(|(gate, settings)| GateAtRisk { gate, settings });
        Ok(RiskView {
            release: state.id,
            version: state.release.version.clone(),
            stage,
            promotion,
            decided_at,
            assessment,
            approval,
            rollout,
            gates: gates.collect(),
        })
    })
}
