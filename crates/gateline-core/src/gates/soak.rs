//! Soak: the release has been live and healthy in an earlier stage for long enough.
//!
//! `soak: {in: staging, at_least: 24h}`. Time in which health is unknown does not count.

use gateline_model::{Gate, Health, Span, StageName};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{GateKind, GateView, Place, Says, check_params, observes_nothing, schema_of, with_params};

pub(super) const KIND: GateKind = GateKind {
    name: "soak",
    summary: "The release has been live and healthy in an earlier stage for long enough.",
    place: Place::Entry,
    check: check_params::<Soak>,
    schema: schema_of::<Soak>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| with_params(gate, |soak: Soak| soak.judge(view)),
};

/// Parameters of the gate kind `soak`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Soak {
    /// The earlier stage.
    r#in: StageName,
    /// How long it must have been live and healthy there.
    at_least: Span,
}

impl Soak {
    fn judge(&self, view: &GateView<'_>) -> Says {
        let earlier = view.draft.stage(&view.stage_ref.sibling(&self.r#in));
        let release = &view.release.id;
        let soaked = earlier.soaked(release, view.now);
        let numbered = |says: Says| {
            says.number(
                "soaked",
                soaked.as_secs_f64(),
                "s",
                Some(format!(">= {}", self.at_least)),
            )
        };
        let so_far = format!("{soaked} of {} healthy in {}", self.at_least, self.r#in);
        if soaked >= self.at_least {
            return numbered(Says::satisfied("soak.done", so_far));
        }
        let is_live = earlier.live.as_ref().is_some_and(|live| live.release == *release);
        if !is_live {
            return numbered(Says::waiting(
                "soak.not_live",
                format!("{so_far}; it is not live in {} now", self.r#in),
            ))
            .changed_by(format!("a promotion into {}", self.r#in))
            .next(format!(
                "bring it back with `gateline promote {}@{} --to {}`",
                view.pipeline.name, view.release.release.version, self.r#in
            ));
        }
        match earlier.health {
            Health::Healthy => numbered(Says::waiting("soak.running", so_far))
                .changed_by("time, by itself")
                .until(self.at_least.minus(soaked).after(view.now)),
            Health::Unhealthy => self.stopped("soak.unhealthy", &so_far, earlier.health, numbered),
            Health::Unknown => self.stopped("soak.unknown", &so_far, earlier.health, numbered),
        }
    }

    fn stopped(
        &self,
        code: &'static str,
        so_far: &str,
        health: Health,
        numbered: impl Fn(Says) -> Says,
    ) -> Says {
        numbered(Says::waiting(
            code,
            format!("{so_far}; its health there is {health}"),
        ))
        .changed_by(format!("the health of {}", self.r#in))
        .next(format!("see why the health in {} is {health}", self.r#in))
    }
}
