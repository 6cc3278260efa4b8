//! Driver `command`: the user's own executables make steps true, say whether they are, and check.
//!
//! Effect class, by what the target gives: *idempotent key* where `apply` honours `GATELINE_KEY` (the same key is the
//! same operation); *observed* where there is an `observe`; otherwise `at_most_once`: one attempt, then a person. The
//! driver keeps no memory: without `observe` it answers unknown, and whether an attempt was made is for its caller to
//! know. An `apply` that goes on after the death of the server is not adopted again; `observe` is asked first.
//!
//! Each executable gets `PATH`, the target's `env`, and:
//! `GATELINE_KEY` idempotency key; `GATELINE_STAGE`; `GATELINE_TARGET`; `GATELINE_ACTION` the word of the step (`stop`,
//! `start`, `mirror`, `replace`, `expose`, `finish`, `withdraw`, `discard`, `degrade`); `GATELINE_VERSION` and
//! `GATELINE_RELEASE` the release to act on; `GATELINE_WEIGHT` the share of traffic, 0 to 100, that it has when the step is
//! true; `GATELINE_COHORT` who gets it besides; `GATELINE_SHARE` the share of which it gets a copy; `GATELINE_NEW` and
//! `GATELINE_OLD` how many instances run; `GATELINE_LIVE_VERSION` and `GATELINE_LIVE_RELEASE` the release that was live
//! before. What a step does not say is empty. The whole order comes as JSON on standard input.

mod degrade;
mod output;
mod run;

use std::collections::BTreeMap;

use gateline_model::{
    CheckOrder, CommandCheck, CommandTarget, Health, HealthSeen, Reading, ReleaseBrief, Span, StepAction,
    StepOrder, TargetView, Weight,
};
use serde::Serialize;

pub use degrade::DEGRADES_KEPT_MAX;
pub(crate) use degrade::{degrade, is_degraded};
pub use output::{OUTPUT_BYTES_MAX, OUTPUT_TAIL_BYTES_MAX, Output};
pub use run::KILL_GRACE;
use run::{Call, Ended, Run, RunError, run};

use crate::fill::{Fill, FillError};
use crate::{Applied, CheckError, Observed, StepError};

/// Asks the user's `observe` whether a step is true.
pub async fn observe(target: &CommandTarget, order: &StepOrder) -> Observed {
    let Some(command) = &target.observe else {
        let key = &order.key;
        return Observed::Unknown(format!(
            "the target has no `observe` command: look by hand whether `{key}` was done"
        ));
    };
    let call = match step_call(target, order, command) {
        Ok(call) => call,
        Err(err) => return Observed::Unknown(err.to_string()),
    };
    match answer(call, command).await {
        Ok(true) => Observed::Applied,
        Ok(false) => Observed::NotApplied("its `observe` says no: exit code 1".to_owned()),
        Err(why) => Observed::Unknown(why),
    }
}

/// Lets the user's executable make a step true: `apply`, or to take a rollout back `revert`.
///
/// # Errors
/// [`StepError`], failed where the executable said no or could not be started; unknown where it
/// was ended by its timeout or by a signal, and may have done its work or half of it.
pub async fn apply(target: &CommandTarget, order: &StepOrder) -> Result<Applied, StepError> {
    let command = match (order.action, revert(target, order), &order.live) {
        (
            StepAction::Stop
            | StepAction::Start
            | StepAction::Mirror { .. }
            | StepAction::Replace { .. }
            | StepAction::Expose { .. }
            | StepAction::Finish
            | StepAction::Degrade,
            _,
            _,
        ) => &target.apply,
        (StepAction::Withdraw | StepAction::Discard, Some(revert), _) => revert,
        (StepAction::Withdraw | StepAction::Discard, None, Some(_)) => &target.apply,
        (StepAction::Withdraw | StepAction::Discard, None, None) => {
            return Err(StepError::failed(format!(
                "`{}` cannot be taken back at `{}`: no release was live before and the target has no `revert`; give it one",
                order.release.version, order.target_name
            )));
        }
    };
    let step = format!("step `{}` of `{}`", order.action, order.stage);
    let call = step_call(target, order, command).map_err(StepError::failed)?;
    let Run { ended, output, .. } = match run(call).await {
        Ok(run) => run,
        Err(err @ RunError::NotStarted { .. }) => return Err(StepError::failed(format!("{step}: {err}"))),
        Err(err @ RunError::Lost { .. }) => return Err(StepError::unknown(format!("{step}: {err}"))),
    };
    match ended {
        Ended::Exit(0) => Ok(Applied { says: output.text() }),
        Ended::Exit(_) => Err(StepError::failed(format!(
            "{step}: {}",
            told(command, ended, target.timeout, &output)
        ))),
        Ended::Signal(_) | Ended::TimedOut => Err(StepError::unknown(format!(
            "{step}: {}; look whether it was done",
            told(command, ended, target.timeout, &output)
        ))),
    }
}

/// Asks the user's `health` whether the live release works.
pub async fn health(target: &CommandTarget, view: &TargetView) -> HealthSeen {
    let Some(command) = &target.health else {
        return HealthSeen::because(Health::Unknown, "the target has no `health` command");
    };
    let mut env = target.env.clone();
    env.insert("GATELINE_TARGET".into(), view.target_name.to_string());
    name_release(&mut env, &view.release);
    let answer = match call(command, &view.release, env, view, target.timeout) {
        Ok(call) => answer(call, command).await,
        Err(err) => Err(err.to_string()),
    };
    match answer {
        Ok(true) => Health::Healthy.into(),
        Ok(false) => HealthSeen::because(
            Health::Unhealthy,
            "the target's `health` command says no: exit code 1",
        ),
        Err(why) => {
            tracing::warn!(target.name = %view.target_name, "Could not find out the health of `{}`: {why}", view.target_name);
            HealthSeen::because(Health::Unknown, why)
        }
    }
}

/// Runs a check's executable once. The reading holds the end of its output; all that was kept comes beside it, so
/// that the caller can keep it and put its digest into the reading.
///
/// # Errors
/// [`CheckError`] where the executable could not be started, or did not end by itself.
pub async fn check(check: &CommandCheck, order: &CheckOrder) -> Result<(Reading, Output), CheckError> {
    let CommandCheck {
        run: command,
        timeout,
        env,
    } = check;
    let fill = Fill::of(&order.version, &order.artifacts);
    let filled: Result<Vec<String>, FillError> = command.iter().map(|part| fill.fill(part)).collect();
    let mut env = env.clone();
    env.insert("GATELINE_STAGE".into(), order.stage.to_string());
    env.insert("GATELINE_VERSION".into(), order.version.clone());
    let command = filled.map_err(|err| CheckError::new(err.to_string()))?;
    let call = Call {
        command: command.clone(),
        env,
        input: Vec::new(),
        timeout: *timeout,
    };
    let Run { ended, output, took } = run(call).await.map_err(|err| CheckError::new(err.to_string()))?;
    match ended {
        Ended::Exit(exit_code) => {
            let seconds = took.as_secs_f64();
            let reading = Reading::Command {
                exit_code,
                seconds,
                output_tail: output.tail(),
                output_digest: None,
            };
            Ok((reading, output))
        }
        Ended::Signal(_) | Ended::TimedOut => Err(CheckError::new(told(&command, ended, *timeout, &output))),
    }
}

/// A question with exit code 0 for yes and 1 for no; anything else is no answer.
async fn answer(call: Call, command: &[String]) -> Result<bool, String> {
    let limit = call.timeout;
    let Run { ended, output, .. } = run(call).await.map_err(|err| err.to_string())?;
    match ended {
        Ended::Exit(0) => Ok(true),
        Ended::Exit(1) => Ok(false),
        Ended::Exit(_) | Ended::Signal(_) | Ended::TimedOut => Err(told(command, ended, limit, &output)),
    }
}

/// The command that takes a release back. One that was live before its own rollout is not taken back, but brought back.
fn revert<'t>(target: &'t CommandTarget, order: &StepOrder) -> Option<&'t Vec<String>> {
    target.revert.as_ref().filter(|_| !is_live_already(order))
}

fn is_live_already(order: &StepOrder) -> bool {
    order
        .live
        .as_ref()
        .is_some_and(|live| live.id == order.release.id)
}

fn step_call(target: &CommandTarget, order: &StepOrder, command: &[String]) -> Result<Call, FillError> {
    let (release, weight) = match (order.action, revert(target, order), &order.live) {
        // It is brought back whole: no step of it takes its traffic away.
        (StepAction::Start, _, _) if is_live_already(order) => (&order.release, Some(Weight::ALL)),
        (
            StepAction::Stop
            | StepAction::Start
            | StepAction::Mirror { .. }
            | StepAction::Replace { .. }
            | StepAction::Expose { .. }
            | StepAction::Finish
            | StepAction::Degrade,
            _,
            _,
        ) => (&order.release, order.action.weight()),
        // Without a `revert`, taking back means to apply what was live before.
        (StepAction::Withdraw | StepAction::Discard, None, Some(live)) => (live, Some(Weight::ALL)),
        (StepAction::Withdraw | StepAction::Discard, _, _) => (&order.release, Some(Weight::NONE)),
    };
    let mut env = target.env.clone();
    env.extend(step_env(order, weight));
    name_release(&mut env, release);
    call(command, release, env, order, target.timeout)
}

/// What every executable is told of a step, but the release to act on.
fn step_env(order: &StepOrder, weight: Option<Weight>) -> BTreeMap<String, String> {
    let action = match order.action {
        StepAction::Stop => "stop",
        StepAction::Start => "start",
        StepAction::Mirror { .. } => "mirror",
        StepAction::Replace { .. } => "replace",
        StepAction::Expose { .. } => "expose",
        StepAction::Finish => "finish",
        StepAction::Withdraw => "withdraw",
        StepAction::Discard => "discard",
        StepAction::Degrade => "degrade",
    };
    let (mut cohort, mut share, mut new, mut old) = Default::default();
    match order.action {
        StepAction::Mirror { share: percent } => share = percent.as_percent().to_string(),
        StepAction::Replace { new: more, old: rest } => (new, old) = (more.to_string(), rest.to_string()),
        StepAction::Expose {
            cohort: Some(people), ..
        } => cohort = people.word().to_owned(),
        StepAction::Stop
        | StepAction::Start
        | StepAction::Expose { .. }
        | StepAction::Finish
        | StepAction::Withdraw
        | StepAction::Discard
        | StepAction::Degrade => {}
    }
    let live = |text: fn(&ReleaseBrief) -> String| order.live.as_ref().map(text).unwrap_or_default();
    let weight = weight.map(|weight| weight.as_percent().to_string());
    [
        ("GATELINE_KEY", order.key.clone()),
        ("GATELINE_STAGE", order.stage.to_string()),
        ("GATELINE_TARGET", order.target_name.to_string()),
        ("GATELINE_ACTION", action.to_owned()),
        ("GATELINE_WEIGHT", weight.unwrap_or_default()),
        ("GATELINE_COHORT", cohort),
        ("GATELINE_SHARE", share),
        ("GATELINE_NEW", new),
        ("GATELINE_OLD", old),
        ("GATELINE_LIVE_VERSION", live(|live| live.version.to_string())),
        ("GATELINE_LIVE_RELEASE", live(|live| live.id.to_string())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn name_release(env: &mut BTreeMap<String, String>, release: &ReleaseBrief) {
    env.insert("GATELINE_VERSION".into(), release.version.to_string());
    env.insert("GATELINE_RELEASE".into(), release.id.to_string());
}

fn call(
    command: &[String],
    release: &ReleaseBrief,
    env: BTreeMap<String, String>,
    input: &impl Serialize,
    timeout: Span,
) -> Result<Call, FillError> {
    let fill = Fill::of(release.version.as_str(), &release.artifacts);
    let command = command
        .iter()
        .map(|part| fill.fill(part))
        .collect::<Result<_, _>>()?;
    let input = serde_json::to_vec(input).expect("orders and views are plain data");
    Ok(Call {
        command,
        env,
        input,
        timeout,
    })
}

/// How a run ended, in words, with its last words.
fn told(command: &[String], ended: Ended, limit: Span, output: &Output) -> String {
    let program = command.first().map(String::as_str).unwrap_or_default();
    let end = match ended {
        Ended::Exit(code) => format!("ended with exit code {code}"),
        Ended::Signal(signal) => format!("was ended by signal {signal}"),
        Ended::TimedOut => format!("did not end within {limit} and was killed"),
    };
    match output.tail() {
        tail if tail.is_empty() => format!("`{program}` {end} and printed nothing"),
        tail => format!("`{program}` {end}; its last output: {tail}"),
    }
}

#[cfg(test)]
mod tests;
