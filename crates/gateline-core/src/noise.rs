//! The noise of a threshold: how often a watch of it would have failed on the stage's own earlier healthy time.
//! Pure counting: what the past was, the caller asks the metric source.

use gateline_model::{
    Digest, Gate, MetricCheck, MetricSource, NOISE_BACK_MAX, NOISE_LOOKS_MAX, Noise, ReleaseId, Risk, Span,
    StageRef,
};
use jiff::Timestamp;

use crate::gates::threshold_of;
use crate::state::StageState;
use crate::threshold::Threshold;
use crate::world::World;

/// What a watched threshold is measured by: the past that is asked for, and how it is counted.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseOrder {
    /// The query and its source.
    pub check: MetricCheck,
    /// The release that was live then: queries may name it.
    pub release: ReleaseId,
    /// Beginning of the past.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// Time between two looks.
    pub every: Span,
    /// How it is counted.
    pub count: Count,
}

/// How the looks of a past are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Count {
    of: Digest,
    threshold: Threshold,
    in_a_row: u32,
    /// Times in which something was wrong, or might have been: they are not looked at.
    not_healthy: Vec<(Timestamp, Timestamp)>,
}

/// What a threshold's noise is kept by: another query, limit or count in a row is another one.
pub fn noise_key(gate: &Gate, risk: Risk, in_a_row: u32) -> Digest {
    Digest::of_json(&(&gate.kind, gate.params_at(risk), in_a_row))
}

/// The past that says how noisy a check of the watch that goes on in a stage is.
///
/// # Errors
/// Why its noise cannot be known, as a sentence.
pub fn noise_of_watch(world: &World, stage: &StageRef, gate: &str) -> Result<NoiseOrder, String> {
    let state = world.stage(stage).ok_or("nothing is watched")?;
    let watch = state.watch.as_ref().ok_or("nothing is watched")?;
    let pipeline = world
        .project(&stage.project)
        .and_then(|project| project.versions.get(&watch.pipeline));
    let rules = pipeline.and_then(|pipeline| pipeline.stage(&stage.stage)?.watch.as_ref());
    let declared = rules.and_then(|rules| rules.gates.iter().find(|declared| declared.name.as_str() == gate));
    let declared = declared.ok_or("the check is not there any more")?;
    let before = state.before.as_ref().ok_or("nothing was live here before it")?;
    let began = state
        .changes
        .iter()
        .find(|changed| changed.promotion == watch.promotion);
    // What the rollout did is not the old release's time.
    let until = began.map_or(watch.since, |changed| changed.began);
    let live = (before.release, before.since, until);
    order(
        world,
        stage,
        state,
        (declared, watch.risk),
        (watch.every, watch.in_a_row),
        live,
    )
}

/// The past that says how noisy a watched check would be for what is live in a stage now.
///
/// # Errors
/// Why its noise cannot be known, as a sentence.
pub fn noise_of_live(
    world: &World,
    stage: &StageRef,
    gate: &Gate,
    (every, in_a_row): (Span, u32),
    now: Timestamp,
) -> Result<NoiseOrder, String> {
    let state = world.stage(stage).ok_or("nothing is live there yet")?;
    let live = state.live.as_ref().ok_or("nothing is live there yet")?;
    let live = (live.release, live.since, now);
    order(world, stage, state, (gate, Risk::Low), (every, in_a_row), live)
}

fn order(
    world: &World,
    stage: &StageRef,
    state: &StageState,
    (gate, risk): (&Gate, Risk),
    (every, in_a_row): (Span, u32),
    (release, since, until): (ReleaseId, Timestamp, Timestamp),
) -> Result<NoiseOrder, String> {
    let (check, threshold) =
        threshold_of(gate, risk).ok_or_else(|| format!("a check of kind `{}` has no past", gate.kind))?;
    if let MetricSource::Openmetrics(_) = &check.source {
        return Err("a page of metrics has no past: ask a `prometheus` server".to_owned());
    }
    let earliest = NOISE_BACK_MAX.before(until);
    let from = since.max(earliest);
    let least = Span::from_millis(Span::between(from, until).as_millis() / NOISE_LOOKS_MAX + 1);
    Ok(NoiseOrder {
        check,
        release,
        from,
        until,
        every: every.max(least),
        count: Count {
            of: noise_key(gate, risk, in_a_row),
            threshold,
            in_a_row,
            not_healthy: not_healthy(world, stage, state, until),
        },
    })
}

/// When the stage was seen unhealthy, or an incident touched it.
fn not_healthy(
    world: &World,
    stage: &StageRef,
    state: &StageState,
    until: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    let seen = state.unhealthy.iter();
    let seen = seen.map(|(from, end)| (*from, end.unwrap_or(until)));
    let incidents = world.incidents(&stage.project).map(|state| &**state);
    let known = incidents.into_iter().flat_map(|state| state.all());
    let of_incidents = known
        .filter(|noted| noted.touches(stage))
        .map(|noted| (noted.incident.since, noted.closed_at.unwrap_or(until)));
    seen.chain(of_incidents).collect()
}

impl Count {
    /// How often the watch would have failed on these looks, oldest first, of which the source gave a number for some.
    pub fn noise(&self, order: &NoiseOrder, numbers: &[(Timestamp, f64)]) -> Noise {
        let healthy = |at: Timestamp| {
            let bad = |(from, until): &(Timestamp, Timestamp)| *from <= at && at < *until;
            !self.not_healthy.iter().any(bad)
        };
        let (mut looks, mut alarms, mut failing) = (0_u32, 0_u32, 0_u32);
        for (at, value) in numbers {
            if !healthy(*at) {
                failing = 0;
                continue;
            }
            // No number is neither healthy nor failed, as in the watch itself.
            if !value.is_finite() {
                continue;
            }
            looks += 1;
            match self.threshold.holds(*value) {
                true => failing = 0,
                false => failing += 1,
            }
            // One alarm for each time that it would have begun to fire.
            alarms += u32::from(failing == self.in_a_row.max(1));
        }
        let mut expected = 0_u32;
        let mut at = order.from;
        loop {
            let next = order.every.after(at);
            if next > order.until {
                break;
            }
            expected += u32::from(healthy(at));
            at = next;
        }
        Noise {
            of: self.of,
            from: order.from,
            until: order.until,
            every: order.every,
            looks,
            missing: expected.saturating_sub(looks),
            alarms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Span = Span::from_secs(60);

    fn at(minute: i64) -> Timestamp {
        MINUTE.times(minute).after(Timestamp::UNIX_EPOCH)
    }

    fn order(minutes: i64, in_a_row: u32, not_healthy: &[(i64, i64)]) -> NoiseOrder {
        let not_healthy = not_healthy.iter().map(|(from, until)| (at(*from), at(*until)));
        NoiseOrder {
            check: serde_json::from_value(serde_json::json!({
                "source": {"prometheus": {"url": "http://127.0.0.1:9090"}}, "query": "up",
            }))
            .expect("legal parameters"),
            release: Digest::of(b"release"),
            from: at(0),
            until: at(minutes),
            every: MINUTE,
            count: Count {
                of: Digest::of(b"threshold"),
                threshold: "<= 1".parse().expect("a threshold"),
                in_a_row,
                not_healthy: not_healthy.collect(),
            },
        }
    }

    fn count(order: &NoiseOrder, values: &[f64]) -> (u32, u32, u32) {
        let numbers: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(minute, value)| (at(minute as i64), *value))
            .collect();
        let noise = order.count.noise(order, &numbers);
        (noise.alarms, noise.looks, noise.missing)
    }

    #[test]
    fn an_alarm_is_counted_when_it_begins_and_not_for_as_long_as_it_lasts() {
        let values = [0.0, 2.0, 2.0, 0.0, 2.0, 0.0];
        assert_eq!(count(&order(6, 1, &[]), &values), (2, 6, 0));
        assert_eq!(count(&order(6, 2, &[]), &values), (1, 6, 0));
        assert_eq!(count(&order(6, 3, &[]), &values), (0, 6, 0));
    }

    #[test]
    fn what_has_no_number_counts_neither_way() {
        let values = [2.0, f64::NAN, 2.0, 0.0];
        assert_eq!(count(&order(4, 2, &[]), &values), (1, 3, 1));
        // Looks that the source has nothing for at all are missing, not healthy.
        assert_eq!(count(&order(60, 1, &[]), &[0.0, 0.0]), (0, 2, 58));
    }

    #[test]
    fn an_alarm_in_an_incident_is_no_false_one() {
        let values = [0.0, 2.0, 2.0, 2.0, 0.0, 2.0];
        assert_eq!(count(&order(6, 1, &[(1, 4)]), &values), (1, 3, 0));
    }
}
