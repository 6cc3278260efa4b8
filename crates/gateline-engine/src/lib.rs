//! The pulse: inputs in, outputs out. Drives commands through `decide` into batches, and leased work through drivers.
//!
//! [`Engine::step`] is a function of the engine, the moment and one [`Input`]; it returns [`Output`]s for a rim to carry
//! out. The server's rim has a real store and real drivers, the simulator's has faulty ones; the engine cannot tell.
//! Knows no threads, no clock and no I/O. Draws nothing at random.

mod again;
mod commit;
mod engine;
mod leave;
mod looks;
mod order;
mod perform;
mod port;
mod queue;
mod remade;
mod replay;
mod rows;
mod traffic;

pub use commit::ADMITS_WITHIN;
pub use engine::{Engine, LEASE};
pub use port::{
    BatchId, HandOver, Input, Observed, Output, Receipt, Refusal, Request, SourceOrder, Task, TaskOrder,
    Ticket,
};
pub use queue::{COMMAND_WAITS_MAX, COMMANDS_WAITING_MAX};
pub use remade::Remade;
pub use replay::replay;
pub use traffic::Traffic;
