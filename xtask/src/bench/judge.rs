//! The judges beside each other, on simulated rollouts: the tables of `docs/reference/judge-benchmark.md`.
//!
//! Needs neither the server nor its feature: the simulation is built as an example of its crate.

use std::process::Command;

/// Where the tables go.
const PAGE: &str = "docs/reference/judge-benchmark.md";
/// What stands above them.
const HEAD: &str = "# Benchmark of the judges

Written by `cargo xtask bench judge [ROLLOUTS [SEED]]`. Do not edit.

Simulated rollouts, each an hour of ticks of 15 s: traffic and error rates that swing, errors in clumps, pods with moods, brownouts of
both arms, pauses, canaries that are cold at first. Every judge drives its own weight, and bad requests are counted to the end of the
hour, after a wrong promotion too. *Gateline* is the default recipe, `tempered` and `clumped` are the published sets that it comes from
([why](../decisions/0009-judge-defaults.md)); Flagger, Argo Rollouts and Kayenta are their rules as read in their sources, with the
settings of their documentation and, for Argo, tighter ones; the last one is the group-sequential judge.

A simulation is not production. What it can show is which rule cries wolf at noise that has been seen in production, and what each
costs when something is broken. Kayenta's part of the stable arm is thinned, which flatters it a little.
";

pub(super) fn run(arguments: &[String]) -> Result<(), String> {
    let program = super::build::example("gateline-judge", "simulation")?;
    let ran = Command::new(&program)
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output();
    let ran = ran.map_err(|err| format!("could not run {}: {err}", program.display()))?;
    if !ran.status.success() {
        return Err(format!("the simulation ended with {}", ran.status));
    }
    let tables =
        String::from_utf8(ran.stdout).map_err(|err| format!("the simulation wrote no text: {err}"))?;
    print!("{tables}");
    let path = crate::root().join(PAGE);
    std::fs::write(&path, format!("{HEAD}{tables}"))
        .map_err(|err| format!("could not write {}: {err}", path.display()))
}
