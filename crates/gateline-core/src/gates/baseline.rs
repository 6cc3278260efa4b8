//! Baselines: what the release that is live in the stage has of the same evidence. A first release has none.

use gateline_model::{Facts, Version};

use super::GateView;
use super::reported::{self, Wanted};

/// What a release is compared with.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it lives as long as one verdict"
)]
pub(super) enum Baseline {
    /// No other release is live.
    None,
    /// Another release is live, without such evidence.
    Silent(Version),
    /// What the live release's evidence says.
    Known(Version, Facts),
}

impl Baseline {
    /// The newest evidence of the live release that fits.
    pub(super) fn of(view: &GateView<'_>, wanted: Wanted<'_>) -> Self {
        Self::new(
            view,
            reported::baseline_facts(view, wanted).map(|(_, facts)| facts),
        )
    }

    pub(super) fn new(view: &GateView<'_>, facts: Option<Facts>) -> Self {
        let Some(live) = view.baseline() else {
            return Baseline::None;
        };
        let version = live.release.version.clone();
        match facts {
            Some(facts) => Baseline::Known(version, facts),
            None => Baseline::Silent(version),
        }
    }

    /// What it is compared with, or why with nothing.
    pub(super) fn says(&self) -> String {
        match self {
            Baseline::None => "no other release is live here: there is nothing to compare with".to_owned(),
            Baseline::Silent(version) => {
                format!("{version}, which is live, has no such evidence to compare with")
            }
            Baseline::Known(version, _) => format!("compared with {version}, which is live"),
        }
    }
}
