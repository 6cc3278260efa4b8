//! The end of processes: their requests finish, they are asked to end, they are ended.
//!
//! A process is looked at once more before every signal: a pid that another process has now is never signalled.

use std::io;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::Instant;

use super::instance::{Folder, Instance};
use super::procfs::ProcessId;
use super::traffic::{Traffic, in_flight};
use crate::StepError;

/// How long a process may take to end after SIGTERM. Its requests have finished before.
pub const TERMINATE_WITHIN: Duration = Duration::from_secs(5);
/// How long the kernel may take to end a process after SIGKILL.
const KILL_WITHIN: Duration = Duration::from_secs(5);
/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Lets the instances' requests finish, ends the instances and forgets them. They must have left the route.
pub(super) async fn end(
    folder: &Folder,
    traffic: &Traffic<'_>,
    instances: &[Instance],
) -> Result<(), StepError> {
    let Traffic { target, name, .. } = traffic;
    if instances.is_empty() {
        return Ok(());
    }
    let deadline = Instant::now() + target.drain.as_std();
    loop {
        let busy = in_flight(&traffic.view().await?.in_flight, instances);
        if busy == 0 {
            break;
        }
        if Instant::now() >= deadline {
            tracing::warn!(target = %name, "{busy} requests at `{name}` did not finish within {}", target.drain);
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let unknown = |err: io::Error| StepError::unknown(format!("could not end processes of `{name}`: {err}"));
    if !ended(instances, Signal::TERM, TERMINATE_WITHIN)
        .await
        .map_err(unknown)?
    {
        tracing::warn!(target = %name, "A process of `{name}` ignores SIGTERM and is killed");
        if !ended(instances, Signal::KILL, KILL_WITHIN)
            .await
            .map_err(unknown)?
        {
            let why =
                format!("a process of `{name}` lives on after SIGKILL: look at it with `ps`, then try again");
            return Err(StepError::unknown(why));
        }
    }
    for instance in instances {
        folder.forget(instance).map_err(unknown)?;
    }
    Ok(())
}

/// Kills all instances of a target and forgets them.
pub(super) async fn end_at_once(folder: &Folder) -> io::Result<()> {
    let instances = folder.instances()?;
    if !ended(&instances, Signal::KILL, KILL_WITHIN).await? {
        return Err(io::Error::other("a process lives on after SIGKILL"));
    }
    instances.iter().try_for_each(|instance| folder.forget(instance))
}

/// Signals the groups of those that live, and says whether all have ended in time.
async fn ended(instances: &[Instance], signal: Signal, within: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + within;
    for ProcessId { pid, start_time: _ } in living(instances).await? {
        let group = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
        match kill_process_group(group, signal) {
            // It ended by itself a moment ago.
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(err) => return Err(err.into()),
        }
    }
    loop {
        if living(instances).await?.is_empty() {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn living(instances: &[Instance]) -> io::Result<Vec<ProcessId>> {
    let mut living = Vec::new();
    for instance in instances {
        living.extend(instance.alive().await?);
    }
    Ok(living)
}
