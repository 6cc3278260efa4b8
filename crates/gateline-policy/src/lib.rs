//! Conditions (CEL) and policy modules (Rego): text and facts in, outcome with reasons out.
//!
//! A condition is read once, when the pipeline file is read, and judged as often as its facts change; a module is read when
//! it is applied, and asked as often as its input changes. All of it is pure and bounded: the text may come from a stranger, the facts may be huge, and neither may end the process.
//! Knows no I/O, no clock and no words of the pipeline: which facts exist is told by the caller.

mod condition;
mod facts;
mod meter;
mod module;
mod read;
mod tree;

pub use condition::{Condition, Outcome};
pub use facts::{FACTS_BYTES_MAX, FACTS_DEPTH_MAX, FACTS_ITEMS_MAX};
pub use meter::CONDITION_COST_MAX;
pub use module::*;
pub use read::{
    COMPREHENSION_DEPTH_MAX, CONDITION_BYTES_MAX, CONDITION_DEPTH_MAX, ConditionError, ConditionFault,
};
