//! The judgement: may it move, why not, who or what can change that, and when by itself.
//!
//! [`decide`] turns a command into events, [`World`] folds events into state, [`plan`] says what the state still needs.
//! Pure: no clock (`now` is a fact), no I/O, no async, no randomness. Knows no store, driver or transport.

mod approvals;
mod asking;
pub mod authority;
mod command;
mod conditions;
mod decide;
mod decision;
mod draft;
mod elsewhere;
pub mod gates;
mod inbox;
mod noise;
mod people;
mod plan;
#[doc(hidden)]
pub mod planted;
mod preview;
mod proposals;
mod react;
mod rejection;
mod risk;
mod sight;
mod state;
mod summary;
mod suspects;
mod threshold;
mod timetable;
mod world;

pub use command::{Actor, Command, Credential, Facts, Signed, StepOutcome};
pub use conditions::{APPROVAL_FACTS, RISK_FACTS, TELL_FACTS};
pub use decide::{
    ACCOUNTS_MAX, ATTEMPTS_MAX, CALENDARS_PER_PROJECT_MAX, DELEGATED_MAX, DELEGATIONS_MAX,
    DELEGATIONS_PER_ACTOR_MAX, Decided, ERASED_MAX, KEYS_PER_ACTOR_MAX, ONCE_WORDS, PROPOSALS_OPEN_MAX,
    ToSign, WAIVED_MAX, WAIVERS_PER_PROJECT_MAX, decide, no_such_event, proposal_to_sign, server_project,
    to_sign, unheard,
};
pub use decision::judge_gates;
pub use draft::Proposed;
pub use inbox::{Inbox, Look, MayAnswer, Waiting, answered, inbox, may_answer, standing_for};
pub use noise::{Count, NoiseOrder, noise_key, noise_of_live, noise_of_watch};
pub use people::People;
pub use plan::plan;
pub use preview::{Backtest, PREVIEW_PROMOTIONS_MAX, Previewed};
pub use proposals::{Needed, may_answer_proposal, proposal_needs, proposals_for};
pub use react::must_be_judged_again;
pub use rejection::{Rejection, RejectionKind};
pub use risk::{RiskNow, risk_now};
pub use sight::Sight;
pub use state::*;
pub use summary::summary;
pub use threshold::{Threshold, ThresholdError};
pub use timetable::{AskedOf, Opens, Timetable, Told, WindowUnknown, WindowsNow};
pub use world::{Erased, World, WorldError};
