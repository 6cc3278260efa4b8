//! Words with a shape and a tone: how every state is shown. The word alone says it; shape and colour only help.

use gateline_api::{ErasedView, PromotionState, StepWord};
use gateline_model::{Health, Outcome, Verdict};
use maud::{Markup, html};

use super::time;

/// What a colour is used for. Never for identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Wait,
    Bad,
    Run,
    Quiet,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Tone::Good => "ok",
            Tone::Wait => "wait",
            Tone::Bad => "bad",
            Tone::Run => "run",
            Tone::Quiet => "quiet",
        }
    }
}

/// A tone and a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sign(pub(super) Tone, pub(super) &'static str);

/// The reason that was given, or when it was erased and by whom.
pub(super) fn reason(given: Option<&str>, erased: Option<&ErasedView>) -> Markup {
    html! {
        @match (given, erased) {
            (Some(reason), _) => { q.break { (reason) } }
            (None, Some(erased)) => { "the reason was erased on " (time::whole(erased.at)) " by " b { (erased.by) } }
            (None, None) => { "the reason is not known" }
        }
    }
}

impl Sign {
    pub(super) fn tone(self) -> Tone {
        self.0
    }

    /// The shape with a text behind it, as one label.
    pub(super) fn label(self, text: &str) -> Markup {
        let Self(tone, shape) = self;
        html! { span class={ "state " (tone.class()) } { span aria-hidden="true" { (shape) } " " (text) } }
    }

    /// The same without a background, for what is as it should be.
    pub(super) fn plain(self, text: &str) -> Markup {
        let Self(tone, shape) = self;
        html! { span class={ "plain " (tone.class()) } { span aria-hidden="true" { (shape) } " " (text) } }
    }
}

/// A sentence in which what stands between backticks is to be typed.
pub(super) fn sentence(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    // One that is not closed is a backtick.
    if parts.len().is_multiple_of(2) {
        return html! { (text) };
    }
    html! {
        @for (index, part) in parts.iter().enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

pub(super) fn of_promotion(state: PromotionState) -> Sign {
    match state {
        PromotionState::Held => Sign(Tone::Wait, "●"),
        PromotionState::Refused => Sign(Tone::Bad, "✗"),
        PromotionState::Admitted => Sign(Tone::Wait, "◆"),
        PromotionState::RollingOut => Sign(Tone::Run, "▶"),
        PromotionState::Paused => Sign(Tone::Wait, "‖"),
        PromotionState::Verifying => Sign(Tone::Run, "◐"),
        PromotionState::RollingBack => Sign(Tone::Bad, "◀"),
        PromotionState::Verified => Sign(Tone::Good, "✓"),
        PromotionState::Expired => Sign(Tone::Quiet, "○"),
        PromotionState::Superseded => Sign(Tone::Quiet, "»"),
        PromotionState::Aborted => Sign(Tone::Quiet, "■"),
        PromotionState::RolledBack => Sign(Tone::Bad, "↶"),
        PromotionState::RollbackFailed => Sign(Tone::Bad, "‼"),
    }
}

pub(super) fn of_verdict(verdict: Verdict) -> Sign {
    match verdict {
        Verdict::Satisfied => Sign(Tone::Good, "✓"),
        Verdict::Waiting => Sign(Tone::Wait, "●"),
        Verdict::Refused => Sign(Tone::Bad, "✗"),
    }
}

/// Somebody was asked by name.
pub(super) const BY_NAME: Sign = Sign(Tone::Wait, "◆");

/// An answer was due.
pub(super) const LATE: Sign = Sign(Tone::Bad, "!");

/// What an override says of a gate that is not satisfied.
pub(super) const OVERRIDDEN: Sign = Sign(Tone::Wait, "△");

pub(super) fn of_outcome(outcome: Outcome) -> Sign {
    match outcome {
        Outcome::Passed => Sign(Tone::Good, "✓"),
        Outcome::Failed => Sign(Tone::Bad, "✗"),
        Outcome::Errored => Sign(Tone::Wait, "?"),
    }
}

/// Health as a label: quiet while healthy, loud otherwise.
pub(super) fn health(health: Health) -> Markup {
    match health {
        Health::Healthy => Sign(Tone::Good, "✓").plain("healthy"),
        Health::Unhealthy => Sign(Tone::Bad, "✗").label("unhealthy"),
        Health::Unknown => Sign(Tone::Wait, "?").label("health unknown"),
    }
}

pub(super) fn of_step(word: StepWord) -> Sign {
    match word {
        StepWord::Done => Sign(Tone::Good, "✓"),
        StepWord::Now => Sign(Tone::Run, "▶"),
        StepWord::Next => Sign(Tone::Quiet, "○"),
        StepWord::Failed => Sign(Tone::Bad, "✗"),
        StepWord::Parked => Sign(Tone::Wait, "‖"),
    }
}

/// A whole number with its thousands apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 request`, `2 requests`.
pub(super) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn no_two_states_of_a_promotion_look_alike_in_shape() {
        use PromotionState as P;
        let states = [
            P::Held,
            P::Refused,
            P::Admitted,
            P::RollingOut,
            P::Paused,
            P::Verifying,
            P::RollingBack,
            P::Verified,
            P::Expired,
            P::Superseded,
            P::Aborted,
            P::RolledBack,
            P::RollbackFailed,
        ];
        let shapes: std::collections::BTreeSet<_> =
            states.iter().map(|state| of_promotion(*state).1).collect();
        assert_eq!(shapes.len(), states.len());
    }
}
