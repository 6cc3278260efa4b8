//! Steps: what each makes true of a target, and whose requests go where meanwhile.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Weight;

/// What one step makes true of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum StepAction {
    /// The old release has finished its requests and is stopped, before the new one starts.
    Stop,
    /// The new release runs and is healthy; it gets no traffic yet.
    Start,
    /// The new release gets a copy of this share of the requests; what it answers is thrown away.
    Mirror {
        /// The share that is copied.
        share: Weight,
    },
    /// So many instances of each release run, and each takes an equal share of the requests.
    Replace {
        /// Of the new release.
        new: u32,
        /// Of the old release.
        old: u32,
    },
    /// The new release gets this share of traffic.
    Expose {
        /// The share.
        weight: Weight,
        /// Whose requests go to the new release, whatever the share of the others is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cohort: Option<Cohort>,
    },
    /// The old release has finished its requests and is stopped.
    Finish,
    /// All traffic is back at the release that was live before.
    Withdraw,
    /// The new release has finished its requests and is stopped.
    Discard,
    /// The command that was declared for a failed rollout has run.
    Degrade,
}

impl StepAction {
    /// The new release gets this share of everybody's requests.
    pub fn expose(weight: Weight) -> Self {
        StepAction::Expose { weight, cohort: None }
    }

    /// Share of the requests that the new release answers once this is true, where the step says so.
    pub fn weight(self) -> Option<Weight> {
        match self {
            StepAction::Expose { weight, .. } => Some(weight),
            StepAction::Replace { new, old } => {
                let all = u64::from(new) + u64::from(old);
                (u64::from(new) * 100)
                    .checked_div(all)
                    .map(|percent| Weight::percent(percent as u8))
            }
            StepAction::Finish => Some(Weight::ALL),
            StepAction::Stop
            | StepAction::Start
            | StepAction::Mirror { .. }
            | StepAction::Withdraw
            | StepAction::Discard => Some(Weight::NONE),
            StepAction::Degrade => None,
        }
    }
}

impl fmt::Display for StepAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepAction::Stop => f.write_str("stop"),
            StepAction::Start => f.write_str("start"),
            StepAction::Mirror { share } => write!(f, "mirror {share}"),
            StepAction::Replace { new, old } => write!(f, "{new} new and {old} old"),
            StepAction::Expose { weight, cohort: None } => write!(f, "{weight}"),
            StepAction::Expose {
                weight: Weight::NONE,
                cohort: Some(cohort),
            } => cohort.fmt(f),
            StepAction::Expose {
                weight,
                cohort: Some(cohort),
            } => write!(f, "{cohort} and {weight}"),
            StepAction::Finish => f.write_str("finish"),
            StepAction::Withdraw => f.write_str("withdraw"),
            StepAction::Discard => f.write_str("discard"),
            StepAction::Degrade => f.write_str("degrade"),
        }
    }
}

/// People who see a release before everyone does. Each is the ones before it and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cohort {
    /// The people who build it.
    Internal,
    /// People outside who asked to see things first; the internal ones with them.
    Trusted,
}

impl Cohort {
    /// The word, as a request's header or cookie says it.
    pub fn word(self) -> &'static str {
        match self {
            Cohort::Internal => "internal",
            Cohort::Trusted => "trusted",
        }
    }
}

impl fmt::Display for Cohort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
