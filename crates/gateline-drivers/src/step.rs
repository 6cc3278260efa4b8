//! What a driver says of one step of a rollout: what it saw, what it did, why it could not.
//!
//! Knows no driver: `process` and `command` answer with the same words, and the engine acts on nothing else.

use std::fmt;

/// What a driver saw when it looked whether a step is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// The step is true of the target: there is nothing to do.
    Applied,
    /// The step is not true of the target, and what it lacks: it may be applied.
    NotApplied(String),
    /// It could not be found out, and why: nothing may be applied before somebody looked.
    Unknown(String),
}

/// A step was made true.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// What a person may want to read of it; may be empty.
    pub says: String,
}

/// Why a step was not made true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct StepError {
    /// Whether the target is known to be without the step.
    pub kind: StepErrorKind,
    /// What happened, where, and what to do about it.
    pub why: String,
}

/// Whether a step that ended in an error may be tried again without a look at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepErrorKind {
    /// The step is not true: the world said no.
    Failed,
    /// The step may be true or not: observe before anything else.
    Unknown,
}

impl StepError {
    /// The step is known not to be true.
    pub fn failed(why: impl fmt::Display) -> Self {
        Self {
            kind: StepErrorKind::Failed,
            why: why.to_string(),
        }
    }

    /// The step may or may not be true.
    pub fn unknown(why: impl fmt::Display) -> Self {
        Self {
            kind: StepErrorKind::Unknown,
            why: why.to_string(),
        }
    }
}
