//! Policy modules (Rego): files and an input in; passed, failed with reasons, or errored out.
//!
//! Modules are written as for Conftest: rules `deny`, `violation` and `warn` (or `deny_NAME` ..) in any package, which give
//! sets of messages or of objects with `msg`; `exception` excuses rules by name. A denial with `effective_on` in the future only
//! warns until then, as for Conforma. Both versions of Rego are read. The interpreter is regorus; nothing of it is seen outside.
//!
//! Everything is bounded before it is parsed or run, and whatever goes wrong is errored, never a pass. A module is
//! nevertheless its author's code: who may apply it may slow its own gates down. Knows no I/O and no clock: `now` is given.

mod ask;
mod builtins;
mod declared;
mod error;
mod factors;
mod files;
mod load;
mod manifest;
mod scan;
mod suite;

pub use ask::{EVALUATION_TIME_MAX, INPUT_BYTES_MAX, INPUT_DEPTH_MAX, PolicyOutcome, Reasons};
pub use builtins::{RANGE_ITEMS_MAX, TEXT_MADE_BYTES_MAX};
pub use error::PolicyError;
pub use factors::RISK_FACTORS_MAX;
pub use files::{FILE_BYTES_MAX, MODULE_BYTES_MAX, MODULE_FILES_MAX, ModuleFiles, PATH_BYTES_MAX};
pub use load::{Module, RULES_MAX};
pub use scan::{BRACKETS_DEPTH_MAX, CHAIN_MAX, PARSE_COST_MAX};
pub use suite::{FileCoverage, Run, Suite, TestOutcome};

/// Stack of the thread that parses and runs a module, in bytes. Both recurse, once per rule that reads another at least;
/// a debug binary was seen to need a fifth of it for [`RULES_MAX`] rules in a row.
const STACK_BYTES: usize = 512 << 20;

/// Does something on a stack that is large enough. A panic of the interpreter is an error, not a crash.
fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("policy".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|err| format!("no thread could be started for it: {err}"))?;
        thread
            .join()
            .map_err(|_| "the Rego interpreter failed on it; this is a bug, please report it".to_owned())
    })
}
