//! State: what each kind of stream has come to. One file per kind, each with its fold.

mod incidents;
mod on_call;
mod project;
mod promotion;
mod release;
mod stage;
mod telling;
mod watch;

pub use incidents::{CLOSED_KEPT_MAX, Incidents, Noted};
pub use on_call::{Asked, Last, ON_CALL_RETRY, OnCallSources};
pub use project::{Account, Enrolled, OpenProposal, Project, Token};
pub use promotion::{Checked, Ended, Phase, Promotion, Rollback, Rollout, StepState};
pub use release::ReleaseState;
pub use stage::{Live, OpenPromotion, StageState};
pub use telling::{LETTERS_SHOWN_MAX, ONCE_KEPT, ONCE_MAX, Telling};
pub use watch::{CHANGES_KEPT_MAX, Changed, Look as WatchLook, Looked, UNHEALTHY_KEPT_MAX, Watching};

/// An event that its stream's state does not allow: the log is damaged, or was written by a newer build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` does not fit the state of its stream: {why}")]
pub struct IllegalEvent {
    /// The event's name.
    pub event: &'static str,
    /// Why.
    pub why: &'static str,
}
