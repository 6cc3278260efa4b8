//! Performing: what the engine asks of drivers. Steps are observed first and applied only when they are not applied.

use std::collections::BTreeSet;

use gateline_core::{NoiseOrder, People, StepOutcome};
use gateline_drivers::{CheckError, Drivers, Observed as Seen, StepError, StepErrorKind, metrics, on_call};
use gateline_engine::{LEASE, Observed, SourceOrder, Task, TaskOrder};
use gateline_model::{
    Arm, Check, CheckOrder, Letter, Reading, Span, StepAction, StepOrder, Summary, Target, TargetView, Tick,
    TrafficSource, Version, Weight,
};

use jiff::Timestamp;
use tracing::warn;

use super::{Hub, attestation, policy};
use crate::views;

/// Carries one task out. Always answers.
pub(super) async fn perform(hub: &Hub, drivers: &Drivers, task: &Task) -> Observed {
    match &task.order {
        TaskOrder::Check(order) => Observed::Checked(look(hub, drivers, order).await),
        TaskOrder::Past(order) => {
            let NoiseOrder {
                from, until, every, ..
            } = &order.noise;
            let past = metrics::past(&order.check, *from, *until, *every).await;
            Observed::Past(past.map_err(|err| err.to_string()))
        }
        TaskOrder::Step(step) => {
            let made = make_true(drivers, step, task.leased.attempt, hub.still_holds(task)).await;
            made.map_or(Observed::NotBegun, Observed::Stepped)
        }
        TaskOrder::Measure(view, None) => {
            Observed::Measured(drivers.measure(view).await.map_err(|err| err.to_string()))
        }
        TaskOrder::Measure(view, Some(source)) => {
            Observed::Measured(both_arms(view, source).await.map_err(|err| err.to_string()))
        }
        TaskOrder::Health(view) => Observed::Seen(drivers.health(view).await),
        TaskOrder::OnCall(source) => {
            let people = &drivers.post.people;
            Observed::OnCall(on_call::ask(source, people).await.map_err(|err| err.to_string()))
        }
        TaskOrder::Deliver(letter) => {
            let now = Timestamp::now();
            let actors = hub.with_world(|world| {
                let people = People::of(world, &letter.project, now);
                let named = letter.to.people.iter();
                named.flat_map(|who| people.asked(who, &[])).collect::<Vec<_>>()
            });
            let summaries = asked_about(hub, letter).await;
            Observed::Delivered(drivers.post.deliver(letter, &actors, &summaries, now).await)
        }
    }
}

impl Hub {
    /// Whether a lease is still this server's, as the store knows. It is extended then: what follows has its whole time.
    async fn still_holds(&self, task: &Task) -> bool {
        let fence = task.fence();
        let now = self
            .shared
            .time
            .as_ref()
            .map_or_else(Timestamp::now, |time| time.now());
        let renewed = self
            .write_beside(move |store| store.renew(&fence, LEASE.after(now)))
            .await;
        let work = task.leased.work.id();
        match renewed {
            Ok(true) => true,
            Ok(false) => {
                warn!("`{work}` is not begun here: another server has its lease");
                false
            }
            Err(err) => {
                warn!("`{work}` is not begun: it is not known whether its lease is held: {err}");
                false
            }
        }
    }
}

/// The summaries of what a letter asks about, as far as it is still asked. Without one, the letter says what it was
/// planned with.
async fn asked_about(hub: &Hub, letter: &Letter) -> Vec<Summary> {
    let briefs = letter
        .notices
        .iter()
        .filter_map(|one| one.notice.promotion.as_ref());
    let asked: BTreeSet<_> = briefs
        .filter(|brief| brief.question.is_some())
        .map(|brief| &brief.id)
        .collect();
    let mut summaries = Vec::new();
    for id in asked {
        summaries.extend(views::summary(hub, id).await.ok().flatten());
    }
    summaries
}

async fn look(hub: &Hub, drivers: &Drivers, order: &CheckOrder) -> Result<Reading, String> {
    match &order.check {
        Check::Attestation(check) => attestation::check(hub, check, order).await,
        Check::Policy(check) => policy::check(hub, check, order).await,
        Check::Metric(_) | Check::Http(_) | Check::Command(_) => {
            drivers.check(order).await.map_err(|err| err.to_string())
        }
    }
}

async fn both_arms(view: &TargetView, order: &SourceOrder) -> Result<Vec<Tick>, CheckError> {
    let SourceOrder {
        source,
        weight,
        live,
        before,
    } = order;
    let mut ticks =
        vec![metrics::traffic(source, view.release.version.as_str(), Arm::Canary, *weight).await?];
    if let Some(live) = live {
        let rest = Weight::percent(Weight::ALL.as_percent() - weight.as_percent());
        ticks.push(metrics::traffic(source, live.as_str(), Arm::Stable, rest).await?);
    }
    // Both arms were looked at for one moment: the judge compares what belongs together.
    let at = Timestamp::now();
    ticks.iter_mut().for_each(|tick| tick.at = at);
    let mut all = match (before, live) {
        (Some(every), Some(live)) => past(source, live, *every, at).await,
        (Some(_), None) | (None, _) => Vec::new(),
    };
    all.append(&mut ticks);
    Ok(all)
}

/// What the live release did before. Without it the judge says that it is not calibrated, and goes on carefully.
async fn past(source: &TrafficSource, live: &Version, every: Span, until: Timestamp) -> Vec<Tick> {
    // A look earlier than the one that was just taken: the rollout began in between.
    let until = until
        .checked_sub(jiff::SignedDuration::from_millis(every.as_millis()))
        .unwrap_or(until);
    let past = metrics::history(source, live.as_str(), every, until).await;
    past.unwrap_or_else(|err| {
        warn!("What `{live}` did before is not known: {err}");
        Vec::new()
    })
}

/// None where nothing was done: this server may have stood still since it took the lease, so that another one has it by
/// now, and has seen and applied the same.
async fn make_true(
    drivers: &Drivers,
    order: &StepOrder,
    leases: u32,
    still_ours: impl Future<Output = bool>,
) -> Option<StepOutcome> {
    match drivers.observe(order).await {
        Seen::Applied => return Some(StepOutcome::Applied),
        Seen::NotApplied => {}
        Seen::Unknown(_) if may_apply_unseen(order, leases) => {}
        Seen::Unknown(why) => return Some(StepOutcome::Unknown(why)),
    }
    if !still_ours.await {
        return None;
    }
    Some(apply(drivers, order, leases).await)
}

async fn apply(drivers: &Drivers, order: &StepOrder, leases: u32) -> StepOutcome {
    match drivers.apply(order).await {
        // That the old release serves again is seen, not assumed.
        Ok(_) if order.action == StepAction::Withdraw => match drivers.observe(order).await {
            Seen::Applied => StepOutcome::Applied,
            Seen::NotApplied => StepOutcome::Failed(
                "the target took the order to give the traffic back and does not show that it did".to_owned(),
            ),
            Seen::Unknown(_) if may_apply_unseen(order, leases) => StepOutcome::Applied,
            Seen::Unknown(why) => StepOutcome::Unknown(why),
        },
        Ok(_) => StepOutcome::Applied,
        Err(StepError {
            kind: StepErrorKind::Failed,
            why,
        }) => StepOutcome::Failed(why),
        Err(StepError {
            kind: StepErrorKind::Unknown,
            why,
        }) => StepOutcome::Unknown(why),
    }
}

/// A target without `observe` either takes an idempotent key, and then the same key is the same operation however
/// often it is sent; or it declares `at_most_once`, and then only the first lease of the step may apply it.
fn may_apply_unseen(order: &StepOrder, leases: u32) -> bool {
    match &order.target {
        Target::Process(_) => false,
        Target::Command(target) => target.observe.is_none() && (!target.at_most_once || leases == 1),
    }
}

#[cfg(test)]
mod tests {
    use gateline_drivers::process::ProcessDriver;
    use serde_json::json;

    use super::*;

    fn drivers(dir: &std::path::Path) -> Drivers {
        Drivers {
            process: ProcessDriver {
                state_dir: dir.to_owned(),
            },
            post: Default::default(),
        }
    }

    fn order(target: serde_json::Value, action: &str) -> StepOrder {
        let release = |version: &str| json!({"id": gateline_model::Digest::of(version.as_bytes()), "version": version, "artifacts": []});
        serde_json::from_value(json!({
            "key": "promotion-1/1/1",
            "stage": {"project": "payments", "pipeline": "payment-service", "stage": "production"},
            "target_name": "payments/production", "target": {"command": target},
            "release": release("1.1.0"), "live": release("1.0.0"), "action": {"do": action},
        }))
        .unwrap()
    }

    async fn withdrawn(observe: serde_json::Value) -> StepOutcome {
        let dir = tempfile::tempdir().unwrap();
        let mut target = json!({"apply": ["/bin/true"]});
        if !observe.is_null() {
            target["observe"] = observe;
        }
        let order = order(target, "withdraw");
        make_true(&drivers(dir.path()), &order, 1, async { true })
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn whoever_stood_still_while_he_looked_applies_nothing_when_another_has_the_work() {
        let dir = tempfile::tempdir().unwrap();
        let applied = dir.path().join("applied");
        let drivers = drivers(dir.path());
        let order = order(
            json!({"apply": ["/usr/bin/touch", applied], "observe": ["/bin/false"]}),
            "place",
        );
        assert_eq!(make_true(&drivers, &order, 1, async { false }).await, None);
        assert!(!applied.exists());
        assert_eq!(
            make_true(&drivers, &order, 1, async { true }).await,
            Some(StepOutcome::Applied)
        );
        assert!(applied.exists());
    }

    #[tokio::test]
    async fn traffic_is_back_when_the_target_shows_it_and_not_when_it_says_so() {
        let never = withdrawn(json!(["/bin/false"])).await;
        assert!(
            matches!(&never, StepOutcome::Failed(why) if why.contains("does not show")),
            "{never:?}"
        );
        assert_eq!(withdrawn(json!(["/bin/true"])).await, StepOutcome::Applied);
        // Nothing can be looked at: the same order again would be harmless.
        assert_eq!(withdrawn(serde_json::Value::Null).await, StepOutcome::Applied);
    }
}
