//! Performing: what the engine asks of drivers. Steps are observed first and applied only when they are not applied.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use gateline_core::{NoiseOrder, People, StepOutcome};
use gateline_drivers::{
    CheckError, Drivers, Observed as Seen, StepError, StepErrorKind, hide_secrets, metrics, on_call,
};
use gateline_engine::{LEASE, Observed, SourceOrder, Task, TaskOrder};
use gateline_model::{
    Arm, Check, CheckOrder, Delivered, HealthSeen, Letter, Reading, Span, StepAction, StepOrder, StreamId,
    Summary, Target, TargetView, Tick, TrafficSource, Version, Weight,
};

use jiff::Timestamp;
use tracing::warn;

use super::{Hub, attestation, policy};
use crate::views;

/// The time until the first second look at a target that took an order and does not show it yet; each further one comes
/// after twice the time.
const SHOWN_EVERY_FIRST: Duration = Duration::from_millis(200);
/// The longest time between two such looks.
const SHOWN_EVERY_MAX: Duration = Duration::from_secs(5);

/// Carries one task out. Always answers. What the outside said is recorded without the secrets that it was shown.
pub(super) async fn perform(hub: &Hub, drivers: &Drivers, task: &Task) -> Observed {
    hidden(ask(hub, drivers, task).await)
}

/// An answer with our secrets hidden in each text that somebody outside had a part in.
fn hidden(observed: Observed) -> Observed {
    let hide = |text: String| hide_secrets(&text).into_owned();
    match observed {
        Observed::Checked(checked) => Observed::Checked(checked.map_err(hide)),
        Observed::Past(past) => Observed::Past(past.map_err(hide)),
        Observed::Measured(measured) => Observed::Measured(measured.map_err(hide)),
        Observed::OnCall(on_call) => Observed::OnCall(on_call.map_err(hide)),
        Observed::Stepped(StepOutcome::Applied) => Observed::Stepped(StepOutcome::Applied),
        Observed::NotBegun => Observed::NotBegun,
        Observed::Stepped(StepOutcome::Failed(why)) => Observed::Stepped(StepOutcome::Failed(hide(why))),
        Observed::Stepped(StepOutcome::Unknown(why)) => Observed::Stepped(StepOutcome::Unknown(hide(why))),
        Observed::Seen(HealthSeen { health, why }) => Observed::Seen(HealthSeen {
            health,
            why: why.map(hide),
        }),
        Observed::Delivered(delivered) => Observed::Delivered(match delivered {
            Delivered::Sent(says) => Delivered::Sent(hide(says)),
            Delivered::Later(why, after) => Delivered::Later(hide(why), after),
            Delivered::Never(why) => Delivered::Never(hide(why)),
        }),
    }
}

async fn ask(hub: &Hub, drivers: &Drivers, task: &Task) -> Observed {
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
            let hurried = || is_hurried(hub, task, step.action);
            let ours = hub.still_holds(task);
            let made = make_true(drivers, step, task.leased.attempt, ours, hurried).await;
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

/// Makes a step true and looks whether it is; none where nothing was done: this server may have stood still since it took the
/// lease, so that another one has it by now, and has seen and applied the same. `hurried` says whether somebody asks meanwhile
/// that it be taken back: then nobody waits for the target to show it.
async fn make_true(
    drivers: &Drivers,
    order: &StepOrder,
    leases: u32,
    still_ours: impl Future<Output = bool>,
    hurried: impl Fn() -> bool,
) -> Option<StepOutcome> {
    match drivers.observe(order).await {
        Seen::Applied => return Some(StepOutcome::Applied),
        Seen::NotApplied(_) => {}
        Seen::Unknown(_) if may_apply_unseen(order, leases) => {}
        Seen::Unknown(why) => return Some(StepOutcome::Unknown(why)),
    }
    if !still_ours.await {
        return None;
    }
    Some(apply(drivers, order, leases, hurried).await)
}

async fn apply(drivers: &Drivers, order: &StepOrder, leases: u32, hurried: impl Fn() -> bool) -> StepOutcome {
    let since = Instant::now();
    match drivers.apply(order).await {
        Ok(_) => {}
        Err(StepError {
            kind: StepErrorKind::Failed,
            why,
        }) => return StepOutcome::Failed(why),
        Err(StepError {
            kind: StepErrorKind::Unknown,
            why,
        }) => return StepOutcome::Unknown(why),
    }
    // That a step is true is seen, not assumed: whoever took the order may do nothing, or do it later.
    let mut pause = SHOWN_EVERY_FIRST;
    loop {
        match drivers.observe(order).await {
            Seen::Applied => return StepOutcome::Applied,
            Seen::Unknown(_) if may_apply_unseen(order, leases) => return StepOutcome::Applied,
            Seen::Unknown(why) => return StepOutcome::Unknown(why),
            Seen::NotApplied(why) if hurried() || since.elapsed() >= shown_within(&order.target) => {
                return StepOutcome::Failed(format!(
                    "the target took the order `{}` and does not show that it is so: {why}",
                    order.action
                ));
            }
            Seen::NotApplied(why) => {
                // Once, and not for what takes a moment.
                let longer = (pause * 2).min(SHOWN_EVERY_MAX);
                if longer == SHOWN_EVERY_MAX && pause < longer {
                    let (action, stage, within) = (order.action, &order.stage, shown_within(&order.target));
                    warn!(
                        "The target of `{stage}` took the order `{action}` and does not show that it is so yet: {why}; it has {within:?} for it"
                    );
                }
                tokio::time::sleep(pause).await;
                pause = longer;
            }
        }
    }
}

/// How long a target may take to show a step, counted from its order: the time that the step may take anyway.
fn shown_within(target: &Target) -> Duration {
    let span = match target {
        Target::Process(target) => target.start_timeout,
        Target::Command(target) => target.timeout,
    };
    Duration::from_millis(span.as_millis().unsigned_abs())
}

/// Whether the promotion of this work is being taken back, by a step other than this one.
fn is_hurried(hub: &Hub, task: &Task, action: StepAction) -> bool {
    let StreamId::Promotion(id) = &task.leased.work.stream else {
        return false;
    };
    let taking_back = matches!(action, StepAction::Withdraw | StepAction::Discard);
    !taking_back
        && hub.with_world(|world| {
            let promotion = world.promotion(id)?;
            Some(promotion.rollout()?.rollback.is_some())
        }) == Some(true)
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
    use std::path::Path;

    use gateline_drivers::process::ProcessDriver;
    use serde_json::json;

    use super::*;

    fn drivers(dir: &Path) -> Drivers {
        Drivers {
            process: ProcessDriver {
                state_dir: dir.to_owned(),
            },
            post: Default::default(),
        }
    }

    fn order(dir: &Path, action: &serde_json::Value, mut target: serde_json::Value) -> StepOrder {
        let release = |version: &str| json!({"id": gateline_model::Digest::of(version.as_bytes()), "version": version, "artifacts": []});
        for command in ["apply", "observe"] {
            if let Some(script) = target[command].as_str() {
                let script = script.replace("STATE", dir.join("state").to_str().unwrap());
                target[command] = json!(["/bin/sh", "-c", script]);
            }
        }
        serde_json::from_value(json!({
            "key": "promotion-1/1/1",
            "stage": {"project": "payments", "pipeline": "payment-service", "stage": "production"},
            "target_name": "payments/production", "target": {"command": target},
            "release": release("1.1.0"), "live": release("1.0.0"), "action": action,
        }))
        .unwrap()
    }

    async fn made(dir: &Path, action: serde_json::Value, target: serde_json::Value) -> StepOutcome {
        made_while(dir, action, target, || false).await
    }

    async fn made_while(
        dir: &Path,
        action: serde_json::Value,
        target: serde_json::Value,
        hurried: impl Fn() -> bool,
    ) -> StepOutcome {
        let order = order(dir, &action, target);
        make_true(&drivers(dir), &order, 1, async { true }, hurried)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn whoever_stood_still_while_he_looked_applies_nothing_when_another_has_the_work() {
        let dir = tempfile::tempdir().unwrap();
        let target = json!({"apply": "touch STATE", "observe": "test -e STATE || exit 1"});
        let order = order(dir.path(), &json!({"do": "finish"}), target);
        let drivers = drivers(dir.path());
        let made = async |ours: bool| make_true(&drivers, &order, 1, async move { ours }, || false).await;
        assert_eq!(made(false).await, None);
        assert!(!dir.path().join("state").exists());
        assert_eq!(made(true).await, Some(StepOutcome::Applied));
        assert!(dir.path().join("state").exists());
    }

    #[tokio::test]
    async fn a_step_is_true_when_the_target_shows_it_and_not_when_it_says_so() {
        let dir = tempfile::tempdir().unwrap();
        for action in [
            json!({"do": "withdraw"}),
            json!({"do": "expose", "weight": "5%"}),
            json!({"do": "finish"}),
        ] {
            let made = async |target| made(dir.path(), action.clone(), target).await;
            // Nothing is done, and another weight than the one that was asked for.
            for apply in ["exit 0", "echo 3 > STATE"] {
                let observe = "grep -qx \"$GATELINE_WEIGHT\" STATE 2>/dev/null || exit 1";
                let lied = made(json!({"apply": apply, "observe": observe, "timeout": "1s"})).await;
                assert!(
                    matches!(&lied, StepOutcome::Failed(why) if why.ends_with("does not show that it is so: its `observe` says no: exit code 1")),
                    "{action}, {apply}: {lied:?}"
                );
            }
            // Before the order it says no, and after it nothing that can be understood.
            let mute = "test -e STATE.begun || exit 1; exit 7";
            let unknown = made(json!({"apply": "touch STATE.begun", "observe": mute})).await;
            assert!(
                matches!(unknown, StepOutcome::Unknown(_)),
                "{action}: {unknown:?}"
            );
            std::fs::remove_file(dir.path().join("state.begun")).unwrap();
            assert_eq!(
                made(json!({"apply": "exit 1", "observe": "exit 0"})).await,
                StepOutcome::Applied
            );
            // Nothing can be looked at: the same order again would be harmless.
            assert_eq!(made(json!({"apply": "exit 0"})).await, StepOutcome::Applied);
        }
    }

    #[tokio::test]
    async fn a_target_that_takes_a_while_is_looked_at_until_it_shows_the_step() {
        let dir = tempfile::tempdir().unwrap();
        // Each look brings it one batch nearer.
        let observe = "test -e STATE || exit 1; echo batch >> STATE; test $(wc -l < STATE) -ge 4 || exit 1";
        let target = json!({"apply": "touch STATE", "observe": observe});
        let slow = made(dir.path(), json!({"do": "replace", "new": 1, "old": 3}), target).await;
        assert_eq!(slow, StepOutcome::Applied);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_step_that_is_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let target = json!({"apply": "exit 0", "observe": "exit 1", "timeout": "1h"});
        let ended = made_while(
            dir.path(),
            json!({"do": "expose", "weight": "50%"}),
            target,
            || true,
        )
        .await;
        assert!(matches!(ended, StepOutcome::Failed(_)), "{ended:?}");
    }
}
