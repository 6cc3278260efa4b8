//! A stage's state: what is live and how healthy, who has the lanes, which promotions are open, what is barred.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateline_model::{
    Event, Health, PromotionId, PromotionKind, PromotionOutcome, ReleaseId, Review, Span, TargetName, Version,
};
use jiff::Timestamp;

use super::IllegalEvent;
use super::watch::{CHANGES_KEPT_MAX, Changed, Look, UNHEALTHY_KEPT_MAX, Watching};

/// How many former releases keep their soak time. A gate that asks about an older one starts anew.
const SOAKED_MAX: usize = 20;
/// How many rollouts a failure rate is made of. Older ones were of another application, more or less.
const RECENT_MAX: usize = 20;

/// What a stage stream has come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StageState {
    /// What is live.
    pub live: Option<Live>,
    /// What was live before: where a rollback goes. Nothing after a rollback, so that none rolls back a rollback.
    pub before: Option<Live>,
    /// Who may change each target now.
    pub lanes: BTreeMap<TargetName, PromotionId>,
    /// Promotions that have not ended, oldest first.
    pub open: Vec<OpenPromotion>,
    /// Releases that the pipeline may not promote by itself, and the promotion that showed why.
    pub barred: BTreeMap<ReleaseId, PromotionId>,
    /// Releases that were verified here, all that ever were: shared, because every decision about the stage copies its state.
    pub verified: Arc<BTreeMap<ReleaseId, u64>>,
    /// How the last rollouts of releases that went on ended, oldest first: verified or rolled back.
    pub recent: Vec<PromotionOutcome>,
    /// How many promotions there were.
    pub count: u64,
    /// Health of what is live, since when.
    pub health: Health,
    /// Why it is not healthy, as it was seen when it changed.
    pub health_why: Option<String>,
    /// When the health was last seen to change.
    pub health_since: Option<Timestamp>,
    /// Healthy live time of former releases.
    pub soaked: Vec<(ReleaseId, Span)>,
    /// Reviews of overrides that are not written, the oldest first.
    pub reviews: Vec<Review>,
    /// The watch of what is live, or the last one that there was.
    pub watch: Option<Watching>,
    /// What changed here lately, oldest first.
    pub changes: Vec<Changed>,
    /// When what was live was seen not to be healthy, oldest first; the last one lasts where it has no end.
    pub unhealthy: Vec<(Timestamp, Option<Timestamp>)>,
}

/// A release that is live.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// Its id.
    pub release: ReleaseId,
    /// Its label.
    pub version: Version,
    /// Its number.
    pub number: u64,
    /// The promotion that brought it.
    pub promotion: PromotionId,
    /// Since when.
    pub since: Timestamp,
    /// Healthy time up to the last change of health.
    pub healthy_for: Span,
    /// Time between two looks at its health.
    pub health_every: Span,
}

/// A promotion that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPromotion {
    /// Its id.
    pub id: PromotionId,
    /// Its release.
    pub release: ReleaseId,
    /// Its kind.
    pub kind: PromotionKind,
}

impl StageState {
    /// The promotion whose rollback failed, where nothing was changed since: nobody knows where the traffic is.
    pub fn stuck(&self) -> Option<&PromotionId> {
        let last = self.changes.last()?;
        matches!(last.ended, Some((PromotionOutcome::RollbackFailed, _))).then_some(&last.promotion)
    }

    /// Where a rollback goes. After one that failed, what was live is tried again.
    pub fn back_to(&self) -> Option<&Live> {
        match self.stuck() {
            Some(_) => self.live.as_ref(),
            None => self.before.as_ref(),
        }
    }

    /// Healthy live time of a release here. Time in which health is unknown does not count.
    pub fn soaked(&self, release: &ReleaseId, now: Timestamp) -> Span {
        match &self.live {
            Some(live) if live.release == *release => live.healthy_for.plus(self.healthy_until(now)),
            Some(_) | None => self
                .soaked
                .iter()
                .rev()
                .find(|(id, _)| id == release)
                .map(|(_, span)| *span)
                .unwrap_or_default(),
        }
    }

    /// Healthy time since the last change of health.
    fn healthy_until(&self, moment: Timestamp) -> Span {
        match (self.health, self.health_since) {
            (Health::Healthy, Some(since)) => Span::between(since, moment),
            (Health::Healthy | Health::Unhealthy | Health::Unknown, _) => Span::ZERO,
        }
    }

    pub(crate) fn evolve(&mut self, event: &Event, at: Timestamp) -> Result<(), IllegalEvent> {
        match event {
            Event::PromotionOpened {
                promotion,
                release,
                kind,
            } => {
                self.count = self.count.max(promotion.number);
                self.open.push(OpenPromotion {
                    id: promotion.clone(),
                    release: *release,
                    kind: *kind,
                });
            }
            Event::PromotionClosed { promotion, outcome } => {
                let changed = self.changes.iter_mut().find(|one| one.promotion == *promotion);
                if let Some(changed) = changed {
                    changed.ended = Some((*outcome, at));
                }
                let closed = self.open.iter().find(|open| open.id == *promotion);
                if closed.is_some_and(|open| open.kind == PromotionKind::Forward) {
                    self.keep_outcome(*outcome);
                }
                self.open.retain(|open| open.id != *promotion);
            }
            Event::ReviewOpened { review } => self.reviews.push(review.clone()),
            Event::ReviewWritten { promotion, gate } => {
                self.reviews.retain(|review| !review.is_of(promotion, gate));
            }
            Event::LaneTaken { target, promotion } => {
                self.keep_change(promotion, at);
                if self.lanes.insert(target.clone(), promotion.clone()).is_some() {
                    return Err(IllegalEvent {
                        event: event.name(),
                        why: "the lane was taken already",
                    });
                }
            }
            Event::LaneFreed { target, .. } => {
                self.lanes.remove(target);
            }
            Event::WentLive { .. } => self.went_live(event, at),
            Event::ReleaseBarred { release, promotion } => {
                self.barred.insert(*release, promotion.clone());
            }
            Event::BarLifted { release } => {
                self.barred.remove(release);
            }
            Event::HealthObserved {
                health,
                not_seen_from,
                why,
            } => {
                let seen_until = not_seen_from.map_or(at, |from| from.min(at));
                self.keep_unhealthy(*health, at);
                let healthy = self.healthy_until(seen_until);
                if let Some(live) = &mut self.live {
                    live.healthy_for = live.healthy_for.plus(healthy);
                }
                self.health = *health;
                self.health_why = why.clone();
                self.health_since = Some(at);
            }
            Event::WatchBegan { .. }
            | Event::WatchLooked { .. }
            | Event::NoiseMeasured { .. }
            | Event::WatchEnded { .. } => {
                return self.watched(event, at);
            }
            other => {
                return Err(IllegalEvent {
                    event: other.name(),
                    why: "it is not a stage's event",
                });
            }
        }
        Ok(())
    }

    fn went_live(&mut self, event: &Event, at: Timestamp) {
        let Event::WentLive {
            release,
            version,
            number,
            promotion,
            health_every,
        } = event
        else {
            return;
        };
        self.keep_soak(at);
        let coming_back = self
            .before
            .as_ref()
            .is_some_and(|before| before.release == *release);
        let live = Live {
            release: *release,
            version: version.clone(),
            number: *number,
            promotion: promotion.clone(),
            since: at,
            healthy_for: Span::ZERO,
            health_every: *health_every,
        };
        let last = self.live.replace(live);
        // Deploying the same release again changes nothing about where a rollback goes.
        if last.as_ref().is_none_or(|last| last.release != *release) {
            self.before = if coming_back { None } else { last };
        }
        Arc::make_mut(&mut self.verified).insert(*release, *number);
        self.keep_unhealthy(Health::Healthy, at);
        // Verification has just passed, which is the best look at its health there is.
        self.health = Health::Healthy;
        self.health_why = None;
        self.health_since = Some(at);
    }

    fn watched(&mut self, event: &Event, at: Timestamp) -> Result<(), IllegalEvent> {
        if let Event::WatchBegan { .. } = event {
            self.watch = Watching::begin(event, at);
            return Ok(());
        }
        let open = self.watch.as_mut().filter(|watch| watch.is_open());
        let Some(watch) = open else {
            return Err(IllegalEvent {
                event: event.name(),
                why: "nothing is watched",
            });
        };
        match event {
            Event::WatchLooked {
                gate,
                outcome,
                says,
                evidence,
            } => {
                let look = Look {
                    outcome: *outcome,
                    says: says.clone(),
                    evidence: evidence.clone(),
                    at,
                };
                watch.look(gate, look);
            }
            Event::NoiseMeasured { gate, noise } => {
                watch.gates.entry(gate.clone()).or_default().noise = Some(noise.clone());
            }
            Event::WatchEnded { outcome, says, .. } => {
                watch.ended = Some((*outcome, says.clone(), at));
            }
            other => {
                return Err(IllegalEvent {
                    event: other.name(),
                    why: "it is not about a watch",
                });
            }
        }
        Ok(())
    }

    fn keep_change(&mut self, promotion: &PromotionId, at: Timestamp) {
        let Some(open) = self.open.iter().find(|open| open.id == *promotion) else {
            return;
        };
        self.changes.push(Changed {
            promotion: promotion.clone(),
            release: open.release,
            kind: open.kind,
            began: at,
            ended: None,
        });
        if self.changes.len() > CHANGES_KEPT_MAX {
            self.changes.remove(0);
        }
    }

    fn keep_unhealthy(&mut self, health: Health, at: Timestamp) {
        let lasts = self.unhealthy.last_mut().filter(|(_, until)| until.is_none());
        match (health, lasts) {
            (Health::Unhealthy, None) => {
                self.unhealthy.push((at, None));
                if self.unhealthy.len() > UNHEALTHY_KEPT_MAX {
                    self.unhealthy.remove(0);
                }
            }
            (Health::Unhealthy, Some(_)) | (Health::Healthy | Health::Unknown, None) => {}
            (Health::Healthy | Health::Unknown, Some((_, until))) => *until = Some(at),
        }
    }

    /// Keeps how a rollout ended; what never rolled out says nothing of it.
    fn keep_outcome(&mut self, outcome: PromotionOutcome) {
        match outcome {
            PromotionOutcome::Verified | PromotionOutcome::RolledBack | PromotionOutcome::RollbackFailed => {
                self.recent.push(outcome);
                if self.recent.len() > RECENT_MAX {
                    self.recent.remove(0);
                }
            }
            PromotionOutcome::Refused
            | PromotionOutcome::Expired
            | PromotionOutcome::Superseded
            | PromotionOutcome::Aborted => {}
        }
    }

    fn keep_soak(&mut self, at: Timestamp) {
        if let Some(live) = &self.live {
            let span = live.healthy_for.plus(self.healthy_until(at));
            self.soaked.push((live.release, span));
            if self.soaked.len() > SOAKED_MAX {
                self.soaked.remove(0);
            }
        }
    }
}
