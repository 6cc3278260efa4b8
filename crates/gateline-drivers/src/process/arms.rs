//! Arms: who answers which requests once a step is true. Pure: addresses and releases in, settings of the proxy out.

use gateline_model::{Cohort, ProcessTarget, ReleaseBrief, Weight};

use super::instance::Instance;
use crate::proxy::{ArmSettings, Arms, CohortRule};

/// One release and its processes' records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) release: &'a ReleaseBrief,
    pub(super) instances: &'a [Instance],
}

impl Side<'_> {
    fn arm(self, weight: Weight) -> ArmSettings {
        let backends = self.instances.iter().map(Instance::address).collect();
        ArmSettings {
            release: Some(self.release.id.to_string()),
            weight: weight.as_percent(),
            backends,
        }
    }
}

/// The new release gets this weight, the live one the rest; everything where nothing is live.
pub(super) fn shared(new: Side<'_>, live: Option<Side<'_>>, weight: Weight) -> Arms {
    match live {
        Some(live) => {
            let rest = Weight::percent(100 - weight.as_percent());
            Arms {
                stable: live.arm(rest),
                canary: new.arm(weight),
                ..Arms::default()
            }
        }
        None => Arms {
            canary: new.arm(Weight::ALL),
            ..Arms::default()
        },
    }
}

/// As [`shared`], with the people who always get the new release, and with users who keep theirs.
pub(super) fn exposed(
    target: &ProcessTarget,
    new: Side<'_>,
    live: Option<Side<'_>>,
    weight: Weight,
    cohort: Option<Cohort>,
) -> Arms {
    let upto = target.cohort.clone().zip(cohort);
    Arms {
        cohort: upto.map(|(by, upto)| CohortRule { by, upto }),
        sticky: target.sticky.clone(),
        ..shared(new, live, weight)
    }
}

/// The live release answers everything; the new one gets copies of this share.
pub(super) fn mirrored(new: Side<'_>, live: Side<'_>, share: Weight) -> Arms {
    Arms {
        mirror: share.as_percent(),
        ..shared(new, Some(live), Weight::NONE)
    }
}

/// One release gets everything.
pub(super) fn settled(release: Side<'_>) -> Arms {
    Arms {
        stable: release.arm(Weight::ALL),
        ..Arms::default()
    }
}

/// The live release gets everything; the canary's counters stay readable.
pub(super) fn withdrawn(new: &ReleaseBrief, live: Side<'_>) -> Arms {
    let canary = ArmSettings {
        release: Some(new.id.to_string()),
        ..ArmSettings::default()
    };
    Arms {
        canary,
        ..settled(live)
    }
}
