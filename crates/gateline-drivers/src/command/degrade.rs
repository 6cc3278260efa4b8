//! Degrading: the command that was declared for a failed rollout, run once for each key, for every kind of target.
//!
//! Effect class: *at most once* for each key. That it began is written before it begins, that it ended after; what is
//! in between nobody can know but a person. A command that said no may be run again.

use std::io;
use std::path::{Path, PathBuf};

use gateline_model::{CommandCheck, Digest, StepOrder};

use super::run::{Ended, Run, RunError, run};
use super::{call, name_release, step_env, told};
use crate::proxy::write_whole;
use crate::{Applied, Observed, StepError};

/// Most keys that are remembered; the oldest are forgotten first.
pub const DEGRADES_KEPT_MAX: usize = 1_000;

const BEGUN: &[u8] = b"begun";
const DONE: &[u8] = b"done";

/// Whether the command has run for this key.
pub(crate) fn is_degraded(state: &Path, order: &StepOrder, check: &CommandCheck) -> Observed {
    match std::fs::read(file(state, &order.key)) {
        Ok(content) if content == DONE => Observed::Applied,
        Ok(_) => Observed::Unknown(lost(order, check)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            Observed::NotApplied("its command has not run".to_owned())
        }
        Err(err) => Observed::Unknown(format!("could not read whether `{}` was done: {err}", order.key)),
    }
}

/// Runs the command, unless it has run for this key.
///
/// # Errors
/// [`StepError`], unknown where it may have done its work.
pub(crate) async fn degrade(
    state: &Path,
    order: &StepOrder,
    check: &CommandCheck,
) -> Result<Applied, StepError> {
    match is_degraded(state, order, check) {
        Observed::Applied => return Ok(Applied::default()),
        Observed::Unknown(why) => return Err(StepError::unknown(why)),
        Observed::NotApplied(_) => {}
    }
    let CommandCheck {
        run: command,
        timeout,
        env,
    } = check;
    let mut env = env.clone();
    env.extend(step_env(order, None));
    name_release(&mut env, &order.release);
    let call = call(command, &order.release, env, order, *timeout).map_err(StepError::failed)?;
    let unwritten = |err| StepError::failed(format!("could not note that `{}` begins: {err}", order.key));
    let file = file(state, &order.key);
    prepare(&file).map_err(unwritten)?;
    write_whole(&file, BEGUN).map_err(unwritten)?;
    let forget = || std::fs::remove_file(&file).map_err(|_| StepError::unknown(lost(order, check)));
    let Run { ended, output, .. } = match run(call).await {
        Ok(run) => run,
        Err(err @ RunError::NotStarted { .. }) => {
            forget()?;
            return Err(StepError::failed(err));
        }
        Err(err @ RunError::Lost { .. }) => return Err(StepError::unknown(err)),
    };
    match ended {
        Ended::Exit(0) => {
            write_whole(&file, DONE).map_err(|_| StepError::unknown(lost(order, check)))?;
            Ok(Applied { says: output.text() })
        }
        Ended::Exit(_) => {
            forget()?;
            Err(StepError::failed(told(command, ended, *timeout, &output)))
        }
        Ended::Signal(_) | Ended::TimedOut => {
            let why = told(command, ended, *timeout, &output);
            Err(StepError::unknown(format!("{why}; look whether it was done")))
        }
    }
}

fn lost(order: &StepOrder, check: &CommandCheck) -> String {
    let program = check.run.first().map(String::as_str).unwrap_or_default();
    format!(
        "`{program}` began for `{}`, and nobody saw its end: look by hand whether it was done",
        order.key
    )
}

/// `~` is in no target's name, so that this is no target's folder.
fn file(state: &Path, key: &str) -> PathBuf {
    let name = format!("{}.ran", Digest::of(key.as_bytes()).hex());
    state.join("~degraded").join(name)
}

/// Makes the folder, and forgets the oldest keys where there are too many.
fn prepare(file: &Path) -> io::Result<()> {
    let folder = file.parent().expect("it lies in a folder");
    std::fs::create_dir_all(folder)?;
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        kept.push((entry.metadata()?.modified()?, entry.path()));
    }
    kept.sort();
    let over = (kept.len() + 1).saturating_sub(DEGRADES_KEPT_MAX);
    kept.iter()
        .take(over)
        .try_for_each(|(_, path)| std::fs::remove_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_keys_are_remembered_than_there_is_room_for() {
        let state = tempfile::tempdir().unwrap();
        for key in 0..DEGRADES_KEPT_MAX + 5 {
            let file = file(state.path(), &key.to_string());
            prepare(&file).unwrap();
            std::fs::write(file, DONE).unwrap();
        }
        let kept = std::fs::read_dir(state.path().join("~degraded")).unwrap().count();
        assert_eq!(kept, DEGRADES_KEPT_MAX);
        assert!(file(state.path(), &(DEGRADES_KEPT_MAX + 4).to_string()).exists());
    }
}
