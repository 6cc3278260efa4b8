//! What random people do about overrides and freezes.

use gateline_core::Command;
use gateline_model::{ChangeKind, Freeze, GateName, PromotionId, Recurs, Span, Window, Zone};

use super::Run;

impl Run {
    pub(super) fn override_gate(&mut self) {
        if self.sim.rng.chance(400) {
            return self.second_person_or_review();
        }
        let Some(promotion) = self.open_promotion() else {
            return self.report();
        };
        let gate = *self.sim.rng.pick(&[
            "tests", "coverage", "soak", "freeze", "window", "http", "approval", "review",
        ]);
        let lasts = Span::from_secs(self.sim.rng.between(1, 1_200));
        let until = lasts.after(self.sim.now);
        let actor = self.person();
        let says = format!("overrides {gate} of {promotion} for {lasts}");
        let gate = gate.parse().expect("it is a legal name");
        self.ask(
            actor,
            Command::Override {
                promotion,
                gate,
                until,
                reason: "it must".to_owned(),
            },
            says,
        );
    }

    /// Somebody confirms what was asked for, or writes a review that is owed; not always somebody who may.
    fn second_person_or_review(&mut self) {
        let world = &self.sim.book.world;
        let mut asked: Vec<(PromotionId, GateName)> = world
            .promotions()
            .flat_map(|open| {
                open.overrides_asked
                    .iter()
                    .map(|asked| (open.id.clone(), asked.gate.clone()))
            })
            .collect();
        asked.sort();
        let mut owed: Vec<(PromotionId, GateName)> = world
            .stages()
            .flat_map(|(_, state)| &state.reviews)
            .map(|review| (review.promotion.clone(), review.gate.clone()))
            .collect();
        owed.sort();
        let actor = self.person();
        if let Some((promotion, gate)) = asked.first().cloned() {
            let says = format!("confirms the override of {gate} of {promotion}");
            let confirm = Command::ConfirmOverride {
                promotion,
                gate,
                asked_at: None,
            };
            return self.ask(actor, confirm, says);
        }
        let Some((promotion, gate)) = owed.first().cloned() else {
            return self.report();
        };
        let says = format!("writes the review of the override of {gate} of {promotion}");
        let review = Command::WriteReview {
            promotion,
            gate,
            text: "we looked".to_owned(),
        };
        self.ask(actor, review, says);
    }

    pub(super) fn freeze(&mut self) {
        let project = self.pipeline().project.clone();
        let actor = self.person();
        let name = format!("f{}", self.sim.rng.below(3))
            .parse()
            .expect("it is a legal name");
        let reason = "quiet, please".to_owned();
        if self.sim.rng.chance(400) {
            let says = format!("lifts freeze {name}");
            return self.ask(
                actor,
                Command::LiftFreeze {
                    project,
                    name,
                    reason,
                },
                says,
            );
        }
        let from = Span::from_secs(self.sim.rng.between(0, 600)).after(self.sim.now);
        let until = Span::from_secs(self.sim.rng.between(1, 7_200)).after(from);
        let stages = if self.sim.rng.chance(500) {
            vec![self.stage().stage]
        } else {
            vec![]
        };
        let says = format!("freezes {stages:?} until {until} as {name}");
        let freeze = Freeze {
            name,
            pipeline: None,
            stages,
            from,
            until,
            recurs: self.sim.rng.chance(300).then(every_other_hour),
            exempt: if self.sim.rng.chance(300) {
                vec![ChangeKind::Hotfix]
            } else {
                vec![]
            },
            applies_to_rollback: self.sim.rng.chance(200),
        };
        self.ask(
            actor,
            Command::DeclareFreeze {
                project,
                freeze,
                reason,
            },
            says,
        );
    }
}

/// Hours that every run meets several times.
fn every_other_hour() -> Recurs {
    let time = |text: &str| text.parse().expect("it is a legal time");
    Recurs::Hours(Window {
        zone: Zone::utc(),
        days: Vec::new(),
        months: Vec::new(),
        from: time("08:30"),
        to: time("10:00"),
        holidays: Vec::new(),
        applies_to_rollback: false,
    })
}
