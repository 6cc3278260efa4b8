//! The process driver: supervised processes on this host behind the weighted proxy. The embedded default.
//!
//! Processes and proxy outlive the server. All that this driver knows lies in its state folder, in `/proc` and in the
//! proxy, so that any number of values of [`ProcessDriver`], one after the other or at once, see and do the same.
//! Knows neither rollouts nor why a step is asked for.

mod arms;
mod ending;
mod health;
mod instance;
mod procfs;
mod signals;
mod starting;
mod step;
mod traffic;

use std::net::SocketAddr;
use std::path::PathBuf;

use gateline_model::{
    Arm, Health, HealthSeen, ProcessTarget, StepOrder, Target, TargetName, TargetView, Tick,
};
use jiff::Timestamp;

pub use ending::TERMINATE_WITHIN;
pub use health::HEALTH_WITHIN;
pub use instance::{ARTIFACT_BYTES_MAX, Instance, LOGS_KEPT_MAX};
pub use procfs::{NONCE_VARIABLE, ProcessId};
pub use signals::SIGNALS_MAX;
pub use starting::{CRASHES_FORGIVEN, RESTART_AFTER, RESTART_AFTER_MAX};
pub use traffic::{HAPROXY_REPLY_BYTES_MAX, TOLD_WITHIN};

use crate::proxy::View;
use crate::{Applied, Observed, StepError};
use instance::Folder;
use starting::unreadable;
use step::{Job, Lack};
use traffic::Traffic;

/// Makes steps true of processes, and looks whether they are.
#[derive(Debug, Clone)]
pub struct ProcessDriver {
    /// Where records, logs and locks of all targets are kept.
    pub state_dir: PathBuf,
}

impl ProcessDriver {
    /// Whether a step is true, as processes and proxy show it. Changes nothing.
    pub async fn observe(&self, order: &StepOrder) -> Observed {
        let seen = match self.job(order) {
            Ok(job) => job.is_applied().await,
            Err(err) => Err(Lack::Unseen(err)),
        };
        match seen {
            Ok(()) => Observed::Applied,
            Err(Lack::Of(what)) => Observed::NotApplied(what),
            Err(Lack::Unseen(err)) => Observed::Unknown(err.why),
        }
    }

    /// Makes a step true. Once more is harmless: what is true already is left alone.
    ///
    /// # Errors
    /// [`StepError`], with what to do about it.
    pub async fn apply(&self, order: &StepOrder) -> Result<Applied, StepError> {
        let job = self.job(order)?;
        let _lock = job.folder.lock().await.map_err(StepError::failed)?;
        job.apply().await
    }

    /// Whether every process of the release answers its health page and the proxy sends requests to them. Dead
    /// processes are started again on the way, if the release is in the target's route.
    pub async fn health(&self, view: &TargetView) -> HealthSeen {
        self.look_after(view).await.unwrap_or_else(|err| {
            tracing::warn!(target = %view.target_name, "Health of `{}` is unknown: {err}", view.target_name);
            HealthSeen::because(Health::Unknown, err)
        })
    }

    /// What both arms have served: two ticks, canary and stable.
    ///
    /// # Errors
    /// [`StepError`] where the proxy cannot be asked, or serves other releases than this one.
    pub async fn measure(&self, view: &TargetView) -> Result<Vec<Tick>, StepError> {
        let target = process_target(&view.target)?;
        let name = &view.target_name;
        let folder = self.folder(name)?;
        let traffic = Traffic {
            target,
            name,
            folder: folder.clone(),
        };
        let shown = traffic.view().await?;
        if self.made_good(&traffic, &shown).await? {
            return Err(StepError::unknown(format!(
                "{} was not as it was set, and is set again: what it counted until then cannot be told apart",
                target.proxy
            )));
        }
        let Some(route) = shown
            .route
            .filter(|route| traffic::arm_of(route, view.release.id).is_some())
        else {
            let version = &view.release.version;
            return Err(StepError::unknown(format!(
                "the proxy's route `{name}` does not serve `{version}`"
            )));
        };
        let mut ticks = traffic::ticks(&route, Timestamp::now());
        // Whoever has the lock may be ending processes right now, which is no signal.
        if folder.try_lock().map_err(StepError::failed)?.is_some()
            && let Some(canary) = ticks.iter_mut().find(|tick| tick.arm == Arm::Canary)
            && traffic::arm_of(&route, view.release.id) == Some(Arm::Canary)
        {
            canary.signals = signals::of(&folder, view.release.id).await.map_err(unreadable)?;
        }
        Ok(ticks)
    }

    /// Ends every process of every target, without letting requests finish. For a host that is being cleared.
    ///
    /// # Errors
    /// When a record cannot be read, or a process lives on.
    pub async fn end_all(&self) -> std::io::Result<()> {
        for folder in Folder::all(&self.state_dir)? {
            ending::end_at_once(&folder).await?;
        }
        Ok(())
    }

    fn job<'a>(&self, order: &'a StepOrder) -> Result<Job<'a>, StepError> {
        let StepOrder {
            key: _,
            stage: _,
            target_name,
            target,
            release,
            live,
            action: _,
            degrade: _,
        } = order;
        let is_live_already = live.as_ref().is_some_and(|live| live.id == release.id);
        let (target, name) = (process_target(target)?, target_name);
        Ok(Job {
            traffic: Traffic {
                target,
                name,
                folder: self.folder(name)?,
            },
            folder: self.folder(name)?,
            target,
            new: release,
            live: live.as_ref().filter(|_| !is_live_already),
            is_live_already,
            order,
        })
    }

    fn folder(&self, name: &TargetName) -> Result<Folder, StepError> {
        Folder::open(&self.state_dir, name).map_err(|err| {
            StepError::failed(format!(
                "could not open the state folder `{}`: {err}",
                self.state_dir.display()
            ))
        })
    }

    /// Sets the proxy again where it is not as it was set; whether there was anything to do.
    async fn made_good(&self, traffic: &Traffic<'_>, shown: &View) -> Result<bool, StepError> {
        let Some(arms) = traffic.drift(shown) else {
            return Ok(false);
        };
        let name = traffic.name;
        let proxy = &traffic.target.proxy;
        // Whoever has the lock changes it right now: then this is no drift.
        let Some(_lock) = traffic.folder.try_lock().map_err(StepError::failed)? else {
            return Ok(false);
        };
        tracing::warn!(target.name = %name, "{proxy} is not as it was set for `{name}`: it was restarted or changed by hand. It is set again");
        traffic.set("drift", arms).await?;
        Ok(true)
    }

    async fn look_after(&self, view: &TargetView) -> Result<HealthSeen, StepError> {
        let target = process_target(&view.target)?;
        let folder = self.folder(&view.target_name)?;
        let traffic = Traffic {
            target,
            name: &view.target_name,
            folder: folder.clone(),
        };
        let mut shown = traffic.view().await?;
        if self.made_good(&traffic, &shown).await? {
            shown = traffic.view().await?;
        }
        let Some(route) = shown.route else {
            return Ok(unhealthy(format_args!(
                "the proxy has no route `{}`",
                view.target_name
            )));
        };
        let Some(arm) = traffic::arm_of(&route, view.release.id) else {
            return Ok(unhealthy(format_args!(
                "the proxy's route `{}` does not serve `{}`",
                view.target_name, view.release.version
            )));
        };
        // While instances are replaced batch by batch, there are only so many.
        let settings = route.set.arms.of(arm);
        let count = match settings.weight {
            100 => target.instances,
            _ => u32::try_from(settings.backends.len()).unwrap_or(target.instances),
        };
        // Whoever has the lock changes these processes right now: then this is a look only.
        let lock = folder.try_lock().map_err(StepError::failed)?;
        if lock.is_some() {
            starting::restart_dead(&folder, target, &view.release, count, Timestamp::now()).await?;
        }
        let instances = match starting::running(&folder, &view.release, count).await {
            Ok(instances) => instances,
            Err(Lack::Of(what)) => return Ok(unhealthy(format_args!("{what}"))),
            Err(Lack::Unseen(err)) => return Err(err),
        };
        for instance in &instances {
            if let Err(why) = health::is_healthy(instance, &target.health).await {
                return Ok(unhealthy(format_args!("{why}")));
            }
        }
        // A process that could not have its old port again is healthy before the proxy knows where it is.
        let backends: Vec<_> = instances.iter().map(Instance::address).collect();
        let mut arms = route.set.arms.clone();
        let side = match arm {
            Arm::Stable => &mut arms.stable,
            Arm::Canary => &mut arms.canary,
        };
        // Their order says nothing, and not every proxy keeps it.
        let sorted = |backends: &[SocketAddr]| {
            let mut sorted = backends.to_vec();
            sorted.sort_unstable();
            sorted
        };
        if sorted(&side.backends) != sorted(&backends) && side.weight > 0 && lock.is_some() {
            side.backends = backends;
            traffic
                .set(&format!("moved from {}", route.set.key), arms)
                .await?;
        }
        Ok(if route.listening {
            Health::Healthy.into()
        } else {
            unhealthy(format_args!(
                "the proxy does not listen for `{}`",
                view.target_name
            ))
        })
    }
}

fn unhealthy(why: std::fmt::Arguments<'_>) -> HealthSeen {
    HealthSeen::because(Health::Unhealthy, why)
}

fn process_target(target: &Target) -> Result<&ProcessTarget, StepError> {
    match target {
        Target::Process(target) => Ok(target),
        Target::Command(_) => Err(StepError::failed(
            "the process driver got a target of kind `command`",
        )),
    }
}
