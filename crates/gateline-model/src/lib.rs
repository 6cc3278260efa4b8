//! The words of Gateline: one type per concept, one file per noun.
//!
//! Read [`Event`] first: it is the list of everything that can happen.
//! Knows no I/O, no clock, no randomness and no other crate of ours.

mod approval;
mod channel;
mod decision;
mod digest;
mod event;
mod evidence;
mod facts;
mod gate;
mod health;
pub mod limits;
mod name;
mod notification;
mod pipeline;
mod placeholder;
mod policy;
mod promotion;
mod registry;
mod release;
mod risk;
mod roles;
mod rollout;
mod shown;
mod signing;
mod span;
mod stage;
mod stream;
mod summary;
mod target;
mod tick;
mod waiver;
mod window;
mod work;

pub use approval::*;
pub use channel::*;
pub use decision::*;
pub use digest::*;
pub use event::*;
pub use evidence::*;
pub use facts::*;
pub use gate::*;
pub use health::*;
pub use name::*;
pub use notification::*;
pub use pipeline::*;
pub use placeholder::*;
pub use policy::*;
pub use promotion::*;
pub use registry::*;
pub use release::*;
pub use risk::*;
pub use roles::*;
pub use rollout::*;
pub use shown::plays_tricks;
pub use signing::*;
pub use span::*;
pub use stage::*;
pub use stream::*;
pub use summary::*;
pub use target::*;
pub use tick::*;
pub use waiver::*;
pub use window::*;
pub use work::*;
