//! The reading of pipeline files: YAML with places in, a [`Pipeline`](gateline_model::Pipeline) or [`Diagnostics`] out.
//!
//! One pass finds everything that is wrong, so that a person mends a file once. Strict: what is not known is an error,
//! with the name that was probably meant. Knows no file system, no server and no gate kind by itself.

mod approval;
mod artifact;
mod condition;
mod de;
mod diagnostic;
mod diff;
mod fault;
mod fields;
mod file;
mod gate;
mod graph;
mod kinds;
mod nearest;
mod node;
mod placeholder;
mod rollout;
mod schema;
mod secret;
mod stage;
mod target;
mod window;
mod yaml;

pub use diagnostic::{DIAGNOSTICS_MAX, Diagnostic, Diagnostics, Severity};
pub use diff::{Difference, What, diff};
pub use file::{API_VERSION, KIND, Read, read};
pub use kinds::{GateInfo, gate_kinds};
pub use schema::schema;
pub use yaml::{PIPELINE_BYTES_MAX, YAML_DEPTH_MAX, YAML_VALUES_MAX};
