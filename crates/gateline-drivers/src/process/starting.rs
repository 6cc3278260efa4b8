//! The start of processes: until all of a release's processes are healthy, or it is clear that they will not be.

use std::time::Duration;

use gateline_model::{ProcessTarget, ReleaseBrief, Span};
use jiff::Timestamp;
use tokio::time::Instant;

use super::health::is_healthy;
use super::instance::{Folder, Instance};
use super::step::Lack;
use crate::StepError;
use crate::proxy::BACKENDS_MAX;

/// How often processes that end during their start are started again, in one start: once, because another program may
/// have taken the port in between. More would only hide that they crash.
pub const CRASHES_FORGIVEN: u32 = 1;
/// Shortest time between two starts of a process that keeps dying; doubles with each restart.
pub const RESTART_AFTER: Span = Span::from_secs(2);
/// Longest such time.
pub const RESTART_AFTER_MAX: Span = Span::from_secs(60);
/// A process that has lived this long begins to count its restarts anew.
const RESTARTS_FORGOTTEN_AFTER: Span = Span::from_secs(600);
/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Makes all processes of a release run and answer their health page; starts only those that do not live.
pub(super) async fn start(
    folder: &Folder,
    target: &ProcessTarget,
    release: &ReleaseBrief,
) -> Result<Vec<Instance>, StepError> {
    start_some(folder, target, release, target.instances).await
}

/// Makes the first so many processes of a release run and answer their health page.
pub(super) async fn start_some(
    folder: &Folder,
    target: &ProcessTarget,
    release: &ReleaseBrief,
    count: u32,
) -> Result<Vec<Instance>, StepError> {
    if target.instances == 0 || target.instances.max(count) > BACKENDS_MAX as u32 {
        return Err(StepError::failed(format!(
            "the target's `instances` must be 1 to {BACKENDS_MAX}"
        )));
    }
    let deadline = Instant::now() + target.start_timeout.as_std();
    let version = &release.version;
    let (mut started, mut crashes) = (Vec::new(), 0);
    loop {
        let mut instances = Vec::new();
        let mut waiting = None;
        let records = folder.instances_of(release.id).map_err(unreadable)?;
        for n in 0..count {
            let before = records.iter().find(|instance| instance.n == n);
            let instance = match before {
                Some(instance) if instance.alive().await.map_err(unreadable)?.is_some() => instance.clone(),
                Some(_) | None => {
                    if started.contains(&n) {
                        crashes += 1;
                    }
                    if let Some(dead) = before.filter(|_| crashes > CRASHES_FORGIVEN) {
                        let words = folder.last_words(dead);
                        let why = format!(
                            "process {n} of `{version}` ends during its start, again and again: {words}"
                        );
                        return Err(StepError::failed(why));
                    }
                    started.push(n);
                    folder.spawn(target, release, n, before).await?
                }
            };
            if let Err(why) = is_healthy(&instance, &target.health).await {
                waiting = Some((instance.clone(), why));
            }
            instances.push(instance);
        }
        let Some((waiting, why)) = waiting else {
            return Ok(instances);
        };
        if Instant::now() >= deadline {
            let (n, within, words) = (waiting.n, target.start_timeout, folder.last_words(&waiting));
            return Err(StepError::failed(format!(
                "process {n} of `{version}` did not answer 200 within {within}: {why}: {words}"
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The release's first so many processes, all of them alive.
///
/// # Errors
/// [`Lack`], which names the one that does not run.
pub(super) async fn running(
    folder: &Folder,
    release: &ReleaseBrief,
    count: u32,
) -> Result<Vec<Instance>, Lack> {
    let mut instances = folder.instances_of(release.id).map_err(unreadable)?;
    instances.retain(|instance| instance.n < count);
    let does_not_run = |n| Lack::Of(format!("process {n} of `{}` does not run", release.version));
    for instance in &instances {
        if instance.alive().await.map_err(unreadable)?.is_none() {
            return Err(does_not_run(instance.n));
        }
    }
    let absent = (0..count).find(|n| !instances.iter().any(|instance| instance.n == *n));
    absent.map_or(Ok(instances), |n| Err(does_not_run(n)))
}

/// Starts the dead ones of a live release's first so many processes again, those that keep dying more and more rarely. Does not wait.
pub(super) async fn restart_dead(
    folder: &Folder,
    target: &ProcessTarget,
    release: &ReleaseBrief,
    count: u32,
    now: Timestamp,
) -> Result<(), StepError> {
    let records = folder.instances_of(release.id).map_err(unreadable)?;
    for n in 0..count.min(BACKENDS_MAX as u32) {
        let Some(before) = records.iter().find(|instance| instance.n == n) else {
            folder.spawn(target, release, n, None).await?;
            continue;
        };
        if before.alive().await.map_err(unreadable)?.is_some() {
            continue;
        }
        let lived = Span::between(before.started_at, now);
        if lived >= RESTARTS_FORGOTTEN_AFTER {
            folder
                .spawn(
                    target,
                    release,
                    n,
                    Some(&Instance {
                        restarts: 0,
                        ..before.clone()
                    }),
                )
                .await?;
        } else if lived >= restart_after(before.restarts) {
            tracing::warn!(
                "Process {n} of `{}` is dead: {}",
                release.version,
                folder.last_words(before)
            );
            folder.spawn(target, release, n, Some(before)).await?;
        }
    }
    Ok(())
}

fn restart_after(restarts: u32) -> Span {
    RESTART_AFTER.times(1 << restarts.min(16)).min(RESTART_AFTER_MAX)
}

/// Records and `/proc` say who lives; without them nothing is known.
pub(super) fn unreadable(err: std::io::Error) -> StepError {
    StepError::unknown(format!("could not find out which processes live: {err}"))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(0, 2; "at first soon")]
    #[test_case(3, 16; "then more and more rarely")]
    #[test_case(u32::MAX, 60; "but never given up")]
    fn a_process_that_keeps_dying_is_started_again(restarts: u32, secs: i64) {
        assert_eq!(restart_after(restarts), Span::from_secs(secs));
    }
}
