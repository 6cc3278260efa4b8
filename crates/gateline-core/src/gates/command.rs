//! Command: one bounded run of the user's own executable ends with exit code 0.
//!
//! `command: {run: [./smoke.sh, "{version}"], timeout: 60s}`. One that cannot be started or is killed is errored.

use std::collections::BTreeMap;

use gateline_model::{Check, CommandCheck, Gate, Reading, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use super::live::{self, Judged, every_default, max_age_default};
use super::{GateKind, GateView, Observes, Place, check_params, schema_of, with_params};

pub(super) const KIND: GateKind = GateKind {
    name: "command",
    summary: "One bounded run of the user's own executable ends with exit code 0.",
    place: Place::EntryAndVerify,
    check: check_params::<Command>,
    schema: schema_of::<Command>,
    observes: |params| {
        let command = Command::deserialize(params).ok()?;
        let check = CommandCheck {
            run: command.run,
            timeout: command.timeout,
            env: command.env,
        };
        Some(Observes {
            check: Check::Command(check),
            every: command.every,
        })
    },
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |command: Command| {
            live::judge(
                gate,
                view,
                command.every,
                command.max_age,
                |reading| match reading {
                    Reading::Command {
                        exit_code,
                        seconds,
                        output_tail,
                        ..
                    } => {
                        let last = output_tail.lines().last().unwrap_or_default();
                        let tail = if last.is_empty() {
                            String::new()
                        } else {
                            format!(": {last}")
                        };
                        Some(Judged {
                            passed: *exit_code == 0,
                            failed: "check.failed",
                            says: format!("exit code {exit_code} after {seconds:.1} s{tail}"),
                            name: "exit_code",
                            value: f64::from(*exit_code),
                            unit: String::new(),
                            limit: Some("== 0".to_owned()),
                        })
                    }
                    Reading::Metric { .. }
                    | Reading::Http { .. }
                    | Reading::Attestation { .. }
                    | Reading::Policy(_) => None,
                },
            )
        })
    },
};

/// Parameters of the gate kind `command`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Command {
    /// Program and arguments. `{version}` and `{artifact.NAME}` are filled in.
    run: Vec<String>,
    /// How long it may take before it is killed.
    #[serde(default = "timeout_default")]
    timeout: Span,
    /// Its environment; it inherits nothing else but `PATH`.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Time between two runs while it does not pass.
    #[serde(default = "every_default")]
    every: Span,
    /// How old a passed check may be at admission.
    #[serde(default = "max_age_default")]
    max_age: Span,
}

fn timeout_default() -> Span {
    Span::from_secs(300)
}
