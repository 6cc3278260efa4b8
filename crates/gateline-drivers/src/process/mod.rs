//! The process driver: supervised processes on this host behind the weighted proxy. The embedded default.
//!
//! Processes and proxy outlive the server. All that this driver knows lies in its state folder, in `/proc` and in the
//! proxy, so that any number of values of [`ProcessDriver`], one after the other or at once, see and do the same.
//! Knows neither rollouts nor why a step is asked for.

mod ending;
mod health;
mod instance;
mod procfs;
mod starting;
mod traffic;

use std::path::PathBuf;

use gateline_model::{
    Health, ProcessTarget, ReleaseBrief, StepAction, StepOrder, Target, TargetName, TargetView, Tick, Weight,
};
use jiff::Timestamp;

pub use ending::TERMINATE_WITHIN;
pub use health::HEALTH_WITHIN;
pub use instance::{Instance, LOGS_KEPT_MAX};
pub use procfs::{NONCE_VARIABLE, ProcessId};
pub use starting::{CRASHES_FORGIVEN, RESTART_AFTER, RESTART_AFTER_MAX};

use crate::proxy::{Arms, View};
use crate::{Applied, Observed, StepError};
use instance::Folder;
use starting::unreadable;
use traffic::Side;

/// Makes steps true of processes, and looks whether they are.
#[derive(Debug, Clone)]
pub struct ProcessDriver {
    /// Where records, logs and locks of all targets are kept.
    pub state_dir: PathBuf,
}

/// An order whose target is one of processes, and that target's folder.
struct Job<'a> {
    folder: Folder,
    target: &'a ProcessTarget,
    name: &'a TargetName,
    new: &'a ReleaseBrief,
    /// None where the release is live already: then there is no other one to compare with, or to end.
    live: Option<&'a ReleaseBrief>,
    is_live_already: bool,
    order: &'a StepOrder,
}

impl ProcessDriver {
    /// Whether a step is true, as processes and proxy show it. Changes nothing.
    pub async fn observe(&self, order: &StepOrder) -> Observed {
        let seen = match self.job(order) {
            Ok(job) => job.is_applied().await,
            Err(err) => Err(err),
        };
        match seen {
            Ok(true) => Observed::Applied,
            Ok(false) => Observed::NotApplied,
            Err(err) => Observed::Unknown(err.why),
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
    pub async fn health(&self, view: &TargetView) -> Health {
        self.look_after(view).await.unwrap_or_else(|err| {
            tracing::warn!(target = %view.target_name, "Health of `{}` is unknown: {err}", view.target_name);
            Health::Unknown
        })
    }

    /// What both arms have served: two ticks, canary and stable.
    ///
    /// # Errors
    /// [`StepError`] where the proxy cannot be asked, or serves other releases than this one.
    pub async fn measure(&self, view: &TargetView) -> Result<Vec<Tick>, StepError> {
        let target = process_target(&view.target)?;
        let name = &view.target_name;
        let shown = traffic::view(target, name).await?;
        let Some(route) = shown
            .route
            .filter(|route| traffic::arm_of(route, view.release.id).is_some())
        else {
            let version = &view.release.version;
            return Err(StepError::unknown(format!(
                "the proxy's route `{name}` does not serve `{version}`"
            )));
        };
        Ok(traffic::ticks(&route, Timestamp::now()))
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
        } = order;
        let is_live_already = live.as_ref().is_some_and(|live| live.id == release.id);
        Ok(Job {
            folder: self.folder(target_name)?,
            target: process_target(target)?,
            name: target_name,
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

    async fn look_after(&self, view: &TargetView) -> Result<Health, StepError> {
        let target = process_target(&view.target)?;
        let folder = self.folder(&view.target_name)?;
        let Some(route) = traffic::view(target, &view.target_name).await?.route else {
            return Ok(Health::Unhealthy);
        };
        let Some(arm) = traffic::arm_of(&route, view.release.id) else {
            return Ok(Health::Unhealthy);
        };
        // Whoever has the lock changes these processes right now: then this is a look only.
        let lock = folder.try_lock().map_err(StepError::failed)?;
        if lock.is_some() {
            starting::restart_dead(&folder, target, &view.release, Timestamp::now()).await?;
        }
        let Some(instances) = starting::running(&folder, target, &view.release)
            .await
            .map_err(unreadable)?
        else {
            return Ok(Health::Unhealthy);
        };
        for instance in &instances {
            if !health::is_healthy(instance, &target.health).await {
                return Ok(Health::Unhealthy);
            }
        }
        // A process that could not have its old port again is healthy before the proxy knows where it is.
        let backends: Vec<_> = instances.iter().map(Instance::address).collect();
        let mut arms = route.set.arms.clone();
        let side = match arm {
            gateline_model::Arm::Stable => &mut arms.stable,
            gateline_model::Arm::Canary => &mut arms.canary,
        };
        if side.backends != backends && side.weight > 0 && lock.is_some() {
            side.backends = backends;
            traffic::set(
                target,
                &view.target_name,
                &format!("moved from {}", route.set.key),
                arms,
            )
            .await?;
        }
        Ok(if route.listening {
            Health::Healthy
        } else {
            Health::Unhealthy
        })
    }
}

impl Job<'_> {
    async fn is_applied(&self) -> Result<bool, StepError> {
        let Self {
            folder, target, new, ..
        } = self;
        match self.order.action {
            StepAction::Start => {
                let Some(instances) = self.running(new).await? else {
                    return Ok(false);
                };
                for instance in &instances {
                    if !health::is_healthy(instance, &target.health).await {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            StepAction::Expose { weight } => {
                let view = self.view().await?;
                let Some(new_instances) = self.running(new).await? else {
                    return Ok(false);
                };
                let arms = match self.live {
                    None => self.exposed(&new_instances, None, weight),
                    // An arm without weight is as good with dead backends.
                    Some(live) if weight == Weight::ALL => {
                        let live_instances = folder.instances_of(live.id).map_err(unreadable)?;
                        self.exposed(&new_instances, Some(&live_instances), weight)
                    }
                    Some(live) => {
                        let Some(live_instances) = self.running(live).await? else {
                            return Ok(false);
                        };
                        self.exposed(&new_instances, Some(&live_instances), weight)
                    }
                };
                Ok(traffic::is_set(&view, target, &arms))
            }
            StepAction::Finish => {
                let view = self.view().await?;
                let Some(instances) = self.running(new).await? else {
                    return Ok(false);
                };
                let arms = traffic::settled(Side {
                    release: new,
                    instances: &instances,
                });
                Ok(traffic::is_set(&view, target, &arms) && self.are_gone(&self.leftover()?).await?)
            }
            StepAction::Withdraw => {
                let view = self.view().await?;
                let Some(live) = self.back_to() else {
                    return Ok(view.route.is_none());
                };
                let Some(instances) = self.running(live).await? else {
                    return Ok(false);
                };
                Ok(traffic::is_set(&view, target, &self.withdrawn(live, &instances)))
            }
            StepAction::Discard if self.is_live_already => Ok(true),
            StepAction::Discard => {
                let view = self.view().await?;
                let served = view
                    .route
                    .is_some_and(|route| traffic::arm_of(&route, new.id).is_some());
                let instances = folder.instances_of(new.id).map_err(unreadable)?;
                Ok(!served && self.are_gone(&instances).await?)
            }
        }
    }

    async fn apply(&self) -> Result<Applied, StepError> {
        let Self {
            folder,
            target,
            name,
            new,
            order,
            ..
        } = self;
        let says = match order.action {
            StepAction::Start => {
                let instances = starting::start(folder, target, new).await?;
                let ports: Vec<String> = instances
                    .iter()
                    .map(|instance| instance.port.to_string())
                    .collect();
                format!("`{}` is healthy on port {}", new.version, ports.join(", "))
            }
            StepAction::Expose { weight } => {
                let new_instances = starting::start(folder, target, new).await?;
                let live_instances = match self.live {
                    None => None,
                    Some(live) if weight == Weight::ALL => {
                        Some(folder.instances_of(live.id).map_err(unreadable)?)
                    }
                    Some(live) => Some(starting::start(folder, target, live).await?),
                };
                let arms = self.exposed(&new_instances, live_instances.as_deref(), weight);
                let given = arms.canary.weight;
                traffic::set(target, name, &order.key, arms).await?;
                format!(
                    "`{}` gets {given} % of the requests at {}",
                    new.version, target.listen
                )
            }
            StepAction::Finish => {
                let instances = starting::start(folder, target, new).await?;
                let arms = traffic::settled(Side {
                    release: new,
                    instances: &instances,
                });
                traffic::set(target, name, &order.key, arms).await?;
                let leftover = self.leftover()?;
                ending::end(folder, target, name, &leftover).await?;
                format!(
                    "`{}` gets all requests; {} old processes have ended",
                    new.version,
                    leftover.len()
                )
            }
            StepAction::Withdraw => match self.back_to() {
                None => {
                    traffic::remove(target, name).await?;
                    format!(
                        "nothing serves at {} any more: no release was live before",
                        target.listen
                    )
                }
                Some(live) => {
                    let instances = starting::start(folder, target, live).await?;
                    traffic::set(target, name, &order.key, self.withdrawn(live, &instances)).await?;
                    format!("`{}` gets all requests again", live.version)
                }
            },
            StepAction::Discard if self.is_live_already => {
                format!("`{}` stays: it is the live release", new.version)
            }
            StepAction::Discard => {
                self.forget_canary().await?;
                let instances = folder.instances_of(new.id).map_err(unreadable)?;
                ending::end(folder, target, name, &instances).await?;
                format!("{} processes of `{}` have ended", instances.len(), new.version)
            }
        };
        Ok(Applied { says })
    }

    /// Takes the new release off the route, where it has no weight any more; refuses to take traffic from it.
    async fn forget_canary(&self) -> Result<(), StepError> {
        let Some(route) = self.view().await?.route else {
            return Ok(());
        };
        let Some(arm) = traffic::arm_of(&route, self.new.id) else {
            return Ok(());
        };
        if route.set.arms.of(arm).weight > 0 {
            let (version, name) = (&self.new.version, self.name);
            let why = format!("`{version}` still gets requests at `{name}`: withdraw it first");
            return Err(StepError::failed(why));
        }
        let mut arms = route.set.arms;
        match arm {
            gateline_model::Arm::Stable => arms.stable = Default::default(),
            gateline_model::Arm::Canary => arms.canary = Default::default(),
        }
        Ok(traffic::set(self.target, self.name, &self.order.key, arms).await?)
    }

    /// Where withdrawn traffic goes. A release that was live already before its own rollout is what it goes back to.
    fn back_to(&self) -> Option<&ReleaseBrief> {
        self.order.live.as_ref()
    }

    fn exposed(&self, new: &[Instance], live: Option<&[Instance]>, weight: Weight) -> Arms {
        let live = self
            .live
            .zip(live)
            .map(|(release, instances)| Side { release, instances });
        traffic::exposed(
            Side {
                release: self.new,
                instances: new,
            },
            live,
            weight,
        )
    }

    fn withdrawn(&self, live: &ReleaseBrief, instances: &[Instance]) -> Arms {
        let live = Side {
            release: live,
            instances,
        };
        if self.is_live_already {
            traffic::settled(live)
        } else {
            traffic::withdrawn(self.new, live)
        }
    }

    /// All processes of the target that are not of the new release: the lane is ours, nobody else has any.
    fn leftover(&self) -> Result<Vec<Instance>, StepError> {
        let mut instances = self.folder.instances().map_err(unreadable)?;
        instances.retain(|instance| instance.release != self.new.id || instance.n >= self.target.instances);
        Ok(instances)
    }

    async fn are_gone(&self, instances: &[Instance]) -> Result<bool, StepError> {
        for instance in instances {
            if instance.alive().await.map_err(unreadable)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn running(&self, release: &ReleaseBrief) -> Result<Option<Vec<Instance>>, StepError> {
        starting::running(&self.folder, self.target, release)
            .await
            .map_err(unreadable)
    }

    async fn view(&self) -> Result<View, StepError> {
        Ok(traffic::view(self.target, self.name).await?)
    }
}

fn process_target(target: &Target) -> Result<&ProcessTarget, StepError> {
    match target {
        Target::Process(target) => Ok(target),
        Target::Command(_) => Err(StepError::failed(
            "the process driver got a target of kind `command`",
        )),
    }
}
