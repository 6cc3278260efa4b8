//! Noise of thresholds that were just applied: how often each would have fired on what is live now. Asked once, for a few
//! seconds at most: who applies a file is warned, and nobody waits for a metric source that does not answer.

use std::time::Duration;

use gateline_core::{NoiseOrder, noise_of_live};
use gateline_drivers::metrics;
use gateline_model::{Check, CheckOrder, GateName, Pipeline, StageName, StageRef};
use jiff::Timestamp;

use crate::hub::Hub;

/// Most thresholds of one file that are measured when it is applied; the others are when their watch begins.
pub const NOISE_ASKED_MAX: usize = 20;
/// How long measuring all of them may take, in seconds.
pub const NOISE_SECS_MAX: u64 = 5;

/// The watched thresholds of a pipeline that fire on noise too often, each with the sentence that says so.
pub(crate) async fn too_noisy(hub: &Hub, pipeline: &Pipeline) -> Vec<(StageName, GateName, String)> {
    let now = Timestamp::now();
    let mut orders: Vec<(StageName, GateName, NoiseOrder, CheckOrder)> = Vec::new();
    for stage in &pipeline.stages {
        let of = pipeline.stage_ref(&stage.name);
        if let Some(watch) = &stage.watch {
            let pace = (watch.every, watch.in_a_row);
            for gate in &watch.gates {
                let order = hub.with_world(|world| noise_of_live(world, &of, gate, pace, now));
                let Some((order, check)) = order.ok().and_then(|order| ready(hub, &of, order)) else {
                    continue;
                };
                orders.push((stage.name.clone(), gate.name.clone(), order, check));
            }
        }
    }
    orders.truncate(NOISE_ASKED_MAX);
    let until = tokio::time::Instant::now() + Duration::from_secs(NOISE_SECS_MAX);
    let mut noisy = Vec::new();
    for (stage, gate, order, check) in orders {
        let past = metrics::past(&check, order.from, order.until, order.every);
        // Silent, or out of time: what is not known is no warning. The watch itself says so when it begins.
        let Ok(Ok(numbers)) = tokio::time::timeout_at(until, past).await else {
            continue;
        };
        let noise = order.count.noise(&order, &numbers);
        if noise.is_too_much() {
            noisy.push((stage, gate, noise.says()));
        }
    }
    noisy
}

/// The order with the check of the release that is live.
fn ready(hub: &Hub, stage: &StageRef, order: NoiseOrder) -> Option<(NoiseOrder, CheckOrder)> {
    let release = hub.with_world(|world| Some(world.release(&order.release)?.release.clone()))?;
    let check = CheckOrder {
        check: Check::Metric(order.check.clone()),
        release: order.release,
        stage: stage.clone(),
        version: release.version.to_string(),
        artifacts: release.artifacts.clone(),
        reports: Vec::new(),
        registries: Default::default(),
        policy: None,
    };
    Some((order, check))
}
