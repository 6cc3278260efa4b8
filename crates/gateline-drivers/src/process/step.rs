//! Steps: what each action means for processes and traffic, to look at and to make true.
//!
//! `is_applied` and `apply` stand side by side for every action: what the one makes, the other sees.

use gateline_model::{ProcessTarget, ReleaseBrief, StepAction, StepOrder, TargetName, Weight};

use super::instance::{Folder, Instance};
use super::starting::{self, unreadable};
use super::traffic::{self, Side};
use super::{ending, health};
use crate::proxy::{Arms, View};
use crate::{Applied, StepError};

/// An order whose target is one of processes, and that target's folder.
pub(super) struct Job<'a> {
    pub(super) folder: Folder,
    pub(super) target: &'a ProcessTarget,
    pub(super) name: &'a TargetName,
    pub(super) new: &'a ReleaseBrief,
    /// None where the release is live already: then there is no other one to compare with, or to end.
    pub(super) live: Option<&'a ReleaseBrief>,
    pub(super) is_live_already: bool,
    pub(super) order: &'a StepOrder,
}

impl Job<'_> {
    /// Whether the step is true.
    pub(super) async fn is_applied(&self) -> Result<bool, StepError> {
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
            StepAction::Expose { weight, cohort: _ } => {
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
            StepAction::Stop
            | StepAction::Mirror { .. }
            | StepAction::Replace { .. }
            | StepAction::Degrade => Err(self.cannot()),
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

    /// Makes the step true. The folder's lock is held by the caller.
    pub(super) async fn apply(&self) -> Result<Applied, StepError> {
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
            StepAction::Expose { weight, cohort: _ } => {
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
            StepAction::Stop
            | StepAction::Mirror { .. }
            | StepAction::Replace { .. }
            | StepAction::Degrade => {
                return Err(self.cannot());
            }
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

    fn cannot(&self) -> StepError {
        StepError::failed(format!("the process driver cannot {}", self.order.action))
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
