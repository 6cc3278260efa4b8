//! Planned work: what a stream's state still needs somebody to do. A function of the state, never remembered apart.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{GateName, GroupName, StreamId};

/// One thing that must be done at or after its due time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Work {
    /// The stream that plans it.
    pub stream: StreamId,
    /// What it is.
    pub kind: WorkKind,
    /// When it is first due. Retries of a leased row are the store's, not the plan's.
    pub due: Timestamp,
}

/// What there is to do. With the stream it makes the work's id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum WorkKind {
    /// Judge the gates of a held promotion again: a verdict changes by itself now.
    Judge,
    /// Run the check of an entry gate.
    CheckEntry {
        /// The gate.
        gate: GateName,
    },
    /// Run a check of the step that stands.
    CheckStep {
        /// The check's gate.
        gate: GateName,
    },
    /// Run the check of a verification.
    CheckVerify {
        /// The check's gate.
        gate: GateName,
    },
    /// Make a step of the rollout true.
    Step {
        /// Index of the step.
        step: u32,
        /// Which attempt.
        attempt: u32,
    },
    /// Look at the rollout's traffic. Due again and again while it runs.
    Measure,
    /// Go on after a step's pause, or end a verification whose time is over.
    Continue {
        /// Index of the step.
        step: u32,
    },
    /// Look at the health of what is live. Due again and again.
    ObserveHealth,
    /// Look at what is live with a check of its watch. Due again and again.
    Watch {
        /// The check's gate.
        gate: GateName,
    },
    /// End a watch whose time is over.
    EndWatch,
    /// Measure how often a watched threshold would have fired while nothing was wrong.
    MeasureNoise {
        /// The check's gate.
        gate: GateName,
    },
    /// Ask a source who is on call in a team. Due again and again.
    AskOnCall {
        /// The team.
        team: GroupName,
    },
    /// Deliver a letter.
    Deliver {
        /// Its number.
        letter: u64,
    },
}

/// A work's id: stream and kind, `promotion/../7#step/2/1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct WorkId(pub String);

impl fmt::Display for WorkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Work {
    /// The deterministic id.
    pub fn id(&self) -> WorkId {
        WorkId(format!("{}#{}", self.stream, self.kind))
    }
}

impl fmt::Display for WorkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorkKind::Judge => f.write_str("judge"),
            WorkKind::CheckEntry { gate } => write!(f, "check/{gate}"),
            WorkKind::CheckStep { gate } => write!(f, "during/{gate}"),
            WorkKind::CheckVerify { gate } => write!(f, "verify/{gate}"),
            WorkKind::Step { step, attempt } => write!(f, "step/{step}/{attempt}"),
            WorkKind::Measure => f.write_str("measure"),
            WorkKind::Continue { step } => write!(f, "continue/{step}"),
            WorkKind::ObserveHealth => f.write_str("health"),
            WorkKind::Watch { gate } => write!(f, "watch/{gate}"),
            WorkKind::EndWatch => f.write_str("end-watch"),
            WorkKind::MeasureNoise { gate } => write!(f, "noise/{gate}"),
            WorkKind::AskOnCall { team } => write!(f, "on-call/{team}"),
            WorkKind::Deliver { letter } => write!(f, "deliver/{letter}"),
        }
    }
}
