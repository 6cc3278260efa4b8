//! Steps: what each action means for processes and traffic, to look at and to make true.
//!
//! `is_applied` and `apply` stand side by side for every action: what the one makes, the other sees.

use gateline_model::{Arm, Cohort, ProcessTarget, ReleaseBrief, StepAction, StepOrder, Weight};
use jiff::Timestamp;
use tokio::time::Instant;

use super::arms::{self, Side};
use super::instance::{Folder, Instance};
use super::starting::{self, unreadable};
use super::traffic::{self, LOOK_EVERY, TOLD_WITHIN, Traffic};
use super::{ending, health, signals};
use crate::proxy::{Arms, RouteView, View};
use crate::{Applied, StepError};

/// Why a step is not true.
#[derive(Debug)]
pub(super) enum Lack {
    /// It lacks this: it is known not to be true.
    Of(String),
    /// It could not be seen whether it is.
    Unseen(StepError),
}

impl From<StepError> for Lack {
    fn from(err: StepError) -> Self {
        Self::Unseen(err)
    }
}

/// An order whose target is one of processes, and that target's folder.
pub(super) struct Job<'a> {
    pub(super) folder: Folder,
    pub(super) target: &'a ProcessTarget,
    pub(super) traffic: Traffic<'a>,
    pub(super) new: &'a ReleaseBrief,
    /// None where the release is live already: then there is no other one to compare with, or to end.
    pub(super) live: Option<&'a ReleaseBrief>,
    pub(super) is_live_already: bool,
    pub(super) order: &'a StepOrder,
}

impl Job<'_> {
    /// Whether the step is true.
    ///
    /// # Errors
    /// [`Lack`]: what is not so, or could not be seen.
    pub(super) async fn is_applied(&self) -> Result<(), Lack> {
        let Self { folder, new, .. } = self;
        // What is never true is told by who is asked to make it true.
        if let Some(why) = self.order.target.cannot(self.order.action) {
            return Err(Lack::Of(why.to_owned()));
        }
        match self.order.action {
            StepAction::Stop => {
                let route = self.view().await?.route;
                if route.is_some_and(|route| self.serves_another(&route)) {
                    return Err(Lack::Of(format!(
                        "the proxy's route `{}` serves another release",
                        self.traffic.name
                    )));
                }
                self.are_gone(&self.leftover()?).await
            }
            StepAction::Start => self.are_healthy(&self.running(new).await?).await,
            StepAction::Mirror { share } => self.is_mirrored(share).await,
            StepAction::Replace { new, old } => self.is_replaced(new, old).await,
            StepAction::Expose { weight, cohort } => {
                let view = self.view().await?;
                let new_instances = self.running(new).await?;
                let live_instances = match self.live {
                    None => None,
                    // An arm without weight is as good with dead backends.
                    Some(live) if weight == Weight::ALL => {
                        Some(folder.instances_of(live.id).map_err(unreadable)?)
                    }
                    Some(live) => Some(self.running(live).await?),
                };
                let arms = self.exposed(&new_instances, live_instances.as_deref(), weight, cohort);
                self.is_set(&view, &arms)
            }
            StepAction::Finish => {
                let view = self.view().await?;
                let instances = self.running(new).await?;
                self.is_set(&view, &arms::settled(side(new, &instances)))?;
                self.are_gone(&self.leftover()?).await
            }
            StepAction::Withdraw => {
                let view = self.view().await?;
                let Some(live) = self.back_to() else {
                    return match view.route {
                        None => Ok(()),
                        Some(_) => Err(Lack::Of(format!(
                            "the proxy still has the route `{}`",
                            self.traffic.name
                        ))),
                    };
                };
                let instances = self.running(live).await?;
                // That it really serves is seen, not concluded: by itself, and through the proxy.
                self.is_set(&view, &self.withdrawn(live, &instances))?;
                self.are_healthy(&instances).await?;
                self.traffic.answers().await.map_err(Lack::Of)
            }
            StepAction::Degrade => Err(self.cannot("no command is declared for it").into()),
            StepAction::Discard if self.is_live_already => Ok(()),
            StepAction::Discard => {
                let route = self.view().await?.route;
                if route.is_some_and(|route| traffic::arm_of(&route, new.id).is_some()) {
                    return Err(Lack::Of(format!(
                        "the proxy's route `{}` still knows `{}`",
                        self.traffic.name, new.version
                    )));
                }
                self.are_gone(&folder.instances_of(new.id).map_err(unreadable)?)
                    .await
            }
        }
    }

    async fn is_mirrored(&self, share: Weight) -> Result<(), Lack> {
        let view = self.view().await?;
        let new_instances = self.running(self.new).await?;
        // Where nothing is live, there is nothing to copy.
        let Some(live) = self.live else {
            return Ok(());
        };
        let live_instances = self.running(live).await?;
        let live = side(live, &live_instances);
        self.is_set(
            &view,
            &arms::mirrored(side(self.new, &new_instances), live, share),
        )
    }

    async fn is_replaced(&self, new: u32, old: u32) -> Result<(), Lack> {
        let view = self.view().await?;
        let new_instances = starting::running(&self.folder, self.new, new).await?;
        let live_instances = match self.live {
            Some(live) => starting::running(&self.folder, live, old).await?,
            None => Vec::new(),
        };
        self.is_set(&view, &self.replaced(&new_instances, &live_instances))?;
        self.are_gone(&self.beyond(new, old)?).await
    }

    /// Makes the step true. The folder's lock is held by the caller.
    pub(super) async fn apply(&self) -> Result<Applied, StepError> {
        if let Some(why) = self.order.target.cannot(self.order.action) {
            return Err(self.cannot(why));
        }
        let says = match self.order.action {
            StepAction::Stop => self.stop().await?,
            StepAction::Start => self.start().await?,
            StepAction::Mirror { share } => self.mirror(share).await?,
            StepAction::Replace { new, old } => self.replace(new, old).await?,
            StepAction::Expose { weight, cohort } => self.expose(weight, cohort).await?,
            StepAction::Finish => self.finish().await?,
            StepAction::Withdraw => self.withdraw().await?,
            StepAction::Discard => self.discard().await?,
            StepAction::Degrade => return Err(self.cannot("no command is declared for it")),
        };
        // From here on, an instance that ends is a signal.
        signals::note(&self.folder, &self.order.key, Timestamp::now()).map_err(unreadable)?;
        Ok(Applied { says })
    }

    async fn stop(&self) -> Result<String, StepError> {
        let route = self.view().await?.route;
        if route.is_some_and(|route| self.serves_another(&route)) {
            self.traffic.remove().await?;
        }
        let leftover = self.leftover()?;
        ending::end(&self.folder, &self.traffic, &leftover).await?;
        Ok(format!(
            "{} processes have ended; nothing serves at {}",
            leftover.len(),
            self.target.listen
        ))
    }

    async fn start(&self) -> Result<String, StepError> {
        let instances = starting::start(&self.folder, self.target, self.new).await?;
        let ports: Vec<String> = instances
            .iter()
            .map(|instance| instance.port.to_string())
            .collect();
        Ok(format!(
            "`{}` is healthy on port {}",
            self.new.version,
            ports.join(", ")
        ))
    }

    async fn mirror(&self, share: Weight) -> Result<String, StepError> {
        let (folder, target, new) = (&self.folder, self.target, self.new);
        let new_instances = starting::start(folder, target, new).await?;
        let Some(live) = self.live else {
            return Ok("nothing is live, so there is nothing to copy".to_owned());
        };
        let live_instances = starting::start(folder, target, live).await?;
        let arms = arms::mirrored(side(new, &new_instances), side(live, &live_instances), share);
        self.traffic.set(&self.order.key, arms).await?;
        Ok(format!(
            "`{}` gets a copy of {share} of the requests at {}",
            new.version, target.listen
        ))
    }

    async fn replace(&self, more: u32, old: u32) -> Result<String, StepError> {
        let (folder, target, new) = (&self.folder, self.target, self.new);
        if more == 0 && (old == 0 || self.live.is_none()) {
            return Err(self.cannot("that would leave nobody to answer"));
        }
        let new_instances = starting::start_some(folder, target, new, more).await?;
        let live_instances = match self.live {
            Some(live) => starting::start_some(folder, target, live, old).await?,
            None => Vec::new(),
        };
        let arms = self.replaced(&new_instances, &live_instances);
        self.traffic.set(&self.order.key, arms).await?;
        let beyond = self.beyond(more, old)?;
        ending::end(folder, &self.traffic, &beyond).await?;
        Ok(format!(
            "{more} instances of `{}` and {} of the release before take the requests at {}",
            new.version,
            live_instances.len(),
            target.listen
        ))
    }

    async fn expose(&self, weight: Weight, cohort: Option<Cohort>) -> Result<String, StepError> {
        let (folder, target, new) = (&self.folder, self.target, self.new);
        let new_instances = starting::start(folder, target, new).await?;
        let live_instances = match self.live {
            None => None,
            Some(live) if weight == Weight::ALL => Some(folder.instances_of(live.id).map_err(unreadable)?),
            Some(live) => Some(starting::start(folder, target, live).await?),
        };
        let arms = self.exposed(&new_instances, live_instances.as_deref(), weight, cohort);
        let given = arms.canary.weight;
        self.traffic.set(&self.order.key, arms).await?;
        let people = cohort.map(|cohort| format!("those of the cohort `{cohort}` and "));
        Ok(format!(
            "`{}` gets {}{given} % of the requests at {}",
            new.version,
            people.unwrap_or_default(),
            target.listen
        ))
    }

    async fn finish(&self) -> Result<String, StepError> {
        let instances = starting::start(&self.folder, self.target, self.new).await?;
        let arms = arms::settled(side(self.new, &instances));
        self.traffic.set(&self.order.key, arms).await?;
        let leftover = self.leftover()?;
        ending::end(&self.folder, &self.traffic, &leftover).await?;
        Ok(format!(
            "`{}` gets all requests; {} old processes have ended",
            self.new.version,
            leftover.len()
        ))
    }

    async fn withdraw(&self) -> Result<String, StepError> {
        let Some(live) = self.back_to() else {
            self.traffic.remove().await?;
            return Ok(format!(
                "nothing serves at {} any more: no release was live before",
                self.target.listen
            ));
        };
        let instances = starting::start(&self.folder, self.target, live).await?;
        self.traffic
            .set(&self.order.key, self.withdrawn(live, &instances))
            .await?;
        let deadline = Instant::now() + TOLD_WITHIN;
        while let Err(why) = self.traffic.answers().await {
            if Instant::now() >= deadline {
                return Err(StepError::unknown(format!(
                    "`{}` was given all requests again, but {why}: look whether it serves",
                    live.version
                )));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(format!("`{}` gets all requests again, and answers", live.version))
    }

    async fn discard(&self) -> Result<String, StepError> {
        let new = self.new;
        if self.is_live_already {
            return Ok(format!("`{}` stays: it is the live release", new.version));
        }
        self.forget_canary().await?;
        let instances = self.folder.instances_of(new.id).map_err(unreadable)?;
        ending::end(&self.folder, &self.traffic, &instances).await?;
        Ok(format!(
            "{} processes of `{}` have ended",
            instances.len(),
            new.version
        ))
    }

    fn cannot(&self, why: impl std::fmt::Display) -> StepError {
        StepError::failed(format!(
            "the step `{}` cannot be made true of `{}`: {why}",
            self.order.action, self.traffic.name
        ))
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
            let (version, name) = (&self.new.version, self.traffic.name);
            let why = format!("`{version}` still gets requests at `{name}`: withdraw it first");
            return Err(StepError::failed(why));
        }
        let mut arms = route.set.arms;
        match arm {
            Arm::Stable => arms.stable = Default::default(),
            Arm::Canary => arms.canary = Default::default(),
        }
        self.traffic.set(&self.order.key, arms).await
    }

    /// Where withdrawn traffic goes. A release that was live already before its own rollout is what it goes back to.
    fn back_to(&self) -> Option<&ReleaseBrief> {
        self.order.live.as_ref()
    }

    fn exposed(
        &self,
        new: &[Instance],
        live: Option<&[Instance]>,
        weight: Weight,
        cohort: Option<Cohort>,
    ) -> Arms {
        let live = self.live.zip(live);
        let live = live.map(|(release, instances)| side(release, instances));
        arms::exposed(self.target, side(self.new, new), live, weight, cohort)
    }

    /// Each instance has an equal share, as near as whole per cents come to that.
    fn replaced(&self, new: &[Instance], live: &[Instance]) -> Arms {
        let live = self.live.map(|release| side(release, live));
        let weight = self.order.action.weight().unwrap_or(Weight::NONE);
        arms::shared(side(self.new, new), live, weight)
    }

    fn withdrawn(&self, live: &ReleaseBrief, instances: &[Instance]) -> Arms {
        let live = side(live, instances);
        if self.is_live_already {
            arms::settled(live)
        } else {
            arms::withdrawn(self.new, live)
        }
    }

    fn serves_another(&self, route: &RouteView) -> bool {
        let ours = self.new.id.to_string();
        let arms = [&route.set.arms.stable, &route.set.arms.canary];
        arms.into_iter()
            .any(|arm| arm.release.as_ref().is_some_and(|release| *release != ours))
    }

    /// All processes of the target but the first so many of the new release and of the live one.
    fn beyond(&self, new: u32, old: u32) -> Result<Vec<Instance>, StepError> {
        let mut instances = self.folder.instances().map_err(unreadable)?;
        let live = self.live.map(|live| live.id);
        instances.retain(|instance| {
            let kept = match instance.release {
                release if release == self.new.id => new,
                release if Some(release) == live => old,
                _ => 0,
            };
            instance.n >= kept
        });
        Ok(instances)
    }

    /// All processes of the target that are not of the new release: the lane is ours, nobody else has any.
    fn leftover(&self) -> Result<Vec<Instance>, StepError> {
        let mut instances = self.folder.instances().map_err(unreadable)?;
        instances.retain(|instance| instance.release != self.new.id || instance.n >= self.target.instances);
        Ok(instances)
    }

    fn is_set(&self, view: &View, arms: &Arms) -> Result<(), Lack> {
        if self.traffic.is_set(view, arms) {
            return Ok(());
        }
        let (proxy, name) = (&self.target.proxy, self.traffic.name);
        Err(Lack::Of(format!(
            "{proxy} does not show the route `{name}` as it was ordered"
        )))
    }

    async fn are_gone(&self, instances: &[Instance]) -> Result<(), Lack> {
        for instance in instances {
            if instance.alive().await.map_err(unreadable)?.is_some() {
                let Instance { n, version, port, .. } = instance;
                return Err(Lack::Of(format!(
                    "process {n} of `{version}` on port {port} still runs"
                )));
            }
        }
        Ok(())
    }

    async fn are_healthy(&self, instances: &[Instance]) -> Result<(), Lack> {
        for instance in instances {
            let of = |why| Lack::Of(format!("process {} of `{}`: {why}", instance.n, instance.version));
            health::is_healthy(instance, &self.target.health)
                .await
                .map_err(of)?;
        }
        Ok(())
    }

    async fn running(&self, release: &ReleaseBrief) -> Result<Vec<Instance>, Lack> {
        starting::running(&self.folder, release, self.target.instances).await
    }

    async fn view(&self) -> Result<View, StepError> {
        self.traffic.view().await
    }
}

fn side<'a>(release: &'a ReleaseBrief, instances: &'a [Instance]) -> Side<'a> {
    Side { release, instances }
}
