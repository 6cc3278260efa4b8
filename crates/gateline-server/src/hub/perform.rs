//! Performing: what the engine asks of drivers. Steps are observed first and applied only when they are not applied.

use std::collections::BTreeSet;

use gateline_core::{People, StepOutcome};
use gateline_drivers::{CheckError, Drivers, Observed as Seen, StepError, StepErrorKind, metrics, on_call};
use gateline_engine::{Observed, SourceOrder, Task, TaskOrder};
use gateline_model::{
    Arm, Check, CheckOrder, Letter, Reading, StepOrder, Summary, Target, TargetView, Tick, Weight,
};

use jiff::Timestamp;

use super::{Hub, attestation, policy};
use crate::views;

/// Carries one task out. Always answers.
pub(super) async fn perform(hub: &Hub, drivers: &Drivers, task: &Task) -> Observed {
    match &task.order {
        TaskOrder::Check(order) => Observed::Checked(look(hub, drivers, order).await),
        TaskOrder::Step(step) => Observed::Stepped(make_true(drivers, step, task.leased.attempt).await),
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
    let SourceOrder { source, weight, live } = order;
    let mut ticks =
        vec![metrics::traffic(source, view.release.version.as_str(), Arm::Canary, *weight).await?];
    if let Some(live) = live {
        let rest = Weight::percent(Weight::ALL.as_percent() - weight.as_percent());
        ticks.push(metrics::traffic(source, live.as_str(), Arm::Stable, rest).await?);
    }
    // Both arms were looked at for one moment: the judge compares what belongs together.
    let at = Timestamp::now();
    ticks.iter_mut().for_each(|tick| tick.at = at);
    Ok(ticks)
}

async fn make_true(drivers: &Drivers, order: &StepOrder, leases: u32) -> StepOutcome {
    match drivers.observe(order).await {
        Seen::Applied => return StepOutcome::Applied,
        Seen::NotApplied => {}
        Seen::Unknown(_) if may_apply_unseen(order, leases) => {}
        Seen::Unknown(why) => return StepOutcome::Unknown(why),
    }
    match drivers.apply(order).await {
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
